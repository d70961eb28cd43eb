/**
 * Metric against budget, with intervals: per task, averaged, and for the replay ablation.
 *
 * @module
 */
import { allTasks, noBudget } from "../../analysis/run_rows.ts";
import type { SeriesStyles } from "../method_styles.ts";
import { metricInfo, metricTitle } from "../../analysis/metrics.ts";
import { channelsOf, keysOf, manyLabels, shownOf } from "../style.ts";
import { type ScoreRow } from "../../analysis/scores.ts";
import type { Analysis } from "../../analysis/analysis.ts";
import type { Chart, Panel } from "../types.ts";
import { edgeCaption, edgeLayers, edgeLine, type Frame, frameOf } from "./frame.ts";
import { methodRowsChart } from "./many_methods.ts";
import { largeWidth, numberAxis, panelOf, plotWidth, smallWidth } from "./panel.ts";
import { scoreHeatmap } from "./score_heatmap.ts";

/** A cell as the chart shows it; `low` and `high` are the ends of its interval. */
interface Point {
  readonly label: string;
  readonly budget: string;
  readonly mean: number;
  readonly low: number;
  readonly high: number;
  readonly sd: number;
}

function pointsOf(rows: readonly ScoreRow[]): readonly Point[] {
  return rows.flatMap((row) => {
    if (row.mean === null) return [];
    const { scale } = metricInfo(row.metric);
    const mean = row.mean * scale;
    return [{
      label: row.label,
      budget: row.budget,
      mean,
      low: row.low === null ? mean : row.low * scale,
      high: row.high === null ? mean : row.high * scale,
      sd: (row.sd ?? 0) * scale,
    }];
  });
}

function budgetedOf(rows: readonly ScoreRow[]): ReadonlySet<string> {
  return new Set(rows.filter((row) => row.budget !== noBudget).map((row) => row.label));
}

const plotHeight = 220;

/** The bounds of a task's points: three deviations at most, since an interval of two seeds (18 long) runs out of frame. */
function frameOfRows(rows: readonly ScoreRow[]): Frame<Point> {
  const points = pointsOf(rows).map((point) => ({
    ...point,
    low: Math.max(point.low, point.mean - 3 * point.sd),
    high: Math.min(point.high, point.mean + 3 * point.sd),
  }));
  return frameOf(
    points.filter(({ budget }) => budget !== noBudget),
    points.filter(({ budget }) => budget === noBudget),
    metricInfo(rows[0]!.metric).scale,
    edgeLine / plotHeight,
  );
}

/** One panel: budgets across, one colour a label, methods without budget as a dashed line with its band. */
function intervalPanel(
  rows: readonly ScoreRow[],
  styles: SeriesStyles,
  options: {
    readonly width: number;
    readonly hasLines: boolean;
    /** The labels that stand side by side at each budget. */
    readonly budgeted: ReadonlySet<string>;
  },
): Panel {
  const first = rows[0]!;
  const frame = frameOfRows(rows);
  const isInside = new Set(frame.inside.map(({ label }) => label));
  const points = pointsOf(rows);
  const budgeted = points.filter((point) => point.budget !== noBudget);
  const flat = points.filter((point) => point.budget === noBudget && isInside.has(point.label));
  const { color, shape, strokeDash } = channelsOf("label", styles);
  const budgets = [...new Set(budgeted.map((point) => point.budget))];
  const x = {
    field: "budget",
    type: "ordinal",
    sort: budgets,
    title: null,
    axis: { labelAngle: 0, grid: false, ticks: false, labelPadding: 8, labelOverlap: true },
    scale: { paddingInner: 0.1, paddingOuter: 0.05 },
  };
  const xOffset = {
    field: "label",
    type: "nominal",
    scale: {
      domain: [...styles.keys()].filter((label) => options.budgeted.has(label)),
      paddingOuter: 0.7,
    },
  };
  const y = (field: string) => ({
    field,
    type: "quantitative",
    title: metricTitle(first.metric),
    axis: numberAxis,
    scale: { domain: frame.domain, zero: false, nice: false },
  });
  const flatLayers = flat.length === 0 ? [] : [
    {
      data: { values: flat },
      mark: { type: "rect", opacity: 0.12, clip: true },
      encoding: { y: y("low"), y2: { field: "high" }, color },
    },
    {
      data: { values: flat },
      mark: { type: "rule", strokeWidth: 1.6, clip: true },
      encoding: { y: y("mean"), color, strokeDash },
    },
  ];
  const budgetLayers = budgeted.length === 0 ? [] : [
    ...(options.hasLines
      ? [{
        data: { values: budgeted },
        mark: { type: "line", strokeWidth: 1.6, opacity: 0.55, clip: true },
        encoding: { x, xOffset, y: y("mean"), color, strokeDash },
      }]
      : []),
    {
      data: { values: budgeted },
      mark: { type: "rule", strokeWidth: 1.8, opacity: 0.8, clip: true },
      encoding: { x, xOffset, y: y("low"), y2: { field: "high" }, color },
    },
    {
      data: { values: budgeted },
      mark: { type: "point", filled: true, size: 64, opacity: 1, clip: true },
      encoding: { x, xOffset, y: y("mean"), color, shape },
    },
  ];
  const size = { width: options.width, height: plotHeight, bottom: 30 };
  return panelOf({ title: first.task }, size, {
    layer: [
      ...flatLayers,
      ...budgetLayers,
      ...edgeLayers(frame, { width: plotWidth(size), height: plotHeight }),
    ],
  });
}

