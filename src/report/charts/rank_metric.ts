/**
 * The metric against the share of ranks that is held, in the order of training.
 *
 * @module
 */
import { type Grid, groupBy, keyOf } from "../facts.ts";
import { metricInfo, metricTitle } from "../metrics.ts";
import { labelScales, type LabelStyles } from "../style.ts";
import { type RankMetricRow, rankMetricRows } from "../tables/rank_metric.ts";
import type { Chart, StudyResults } from "../types.ts";
import { panels, panelWidth } from "./metric_budget.ts";

function panel(
  rows: readonly RankMetricRow[],
  styles: LabelStyles,
  shown: readonly string[],
  count: number,
): object {
  const [{ task, budget, metric }] = rows as readonly [RankMetricRow];
  const { color, shape } = labelScales(styles, shown);
  const { scale } = metricInfo(metric);
  const values = rows.map(({ label, step, held, mean }) => ({
    label,
    step,
    held: Number((100 * held).toPrecision(5)),
    value: Number((scale * mean).toPrecision(5)),
  }));
  const x = {
    field: "held",
    type: "quantitative",
    title: "ranks held (% of the start)",
    scale: { zero: false, padding: 8, reverse: true },
    axis: { grid: false, tickCount: 5 },
  };
  const y = {
    field: "value",
    type: "quantitative",
    title: metricTitle(metric),
    scale: { zero: false, padding: 8 },
  };
  const order = { field: "step", type: "quantitative" };
  return {
    title: { text: `${task}, ${budget}` },
    width: panelWidth(count),
    height: 220,
    data: { values },
    layer: [
      { mark: { type: "line", strokeWidth: 1.6, opacity: 0.6 }, encoding: { x, y, color, order } },
      { mark: { type: "point", filled: true, size: 46 }, encoding: { x, y, color, shape } },
    ],
  };
}

/** Ranks held against the metric, a panel a task and budget, a line a method; null where no total rank changed. */
export function rankMetricChart(
  results: StudyResults,
  grid: Grid,
  styles: LabelStyles,
): Chart | null {
  const rows = rankMetricRows(results);
  if (rows.length === 0) return null;
  const shown = grid.labels.filter((label) => rows.some((row) => row.label === label));
  const groups = [...groupBy(rows, ({ task, budget }) => keyOf(task, budget)).values()];
  return {
    id: "rank_metric",
    title: "Metric while ranks change",
    caption:
      "A point is an evaluation, averaged over seeds, of a method whose total rank changes; a line goes through them in the order of training.",
    spec: panels(groups.map((group) => panel(group, styles, shown, groups.length))),
  };
}
