/**
 * Intervals: a row a name, with a point and the line of its interval.
 *
 * @module
 */
import type { SeriesStyles } from "../method_styles.ts";
import {
  type Drawing,
  endsOf,
  type Heading,
  type Layer,
  panelled,
  type RangedRow,
  rangesOf,
  type Spec,
} from "./panels.ts";
import { channelsOf, chartColours, textWidth } from "./theme.ts";

/** A point with its interval. */
interface IntervalRow extends Omit<RangedRow, "value"> {
  /** Null where there is only a note. */
  readonly value: number | null;
  /** The name of its line. */
  readonly name: string;
  /** An interval within, drawn thick. */
  readonly innerLow?: number;
  readonly innerHigh?: number;
  /** Which of several on a line it is, in the order of `besides`. */
  readonly beside?: string;
  readonly isHollow?: boolean;
  /** Whether it is an earlier state of another. */
  readonly isFaint?: boolean;
  /** What stands at the right. */
  readonly note?: Heading;
}

/** How intervals are drawn. */
interface IntervalOptions {
  readonly styles: SeriesStyles;
  readonly x: {
    readonly title: string | null;
    readonly domain?: readonly [number, number];
    readonly axis?: object;
  };
  /** Names from the top; default each panel has its own order, that of its rows. */
  readonly order?: readonly string[];
  /** What stands on a line side by side, from the top. */
  readonly besides?: readonly string[];
  /** Height of a line in pixels; default 21. */
  readonly step?: number;
  /** Width of a plot; default that of any panel. */
  readonly width?: number;
  /** Whether a panel that stands alone is large. */
  readonly isLarge?: boolean;
  readonly hasLegend?: boolean;
  /** Whether points have the shapes of their series; default circles. */
  readonly hasShapes?: boolean;
  /** Numbers with a dashed rule, and a range that is shaded. */
  readonly references?: readonly number[];
  readonly shaded?: readonly [number, number];
  /** Bars at the right of the plot that join names, and have a dot at each. */
  readonly bars?: ReadonlyMap<string, readonly (readonly string[])[]>;
  readonly bounds?: Parameters<typeof rangesOf>[1];
  readonly hasLongNames?: boolean;
}

/** Room from which long names have a place beside the plot, in pixels. */
const wideEnough = 600;

/** Intervals as a specification. */
export function intervals(rows: readonly IntervalRow[], options: IntervalOptions): Drawing {
  return (room) => specificationOf(rows, options, room);
}

