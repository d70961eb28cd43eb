/**
 * Metrics of many methods: a row each, where lines over budgets could no longer be told apart.
 *
 * @module
 */
import { noBudget } from "../../analysis/run_rows.ts";
import { fixed } from "../../base/format.ts";
import { metricInfo, metricTitle } from "../../analysis/metrics.ts";
import type { SeriesStyles } from "../method_styles.ts";
import { averageRanks } from "../../stats/statistics.ts";
import { budgetStyles, channelsOf, chartColours, keysOf } from "../style.ts";
import type { ScoreRow } from "../../analysis/scores.ts";
import type { Chart, Panel } from "../types.ts";
import { type Frame, frameOf, type Placed as PlacedMean } from "./frame.ts";
import { largeWidth, limitFor, panelOf, plotWidth, roomForNames, smallWidth } from "./panel.ts";

/** A cell with its mean turned so that higher is better, as the place 0 … 1 it takes within its task (1 is best). */
interface Placed {
  readonly row: ScoreRow;
  readonly place: number;
}

/** The place of each cell within its task. */
export function placesOf(rows: readonly ScoreRow[]): readonly Placed[] {
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

/** A panel a task: methods down, the metric across, one mark with its interval a budget. */
export function methodRowsChart(
  rows: readonly ScoreRow[],
  names: { readonly id: string; readonly title: string; readonly caption: string },
): Chart {
  const order = labelsByPlace(rows);
  const budgets = [...new Set(rows.map((row) => row.budget))].filter((name) => name !== noBudget);
  const styles = budgetStyles(budgets);
  const groups = [...Map.groupBy(rows, (row) => row.task).values()];
  const draw = (width: number) => groups.map((group) => methodRows(group, order, styles, width));
  const isAlone = groups.length === 1;
  return {
    ...names,
    caption: names.caption + sidesCaption(groups.map(frameOfRows)) +
      (isAlone ? "" : " Each task has its own scale."),
    keys: keysOf(styles, "point"),
    panels: draw(isAlone ? largeWidth : smallWidth),
    ...(isAlone ? { narrowPanels: draw(smallWidth) } : {}),
    columns: 3,
  };
}

interface Point extends PlacedMean {
  readonly budget: string;
}

function pointsOf(group: readonly ScoreRow[]): readonly Point[] {
  const { scale } = metricInfo(group[0]!.metric);
  return group.map((row) => ({
    label: row.label,
    budget: row.budget,
    mean: row.mean! * scale,
    // An interval that three deviations do not cover (two seeds) would flatten all others.
    low: Math.max(row.low ?? row.mean!, row.mean! - 3 * (row.sd ?? 0)) * scale,
    high: Math.min(row.high ?? row.mean!, row.mean! + 3 * (row.sd ?? 0)) * scale,
  }));
}

/** The bounds of a task's points. */
function frameOfRows(group: readonly ScoreRow[]): Frame<Point> {
  const points = pointsOf(group);
  return frameOf(
    points.filter((point) => point.budget !== noBudget),
    points.filter((point) => point.budget === noBudget),
    metricInfo(group[0]!.metric).scale,
  );
}

/** What a caption says where a row's point lies beyond the panel. */
function sidesCaption(frames: readonly Frame<PlacedMean>[]): string {
  return frames.some(({ below, above }) => below.length + above.length > 0)
    ? " A method without a budget whose mean is far from the others stands at the edge of the panel, marked ◂ or ▸, with its mean."
    : "";
}

function methodRows(
  group: readonly ScoreRow[],
  order: readonly string[],
  styles: SeriesStyles,
  width: number,
): Panel {
  const { metric, task } = group[0]!;
  const frame = frameOfRows(group);
  const budgeted = pointsOf(group).filter((point) => point.budget !== noBudget);
  const size = {
    width,
    height: order.length * (14 + 8 * Math.max(1, styles.size)),
    left: roomForNames(order, width < largeWidth ? 124 : 200),
  };
  const y = {
    field: "label",
    type: "nominal",
    sort: order,
    title: null,
    scale: { domain: order, paddingInner: 0.35 },
    axis: {
      labelLimit: limitFor(size.left - 12),
      labelPadding: 8,
      domain: false,
      ticks: false,
      grid: true,
    },
  };
  const x = (field: string) => ({
    field,
    type: "quantitative",
    title: metricTitle(metric),
    scale: { domain: frame.domain, zero: false, nice: false },
    axis: { grid: false, tickCount: width < largeWidth ? 4 : 6 },
  });
  const { color, shape } = channelsOf("budget", styles);
  const own = {
    y,
    yOffset: { field: "budget", type: "nominal", scale: { domain: [...styles.keys()] } },
    color,
  };
  const grey = { y, color: { value: chartColours.muted } };
  const layers = (values: readonly object[], encoding: object, point: object, mark: object) =>
    values.length === 0 ? [] : [
      {
        data: { values },
        mark: { type: "rule", strokeWidth: 1.8, opacity: 0.75, clip: true },
        encoding: { ...encoding, x: x("low"), x2: { field: "high" } },
      },
      {
        data: { values },
        mark: { type: "point", filled: true, size: 46, opacity: 1, ...mark },
        encoding: { ...encoding, ...point, x: x("mean") },
      },
    ];
  const side = (values: readonly Point[], isLeft: boolean) =>
    values.length === 0 ? [] : [{
      data: {
        values: values.map((point) => ({
          label: point.label,
          text: isLeft ? `◂ ${fixed(point.mean, 1)}` : `${fixed(point.mean, 1)} ▸`,
        })),
      },
      mark: {
        type: "text",
        fontSize: 11,
        align: isLeft ? "left" : "right",
        x: isLeft ? 3 : plotWidth(size) - 3,
      },
      encoding: { y, text: { field: "text" }, color: { value: chartColours.ink } },
    }];
  return panelOf({ title: task }, size, {
    layer: [
      ...layers(budgeted, own, { shape }, {}),
      ...layers(frame.inside, grey, {}, { shape: "diamond" }),
      ...side(frame.below, true),
      ...side(frame.above, false),
    ],
  });
}
