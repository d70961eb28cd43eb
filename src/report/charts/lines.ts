/**
 * Lines: a number along an axis, a line a series, with its interval or band.
 *
 * @module
 */
import type { SeriesStyles } from "../method_styles.ts";
import {
  type Drawing,
  edgeLayers,
  edgeLine,
  edgeRows,
  endsOf,
  type Layer,
  panelled,
  type Range,
  type RangedRow,
  rangesOf,
  spreadOut,
} from "./panels.ts";
import { channelsOf, chartColours } from "./theme.ts";

/** A point of a line. */
export interface LineRow extends RangedRow {
  /** Null for a level that holds all along the axis. */
  readonly x: number | string | null;
  /** Where along the line it is; default by x. */
  readonly order?: number;
  /** The line, where a series has several; default its series. */
  readonly line?: string;
  /** Whether it is of a second line that matters less: thin and without points. */
  readonly isFaint?: boolean;
  /** Whether it is a dashed line at its x instead of a point. */
  readonly isUpright?: boolean;
}

/** An axis of numbers or of names. */
export interface LineAxis {
  readonly title: string | null;
  /** Names, in their order; a logarithmic or a linear axis has none. */
  readonly names?: readonly string[] | undefined;
  readonly scale?: "log" | "linear";
  readonly domain?: readonly [number, number];
  readonly isReversed?: boolean;
  /** Whether each panel has its own, from 0. */
  readonly isOwn?: boolean;
  /** Options of Vega-Lite's axis, for instance the values of its ticks. */
  readonly axis?: object;
}

/** How lines are drawn. */
interface LineOptions {
  readonly styles: SeriesStyles;
  readonly x: LineAxis;
  readonly y: Pick<LineAxis, "title" | "scale" | "axis">;
  /** Size of the points; default none. */
  readonly points?: number;
  /** Whether values hold until the next. */
  readonly isStepped?: boolean;
  /** Whether the interval is drawn as a band along the line; default a bar at each point. */
  readonly hasBand?: boolean;
  /** Series that stand side by side at each name of the axis; default none do. */
  readonly sideBySide?: readonly string[];
  /** Whether lines join the points; default true. */
  readonly hasLines?: boolean;
  /** What lines are called at their ends; default by the legend alone. */
  readonly endNameOf?: (series: string) => string;
  /** What panels of one scale have in common; default each has its own. */
  readonly scaleOf?: (row: LineRow) => string;
  /** The numbers that every panel shows; default those that its rows have. */
  readonly domain?: readonly [number, number];
  readonly bounds?: Parameters<typeof rangesOf>[1];
  readonly height: number;
  /** Whether a panel that stands alone is large. */
  readonly isLarge?: boolean;
  readonly columns?: number;
  /** Whether a legend names the series; default true. */
  readonly hasLegend?: boolean;
}

/** The ranges of the panels. */
export function lineRanges(
  rows: readonly LineRow[],
  { scaleOf, bounds, height, domain }: LineOptions,
): ReadonlyMap<string, Range> {
  const ranges = rangesOf(rows, { scaleOf, lineShare: edgeLine / height, ...bounds });
  if (domain === undefined) return ranges;
  return new Map([...ranges].map(([panel, range]) => [panel, { ...range, domain }]));
}

/** Names at the ends of lines, apart from each other. */
function endNames(
  rows: readonly LineRow[],
  options: LineOptions,
  domain: readonly [number, number],
) {
  const { endNameOf, height } = options;
  const ends = [...Map.groupBy(rows, ({ series }) => series).values()].map((own) => own.at(-1)!);
  const step = 11 * (domain[1] - domain[0]) / height;
  if (endNameOf === undefined || ends.length * 11 > height) return [];
  const names = ends.map(({ panel, series, value }) => ({
    panel,
    series,
    endName: endNameOf(series),
    at: value,
  }));
  return spreadOut(names, step, domain);
}

