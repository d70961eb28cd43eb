/**
 * Heatmaps: a patch of colour for each row and column, with its number where it has room.
 *
 * @module
 */
import { type Drawing, panelled, type PanelRow } from "./panels.ts";
import { chartColours, textWidth } from "./theme.ts";

/** A patch. */
interface HeatmapRow extends PanelRow {
  readonly x: string | number;
  readonly y: string | number;
  /** What the colour stands for. */
  readonly value: number;
  /** All have one, or none has. */
  readonly text?: string;
}

/** Colours by value, mixed between stops; a value above the last has the last. */
interface ColourStops {
  readonly stops: readonly (readonly [value: number, colour: string, name?: string])[];
  /** The value above which a text on the colour is white. */
  readonly whiteAbove: number;
}

/** How a heatmap is drawn. */
interface HeatmapOptions {
  readonly xs: readonly (string | number)[];
  readonly ys: readonly (string | number)[];
  readonly colours: ColourStops;
  /** Size of a patch in pixels. */
  readonly step: { readonly x: number; readonly y: number };
  readonly xAxis?: object;
  readonly yAxis?: object;
  readonly xTitle?: string;
  readonly yTitle?: string;
  /** Whether each panel has its own columns; only without texts. */
  readonly hasOwnColumns?: boolean;
  readonly columns?: number;
}

/** A heatmap as a specification. */
export function heatmap(rows: readonly HeatmapRow[], options: HeatmapOptions): Drawing {
  const { xs, ys, step, hasOwnColumns = false, colours: { stops, whiteAbove } } = options;
  const legend = stops.flatMap(([, , name]) => name ?? []);
  const named = JSON.stringify(Object.fromEntries(stops.map(([value, , name]) => [value, name])));
  const band = (
    field: "x" | "y",
    order: readonly unknown[],
    title: string | undefined,
    axis: object = {},
  ) => ({
    field,
    type: "ordinal",
    title: title ?? null,
    ...(field === "x" && hasOwnColumns
      ? { sort: order }
      : { scale: { domain: order, padding: 0 } }),
    axis: { domain: false, ticks: false, grid: false, labelPadding: 6, ...axis },
  });
  const [x, y] = [
    band("x", xs, options.xTitle, options.xAxis),
    band("y", ys, options.yTitle, options.yAxis),
  ];
  const color = {
    field: "value",
    type: "quantitative",
    scale: {
      domain: stops.map(([value]) => value),
      range: stops.map(([, colour]) => colour),
      interpolate: "rgb",
      clamp: true,
    },
    legend: legend.length > 0
      ? {
        type: "symbol",
        symbolType: "square",
        symbolSize: 220,
        values: stops.map(([value]) => value),
        labelExpr: `(${named})[datum.value]`,
      }
      : null,
  };
  const cell = step.y > 14 ? { stroke: chartColours.background, strokeWidth: 1.5 } : {};
  const layer = () => [
    { has: ["value"], mark: { type: "rect", ...cell }, encoding: { x, y, color } },
    {
      has: ["text"],
      mark: { type: "text" },
      encoding: {
        x,
        y,
        text: { field: "text" },
        color: {
          condition: { test: `datum.value > ${whiteAbove}`, value: "#ffffff" },
          value: "#2a2f36",
        },
      },
    },
  ];
  const { labelFontSize } = { labelFontSize: 11, ...options.yAxis };
  const names = Math.max(...ys.map((name) => textWidth(String(name), labelFontSize)));
  const panels = [...Map.groupBy(rows, ({ panel }) => String(panel)).values()];
  const across = Math.max(...panels.map((own) => new Set(own.map(({ x }) => x)).size));
  return (room) =>
    panelled(rows, room, {
      names: legend,
      height: { step: step.y },
      width: { step: step.x },
      axisRoom: 30 + names + step.x * (across - 1),
      columns: options.columns ?? 3,
      independent: hasOwnColumns ? ["x"] : [],
      layer,
    });
}
