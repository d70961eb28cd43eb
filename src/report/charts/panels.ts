/**
 * What the four kinds of chart share: panels as Vega-Lite's facets, the range that a panel shows, and names that do not
 * cover each other.
 *
 * @module
 */
import { fixed } from "../../base/format.ts";
import { metricInfo } from "../../analysis/metrics.ts";
import { type Grid, keyOf } from "../../analysis/run_rows.ts";
import { chartColours, configOf } from "./theme.ts";

/** A Vega-Lite specification, or a part of one. */
export type Spec = Readonly<Record<string, unknown>>;

/** A chart's specification for a width in pixels: a page is read on wide and on narrow screens. */
export type Drawing = (room: number) => Spec;

/** What stands above a panel: its title, and lines below it. */
export type Heading = string | readonly string[];

/** A row of a chart's data: it belongs to a panel. */
export interface PanelRow {
  readonly panel: Heading;
}

/** A number with as many digits as a picture shows. */
export const rounded = (value: number): number => Number(value.toPrecision(5));

/** Pixels beside a plot that its axis takes, and those between two panels. */
const [axisRoom, gap] = [54, 22];

/** Width of a plot of which three stand in a row on a screen and one on a telephone. */
export const smallWidth = 230;

/** Width of a plot that stands alone. */
const loneWidth = 540;

/** A mark, and the rows that have one: those with all fields of `has`, and none of `without`. */
export interface Layer {
  readonly has: readonly string[];
  readonly without?: readonly string[];
  readonly mark: Spec;
  readonly encoding: Spec;
}

/** A layer as Vega-Lite has it; none where no row has such a mark. */
function layerSpec(
  rows: readonly object[],
  { has, without = [], ...rest }: Layer,
): readonly Spec[] {
  const isSet = (row: object, field: string) => {
    const value: unknown = Reflect.get(row, field);
    return value !== undefined && value !== null;
  };
  const isOne = (row: object) =>
    has.every((field) => isSet(row, field)) && !without.some((field) => isSet(row, field));
  return !rows.some(isOne) ? [] : [{
    transform: [
      ...has.map((field) => ({ filter: `isValid(datum.${field})` })),
      ...without.map((field) => ({ filter: `!isValid(datum.${field})` })),
    ],
    ...rest,
  }];
}

/** Rows as panels, in the order in which their panels come first. */
export function panelled(
  rows: readonly PanelRow[],
  room: number,
  options: {
    /** Names that the legend has; default none. */
    readonly names?: Iterable<string>;
    readonly height: number | { readonly step: number };
    /** Width of a plot; default that of one beside others. */
    readonly width?: number | { readonly step: number };
    /** Whether a plot that stands alone is large; default false. */
    readonly isLarge?: boolean | undefined;
    /** Pixels that a panel takes beside its plot of a given width. */
    readonly axisRoom?: number;
    /** Most panels in a row; default 3. */
    readonly columns?: number;
    /** Scales that each panel has for itself. */
    readonly independent?: readonly ("x" | "y")[];
    /** The marks of a panel, given the width of its plot. */
    readonly layer: (width: number) => readonly Layer[];
  },
): Spec {
  const places = new Map<string, number>();
  // Vega-Lite sorts panels by their names, if nothing else is said.
  const values = rows.map((row) => {
    const key = String(row.panel);
    if (places.has(key)) return row;
    places.set(key, places.size);
    return { ...row, place: places.size };
  });
  const count = places.size;
  const { columns = 3, height, independent = [], names = [] } = options;
  const isLarge = options.isLarge === true && count === 1 && room > loneWidth;
  const { width = isLarge ? loneWidth : smallWidth } = options;
  const pixels = typeof width === "number" ? width : width.step;
  const beside = options.axisRoom ?? axisRoom;
  return {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    data: { values },
    facet: {
      field: "panel",
      type: "nominal",
      sort: { field: "place", op: "min" },
      title: null,
    },
    columns: Math.max(
      1,
      Math.min(count, columns, Math.floor((room + gap) / (pixels + beside + gap))),
    ),
    spacing: gap,
    spec: {
      width,
      height,
      layer: options.layer(pixels).flatMap((layer) => layerSpec(rows, layer)),
    },
    resolve: {
      scale: Object.fromEntries(independent.map((channel) => [channel, "independent"])),
      axis: { x: "independent", y: "independent" },
    },
    config: configOf([...names], room),
  };
}