/** Lines as a specification. */
export function lines(rows: readonly LineRow[], options: LineOptions): Drawing {
  const { styles, points = 0, sideBySide, hasLines = true, height } = options;
  const ranges = lineRanges(rows, options);
  const edges = edgeRows(rows, ranges);
  const names = [...Map.groupBy(rows, ({ panel }) => String(panel))]
    .flatMap(([panel, own]) => endNames(own, options, ranges.get(panel)!.domain));
  const drawn = rows.map((row) => {
    const { domain, isFar } = ranges.get(String(row.panel))!;
    const { isFree: _, ...rest } = row;
    if (isFar(row)) return { ...rest, isFar: true };
    if (row.low === undefined && row.high === undefined) return rest;
    const [from, to] = endsOf(row, domain);
    return { ...rest, from, to };
  });
  const { color, shape, strokeDash } = channelsOf(
    styles,
    options.hasLegend === false ? "none" : points > 0 ? "point" : "line",
  );
  const number = (axis: LineOptions["y"], field: string, more: object = {}) => ({
    field,
    type: "quantitative",
    title: axis.title,
    scale: {
      ...(axis.scale === "log" ? { type: "log" } : { zero: false }),
      nice: false,
      ...more,
    },
    axis: { tickCount: 5, ...axis.axis },
  });
  const { x: across } = options;
  const x = across.names === undefined
    ? number(across, "x", {
      ...(across.domain === undefined ? {} : { domain: across.domain }),
      ...(across.isReversed === true ? { reverse: true } : {}),
      ...(across.isOwn === true ? { zero: true } : {}),
    })
    : {
      field: "x",
      type: "ordinal",
      title: across.title,
      scale: {
        domain: across.names,
        ...(sideBySide === undefined
          ? { padding: 0.5 }
          : { paddingInner: 0.1, paddingOuter: 0.05 }),
      },
      axis: { labelAngle: 0, ticks: false, labelPadding: 8, labelOverlap: true, ...across.axis },
    };
  const place = {
    x: { ...x, axis: { grid: false, ...x.axis } },
    ...(sideBySide === undefined ? {} : {
      xOffset: {
        field: "series",
        type: "nominal",
        scale: { domain: sideBySide, paddingOuter: 0.7 },
      },
    }),
  };
  const y = (field: string) => number(options.y, field);
  const has = (field: string) => drawn.some((row) => field in row);
  const path = {
    ...(has("order") ? { order: { field: "order", type: "quantitative" } } : {}),
    ...(has("line") ? { detail: { field: "line" } } : {}),
  };
  const step = options.isStepped === true ? { interpolate: "step-after" } : {};
  const layer = (width: number): readonly Layer[] => [
    ...edgeLayers(height, y("bound")),
    {
      has: ["from"],
      without: ["x"],
      mark: { type: "rect", opacity: 0.12 },
      encoding: { y: y("from"), y2: { field: "to" }, color },
    },
    {
      has: ["value"],
      without: ["x", "isFar"],
      mark: { type: "rule", strokeWidth: 1.6 },
      encoding: { y: y("value"), color, strokeDash },
    },
    {
      has: ["value"],
      without: ["x", "isFar"],
      mark: {
        type: "text",
        align: "right",
        baseline: "bottom",
        fontSize: 10,
        x: width - 2,
        dy: -2,
      },
      encoding: { y: y("value"), text: { field: "series" }, color },
    },
    {
      has: ["x", "from"],
      mark: options.hasBand === true
        ? { type: "area", opacity: 0.13, ...step }
        : { type: "rule", strokeWidth: 1.8, opacity: 0.8 },
      encoding: { ...place, y: y("from"), y2: { field: "to" }, color },
    },
    {
      has: ["x", "value", "isFaint"],
      without: ["isFar"],
      mark: { type: "line", strokeWidth: 1.1, opacity: 0.65, ...step },
      encoding: { ...place, y: y("value"), color, ...path },
    },
    ...(hasLines
      ? [{
        has: ["x", "value"],
        without: ["isFar", "isFaint", "isUpright"],
        mark: { type: "line", strokeWidth: 1.6, opacity: points > 0 ? 0.7 : 1, ...step },
        encoding: { ...place, y: y("value"), color, strokeDash, ...path },
      }]
      : []),
    ...(points > 0
      ? [{
        has: ["x", "value"],
        without: ["isFar", "isFaint", "isUpright"],
        mark: { type: "point", filled: true, size: points, opacity: 1 },
        encoding: { ...place, y: y("value"), color, shape },
      }]
      : []),
    {
      has: ["isUpright"],
      mark: { type: "rule", strokeDash: [4, 3], color: chartColours.ink },
      encoding: { x: place.x },
    },
    {
      has: ["endName"],
      mark: { type: "text", align: "left", fontSize: 10, x: width + 5, color: chartColours.muted },
      encoding: { y: y("at"), text: { field: "endName" } },
    },
  ];
  return (room) =>
    panelled([...drawn, ...edges, ...names], room, {
      names: styles.keys(),
      height,
      isLarge: options.isLarge,
      columns: options.columns ?? 3,
      independent: across.isOwn === true ? ["x", "y"] : ["y"],
      layer,
    });
}

/** The horizontal axis of charts over training. */
export const progressAxis: LineAxis = {
  title: "training done (%)",
  domain: [0, 100],
  axis: { values: [0, 25, 50, 75, 100] },
};
