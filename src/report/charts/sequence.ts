/**
 * Accuracy over the stages of a sequence, a panel a task.
 *
 * @module
 */
import { type Grid, noBudget } from "../../analysis/run_rows.ts";
import { allSeen, stageAccuracies, type StageAccuracy } from "../../analysis/sequences.ts";
import type { SeriesStyles } from "../method_styles.ts";
import { slugsOf } from "../slug.ts";
import { channelsOf, keysOf, shownOf } from "../style.ts";
import type { Analysis } from "../../analysis/analysis.ts";
import type { Chart, Panel } from "../types.ts";
import { cellsOf, columnsOf, limitFor, numberAxis, panelOf, smallWidth } from "./panel.ts";

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
  { grid, styles }: { readonly grid: Grid; readonly styles: SeriesStyles },
): Chart {
  const values = valuesOf(rows);
  const stages = [...new Set(values.map(({ after }) => after))].sort((a, b) =>
    parseInt(a) - parseInt(b)
  );
  const tasks = [...new Set(rows.map(({ task }) => task))].filter((task) => task !== allSeen);
  const shown = shownOf(styles, rows.map(({ label }) => label));
  const cells = cellsOf(values, { ...grid, tasks: [...tasks, allSeen] });
  const budgets = new Set(cells.map(({ budget }) => budget));
  return {
    id: `sequence_${slug}`,
    title: `${sequence}: accuracy over the stages`,
    caption:
      "Each panel evaluates one task after each stage, from the one that trained on it. Full lines choose a class among " +
      "those of all tasks seen by then, dashed ones among those of the task alone; means over seeds.",
    keys: keysOf(shown, "point"),
    panels: cells.map(({ task, budget, rows: own }) =>
      panel(budgets.size > 1 ? `${task}, ${budget}` : task, own, stages, shown)
    ),
    columns: columnsOf(cells),
  };
}

function panel(
  title: string,
  values: readonly object[],
  stages: readonly string[],
  styles: SeriesStyles,
): Panel {
  const { color, shape } = channelsOf("label", styles);
  const x = {
    field: "after",
    type: "ordinal",
    title: "after",
    sort: stages,
    scale: { domain: stages },
    axis: { labelAngle: -30, labelLimit: limitFor(70), grid: false },
  };
  const y = {
    field: "value",
    type: "quantitative",
    title: "accuracy (%) ↑",
    axis: numberAxis,
    scale: { domain: [0, 100] },
  };
  const line = (kind: string, mark: object) => ({
    transform: [{ filter: `datum.kind === '${kind}'` }],
    mark: { type: "line", strokeWidth: 1.8, ...mark },
    encoding: { x, y, color },
  });
  const pointsOf = (kind: string, mark: object) => ({
    transform: [{ filter: `datum.kind === '${kind}'` }],
    mark: { type: "point", filled: true, ...mark },
    encoding: { x, y, color, shape },
  });
  return panelOf({ title }, { width: smallWidth, height: 170, bottom: 78 }, {
    data: { values },
    layer: [
      line("task known", { strokeDash: [4, 3], opacity: 0.7 }),
      line("all classes", {}),
      pointsOf("task known", { size: 26, opacity: 0.7 }),
      pointsOf("all classes", { size: 48, opacity: 1 }),
    ],
  });
}

/** One chart a sequence that has a finished run. */
export function sequenceCharts(
  results: Analysis,
  grid: Grid,
  styles: SeriesStyles,
): readonly Chart[] {
  const slugs = slugsOf(grid.tasks);
  return [...Map.groupBy(stageAccuracies(results), ({ sequence }) => sequence)].map((
    [sequence, rows],
  ) => chartOf(sequence, slugs.get(sequence)!, rows, { grid, styles }));
}
