/**
 * The metric against the share of ranks that is held, in the order of training.
 *
 * @module
 */
import { type Grid, keyOf } from "../../analysis/run_rows.ts";
import type { SeriesStyles } from "../method_styles.ts";
import { metricInfo, metricTitle } from "../../analysis/metrics.ts";
import { channelsOf, keysOf, shownOf } from "../style.ts";
import { type RankMetricRow, rankMetricRows } from "../../analysis/rank_metric.ts";
import type { Analysis } from "../../analysis/analysis.ts";
import type { Chart, Panel } from "../types.ts";
import {
  boundsOf,
  cellsOf,
  columnsOf,
  type GridCell,
  numberAxis,
  panelOf,
  smallWidth,
} from "./panel.ts";

/**
 * The fewest evaluations that make a curve: with two points, which every run that gets sparser has, a line says that
 * fewer ranks help where only training went on.
 */
const fewestEvaluations = 5;

function panel(
  { task, budget, rows }: GridCell<RankMetricRow>,
  styles: SeriesStyles,
  domains: {
    readonly held: readonly [number, number];
    readonly value: readonly [number, number];
  },
): Panel {
  const { metric } = rows[0]!;
  const { color, shape, strokeDash } = channelsOf("label", styles);
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
    scale: { domain: domains.held, zero: false, nice: false, reverse: true },
    axis: { grid: false, tickCount: 5 },
  };
  const y = {
    field: "value",
    type: "quantitative",
    title: metricTitle(metric),
    axis: numberAxis,
    scale: { domain: domains.value, zero: false, nice: false },
  };
  const order = { field: "step", type: "quantitative" };
  return panelOf({ title: `${task}, ${budget}` }, { width: smallWidth, height: 190 }, {
    data: { values },
    layer: [
      {
        mark: { type: "line", strokeWidth: 1.6, opacity: 0.6 },
        encoding: { x, y, color, strokeDash, order },
      },
      { mark: { type: "point", filled: true, size: 46 }, encoding: { x, y, color, shape } },
    ],
  });
}

/**
 * Ranks held against the metric, a panel a task and budget, a line a method; null where no total rank changed over
 * {@linkcode fewestEvaluations} evaluations or more.
 */
export function rankMetricChart(
  results: Analysis,
  grid: Grid,
  styles: SeriesStyles,
): Chart | null {
  const curves = Map.groupBy(
    rankMetricRows(results),
    ({ task, label, budget }) => keyOf(task, label, budget),
  );
  const rows = [...curves.values()].filter((curve) => curve.length >= fewestEvaluations).flat();
  if (rows.length === 0) return null;
  const shown = shownOf(styles, rows.map(({ label }) => label));
  const cells = cellsOf(rows, grid);
  const held = boundsOf(rows.map((row) => 100 * row.held));
  return {
    id: "rank_metric",
    title: "Metric while ranks change",
    caption:
      "A point is an evaluation, averaged over seeds, of a method whose total rank changes. The line follows training, so it shows the effect of longer training and of fewer ranks together. " +
      "Budgets of a task share their scale. " +
      `Only runs with ${fewestEvaluations} evaluations or more are shown.`,
    keys: keysOf(shown, "both"),
    panels: cells.map((cell) => {
      const ofTask = rows.filter(({ task }) => task === cell.task);
      const { scale } = metricInfo(cell.rows[0]!.metric);
      return panel(cell, shown, { held, value: boundsOf(ofTask.map(({ mean }) => scale * mean)) });
    }),
    columns: columnsOf(cells),
  };
}
