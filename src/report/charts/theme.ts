/**
 * How charts look: what all of them share, and the colours, shapes and dashes of the series they show.
 *
 * @module
 */
import { type Dash, dashes, fullLine, shapeNames, shapePaths } from "../markers.ts";
import type { SeriesStyle, SeriesStyles } from "../method_styles.ts";

/** Colours of everything but data; the page's style sheet recolours exactly these on dark screens. */
export const chartColours = {
  background: "#fefefe",
  ink: "#23282f",
  muted: "#5c6672",
  grid: "#e4e7eb",
} as const;

/** Fonts, in the order a viewer should try them. */
export const fontFamily = "Inter, 'Segoe UI', 'Helvetica Neue', Arial, sans-serif";

/** Labels from which charts give each method a row of its own, where lines and colours would no longer tell them apart. */
export const manyLabels = 9;

/** About the width of a text of a size in the fonts of a page: nothing that measures is at hand. */
export const textWidth = (text: string, size = 11): number => 0.57 * size * [...text].length;

/** The Vega-Lite configuration of a chart: the same for all, but for the columns of a legend with such names. */
export function configOf(names: readonly string[], room: number) {
  const widths = names.map((name) => textWidth(name, 12) + 44);
  const total = widths.reduce((sum, width) => sum + width, 0);
  const { background, ink, muted, grid } = chartColours;
  return {
    font: fontFamily,
    // The page labels each chart as one picture; a label on every mark would make up most of the file.
    aria: false,
    background,
    padding: 8,
    view: { stroke: null },
    axis: {
      labelColor: muted,
      titleColor: ink,
      titleFontWeight: 500,
      titleFontSize: 11.5,
      labelFontSize: 11,
      gridColor: grid,
      domainColor: grid,
      tickColor: grid,
      titlePadding: 6,
    },
    text: { fontSize: 11, color: ink },
    header: {
      labelAnchor: "start",
      labelColor: ink,
      labelFontSize: 12,
      labelFontWeight: 600,
      labelPadding: 8,
      labelLimit: 290,
    },
    legend: {
      orient: "top",
      title: null,
      columns: total <= room ? names.length : Math.max(1, Math.floor(room / Math.max(...widths))),
      columnPadding: 16,
      labelColor: ink,
      labelFontSize: 12,
      labelLimit: Math.min(room - 60, 400),
      symbolOpacity: 1,
      symbolStrokeWidth: 2,
    },
  } as const;
}

/** What stands in a legend for a series: its point, or its line. */
const legends = {
  point: { symbolStrokeWidth: 0, symbolSize: 80 },
  line: { symbolType: "stroke", symbolSize: 300 },
  none: null,
} as const;

/** The channels `color`, `shape` and `strokeDash` of the field `series`, with one legend for all. */
export function channelsOf(styles: SeriesStyles, legend: keyof typeof legends) {
  const channel = (valueOf: (style: SeriesStyle) => string | Dash) => ({
    field: "series",
    type: "nominal",
    title: null,
    scale: { domain: [...styles.keys()], range: [...styles.values()].map(valueOf) },
    legend: legends[legend],
  });
  return {
    color: channel(({ colour }) => colour),
    shape: channel(({ shape }) => shapePaths[shape]),
    strokeDash: channel(({ dash }) => dash),
  };
}

/** The styles of those of the series that a chart shows. */
export function shownOf(styles: SeriesStyles, shown: Iterable<string>): SeriesStyles {
  const wanted = new Set(shown);
  return new Map([...styles].filter(([name]) => wanted.has(name)));
}

function series(names: readonly string[], colours: readonly string[]): SeriesStyles {
  return new Map(names.map((name, i) => [name, {
    colour: colours[i % colours.length]!,
    shape: shapeNames[i % shapeNames.length]!,
    dash: dashes[i % dashes.length]!,
  }]));
}

