/**
 * Scores of methods at their budgets: as lines of a few, as rows and a heatmap of many, and beside those of replays.
 *
 * @module
 */
import type { Analysis } from "../../analysis/analysis.ts";
import { metricInfo, metricTitle } from "../../analysis/metrics.ts";
import { allTasks, keyOf, noBudget } from "../../analysis/run_rows.ts";
import type { ScoreRow } from "../../analysis/scores.ts";
import { fixed } from "../../base/format.ts";
import { averageRanks } from "../../stats/statistics.ts";
import type { SeriesStyles } from "../method_styles.ts";
import type { Chart } from "../types.ts";
import { heatmap } from "./heatmap.ts";
import { intervals } from "./intervals.ts";
import { lineRanges, lines } from "./lines.ts";
import { edgeCaption, rangesOf } from "./panels.ts";
import { budgetStyles, manyLabels, shownOf } from "./theme.ts";

/** What stands above the plot of a task's scores. */
const headingOf = ({ task, metric }: ScoreRow): string => `${task}, ${metricTitle(metric)}`;

const bounds = { margin: 0.06 };

/** A score with its interval, as the metric is shown. */
function shownRow({ metric, label, budget, mean, low, high, sd }: ScoreRow) {
  const { scale } = metricInfo(metric);
  const value = mean! * scale;
  return {
    metric,
    series: label,
    value,
    low: low === null ? value : low * scale,
    high: high === null ? value : high * scale,
    sd: (sd ?? 0) * scale,
    isFree: budget === noBudget,
  };
}

const budgetsOf = (rows: readonly ScoreRow[]): readonly string[] =>
  [...new Set(rows.map(({ budget }) => budget))].filter((name) => name !== noBudget);

const intervalCaption =
  "Marks are means over seeds, lines their 95% t intervals (n − 1 degrees of freedom), cut at three deviations. " +
  "Lines across a panel are methods without a budget.";

type About = Pick<Chart, "id" | "title" | "caption">;

const ownScales = (rows: readonly ScoreRow[]): string =>
  new Set(rows.map(({ task }) => task)).size > 1 ? " Each task has its own scale." : "";

/** A panel a task: budgets across, a method a line; those without a budget are lines across. */
function linesChart(
  rows: readonly ScoreRow[],
  styles: SeriesStyles,
  about: About,
  hasLines = true,
): Chart {
  const shown = shownOf(styles, rows.map(({ label }) => label));
  const budgeted = new Set(
    rows.filter(({ budget }) => budget !== noBudget).map(({ label }) => label),
  );
  const points = rows.map((row) => ({
    panel: headingOf(row),
    x: row.budget === noBudget ? null : row.budget,
    ...shownRow(row),
  }));
  const options = {
    styles: shown,
    x: { title: null, names: budgetsOf(rows) },
    y: { title: null },
    points: 64,
    sideBySide: [...shown.keys()].filter((label) => budgeted.has(label)),
    hasLines,
    bounds,
    height: 220,
    isLarge: true,
  };
  return {
    ...about,
    caption: about.caption + edgeCaption(lineRanges(points, options)) + ownScales(rows),
    draw: lines(points, options),
  };
}

