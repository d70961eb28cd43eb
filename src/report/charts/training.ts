/**
 * Curves over training: scores and losses by step, scores by the ranks held, and by the number of trials.
 *
 * @module
 */
import type { Analysis } from "../../analysis/analysis.ts";
import { learningCurves } from "../../analysis/learning.ts";
import { counted } from "../../base/format.ts";
import { metricInfo, metricTitle } from "../../analysis/metrics.ts";
import { type Curve, evaluationCurves, lossCurves } from "../../analysis/rank_series.ts";
import { allTasks, budgetName, type Grid, keyOf, noBudget } from "../../analysis/run_rows.ts";
import { allSeen, stageAccuracies, type StageAccuracy } from "../../analysis/sequences.ts";
import { expectedBest } from "../../stats/effects.ts";
import { budgetOf } from "../../study/budget/budget.ts";
import type { TunedChoice } from "../../study/schema/tuned.ts";
import { meritOf } from "../../tasks/metrics.ts";
import { type SeriesStyles, stylesOfMethods } from "../method_styles.ts";
import { slugsOf } from "../slug.ts";
import type { Chart } from "../types.ts";
import { type LineRow, lines, progressAxis } from "./lines.ts";
import { cellsOf, columnsOf, rounded } from "./panels.ts";
import { manyLabels, shownOf, taskStyles } from "./theme.ts";

/** Methods without a budget stand beside those of each budget, or alone where no other is. */
function inEveryBudget<T extends { readonly task: string; readonly budget: string }>(
  rows: readonly T[],
): readonly T[] {
  return [...Map.groupBy(rows, ({ task }) => task).values()].flatMap((own) => {
    const budgets = new Set(own.map(({ budget }) => budget));
    if (budgets.size === 1) return own;
    budgets.delete(noBudget);
    return own.flatMap((row) =>
      row.budget === noBudget ? [...budgets].map((budget) => ({ ...row, budget })) : [row]
    );
  });
}

const placeOf = (task: string, budget: string): string =>
  budget === noBudget ? task : `${task}, ${budget}`;

/** A panel a task and budget with all methods; null where no run was evaluated before its end. */
export function learningChart(results: Analysis, grid: Grid, styles: SeriesStyles): Chart | null {
  const curves = learningCurves(results);
  if (!curves.some(({ points }) => points.length > 1)) return null;
  const isFree = new Set(
    curves.filter(({ budget }) => budget === noBudget).map(({ label }) => label),
  );
  const cells = cellsOf(inEveryBudget(curves), grid);
  const rows = cells.flatMap(({ task, budget, rows }) =>
    rows.flatMap(({ label, metric, points }) =>
      points.map(({ step, score }) => ({
        task,
        panel: [placeOf(task, budget), metricTitle(metric)],
        series: label,
        metric,
        x: step,
        value: rounded(score * metricInfo(metric).scale),
        ...(isFree.has(label) && budget !== noBudget ? { isFree: true } : {}),
      }))
    )
  );
  return {
    id: "learning",
    title: "Learning curves",
    caption:
      "The score on the evaluation split after so many steps, averaged over seeds; a run that ended before others keeps its last score. " +
      "Where a curve still climbs at its end, the final score shows how fast a method learns, not how good it becomes. All panels of a task share their scale; a method without a budget that is far from the others may lie outside.",
    draw: lines(rows, {
      styles: shownOf(styles, rows.map(({ series }) => series)),
      x: { title: "steps", isOwn: true, axis: { tickCount: 4 } },
      y: { title: null },
      points: 28,
      scaleOf: (row) => (row as (typeof rows)[number]).task,
      height: 190,
      columns: columnsOf(cells),
    }),
  };
}

const lossBins = 50;
const evaluationPoints = 41;

