/**
 * Quality against what it costs, with the Pareto front.
 *
 * @module
 */
import { allTasks, groupBy, noBudget } from "../facts.ts";
import { metricInfo, metricTitle } from "../metrics.ts";
import { chartColours, labelScales, type LabelStyles, manyLabels } from "../style.ts";
import { type CostRow, costRows } from "../tables/cost.ts";
import type { Chart, StudyResults } from "../types.ts";
import { panels } from "./metric_budget.ts";

interface CostKind {
  readonly id: string;
  readonly title: string;
  readonly axis: string;
  readonly scale: "linear" | "log";
  readonly costOf: (row: CostRow) => number;
  readonly isOnFront: (row: CostRow) => boolean;
}

const kinds: readonly CostKind[] = [
  {
    id: "cost_quality",
    title: "Quality against training time",
    axis: "training time of a run (s) ↓",
    scale: "linear",
    costOf: (row) => row.trainMillis / 1000,
    isOnFront: (row) => row.isOnTimeFront,
  },
  {
    id: "cost_parameters",
    title: "Quality against the numbers to keep",
    axis: "numbers kept, head included ↓",
    scale: "log",
    costOf: (row) => row.parameters,
    isOnFront: (row) => row.isOnSizeFront,
  },
];

/** Metric against training time and against the numbers to keep: a panel a task, larger points for larger budgets. */
export function costCharts(results: StudyResults, styles: LabelStyles): readonly Chart[] {
  const all = costRows(results, null);
  return kinds.flatMap((kind): Chart[] => {
    const rows = all.filter((row) =>
      row.score !== null && Number.isFinite(kind.costOf(row)) && kind.costOf(row) > 0
    );
    if (rows.length === 0) return [];
    const tasks = groupBy(rows, (row) => row.task);
    const average = tasks.get(allTasks);
    const groups = [
      ...(average === undefined ? [] : [average]),
      ...[...tasks].filter(([task]) => task !== allTasks).map(([, group]) => group),
    ];
    const labels = [...new Set(rows.map((row) => row.label))];
    return [{
      id: kind.id,
      title: kind.title,
      caption:
        "Up and to the left is better. The dashed steps are the Pareto front of the means, its members named: nothing else is as good for less. " +
        (labels.length < manyLabels
          ? "Points grow with the budget; lines join a method's budgets."
          : "Points grow with the budget."),
      spec: panels(groups.map((group) => panel(group, kind, styles, labels, groups.length)), 2),
    }];
  });
}

function panel(
  group: readonly CostRow[],
  kind: CostKind,
  styles: LabelStyles,
  labels: readonly string[],
  count: number,
): object {
  const { color, shape } = labelScales(styles, labels);
  const { metric, task } = group[0]!;
  const budgets = [...new Set(group.map((row) => row.budget))].filter((name) => name !== noBudget);
  const values = group.map((row) => ({
    label: row.label,
    size: 50 + 45 * Math.max(0, budgets.indexOf(row.budget)),
    order: budgets.indexOf(row.budget),
    cost: kind.costOf(row),
    score: row.score! * metricInfo(metric).scale,
    name: row.budget === noBudget || budgets.length < 2 ? row.label : `${row.label}, ${row.budget}`,
    isOnFront: kind.isOnFront(row),
  }));
  const front = values.filter((value) => value.isOnFront);
  const encoding = {
    x: {
      field: "cost",
      type: "quantitative",
      title: kind.axis,
      scale: kind.scale === "log"
        ? { type: "log", nice: false, padding: 24 }
        : { zero: false, padding: 24 },
      axis: { grid: false, format: "~s", tickCount: 5, labelOverlap: true },
    },
    y: {
      field: "score",
      type: "quantitative",
      title: metricTitle(metric),
      scale: { zero: false, padding: 20 },
    },
  };
  const isHigherBetter = metricInfo(metric).isHigherBetter;
  return {
    title: { text: task },
    width: count === 1 ? 640 : 430,
    height: 280,
    data: { values },
    layer: [
      {
        data: { values: front },
        mark: { type: "line", interpolate: "step-after", strokeDash: [5, 4], strokeWidth: 1.2 },
        encoding: { ...encoding, color: { value: chartColours.muted } },
      },
      ...(labels.length < manyLabels
        ? [{
          mark: { type: "line", strokeWidth: 1.2, opacity: 0.5 },
          encoding: { ...encoding, color, order: { field: "order", type: "quantitative" } },
        }]
        : []),
      {
        mark: { type: "point", filled: true, opacity: 0.9 },
        encoding: {
          ...encoding,
          color,
          shape,
          size: { field: "size", type: "quantitative", scale: null, legend: null },
        },
      },
      {
        data: { values: front },
        mark: { type: "text", align: "center", dy: isHigherBetter ? -13 : 15, fontSize: 10.5 },
        encoding: { ...encoding, text: { field: "name" }, color: { value: chartColours.ink } },
      },
    ],
  };
}
