/**
 * Quality against what it costs, with the Pareto front.
 *
 * @module
 */
import { allTasks, noBudget } from "../../analysis/run_rows.ts";
import type { SeriesStyles } from "../method_styles.ts";
import { metricInfo, metricTitle } from "../../analysis/metrics.ts";
import { channelsOf, chartColours, keysOf, manyLabels, shownOf } from "../style.ts";
import { type CostRow, costRows } from "../../analysis/costs.ts";
import type { Analysis } from "../../analysis/analysis.ts";
import type { Chart, Panel } from "../types.ts";
import {
  edgeCaption,
  edgeLine,
  edgeRules,
  edgeText,
  type Frame,
  frameOf,
  type Placed,
} from "./frame.ts";
import { type Axis, axisOf, letterWidth, namesOf } from "./front_names.ts";
import { largeWidth, numberAxis, panelOf, plotWidth, smallWidth } from "./panel.ts";

interface CostKind {
  readonly id: string;
  readonly title: string;
  readonly axis: string;
  readonly scale: "linear" | "log";
  readonly format: string;
  readonly costOf: (row: CostRow) => number;
  readonly isOnFront: (row: CostRow) => boolean;
}

const kinds: readonly CostKind[] = [
  {
    id: "cost_quality",
    title: "Quality against training time",
    axis: "training time of a run (s) ↓",
    scale: "linear",
    format: ",~f",
    costOf: (row) => row.trainMillis / 1000,
    isOnFront: (row) => row.isOnTimeFront,
  },
  {
    id: "cost_parameters",
    title: "Quality against parameters to store",
    axis: "parameters to store, head included ↓",
    scale: "log",
    format: "~s",
    costOf: (row) => row.parameters,
    isOnFront: (row) => row.isOnSizeFront,
  },
];

/** Metric against training time and against the parameters to store: a panel a task, larger points for larger budgets. */
export function costCharts(results: Analysis, styles: SeriesStyles): readonly Chart[] {
  const all = costRows(results, null);
  return kinds.flatMap((kind): Chart[] => {
    const rows = all.filter((row) =>
      row.score !== null && Number.isFinite(kind.costOf(row)) && kind.costOf(row) > 0
    );
    if (rows.length === 0) return [];
    const tasks = Map.groupBy(rows, (row) => row.task);
    const average = tasks.get(allTasks);
    const groups = [
      ...(average === undefined ? [] : [average]),
      ...[...tasks].filter(([task]) => task !== allTasks).map(([, group]) => group),
    ];
    const shown = shownOf(styles, rows.map((row) => row.label));
    const draw = (width: number) => groups.map((group) => panel(group, kind, shown, width));
    return [{
      id: kind.id,
      title: kind.title,
      caption:
        "Up and to the left is better. The dashed steps are the Pareto front of the means, with its members named: no other point is as good at a lower cost. " +
        (shown.size < manyLabels
          ? "Points grow with the budget; lines join a method's budgets."
          : "Points grow with the budget.") +
        edgeCaption(groups.map((group) => frameOfRows(group, kind))) +
        (groups.length > 1 ? " Each task has its own scales." : ""),
      keys: keysOf(shown, "point"),
      panels: draw(groups.length === 1 ? largeWidth : middleWidth),
      narrowPanels: draw(smallWidth),
      columns: groups.length === 1 ? 1 : 2,
    }];
  });
}

/** Width of a panel of which two stand in a row, in pixels: names need room. */
const middleWidth = 440;

const height = 260;
interface Point extends Placed {
  readonly budget: string;
  readonly size: number;
  readonly order: number;
  readonly cost: number;
  readonly score: number;
  readonly name: string;
  readonly isOnFront: boolean;
}

function pointsOf(group: readonly CostRow[], kind: CostKind): readonly Point[] {
  const { scale } = metricInfo(group[0]!.metric);
  const budgets = [...new Set(group.map((row) => row.budget))].filter((name) => name !== noBudget);
  return group.map((row) => {
    const score = row.score! * scale;
    return {
      label: row.label,
      budget: row.budget,
      size: 50 + 45 * Math.max(0, budgets.indexOf(row.budget)),
      order: budgets.indexOf(row.budget),
      cost: kind.costOf(row),
      score,
      mean: score,
      low: score,
      high: score,
      name: row.budget === noBudget || budgets.length < 2
        ? row.label
        : `${row.label}, ${row.budget}`,
      isOnFront: kind.isOnFront(row),
    };
  });
}