/** Bounds that show all values, with a margin at both ends; null values are passed over. */
export function boundsOf(
  values: Iterable<number | null>,
  options: {
    /** Share of the span that is left free at each end; default 0.05. */
    readonly margin?: number;
    /** Whether 0 is within the bounds; default false. */
    readonly hasZero?: boolean;
    /** The least span; default a thousandth of the largest value, and never 0. */
    readonly leastSpan?: number;
  } = {},
): readonly [number, number] {
  let [low, high] = options.hasZero === true ? [0, 0] : [Infinity, -Infinity];
  for (const value of values) {
    if (value === null || !Number.isFinite(value)) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (low > high) return [0, 1];
  const span = high - low;
  const least = options.leastSpan ?? Math.max(1e-3 * Math.max(-low, high), 1e-9);
  const room = Math.max((options.margin ?? 0.05) * span, (least - span) / 2);
  return [low - room, high + room];
}

/** The least part of a metric's range that a panel shows: below it, ticks would be seven digits that differ in the last. */
const leastSpan = (metric: string): number => 0.02 * metricInfo(metric).scale;

/** A row with a number that the range of its panel must show. */
export interface RangedRow extends PanelRow {
  readonly series: string;
  readonly value: number;
  /** The metric's name, as records have it, where the number is one. */
  readonly metric?: string;
  /** Ends of its interval; one longer than three deviations, as two seeds have, is cut there. */
  readonly low?: number | undefined;
  readonly high?: number | undefined;
  readonly sd?: number | null | undefined;
  /** Whether it has no budget: far from those that have one it does not set the range. */
  readonly isFree?: boolean | undefined;
}

/** The range that a panel shows, and the series that lie beyond it, with their numbers. */
export interface Range {
  readonly domain: readonly [number, number];
  readonly below: readonly string[];
  readonly above: readonly string[];
  /** Whether a row lies beyond. */
  readonly isFar: (row: RangedRow) => boolean;
}

/** The drawn ends of an interval within a domain. */
export function endsOf(
  { value, low = value, high = value, sd }: RangedRow,
  [bottom, top]: readonly [number, number] = [-Infinity, Infinity],
): readonly [number, number] {
  const most = sd === undefined || sd === null ? Infinity : 3 * sd;
  return [
    Math.min(top, Math.max(bottom, low, value - most)),
    Math.max(bottom, Math.min(top, high, value + most)),
  ];
}

/**
 * The range of each panel: it shows the rows with a budget whole, and of those without the ones within half the span of the
 * others. A method further away would take half the panel or more; it is written at the edge instead.
 *
 * @param options.scaleOf What panels of one scale have in common; default each panel has its own.
 * @param options.lineShare Share of a panel that a line of text at its edge takes; default 0, for text beside the plot.
 * @returns Ranges by the text of the panel's heading.
 */
export function rangesOf<T extends RangedRow>(
  rows: readonly T[],
  options: Parameters<typeof boundsOf>[1] & {
    readonly scaleOf?: ((row: T) => string) | undefined;
    readonly lineShare?: number;
  },
): ReadonlyMap<string, Range> {
  const { scaleOf = (row: T) => String(row.panel), lineShare = 0, ...given } = options;
  return new Map([...Map.groupBy(rows, scaleOf).values()].flatMap((group) => {
    const { metric } = group[0]!;
    const bounds = metric === undefined ? given : { leastSpan: leastSpan(metric), ...given };
    const budgeted = group.filter(({ isFree }) => isFree !== true).flatMap((row) => endsOf(row));
    const free = group.filter(({ isFree }) => isFree === true);
    const [low, high] = boundsOf(budgeted, { ...bounds, margin: 0 });
    const reach = (high - low) / 2;
    const isBelow = ({ value, isFree }: RangedRow) =>
      isFree === true && budgeted.length > 0 && value < low - reach;
    const isAbove = ({ value, isFree }: RangedRow) =>
      isFree === true && budgeted.length > 0 && value > high + reach;
    const isFar = (row: RangedRow) => isBelow(row) || isAbove(row);
    const near = free.filter((row) => !isFar(row));
    const [bottom, top] = boundsOf(
      [...budgeted, ...near.flatMap((row) => budgeted.length > 0 ? [row.value] : endsOf(row))],
      bounds,
    );
    const panels = [...Map.groupBy(group, ({ panel }) => String(panel))].map(([panel, own]) => {
      const series = [...Map.groupBy(own, (row) => row.series).values()];
      const edge = (mark: string, isOut: (row: RangedRow) => boolean) =>
        series.filter((all) => all.every(isOut)).map((all) => all.at(-1)!)
          .map((row) => `${mark} ${row.series} ${fixed(row.value, 1)}`);
      return { panel, below: edge("▾", isBelow), above: edge("▴", isAbove) };
    });
    const most = (side: "below" | "above") =>
      lineShare * Math.max(...panels.map((panel) => panel[side].length));
    // Lines of text stand within the panel, where no point may be.
    const span = (top - bottom) / (1 - most("below") - most("above"));
    const domain = [bottom - span * most("below"), top + span * most("above")] as const;
    return panels.map(({ panel, ...sides }) => [panel, { domain, isFar, ...sides }] as const);
  }));
}

/** Height of a line of text at the edge of a plot, in pixels. */
export const edgeLine = 15;

/** Rows for the edges of panels: their bounds, and what lies beyond them. */
export function edgeRows(
  rows: readonly PanelRow[],
  ranges: ReadonlyMap<string, Range>,
): readonly PanelRow[] {
  const panels = new Map(rows.map(({ panel }) => [String(panel), panel]));
  return [...panels].flatMap(([key, panel]) => {
    const { domain, below, above } = ranges.get(key)!;
    return [
      ...domain.map((bound) => ({ panel, bound })),
      ...(below.length > 0 ? [{ panel, below, count: below.length }] : []),
      ...(above.length > 0 ? [{ panel, above, count: above.length }] : []),
    ];
  });
}

/** Layers that hold a panel's range open, and name what lies beyond it below a dotted rule. */
export function edgeLayers(height: number, bound: Spec): readonly Layer[] {
  return [
    { has: ["bound"], mark: { type: "point", opacity: 0 }, encoding: { y: bound } },
    ...(["below", "above"] as const).flatMap((side) => [{
      has: [side],
      mark: {
        type: "rule",
        strokeDash: [1.5, 3],
        strokeWidth: 2,
        color: chartColours.muted,
        y: side === "below" ? height : 0,
      },
      encoding: {},
    }, {
      has: [side],
      mark: {
        type: "text",
        align: "left",
        baseline: "middle",
        lineHeight: edgeLine,
        x: 4,
        y: side === "below"
          ? { expr: `${height} - ${edgeLine} * (datum.count - 0.45)` }
          : 0.55 * edgeLine,
      },
      encoding: { text: { field: side } },
    }]),
  ];
}

/** What a caption says where a panel has methods at its edge; empty where none has. */
export function edgeCaption(
  ranges: ReadonlyMap<string, Range>,
  marks = "▾ (below) or ▴ (above)",
): string {
  return [...ranges.values()].some(({ below, above }) => below.length + above.length > 0)
    ? ` A method without a budget whose mean is far from the others stands at the edge of the panel, marked ${marks}, with its mean.`
    : "";
}

/**
 * Places of names along an axis: each at its own place, moved apart where they would touch.
 *
 * Names that touch form a block, which stands about the mean of their places.
 *
 * @param step What a name takes along the axis.
 */
export function spreadOut<T extends { readonly at: number }>(
  names: readonly T[],
  step: number,
  [low, high]: readonly [number, number],
): readonly T[] {
  let blocks: { readonly own: readonly T[]; readonly sum: number }[] = [];
  const bottomOf = ({ own, sum }: (typeof blocks)[number]) => {
    const half = step * own.length / 2;
    return Math.min(high - half, Math.max(low + half, sum / own.length)) - half;
  };
  for (const name of names.toSorted((a, b) => a.at - b.at)) {
    let last: (typeof blocks)[number] = { own: [name], sum: name.at };
    for (let before = blocks.at(-1); before !== undefined; before = blocks.at(-1)) {
      if (bottomOf(before) + step * before.own.length <= bottomOf(last)) break;
      last = { own: [...before.own, ...last.own], sum: before.sum + last.sum };
      blocks = blocks.slice(0, -1);
    }
    blocks = [...blocks, last];
  }
  return blocks.flatMap((block) =>
    block.own.map((name, i) => ({ ...name, at: bottomOf(block) + step * (i + 0.5) }))
  );
}

/** Rows of one task and budget. */
interface GridCell<T> {
  readonly task: string;
  readonly budget: string;
  readonly rows: readonly T[];
}

/** The cells that have rows, task by task and within it budget by budget, in the grid's order. */
export function cellsOf<T extends { readonly task: string; readonly budget: string }>(
  rows: readonly T[],
  grid: Grid,
): readonly GridCell<T>[] {
  const groups = Map.groupBy(rows, ({ task, budget }) => keyOf(task, budget));
  return grid.tasks.flatMap((task) =>
    grid.budgets.flatMap((budget) => {
      const own = groups.get(keyOf(task, budget));
      return own === undefined ? [] : [{ task, budget, rows: own }];
    })
  );
}

/** Panels in a row for cells in tasks × budgets: the budgets of a task stand side by side where they have room. */
export function columnsOf(cells: readonly { readonly budget: string }[]): number {
  return new Set(cells.map(({ budget }) => budget)).size === 2 ? 2 : 3;
}
