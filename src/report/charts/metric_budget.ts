/**
 * Metric against budget, with intervals: per task, averaged, and for the replay ablation.
 *
 * @module
 */
import { allTasks, groupBy, noBudget } from "../facts.ts";
import { metricInfo, metricTitle } from "../metrics.ts";
import { labelScales, type LabelStyles, manyLabels } from "../style.ts";
import { type ScoreRow, scoreRows } from "../tables/scores.ts";
import type { Chart, StudyResults } from "../types.ts";
import { methodRowsChart, scoreHeatmap } from "./many_methods.ts";

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

/** The least part of a metric's range that a panel shows: below it, ticks would be seven digits that differ in the last. */
const leastSpan = 0.02;

/**
 * Bounds that show every mean with three deviations; an interval of two seeds (18 deviations long) runs out of frame.
 *
 * @param scale What the metric is multiplied by to be shown.
 */
function domainOf(points: readonly Point[], scale: number): readonly [number, number] {
  const low = Math.min(...points.map((p) => Math.max(p.low, p.mean - 3 * p.sd)));
  const high = Math.max(...points.map((p) => Math.min(p.high, p.mean + 3 * p.sd)));
  const margin = Math.max((high - low) * 0.06, (leastSpan * scale - (high - low)) / 2);
  return [low - margin, high + margin];
}