function specificationOf(
  rows: readonly IntervalRow[],
  options: IntervalOptions,
  room: number,
): Spec {
  // Where long names and notes have no room beside the plot, they stand in it, above their intervals.
  const isInside = options.hasLongNames === true && room < wideEnough;
  const { styles, x: across, order, besides, step = 21, hasLegend = false } = options;
  const ranged = rows.filter((row): row is IntervalRow & RangedRow => row.value !== null);
  const ranges = rangesOf(ranged, options.bounds ?? {});
  const shared = across.domain !== undefined;
  const drawn = rows.map(({ isFree, value, note, ...rest }) => {
    const row = note === undefined ? rest : { ...rest, note: isInside ? [note].flat()[0] : note };
    if (value === null) return row;
    const whole = { ...row, value, ...(isFree === undefined ? {} : { isFree }) };
    const { domain, isFar } = ranges.get(String(row.panel))!;
    const number = value.toFixed(1);
    if (isFar(whole)) {
      const side = value < domain[0] ? { below: `◂ ${number}` } : { above: `${number} ▸` };
      return { ...row, value, ...side };
    }
    const [from, to] = endsOf(whole, across.domain ?? domain);
    return { ...row, value, at: value, from, to };
  });
  const panels = [...new Map(rows.map(({ panel }) => [String(panel), panel]))];
  const { references = [], shaded } = options;
  const guides = panels.flatMap(([key, panel]) => [
    ...(shared ? [] : ranges.get(key)!.domain.map((bound) => ({ panel, bound }))),
    ...references.map((reference) => ({ panel, reference })),
    ...(shaded === undefined ? [] : [{ panel, shadedFrom: shaded[0], shadedTo: shaded[1] }]),
  ]);
  const joined = [...options.bars ?? []].flatMap(([panel, bars]) =>
    bars.flatMap((names, bar) => [
      { panel, bar, name: names[0]!, last: names.at(-1)! },
      ...names.map((name) => ({ panel, bar, name })),
    ])
  );
  const { color, shape } = channelsOf(styles, hasLegend ? "point" : "none");
  const y = {
    field: "name",
    type: "nominal",
    title: null,
    sort: order === undefined ? null : undefined,
    scale: order === undefined
      ? {}
      : { domain: order, ...(besides === undefined ? {} : { paddingInner: 0.35 }) },
    axis: {
      domain: false,
      ticks: false,
      grid: true,
      labelPadding: 8,
      labelLimit: 220,
      ...(options.hasLongNames === true
        ? {
          labelFontWeight: 600,
          labelColor: chartColours.ink,
          labelLimit: 250,
          ...(isInside ? { labelAlign: "left", labelPadding: -4, labelOffset: 8 - step / 2 } : {}),
        }
        : {}),
    },
  };
  const yOffset = { field: "beside", type: "nominal", scale: { domain: besides } };
  const x = (field: string) => ({
    field,
    type: "quantitative",
    title: across.title,
    scale: { zero: false, nice: false, ...(shared ? { domain: across.domain } : {}) },
    axis: { grid: false, tickCount: 5, ...across.axis },
  });
  const ends = (from: string, to: string): Spec => ({ x: x(from), x2: { field: to } });
  const at = { x: x("at") };
  const own: readonly Layer[] = [
    {
      has: ["from", "isFaint"],
      mark: { type: "rule", strokeWidth: 1.2, opacity: 0.4, clip: true },
      encoding: ends("from", "to"),
    },
    {
      has: ["at", "isFaint"],
      mark: { type: "point", filled: true, size: 14, opacity: 0.5 },
      encoding: at,
    },
    {
      has: ["from"],
      without: ["isFaint"],
      mark: { type: "rule", strokeWidth: 1.9, opacity: 0.75, clip: true },
      encoding: ends("from", "to"),
    },
    {
      has: ["innerLow"],
      without: ["isFaint"],
      mark: { type: "rule", strokeWidth: 7, opacity: 0.45, clip: true },
      encoding: ends("innerLow", "innerHigh"),
    },
    {
      has: ["at"],
      without: ["isHollow", "isFaint"],
      mark: { type: "point", filled: true, size: 62, opacity: 1 },
      encoding: { ...at, ...(options.hasShapes === true ? { shape } : {}) },
    },
    {
      has: ["at", "isHollow"],
      mark: { type: "point", size: 60, strokeWidth: 1.8, opacity: 1 },
      encoding: at,
    },
  ];
  const barX = (width: number) => ({ expr: `${width} + 10 + 9 * datum.bar` });
  const layer = (width: number): readonly Layer[] => [
    {
      has: ["shadedFrom"],
      mark: { type: "rect", opacity: 0.13, color: "#4b86c2" },
      encoding: ends("shadedFrom", "shadedTo"),
    },
    {
      has: ["reference"],
      mark: { type: "rule", strokeDash: [3, 3], color: chartColours.muted },
      encoding: { x: x("reference") },
    },
    { has: ["bound"], mark: { type: "point", opacity: 0 }, encoding: { x: x("bound") } },
    // What has no place beside others stands in the middle of its line.
    ...own.flatMap(({ has, without = [], mark, encoding }) => [
      ...(besides === undefined ? [] : [{
        has: [...has, "beside"],
        without,
        mark,
        encoding: { y, yOffset, color, ...encoding },
      }]),
      {
        has,
        without: besides === undefined ? without : [...without, "beside"],
        mark,
        encoding: { y, color, ...encoding },
      },
    ]),
    ...(["below", "above"] as const).map((side) => ({
      has: [side],
      mark: side === "below"
        ? { type: "text", align: "left", x: 3 }
        : { type: "text", align: "right", x: width - 3 },
      encoding: { y, text: { field: side } },
    })),
    {
      has: ["note"],
      mark: isInside ? { type: "text", align: "right", x: width - 3, dy: 14 - step / 2 } : {
        type: "text",
        align: "left",
        x: width + 8,
        fontWeight: 600,
        ...(options.hasLongNames === true ? { dy: -7 } : {}),
      },
      encoding: { y, text: { field: "note" } },
    },
    {
      has: ["last"],
      mark: { type: "rule", strokeWidth: 2.4, color: chartColours.ink, x: barX(width) },
      encoding: { y, y2: { field: "last" } },
    },
    {
      has: ["bar"],
      mark: {
        type: "point",
        filled: true,
        size: 22,
        opacity: 1,
        color: chartColours.ink,
        x: barX(width),
      },
      encoding: { y },
    },
  ];
  // Panels that have their own order have a height: bands of their own would have none.
  const lines = order?.length ?? Math.max(
    ...[...Map.groupBy(rows, ({ panel }) => String(panel)).values()]
      .map((own) => new Set(own.map(({ name }) => name)).size),
  );
  const names = Math.max(...rows.map(({ name }) => textWidth(name)));
  return panelled([...drawn, ...guides, ...joined], room, {
    names: hasLegend ? styles.keys() : [],
    height: step * lines,
    isLarge: options.isLarge,
    ...(options.width === undefined ? {} : { width: Math.min(options.width, room - 60) }),
    axisRoom: 30 + Math.min(220, names) + (joined.length > 0 ? 30 : 0),
    independent: [
      ...(shared ? [] : ["x" as const]),
      ...(order === undefined ? ["y" as const] : []),
    ],
    layer,
  });
}
