/**
 * One plot of a chart: its size, its margins, its title and its axes.
 *
 * Every panel of a chart has the same margins whatever its labels, so that frames stay in line however many panels a
 * screen or a sheet of paper has room for side by side.
 *
 * @module
 */
import { type Grid, keyOf } from "../../analysis/run_rows.ts";
import type { Panel } from "../types.ts";

/** Width of a panel of which three fit on a screen, two on paper and one on a telephone, in pixels. */
export const smallWidth = 290;

/** Width of a panel that stands alone in its row, in pixels; a small screen gets one of {@linkcode smallWidth}. */
export const largeWidth = 600;

/** Size of a panel in pixels, margins included. */
interface PanelSize {
  readonly width: number;
  /** Height of the plot, without title and axis. */
  readonly height: number;
  /** Room for the names or numbers of the vertical axis; default 58. */
  readonly left?: number;
  /** Room at the right of the plot; default 14. */
  readonly right?: number;
  /** Room for the horizontal axis; default 42. */
  readonly bottom?: number;
}

/** What a panel says above its plot. */
export interface PanelTitle {
  readonly title: string;
  /** Lines below the title; panels that stand beside each other need as many each. */
  readonly lines?: readonly string[];
  /** Room for an axis between the title and the plot, in pixels; default 0. */
  readonly axis?: number;
}

/** Width of the plot of a panel. */
export function plotWidth({ width, left = 58, right = 14 }: PanelSize): number {
  return width - left - right;
}

/** A panel with fixed margins; `body` is the data, marks and encodings of its specification. */
export function panelOf(
  { title, lines = [], axis = 0 }: PanelTitle,
  size: PanelSize,
  body: object,
): Panel {
  const { left = 58, right = 14, bottom = 42 } = size;
  return {
    title,
    lines,
    spec: {
      width: plotWidth(size),
      height: size.height,
      autosize: { type: "none" },
      padding: { left, right, top: 26 + 14 * lines.length + axis, bottom },
      ...body,
    },
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

/** Rows of one task and budget. */
export interface GridCell<T> {
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
  const budgets = new Set(cells.map(({ budget }) => budget)).size;
  return budgets === 2 ? 2 : 3;
}

/** About the width of a letter in the fonts of a page, in pixels. */
const letterWidth = 6.2;
/** What Vega takes for it where it cannot measure text. */
const estimatedLetterWidth = 0.8 * 11;

/** The limit to give Vega for text that may be `room` pixels long. */
export function limitFor(room: number): number {
  return Math.round(room * estimatedLetterWidth / letterWidth);
}

/** Room for names at the left of a plot, in pixels: an estimate, between 44 and `most`. */
export function roomForNames(names: Iterable<string>, most: number): number {
  const longest = Math.max(0, ...[...names].map((name) => name.length));
  return Math.max(44, Math.min(most, Math.ceil(longest * letterWidth) + 16));
}

/** What a vertical axis of numbers needs so that its title stands at the same place in every panel. */
export const numberAxis = { titleAnchor: "middle", titleX: -42 } as const;

/**
 * The vertical axis of a plot with one line a method.
 *
 * @param order Labels from the top.
 * @param left Room for them, in pixels.
 */
export function methodAxis(
  order: readonly string[],
  left: number,
): Readonly<Record<string, unknown>> {
  return {
    field: "label",
    type: "nominal",
    sort: order,
    title: null,
    axis: {
      labelLimit: limitFor(left - 12),
      domain: false,
      ticks: false,
      grid: true,
      labelPadding: 8,
    },
  };
}
