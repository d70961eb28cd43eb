/**
 * Losses over training, on training batches and on the evaluation split.
 *
 * @module
 */
import { type Grid, noBudget } from "../../analysis/run_rows.ts";
import type { SeriesStyles } from "../method_styles.ts";
import { type Curve, evaluationCurves, lossCurves } from "../../analysis/rank_series.ts";
import { channelsOf, keysOf, manyLabels, shownOf, taskStyles } from "../style.ts";
import type { Analysis } from "../../analysis/analysis.ts";
import type { Chart, Panel } from "../types.ts";
import { boundsOf, cellsOf, columnsOf, numberAxis, panelOf, smallWidth } from "./panel.ts";
import { progressAxis } from "./trajectories.ts";

/** The budget that charts of many methods show: the largest, and none for methods without. */
function largestBudget(grid: Grid): string {
  return grid.budgets.findLast((name) => name !== noBudget) ?? noBudget;
}

/** A point of a loss curve. */
interface LossPoint {
  readonly task: string;
  readonly label: string;
  readonly budget: string;
  readonly kind: "train" | "evaluation";
  readonly progress: number;
  readonly value: number;
}

const lossBins = 50;
const evaluationPoints = 41;

function pointsOf(
  curves: readonly Curve[],
  kind: LossPoint["kind"],
  progressOf: (point: number) => number,
): readonly LossPoint[] {
  return curves.flatMap(({ task, label, budget, values }) =>
    values.flatMap((value, point) =>
      value === null ? [] : [{
        task,
        label,
        budget,
        kind,
        progress: progressOf(point),
        value: Number(value.toPrecision(5)),
      }]
    )
  );
}

/** A panel of losses: thin lines on training batches, lines with points on the evaluation split; a style a series. */
function panel(
  title: string,
  points: readonly LossPoint[],
  series: { readonly field: "label" | "task"; readonly styles: SeriesStyles },
  options: { readonly domain: readonly [number, number]; readonly height: number },
): Panel {
  const { color, shape, strokeDash } = channelsOf(series.field, series.styles);
  const y = {
    field: "value",
    type: "quantitative",
    title: "loss ↓",
    scale: { domain: options.domain, zero: false, nice: false },
    axis: { ...numberAxis, tickCount: 5 },
  };
  const of = (kind: LossPoint["kind"]) => ({ filter: `datum.kind === '${kind}'` });
  return panelOf({ title }, { width: smallWidth, height: options.height }, {
    data: {
      values: points.map((point) => ({
        [series.field]: point[series.field],
        kind: point.kind,
        progress: point.progress,
        value: point.value,
      })),
    },
    layer: [
      {
        transform: [of("train")],
        mark: { type: "line", strokeWidth: 1.1, opacity: 0.65, clip: true },
        encoding: { x: progressAxis, y, color },
      },
      {
        transform: [of("evaluation")],
        mark: { type: "line", strokeWidth: 1.6 },
        encoding: { x: progressAxis, y, color, strokeDash },
      },
      {
        transform: [of("evaluation")],
        mark: { type: "point", filled: true, size: 34, opacity: 1 },
        encoding: { x: progressAxis, y, color, shape },
      },
    ],
  });
}

/** Training and evaluation loss: a panel a task and budget, or, of many methods, a panel a method with a line a task. */
export function lossChart(
  results: Analysis,
  grid: Grid,
  styles: SeriesStyles,
): Chart | null {
  const points = [
    ...pointsOf(lossCurves(results, lossBins), "train", (bin) => 100 * (bin + 0.5) / lossBins),
    ...pointsOf(
      evaluationCurves(results, evaluationPoints),
      "evaluation",
      (point) => 100 * point / (evaluationPoints - 1),
    ),
  ];
  if (points.length === 0) return null;
  const shown = shownOf(styles, points.map(({ label }) => label));
  const caption =
    `Thin lines are the task loss on training batches (means of ${lossBins} equal parts of training), lines with points the loss on the evaluation split; averaged over seeds.`;
  return shown.size >= manyLabels
    ? chartByMethod(points, grid, caption)
    : chartByTask(points, grid, shown, caption);
}

function chartByTask(
  points: readonly LossPoint[],
  grid: Grid,
  styles: SeriesStyles,
  caption: string,
): Chart {
  const cells = cellsOf(points, grid);
  return {
    id: "loss",
    title: "Loss over training",
    caption: `${caption} All panels of a task share their scale; tasks have their own.`,
    keys: keysOf(styles, "both"),
    panels: cells.map(({ task, budget, rows }) =>
      panel(`${task}, ${budget}`, rows, { field: "label", styles }, {
        domain: boundsOf(points.filter((point) => point.task === task).map(({ value }) => value)),
        height: 170,
      })
    ),
    columns: columnsOf(cells),
  };
}

function chartByMethod(points: readonly LossPoint[], grid: Grid, caption: string): Chart {
  const budget = largestBudget(grid);
  const shown = points.filter((point) => point.budget === budget || point.budget === noBudget);
  const styles = taskStyles(grid.tasks);
  const domain = boundsOf(shown.map(({ value }) => value));
  return {
    id: "loss",
    title: `Loss over training, ${budget}`,
    caption: `${caption} Methods without budget are shown too. All panels share their scale.`,
    keys: keysOf(styles, "both"),
    panels: grid.labels.flatMap((label) => {
      const own = shown.filter((point) => point.label === label);
      return own.length === 0
        ? []
        : [panel(label, own, { field: "task", styles }, { domain, height: 120 })];
    }),
    columns: 3,
  };
}
