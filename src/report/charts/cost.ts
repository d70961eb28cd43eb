/**
 * Quality against what it costs.
 *
 * @module
 */
import { groupBy } from "../facts.ts";
import { metricInfo, metricTitle } from "../metrics.ts";
import { labelScales, type LabelStyles } from "../style.ts";
import { type CostRow, costRows } from "../tables/cost.ts";
import type { Chart, StudyResults } from "../types.ts";
import { panels, panelWidth } from "./metric_budget.ts";

/** Metric against the median step time: a panel a task, larger points for larger budgets. */
export function costChart(results: StudyResults, styles: LabelStyles): Chart | null {
  const rows = costRows(results, null).filter((row) =>
    row.score !== null && Number.isFinite(row.stepMillis)
  );
  if (rows.length === 0) return null;
  const labels = [...new Set(rows.map((row) => row.label))];
  const { color, shape } = labelScales(styles, labels);
  const groups = [...groupBy(rows, (row) => row.task).values()];
  const draw = (group: readonly CostRow[]) => {
    const { metric, task } = group[0]!;
    const budgets = [...new Set(group.map((row) => row.budget))];
    const values = group.map((row) => ({
      label: row.label,
      budget: row.budget,
      size: 50 + 45 * budgets.indexOf(row.budget),
      order: budgets.indexOf(row.budget),
      stepMillis: row.stepMillis,
      score: row.score! * metricInfo(metric).scale,
    }));
    const encoding = {
      x: {
        field: "stepMillis",
        type: "quantitative",
        title: "median step (ms) ↓",
        scale: { zero: false, padding: 16 },
        axis: { grid: false },
      },
      y: {
        field: "score",
        type: "quantitative",
        title: metricTitle(metric),
        scale: { zero: false, padding: 16 },
      },
      color,
    };
    return {
      title: { text: task },
      width: panelWidth(groups.length),
      height: 240,
      data: { values },
      layer: [
        {
          mark: { type: "line", strokeWidth: 1.2, opacity: 0.5 },
          encoding: { ...encoding, order: { field: "order", type: "quantitative" } },
        },
        {
          mark: { type: "point", filled: true, opacity: 0.9 },
          encoding: {
            ...encoding,
            shape,
            size: { field: "size", type: "quantitative", scale: null, legend: null },
          },
        },
      ],
    };
  };
  return {
    id: "cost_quality",
    title: "Quality against step time",
    caption:
      "Up and to the left is better. Points grow with the budget; lines join a method's budgets.",
    spec: panels(groups.map(draw)),
  };
}