/** Training and evaluation loss: a panel a task and budget, or, of many methods, a panel a method with a line a task. */
export function lossChart(results: Analysis, grid: Grid, styles: SeriesStyles): Chart | null {
  const pointsOf = (
    curves: readonly Curve[],
    progressOf: (point: number) => number,
    more: object,
  ) =>
    curves.flatMap(({ task, label, budget, values }) =>
      values.flatMap((value, point) =>
        value === null
          ? []
          : [{ task, label, budget, x: progressOf(point), value: rounded(value), ...more }]
      )
    );
  const points = [
    ...pointsOf(lossCurves(results, lossBins), (bin) => 100 * (bin + 0.5) / lossBins, {
      isFaint: true,
    }),
    ...pointsOf(
      evaluationCurves(results, evaluationPoints),
      (point) => 100 * point / (evaluationPoints - 1),
      {},
    ),
  ];
  if (points.length === 0) return null;
  const thinned = results.runs.filter(({ record }) => record.thinned !== undefined).length;
  const isMany = new Set(points.map(({ label }) => label)).size >= manyLabels;
  const largest = grid.budgets.findLast((name) => name !== noBudget) ?? noBudget;
  const cells = cellsOf(points, grid);
  const rows = isMany
    ? grid.labels.flatMap((label) =>
      points.filter((point) =>
        point.label === label && (point.budget === largest || point.budget === noBudget)
      ).map(({ label, budget: _, ...point }) => ({ panel: label, series: point.task, ...point }))
    )
    : cells.flatMap(({ task, budget, rows }) =>
      rows.map(({ label, budget: _, ...point }) => ({
        panel: `${task}, ${budget}`,
        series: label,
        ...point,
      }))
    );
  return {
    id: "loss",
    title: isMany ? `Loss over training, ${largest}` : "Loss over training",
    caption:
      `Thin lines are the task loss on training batches (means of ${lossBins} equal parts of training), lines with points the loss on the evaluation split; averaged over seeds. ` +
      (thinned === 0
        ? ""
        : `The pack has thinned the journals of ${
          counted(thinned, "run")
        }: their thin lines are means of fewer steps. `) +
      (isMany
        ? "Methods without budget are shown too. All panels share their scale."
        : "All panels of a task share their scale; tasks have their own."),
    draw: lines(rows, {
      styles: isMany ? taskStyles(grid.tasks) : shownOf(styles, points.map(({ label }) => label)),
      x: progressAxis,
      y: { title: "loss ↓" },
      points: 34,
      scaleOf: (row) => isMany ? "" : (row as (typeof rows)[number]).task,
      height: isMany ? 120 : 170,
      columns: isMany ? 3 : columnsOf(cells),
    }),
  };
}

/**
 * The fewest evaluations that make a curve: with two points, which every run that gets sparser has, a line says that
 * fewer ranks help where only training went on.
 */
const fewestEvaluations = 5;

/** Ranks held against the metric, a panel a task and budget, a line a method; null where none has enough evaluations. */
export function rankMetricChart(results: Analysis, grid: Grid, styles: SeriesStyles): Chart | null {
  const curves = Map.groupBy(
    results.rankMetric,
    ({ task, label, budget }) => keyOf(task, label, budget),
  );
  const points = [...curves.values()].filter((curve) => curve.length >= fewestEvaluations).flat();
  if (points.length === 0) return null;
  const cells = cellsOf(points, grid);
  const rows = cells.flatMap(({ task, budget, rows }) =>
    rows.map(({ metric, label, step, held, mean }) => ({
      task,
      panel: [`${task}, ${budget}`, metricTitle(metric)],
      series: label,
      x: rounded(100 * held),
      value: rounded(metricInfo(metric).scale * mean),
      order: step,
    }))
  );
  return {
    id: "rank_metric",
    title: "Metric while ranks change",
    caption:
      "A point is an evaluation, averaged over seeds, of a method whose total rank changes. The line follows training, so it shows the effect of longer training and of fewer ranks together. " +
      "Budgets of a task share their scale. " +
      `Only runs with ${fewestEvaluations} evaluations or more are shown.`,
    draw: lines(rows, {
      styles: shownOf(styles, rows.map(({ series }) => series)),
      x: { title: "ranks held (% of the start)", isReversed: true },
      y: { title: null },
      points: 46,
      scaleOf: (row) => (row as (typeof rows)[number]).task,
      height: 190,
      columns: columnsOf(cells),
    }),
  };
}

/**
 * The scores of the trials that were drawn before any range was widened, turned over where lower is better; those that failed count
 * as the worst of the others.
 */
function drawnMerits({ metric, trials }: TunedChoice): readonly number[] {
  const drawn = trials.filter(({ added }) => added !== true).map(({ score }) => score);
  const known = drawn.filter((score) => score !== null).map((score) => meritOf(metric, score));
  if (known.length === 0) return [];
  return drawn.map((score) => score === null ? Math.min(...known) : meritOf(metric, score));
}