/** The bounds of a panel's metric. */
function frameOfRows(group: readonly CostRow[], kind: CostKind): Frame<Point> {
  const points = pointsOf(group, kind);
  return frameOf(
    points.filter(({ budget }) => budget !== noBudget),
    points.filter(({ budget }) => budget === noBudget),
    metricInfo(group[0]!.metric).scale,
    edgeLine / height,
  );
}

function panel(
  group: readonly CostRow[],
  kind: CostKind,
  styles: SeriesStyles,
  outerWidth: number,
): Panel {
  const { color, shape } = channelsOf("label", styles);
  const { metric, task } = group[0]!;
  const { isHigherBetter } = metricInfo(metric);
  const size = { width: outerWidth, height };
  const width = plotWidth(size);
  const frame = frameOfRows(group, kind);
  const isFar = new Set([...frame.below, ...frame.above].map(({ name }) => name));
  const points = pointsOf(group, kind);
  const values = points.filter(({ name }) => !isFar.has(name));
  const x = axisOf(points.map(({ cost }) => cost), kind.scale, 0.06);
  const [bottom, top] = frame.domain;
  const y: Axis = {
    domain: frame.domain,
    placeOf: (value) => (value - bottom) / (top - bottom),
  };
  // The front starts or ends beyond the panel where one of its members lies there.
  const front = points.filter((point) => point.isOnFront)
    .map((point) => ({ ...point, score: Math.min(top, Math.max(bottom, point.score)) }));
  const names = namesOf(front.filter(({ name }) => !isFar.has(name)), {
    x,
    y,
    width,
    height,
    sign: isHigherBetter ? 1 : -1,
  });
  const encoding = {
    x: {
      field: "cost",
      type: "quantitative",
      title: kind.axis,
      scale: { type: kind.scale, domain: x.domain, nice: false },
      axis: { grid: false, ticks: false, format: kind.format, tickCount: 5, labelOverlap: true },
    },
    y: {
      field: "score",
      type: "quantitative",
      title: metricTitle(metric),
      axis: numberAxis,
      scale: { domain: y.domain, nice: false, zero: false },
    },
  };
  const nameLayers = names.map((name) => ({
    data: { values: [name] },
    mark: {
      type: "text",
      fontSize: 10.5,
      align: name.isLeft ? "right" : "left",
      dx: name.isLeft ? -9 : 9,
      y: name.pixel,
    },
    encoding: { x: encoding.x, text: { field: "name" }, color: { value: chartColours.ink } },
  }));
  return panelOf({ title: task }, size, {
    data: { values },
    layer: [
      {
        data: { values: front },
        mark: { type: "line", interpolate: "step-after", strokeDash: [5, 4], strokeWidth: 1.2 },
        encoding: { ...encoding, color: { value: chartColours.muted } },
      },
      ...(styles.size < manyLabels
        ? [{
          mark: { type: "line", strokeWidth: 1.2, opacity: 0.5 },
          encoding: { ...encoding, color, order: { field: "order", type: "quantitative" } },
        }]
        : []),
      {
        mark: { type: "point", filled: true, opacity: 0.9 },
        encoding: {
          ...encoding,
          color,
          shape,
          size: { field: "size", type: "quantitative", scale: null, legend: null },
        },
      },
      ...nameLayers,
      ...farLayers(frame, encoding.x, { color, shape }, x, width),
    ],
  });
}

/** Far methods at the edge, at their cost: the point, and its mean beside it. */
function farLayers(
  frame: Frame<Point>,
  x: object,
  { color, shape }: { readonly color: object; readonly shape: object },
  axis: Axis,
  width: number,
): readonly object[] {
  const layers = (points: readonly Point[], side: "below" | "above") =>
    points.flatMap((point, i) => {
      const row = (i + 0.55) * edgeLine;
      const y = side === "below" ? height - row : row;
      const text = edgeText({ ...point, label: point.name }, side);
      const isLeft = axis.placeOf(point.cost) * width + letterWidth * text.length + 9 > width;
      const data = { values: [{ ...point, text }] };
      return [
        {
          data,
          mark: { type: "point", filled: true, size: point.size, opacity: 0.9, y },
          encoding: { x, color, shape },
        },
        {
          data,
          mark: {
            type: "text",
            fontSize: 10.5,
            baseline: "middle",
            align: isLeft ? "right" : "left",
            dx: isLeft ? -9 : 9,
            y,
          },
          encoding: { x, text: { field: "text" }, color: { value: chartColours.ink } },
        },
      ];
    });
  return [
    ...edgeRules(frame, { width, height }),
    ...layers(frame.below, "below"),
    ...layers(frame.above, "above"),
  ];
}