// "Bright" of Paul Tol, Colour Schemes, SRON technical note 09-002 (2021), then colours of its "muted".
const taskColours = [
  "#4477aa",
  "#ee6677",
  "#228833",
  "#b89f1f",
  "#aa3377",
  "#44aacc",
  "#cc8844",
  "#5b4bc4",
  "#44aa99",
  "#882255",
];

/** Styles of tasks, where colour does not stand for a method. */
export function taskStyles(tasks: readonly string[]): SeriesStyles {
  return series(tasks, taskColours);
}

// Far apart in hue and near in lightness, so that they hold on light and on dark pages.
const budgetColours = ["#4b86c2", "#d5822f", "#2f9e77", "#b8539b", "#8a8a2f", "#6d6d78"];

/** Styles of budgets, where colour does not stand for a method: of more than six from dark to light, and grey for none. */
export function budgetStyles(budgets: readonly string[], none: string | null): SeriesStyles {
  const colours = budgets.length <= budgetColours.length
    ? budgetColours
    : rampOf(viridis, budgets.length);
  return new Map([
    ...series(budgets, colours),
    ...(none === null
      ? []
      : [[none, { colour: "#808080", shape: "hollow diamond", dash: fullLine } as const] as const]),
  ]);
}

// After matplotlib's viridis and plasma (CC0), without their darkest and palest ends: dark and light pages show both.
const viridis = ["#3b6cab", "#2c828e", "#21918c", "#28ae80", "#5ec962", "#a5cc30"];
const plasma = ["#4f43c8", "#8a3fc0", "#bd3f9c", "#de5570", "#ea8047", "#eeac38"];

/** `count` colours spread evenly over stops, mixed in RGB between them. */
function rampOf(stops: readonly string[], count: number): readonly string[] {
  const channels = (colour: string) =>
    [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16));
  return Array.from({ length: count }, (_, i) => {
    const place = count < 2 ? 0 : i * (stops.length - 1) / (count - 1);
    const before = Math.min(stops.length - 2, Math.floor(place));
    const [from, to] = [channels(stops[before]!), channels(stops[before + 1]!)];
    const mixed = from.map((value, c) => value + (to[c]! - value) * (place - before));
    return `#${mixed.map((value) => Math.round(value).toString(16).padStart(2, "0")).join("")}`;
  });
}

/** Styles of layers: from dark (first) to light (last), all with full lines. */
export function layerStyles(layers: readonly string[]): SeriesStyles {
  const colours = rampOf(plasma, layers.length);
  return new Map(layers.map((name, i) => [name, {
    colour: colours[i]!,
    shape: "circle",
    dash: fullLine,
  }]));
}

const partTable: ReadonlyMap<string, readonly [colour: string, dash: Dash]> = new Map([
  ["query", ["#4477aa", fullLine]],
  ["key", ["#44aacc", [6, 3]]],
  ["value", ["#228833", [2, 2]]],
  ["attention_output", ["#b89f1f", [8, 3, 2, 3]]],
  ["intermediate", ["#ee6677", [10, 4]]],
  ["output", ["#aa3377", [4, 2]]],
]);

/** Words of a part as a label, for instance `attention output`. */
export const partTitle = (part: string): string => part.replaceAll("_", " ");

/** Styles of module parts by title, in the order given; unknown ones are grey. */
export function partStyles(parts: readonly string[]): SeriesStyles {
  return new Map(parts.map((part, i) => {
    const [colour, dash] = partTable.get(part) ?? ["#888888", dashes[i % dashes.length]!];
    return [partTitle(part), { colour, shape: "circle", dash }];
  }));
}

/** Sorts module parts in the order of the encoder; unknown ones follow by name. */
export function sortParts(parts: Iterable<string>): readonly string[] {
  const order = [...partTable.keys()];
  const place = (part: string) => {
    const index = order.indexOf(part);
    return index < 0 ? order.length : index;
  };
  return [...parts].sort((a, b) => place(a) - place(b) || a.localeCompare(b));
}