/** The expected best score after each number of trials, a panel a task and budget, a line a method; null where nothing was tuned. */
export function expectedBestChart(results: Analysis): Chart | null {
  const { tuned } = results;
  const choices = (tuned?.best ?? []).filter((choice) => drawnMerits(choice).length > 1);
  if (tuned === null || choices.length === 0) return null;
  // A method may be tuned whose runs are not there yet, or are called by more than its label.
  const methods = choices.map(({ method, name }) => [method, name] as const);
  const styles = stylesOfMethods(new Map([...results.grid.methods, ...methods]));
  const panels = Map.groupBy(choices, ({ task = allTasks, budget, metric }) =>
    [
      task,
      ...(budget === undefined ? [] : [budgetName(budgetOf(budget))]),
      metricTitle(metric),
    ].join(", "));
  const rows = [...panels].flatMap(([panel, own]) =>
    own.flatMap((choice) =>
      expectedBest(drawnMerits(choice)).map(({ trials, mean }) => ({
        panel,
        series: choice.method,
        x: trials,
        value: rounded(metricInfo(choice.metric).scale * meritOf(choice.metric, mean)),
      }))
    )
  );
  const most = Math.max(...rows.map(({ x }) => x));
  return {
    id: "expected_best",
    title: "Expected best score by number of trials",
    caption:
      "The best held-out score to expect of so many trials, computed from those that were made (Dodge et al. 2019). A method whose " +
      "line still climbs would gain by more trials: a method of few settings is near its best after few trials, so that the same " +
      "number for all favours it. Where lines cross, the ranking depends on how much was tuned. " +
      "A trial that failed counts as the worst of its method. Trials that were added to widen a range are left out" +
      (tuned.search === "random"
        ? "."
        : tuned.search === "grid"
        ? "; points of a grid are not drawn at random, so the lines are a guide only."
        : "; trials that were stopped early count with the score that they had then."),
    draw: lines(rows, {
      styles: shownOf(styles, methods.map(([label]) => label)),
      x: {
        title: "trials",
        domain: [1, most],
        axis: { tickMinStep: 1, tickCount: Math.min(6, most), format: "d" },
      },
      y: { title: null },
      points: most > 12 ? 20 : 46,
      height: 190,
    }),
  };
}

function sequenceChart(
  sequence: string,
  slug: string,
  accuracies: readonly StageAccuracy[],
  { grid, styles }: { readonly grid: Grid; readonly styles: SeriesStyles },
): Chart {
  const stages = [...new Map(accuracies.map(({ stage, after }) => [stage, `${stage}. ${after}`]))]
    .sort(([a], [b]) => a - b);
  const tasks = [...new Set(accuracies.map(({ task }) => task))].filter((task) => task !== allSeen);
  const cells = cellsOf(inEveryBudget(accuracies), { ...grid, tasks: [...tasks, allSeen] });
  const isSplit = new Set(cells.map(({ budget }) => budget)).size > 1;
  const rows = cells.flatMap(({ task, budget, rows }) =>
    rows.flatMap(({ label, stage, after, classIncremental, taskAware }): readonly LineRow[] => {
      const row = {
        panel: isSplit ? `${task}, ${budget}` : task,
        series: label,
        x: `${stage}. ${after}`,
      };
      return [
        { ...row, value: 100 * classIncremental },
        { ...row, value: 100 * taskAware, isFaint: true },
      ];
    })
  );
  return {
    id: `sequence_${slug}`,
    title: `${sequence}: accuracy over the stages`,
    caption:
      "Each panel evaluates one task after each stage, from the one that trained on it. Lines with points choose a class among " +
      "those of all tasks seen by then, thin ones among those of the task alone; means over seeds.",
    draw: lines(rows, {
      styles: shownOf(styles, rows.map(({ series }) => series)),
      x: {
        title: "after",
        names: stages.map(([, name]) => name),
        axis: { labelAngle: -30, labelLimit: 110, labelOverlap: false },
      },
      y: { title: "accuracy (%) ↑" },
      points: 48,
      domain: [0, 100],
      height: 170,
      columns: columnsOf(cells),
    }),
  };
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
  ) => sequenceChart(sequence, slugs.get(sequence)!, rows, { grid, styles }));
}
