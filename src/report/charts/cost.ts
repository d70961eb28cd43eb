/**
 * Quality against what it costs, with the Pareto front.
 *
 * @module
 */
import { allTasks, groupBy, noBudget } from "../facts.ts";
import { metricInfo, metricTitle } from "../metrics.ts";
import { chartColours, labelScales, type LabelStyles, manyLabels } from "../style.ts";
import { type CostRow, costRows } from "../tables/cost.ts";
import type { Chart, StudyResults } from "../types.ts";
import { panels } from "./metric_budget.ts";

interface CostKind {
  readonly id: string;
  readonly title: string;
  readonly axis: string;
  readonly scale: "linear" | "log";
  readonly costOf: (row: CostRow) => number;
  readonly isOnFront: (row: CostRow) => boolean;
}

const kinds: readonly CostKind[] = [
  {
    id: "cost_quality",
    title: "Quality against training time",
    axis: "training time of a run (s) ↓",
    scale: "linear",
    costOf: (row) => row.trainMillis / 1000,
    isOnFront: (row) => row.isOnTimeFront,
  },
  {
    id: "cost_parameters",
    title: "Quality against the numbers to keep",
    axis: "numbers kept, head included ↓",
    scale: "log",
    costOf: (row) => row.parameters,
    isOnFront: (row) => row.isOnSizeFront,
  },
];

/** Metric against training time and against the numbers to keep: a panel a task, larger points for larger budgets. */
export function costCharts(results: StudyResults, styles: LabelStyles): readonly Chart[] {
  const all = costRows(results, null);
  return kinds.flatMap((kind): Chart[] => {
    const rows = all.filter((row) =>
      row.score !== null && Number.isFinite(kind.costOf(row)) && kind.costOf(row) > 0
    );
    if (rows.length === 0) return [];
    const tasks = groupBy(rows, (row) => row.task);
    const average = tasks.get(allTasks);
    const groups = [
      ...(average === undefined ? [] : [average]),
      ...[...tasks].filter(([task]) => task !== allTasks).map(([, group]) => group),
    ];
    const labels = [...new Set(rows.map((row) => row.label))];
    return [{
      id: kind.id,
      title: kind.title,
      caption:
        "Up and to the left is better. The dashed steps are the Pareto front of the means, its members named: nothing else is as good for less. " +
        (labels.length < manyLabels
          ? "Points grow with the budget; lines join a method's budgets."
          : "Points grow with the budget."),
      spec: panels(groups.map((group) => panel(group, kind, styles, labels, groups.length)), 2),
    }];
  });
}

const height = 280;
/** Pixels between the baselines of two names. */
const lineHeight = 13;
/** About the width of a letter of a name, in pixels. */
const letterWidth = 5;

interface Axis {
  readonly domain: readonly [number, number];
  /** 0 … 1 along the axis. */
  readonly placeOf: (value: number) => number;
}

/** An axis that leaves `margin` of its length free at both ends. */
function axisOf(values: readonly number[], scale: CostKind["scale"], margin: number): Axis {
  const [to, from] = scale === "log" ? [Math.log, Math.exp] : [(v: number) => v, (v: number) => v];
  const low = to(Math.min(...values));
  const high = to(Math.max(...values));
  const room = Math.max(
    (high - low) * margin / (1 - 2 * margin),
    1e-3 * Math.max(1, Math.abs(low)),
  );
  return {
    domain: [from(low - room), from(high + room)],
    placeOf: (value) => (to(value) - low + room) / (high - low + 2 * room),
  };
}

interface Named {
  readonly score: number;
  readonly cost: number;
  readonly name: string;
}

/**
 * Where the names of the front's points stand: up and left of a point nothing is, so there; a name moves down where the
 * one above leaves no room, and stands to the right where the panel's edge would cut it.
 */
function namesOf<T extends Named>(
  front: readonly T[],
  panel: { readonly x: Axis; readonly y: Axis; readonly width: number; readonly sign: 1 | -1 },
) {
  const { x, y, width, sign } = panel;
  let last = -Infinity;
  return front.toSorted((a, b) => sign * (b.score - a.score)).map((point) => {
    const wanted = sign > 0
      ? (1 - y.placeOf(point.score)) * height
      : y.placeOf(point.score) * height;
    last = Math.max(wanted - 7, last + lineHeight);
    return {
      ...point,
      pixel: sign > 0 ? last : height - last,
      isLeft: x.placeOf(point.cost) * width > letterWidth * point.name.length + 9,
    };
  });
}

function panel(
  group: readonly CostRow[],
  kind: CostKind,
  styles: LabelStyles,
  labels: readonly string[],
  count: number,
): object {
  const { color, shape } = labelScales(styles, labels);
  const { metric, task } = group[0]!;
  const { isHigherBetter, scale } = metricInfo(metric);
  const budgets = [...new Set(group.map((row) => row.budget))].filter((name) => name !== noBudget);
  const values = group.map((row) => ({
    label: row.label,
    size: 50 + 45 * Math.max(0, budgets.indexOf(row.budget)),
    order: budgets.indexOf(row.budget),
    cost: kind.costOf(row),
    score: row.score! * scale,
    name: row.budget === noBudget || budgets.length < 2 ? row.label : `${row.label}, ${row.budget}`,
    isOnFront: kind.isOnFront(row),
  }));
  const x = axisOf(values.map(({ cost }) => cost), kind.scale, 0.06);
  const y = axisOf(values.map(({ score }) => score), "linear", 0.08);
  const front = values.filter((value) => value.isOnFront);
  const width = count === 1 ? 640 : 430;
  const names = namesOf(front, { x, y, width, sign: isHigherBetter ? 1 : -1 });
  const encoding = {
    x: {
      field: "cost",
      type: "quantitative",
      title: kind.axis,
      scale: { type: kind.scale, domain: x.domain, nice: false },
      axis: { grid: false, ticks: false, format: "~s", tickCount: 5, labelOverlap: true },
    },
    y: {
      field: "score",
      type: "quantitative",
      title: metricTitle(metric),
      scale: { domain: y.domain, nice: false, zero: false },
    },
  };
  const nameLayer = (isLeft: boolean) => {
    const own = names.filter((name) => name.isLeft === isLeft);
    const text = { fontSize: 10.5, align: isLeft ? "right" : "left", dx: isLeft ? -9 : 9 };
    return own.map((name) => ({
      data: { values: [name] },
      mark: { type: "text", ...text, y: name.pixel },
      encoding: { x: encoding.x, text: { field: "name" }, color: { value: chartColours.ink } },
    }));
  };
  return {
    title: { text: task },
    width,
    height,
    data: { values },
    layer: [
      {
        data: { values: front },
        mark: { type: "line", interpolate: "step-after", strokeDash: [5, 4], strokeWidth: 1.2 },
        encoding: { ...encoding, color: { value: chartColours.muted } },
      },
      ...(labels.length < manyLabels
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
      ...nameLayer(true),
      ...nameLayer(false),
    ],
  };
}
