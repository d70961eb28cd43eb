/**
 * Learning curves: the score of every method against the steps done.
 *
 * @module
 */
import { type Grid, noBudget } from "../../analysis/run_rows.ts";
import { type LearningCurve, learningCurves } from "../../analysis/learning.ts";
import { metricInfo, metricTitle } from "../../analysis/metrics.ts";
import type { SeriesStyles } from "../method_styles.ts";
import { channelsOf, keysOf, shownOf } from "../style.ts";
import type { Analysis } from "../../analysis/analysis.ts";
import type { Chart, Panel } from "../types.ts";
import { boundsOf, cellsOf, columnsOf, numberAxis, panelOf, smallWidth } from "./panel.ts";

/** One panel: all methods of a task and budget, those without budget among them. */
function panel(
  title: string,
  curves: readonly LearningCurve[],
  styles: SeriesStyles,
  domain: readonly [number, number],
): Panel {
  const { color, shape, strokeDash } = channelsOf("label", styles);
  const { metric } = curves[0]!;
  const most = Math.max(...curves.flatMap(({ points }) => points.map(({ step }) => step)));
  const { scale } = metricInfo(metric);
  const x = {
    field: "step",
    type: "quantitative",
    title: "steps",
    // Room for the points of the last evaluation.
    scale: { domain: [0, most * 1.03], nice: false },
    axis: { grid: false, tickCount: 4 },
  };
  const y = {
    field: "score",
    type: "quantitative",
    title: metricTitle(metric),
    scale: { domain, zero: false, nice: false },
    axis: { ...numberAxis, tickCount: 5 },
  };
  return panelOf({ title }, { width: smallWidth, height: 190 }, {
    data: {
      values: curves.flatMap(({ label, points }) =>
        points.map(({ step, score }) => ({
          label,
          step,
          score: Number((score * scale).toPrecision(5)),
        }))
      ),
    },
    layer: [
      {
        mark: { type: "line", strokeWidth: 1.6, clip: true },
        encoding: { x, y, color, strokeDash },
      },
      {
        mark: { type: "point", filled: true, size: 28, opacity: 1, clip: true },
        encoding: { x, y, color, shape },
      },
    ],
  });
}

/**
 * The scores that the panels of a task show: those of the methods with a budget, and of the others what lies within half their span;
 * a method without a budget far away would leave no room for the differences that matter.
 */
function domainOf(curves: readonly LearningCurve[]): readonly [number, number] {
  const scoresOf = (own: readonly LearningCurve[]) =>
    own.flatMap(({ metric, points }) =>
      points.map(({ score }) => score * metricInfo(metric).scale)
    );
  const budgeted = scoresOf(curves.filter(({ budget }) => budget !== noBudget));
  const free = scoresOf(curves.filter(({ budget }) => budget === noBudget));
  if (budgeted.length === 0) return boundsOf(free);
  const [low, high] = boundsOf(budgeted, { margin: 0 });
  const reach = (high - low) / 2;
  return boundsOf([
    ...budgeted,
    ...free.filter((score) => score >= low - reach && score <= high + reach),
  ]);
}

/** A panel a task and budget with all methods; null where no run was evaluated before its end. */
export function learningChart(
  results: Analysis,
  grid: Grid,
  styles: SeriesStyles,
): Chart | null {
  const curves = learningCurves(results);
  if (!curves.some(({ points }) => points.length > 1)) return null;
  const cells = cellsOf(curves, grid);
  const budgeted = cells.filter(({ budget }) => budget !== noBudget);
  // Methods without budget stand in every panel of their task, or in one of their own where no other does.
  const shown = cells.flatMap(({ task, budget, rows }) => {
    if (budget === noBudget) {
      return budgeted.some((cell) => cell.task === task) ? [] : [{ task, budget, rows }];
    }
    const free = cells.find((cell) => cell.task === task && cell.budget === noBudget)?.rows ?? [];
    return [{ task, budget, rows: [...rows, ...free] }];
  });
  const drawn = shownOf(styles, curves.map(({ label }) => label));
  const domains = new Map(grid.tasks.map((task) => [
    task,
    domainOf(curves.filter((curve) => curve.task === task)),
  ]));
  return {
    id: "learning",
    title: "Learning curves",
    caption:
      "The score on the evaluation split after so many steps, averaged over seeds; a run that ended before others keeps its last score. " +
      "Where a curve still climbs at its end, the final score shows how fast a method learns, not how good it becomes. All panels of a task share their scale; a method without a budget that is far from the others may lie outside.",
    keys: keysOf(drawn, "both"),
    panels: shown.map(({ task, budget, rows }) =>
      panel(budget === noBudget ? task : `${task}, ${budget}`, rows, drawn, domains.get(task)!)
    ),
    columns: columnsOf(shown),
  };
}