/** Charts of the metric against the budget: one with a panel a task, one averaged over tasks where there are several. */
export function metricBudgetCharts(results: Analysis, styles: SeriesStyles): readonly Chart[] {
  const rows = results.scores.filter((row) => row.mean !== null);
  const perTask = rows.filter((row) => row.task !== allTasks);
  const average = rows.filter((row) => row.task === allTasks);
  // Where no method with a budget has all tasks yet, there is nothing to show against the budget.
  const averaged = budgetsOf(rows).length > 0 && budgetsOf(average).length === 0 ? [] : average;
  const isMany = new Set(rows.map(({ label }) => label)).size >= manyLabels;
  const draw = (own: readonly ScoreRow[], id: string, title: string, more = "") => {
    if (own.length === 0) return [];
    return isMany
      ? [rowsChart(own, { id, title, caption: manyCaption + more })]
      : [linesChart(own, styles, { id, title, caption: intervalCaption + more })];
  };
  return [
    ...draw(
      averaged,
      "metric_budget_average",
      "Averaged over tasks",
      " Tasks are averaged within each seed.",
    ),
    ...(isMany ? [scoreHeatmap([...averaged, ...perTask])] : []),
    ...draw(perTask, "metric_budget", "By task"),
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
  if (replayed.length === 0) return null;
  return linesChart([...beside, ...replayed], styles, {
    id: "replay",
    title: "Replay ablation",
    caption:
      "Do the final ranks matter, or the training that led to them? LoRA is trained from scratch with the final ranks that other methods found, with the same ranks reversed in depth, " +
      "and with uniform ranks. " + intervalCaption,
  }, false);
}

/** A cell with its mean turned so that higher is better, as the place 0 … 1 it takes within its task (1 is best). */
interface Placed {
  readonly row: ScoreRow;
  readonly place: number;
}

/** The place of each cell within its task. */
function placesOf(rows: readonly ScoreRow[]): readonly Placed[] {
  return [...Map.groupBy(rows, (row) => row.task).values()].flatMap((group) => {
    const sign = metricInfo(group[0]!.metric).isHigherBetter ? 1 : -1;
    const ranks = averageRanks(group.map((row) => sign * row.mean!));
    return group.map((row, i) => ({
      row,
      place: group.length < 2 ? 0.5 : (ranks[i]! - 1) / (group.length - 1),
    }));
  });
}

/** Labels from best to worst by their mean place over tasks and budgets. */
export function labelsByPlace(rows: readonly ScoreRow[]): readonly string[] {
  const labels = Map.groupBy(placesOf(rows), ({ row }) => row.label);
  const mean = (group: readonly Placed[]) =>
    group.reduce((sum, { place }) => sum + place, 0) / group.length;
  return [...labels].toSorted(([, a], [, b]) => mean(b) - mean(a)).map(([label]) => label);
}

const manyCaption =
  "Marks are means over seeds, lines their 95% t intervals, cut at three deviations. Methods are sorted by their mean place over tasks and budgets. " +
  "Grey marks are methods without a budget.";

/** A panel a task: methods down, the metric across, a mark with its interval a budget. */
function rowsChart(rows: readonly ScoreRow[], about: About): Chart {
  const budgets = budgetsOf(rows);
  const points = rows.map((row) => ({
    panel: headingOf(row),
    ...shownRow(row),
    name: row.label,
    series: row.budget,
    ...(row.budget === noBudget ? {} : { beside: row.budget }),
  }));
  return {
    ...about,
    caption: about.caption + edgeCaption(rangesOf(points, bounds), "◂ or ▸") + ownScales(rows),
    draw: intervals(points, {
      styles: budgetStyles(
        budgets,
        rows.some(({ budget }) => budget === noBudget) ? noBudget : null,
      ),
      x: { title: null },
      order: labelsByPlace(rows),
      besides: budgets,
      step: 14 + 8 * Math.max(1, budgets.length),
      hasLegend: true,
      isLarge: true,
      hasShapes: true,
      bounds,
    }),
  };
}

const placeColours = {
  stops: [[0, "#f3f1ec"], [0.5, "#8db4d9"], [1, "#2c5f9e"]],
  whiteAbove: 0.7,
} as const;

/** Every mean in one picture: methods down, tasks across, a panel a budget; colour is the place within the task. */
function scoreHeatmap(rows: readonly ScoreRow[]): Chart {
  const places = new Map(
    placesOf(rows).map(({ row, place }) => [keyOf(row.task, row.label, row.budget), place]),
  );
  const budgets = [...new Set(rows.map((row) => row.budget))].toSorted((a, b) =>
    Number(a === noBudget) - Number(b === noBudget)
  );
  return {
    id: "score_heatmap",
    title: "All means",
    caption:
      "The number is the mean over seeds; the colour is its place among all methods and budgets of the task, from worst (pale) to best (dark). " +
      "Methods are sorted by their mean place. The colour does not say whether two methods differ significantly.",
    draw: heatmap(
      budgets.flatMap((budget) =>
        rows.filter((row) => row.budget === budget).map((row) => ({
          panel: budget,
          x: row.task,
          y: row.label,
          value: places.get(keyOf(row.task, row.label, row.budget))!,
          text: fixed(row.mean! * metricInfo(row.metric).scale, 1),
        }))
      ),
      {
        xs: [...new Set(rows.map((row) => row.task))].toSorted((a, b) =>
          Number(b === allTasks) - Number(a === allTasks)
        ),
        ys: labelsByPlace(rows),
        colours: placeColours,
        step: { x: 36, y: 21 },
        xAxis: { orient: "top", labelAngle: -35, labelLimit: 110 },
        yAxis: { labelLimit: 200 },
      },
    ),
  };
}