const intervalCaption =
  "Marks are means over seeds, lines their 95% t intervals (n − 1 degrees of freedom; an interval that leaves the frame is longer). " +
  "Lines across a panel are methods without a budget.";

/** A chart with a panel a group of rows; a lone panel is large where there is room. */
function intervalChart(
  names: { readonly id: string; readonly title: string; readonly caption: string },
  groups: readonly (readonly ScoreRow[])[],
  styles: SeriesStyles,
  options: { readonly hasLines: boolean; readonly budgeted: ReadonlySet<string> },
): Chart {
  const draw = (width: number) =>
    groups.map((group) => intervalPanel(group, styles, { ...options, width }));
  const ownScales = groups.length > 1 ? " Each task has its own scale." : "";
  return {
    ...names,
    caption: names.caption + edgeCaption(groups.map(frameOfRows)) + ownScales,
    keys: keysOf(styles, "both"),
    panels: draw(groups.length === 1 ? largeWidth : smallWidth),
    ...(groups.length === 1 ? { narrowPanels: draw(smallWidth) } : {}),
    columns: 3,
  };
}

/** Charts of the metric against the budget: one with a panel a task, one averaged over tasks where there are several. */
export function metricBudgetCharts(results: Analysis, styles: SeriesStyles): readonly Chart[] {
  const rows = results.scores.filter((row) => row.mean !== null);
  const perTask = rows.filter((row) => row.task !== allTasks);
  const average = rows.filter((row) => row.task === allTasks);
  // Where no method with a budget has all tasks yet, there is nothing to show against the budget.
  const isEmpty = budgetedOf(rows).size > 0 && budgetedOf(average).size === 0;
  const averaged = isEmpty ? [] : average;
  const shown = shownOf(styles, rows.map((row) => row.label));
  const groups = [...Map.groupBy(perTask, (row) => row.task).values()];
  if (shown.size >= manyLabels) return manyCharts(perTask, averaged);
  const options = { hasLines: true, budgeted: budgetedOf(rows) };
  return [
    ...(averaged.length === 0 ? [] : [intervalChart(
      {
        id: "metric_budget_average",
        title: "Averaged over tasks",
        caption: `${intervalCaption} Tasks are averaged within each seed.`,
      },
      [averaged],
      shown,
      options,
    )]),
    ...(groups.length === 0 ? [] : [intervalChart(
      { id: "metric_budget", title: "By task", caption: intervalCaption },
      groups,
      shown,
      options,
    )]),
  ];
}

const manyCaption =
  "Marks are means over seeds, lines their 95% t intervals, cut at three deviations. Methods are sorted by their mean place over tasks and budgets. " +
  "Grey diamonds are methods without a budget.";

function manyCharts(
  perTask: readonly ScoreRow[],
  averaged: readonly ScoreRow[],
): readonly Chart[] {
  return [
    ...(averaged.length === 0 ? [] : [methodRowsChart(averaged, {
      id: "metric_budget_average",
      title: "Averaged over tasks",
      caption: `${manyCaption} Tasks are averaged within each seed.`,
    })]),
    scoreHeatmap([...averaged, ...perTask]),
    methodRowsChart(perTask, { id: "metric_budget", title: "By task", caption: manyCaption }),
  ];
}

/** LoRA trained again with the ranks that others ended with, those reversed and uniform ones, beside LoRA and the others. */
export function replayChart(results: Analysis, styles: SeriesStyles): Chart | null {
  if (results.replay === null || results.replay.runs.length === 0) return null;
  const replayed = results.replay.scores.filter((row) => row.mean !== null);
  const tasks = new Set(replayed.map((row) => row.task));
  const budgets = new Set(replayed.map((row) => row.budget));
  const labels = new Set(replayed.map((row) => row.label));
  const sources = new Set(results.replay.runs.map(({ replay }) => replay.source));
  const related = new Set(
    results.runs.filter(({ record: { id, asked } }) => asked.method === "lora" || sources.has(id))
      .map(({ record }) => record.asked.label),
  );
  const beside = results.scores.filter((row) =>
    row.mean !== null && tasks.has(row.task) && budgets.has(row.budget) && !labels.has(row.label) &&
    related.has(row.label)
  );
  const rows = [...beside, ...replayed];
  if (replayed.length === 0) return null;
  return intervalChart(
    {
      id: "replay",
      title: "Replay ablation",
      caption:
        "Do the final ranks matter, or the training that led to them? LoRA is trained from scratch with the final ranks that other methods found, with the same ranks reversed in depth, " +
        "and with uniform ranks. " + intervalCaption,
    },
    [...Map.groupBy(rows, (row) => row.task).values()],
    shownOf(styles, rows.map((row) => row.label)),
    { hasLines: false, budgeted: budgetedOf(rows) },
  );
}