/** One panel: budgets across, one colour a label, methods without budget as a dashed line with its band. */
export function intervalPanel(
  rows: readonly ScoreRow[],
  styles: LabelStyles,
  options: {
    readonly width: number;
    readonly hasLines: boolean;
    readonly shown: readonly string[];
    /** The labels among `shown` that stand side by side at each budget. */
    readonly budgeted: ReadonlySet<string>;
  },
): object {
  const points = pointsOf(rows);
  const budgeted = points.filter((point) => point.budget !== noBudget);
  const flat = points.filter((point) => point.budget === noBudget);
  const first = rows[0]!;
  const { color, shape } = labelScales(styles, options.shown);
  const budgets = [...new Set(budgeted.map((point) => point.budget))];
  const offsets = options.shown.filter((label) => options.budgeted.has(label));
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
    scale: { domain: offsets, paddingOuter: 0.7 },
  };
  const y = (field: string) => ({
    field,
    type: "quantitative",
    title: metricTitle(first.metric),
    // A label that stuck out of the frame would push the panel down, out of line with its neighbours.
    axis: { labelFlush: 8 },
    scale: { domain: domainOf(points, metricInfo(first.metric).scale), zero: false, nice: false },
  });
  const flatLayers = flat.length === 0 ? [] : [
    {
      data: { values: flat },
      mark: { type: "rect", opacity: 0.12, clip: true },
      encoding: { y: y("low"), y2: { field: "high" }, color },
    },
    {
      data: { values: flat },
      mark: { type: "rule", strokeDash: [5, 4], strokeWidth: 1.6, clip: true },
      encoding: { y: y("mean"), color },
    },
  ];
  const budgetLayers = budgeted.length === 0 ? [] : [
    ...(options.hasLines
      ? [{
        data: { values: budgeted },
        mark: { type: "line", strokeWidth: 1.6, opacity: 0.55, clip: true },
        encoding: { x, xOffset, y: y("mean"), color },
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
  return {
    title: { text: first.task },
    width: options.width,
    height: 240,
    layer: [...flatLayers, ...budgetLayers],
  };
}

/** Panels side by side with names along their own axes: full bounds, two in a row. */
export function besidePanels(list: readonly object[]): Readonly<Record<string, unknown>> {
  return {
    concat: list,
    columns: 2,
    spacing: { row: 36, column: 40 },
    padding: { left: 6, right: 30, top: 6, bottom: 6 },
  };
}

/** Panels side by side, `most` in a row (default three), with one legend. */
export function panels(list: readonly object[], most = 3): Readonly<Record<string, unknown>> {
  return {
    concat: list,
    columns: Math.min(list.length, most),
    // Flush bounds keep the frames in line; the spacing leaves room for the axes between them.
    bounds: "flush",
    spacing: { row: 72, column: 72 },
    resolve: { scale: { color: "shared", shape: "shared" } },
    padding: { left: 6, right: 12, top: 6, bottom: 6 },
  };
}

/** Width of a panel when `count` stand side by side. */
export function panelWidth(count: number): number {
  return count <= 1 ? 640 : count === 2 ? 390 : 270;
}

const intervalCaption =
  "Points are means over seeds, lines their 95% t intervals (n − 1 degrees of freedom; an interval that leaves the frame is longer). " +
  "Dashed lines are methods that have no budget.";

/** Charts of the metric against the budget: one with a panel a task, one averaged over tasks where there are several. */
export function metricBudgetCharts(results: StudyResults, styles: LabelStyles): readonly Chart[] {
  const rows = scoreRows(results).filter((row) => row.mean !== null);
  const perTask = rows.filter((row) => row.task !== allTasks);
  const average = rows.filter((row) => row.task === allTasks);
  // Where no method with a budget has all tasks yet, there is nothing to show against the budget.
  const isEmpty = budgetedOf(rows).size > 0 && budgetedOf(average).size === 0;
  const averaged = isEmpty ? [] : average;
  const shown = [...new Set(rows.map((row) => row.label))];
  const groups = [...groupBy(perTask, (row) => row.task).values()];
  const draw = (groupsOfRows: readonly (readonly ScoreRow[])[]) =>
    panels(groupsOfRows.map((group) =>
      intervalPanel(group, styles, {
        width: panelWidth(groupsOfRows.length),
        hasLines: true,
        shown,
        budgeted: budgetedOf(rows),
      })
    ));
  if (shown.length >= manyLabels) return manyCharts(perTask, averaged);
  return [
    ...(averaged.length === 0 ? [] : [{
      id: "metric_budget_average",
      title: "Averaged over tasks",
      caption: `${intervalCaption} Tasks are averaged within each seed.`,
      spec: draw([averaged]),
    }]),
    ...(groups.length === 0 ? [] : [{
      id: "metric_budget",
      title: "By task",
      caption: intervalCaption,
      spec: draw(groups),
    }]),
  ];
}

const manyCaption =
  "Points are means over seeds, lines their 95% t intervals, cut at three deviations. Methods are sorted by their mean place over tasks and budgets. " +
  "Grey diamonds have no budget.";

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

/** LoRA trained again with ElaLoRA's ranks, those reversed and uniform ones, beside the methods they come from. */
export function replayChart(results: StudyResults, styles: LabelStyles): Chart | null {
  if (results.replay === null || results.replay.runs.length === 0) return null;
  const replayed = scoreRows(results.replay).filter((row) => row.mean !== null);
  const tasks = new Set(replayed.map((row) => row.task));
  const budgets = new Set(replayed.map((row) => row.budget));
  const labels = new Set(replayed.map((row) => row.label));
  const methods = new Map(
    results.runs.map(({ record }) => [record.asked.label, record.asked.method]),
  );
  const beside = scoreRows(results).filter((row) =>
    row.mean !== null && tasks.has(row.task) && budgets.has(row.budget) && !labels.has(row.label) &&
    ["lora", "elalora"].includes(methods.get(row.label) ?? "")
  );
  const rows = [...beside, ...replayed];
  if (replayed.length === 0) return null;
  const shown = [...new Set(rows.map((row) => row.label))];
  const groups = [...groupBy(rows, (row) => row.task).values()];
  return {
    id: "replay",
    title: "Replay ablation",
    caption:
      "Is it the ranks or the way there? LoRA is trained from scratch with the final ranks that ElaLoRA found, with the same ranks reversed in depth, " +
      "and with uniform ranks. " + intervalCaption,
    spec: panels(groups.map((group) =>
      intervalPanel(group, styles, {
        width: panelWidth(groups.length),
        hasLines: false,
        shown,
        budgeted: budgetedOf(rows),
      })
    )),
  };
}
