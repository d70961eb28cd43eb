/**
 * Accuracy over the stages of a sequence, a panel a task.
 *
 * @module
 */
import { type Grid, groupBy, noBudget } from "../facts.ts";
import { allSeen, stageAccuracies, type StageAccuracy } from "../sequences.ts";
import { slugsOf } from "../slug.ts";
import { labelScales, type LabelStyles } from "../style.ts";
import type { Chart, StudyResults } from "../types.ts";
import { rowHeader } from "./ranks.ts";

/** Methods without ranks stand beside those of each budget. */
function inEveryBudget(rows: readonly StageAccuracy[]): readonly StageAccuracy[] {
  const budgets = [...new Set(rows.map(({ budget }) => budget))].filter((name) =>
    name !== noBudget
  );
  if (budgets.length === 0) return rows;
  return rows.flatMap((row) =>
    row.budget === noBudget ? budgets.map((budget) => ({ ...row, budget })) : [row]
  );
}

function valuesOf(rows: readonly StageAccuracy[]) {
  return inEveryBudget(rows).flatMap((
    { label, budget, stage, after, task, classIncremental, taskAware },
  ) => {
    const row = { label, budget, task, after: `${stage}. ${after}` };
    return [
      { ...row, kind: "all classes", value: 100 * classIncremental },
      { ...row, kind: "task known", value: 100 * taskAware },
    ];
  });
}

function chartOf(
  sequence: string,
  slug: string,
  rows: readonly StageAccuracy[],
  { grid, styles }: { readonly grid: Grid; readonly styles: LabelStyles },
): Chart {
  const values = valuesOf(rows);
  const stages = [...new Set(values.map(({ after }) => after))].sort((a, b) =>
    parseInt(a) - parseInt(b)
  );
  const tasks = [...new Set(rows.map(({ task }) => task))].filter((task) => task !== allSeen);
  const { color, shape } = labelScales(styles, new Set(rows.map(({ label }) => label)));
  const x = {
    field: "after",
    type: "ordinal",
    title: "after",
    sort: stages,
    scale: { domain: stages },
    axis: { labelAngle: -30, grid: false },
  };
  const y = {
    field: "value",
    type: "quantitative",
    title: "accuracy (%) ↑",
    scale: { domain: [0, 100] },
  };
  const line = (kind: string, mark: object) => ({
    transform: [{ filter: `datum.kind === '${kind}'` }],
    mark: { type: "line", strokeWidth: 1.8, ...mark },
    encoding: { x, y, color },
  });
  return {
    id: `sequence_${slug}`,
    title: `${sequence}: accuracy over the stages`,
    caption:
      "Each panel judges one task after each stage, from the one that trained on it. Full lines choose a class among " +
      "those of all tasks seen by then, dashed ones among those of the task alone; means over seeds.",
    spec: {
      data: { values },
      facet: {
        row: {
          field: "budget",
          type: "nominal",
          title: null,
          sort: grid.budgets,
          header: rowHeader,
        },
        column: { field: "task", type: "nominal", title: null, sort: [...tasks, allSeen] },
      },
      spec: {
        width: 190,
        height: 170,
        layer: [
          line("task known", { strokeDash: [4, 3], opacity: 0.7 }),
          line("all classes", {}),
          {
            transform: [{ filter: "datum.kind === 'all classes'" }],
            mark: { type: "point", filled: true, size: 48, opacity: 1 },
            encoding: { x, y, color, shape },
          },
        ],
      },
      spacing: { row: 22, column: 26 },
    },
  };
}

/** One chart a sequence that has a finished run. */
export function sequenceCharts(
  results: StudyResults,
  grid: Grid,
  styles: LabelStyles,
): readonly Chart[] {
  const slugs = slugsOf(grid.tasks);
  return [...groupBy(stageAccuracies(results), ({ sequence }) => sequence)].map((
    [sequence, rows],
  ) => chartOf(sequence, slugs.get(sequence)!, rows, { grid, styles }));
}
