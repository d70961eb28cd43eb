/**
 * How charts look: one colour and shape a method everywhere, safe for colour-blind readers, on light and dark pages.
 *
 * @module
 */
import { gridOf } from "./facts.ts";
import type { StudyResults } from "./types.ts";

/** Colours of everything but data; the page's style sheet recolours exactly these on dark screens. */
export const chartColours = {
  background: "#fefefe",
  ink: "#23282f",
  muted: "#5c6672",
  grid: "#e4e7eb",
} as const;

/** Fonts, in the order a viewer should try them. */
export const fontFamily = "Inter, 'Segoe UI', 'Helvetica Neue', Arial, sans-serif";

// "Bright" qualitative scheme of Paul Tol, Colour Schemes, SRON technical note 09-002 (2021), its grey darkened.
const methodColours: ReadonlyMap<string, string> = new Map([
  ["lora", "#4477aa"],
  ["elalora", "#ee6677"],
  ["adalora", "#228833"],
  ["head", "#888888"],
  ["bitfit", "#b89f1f"],
  ["full", "#aa3377"],
]);

// The rest of the same note's "muted" scheme, its indigo lighter for dark pages, for methods and labels beyond those above.
const spareColours = [
  "#44aacc",
  "#cc8844",
  "#5b4bc4",
  "#44aa99",
  "#882255",
  "#999933",
  "#aa4499",
  "#117733",
];

const shapes = [
  "circle",
  "square",
  "triangle-up",
  "diamond",
  "cross",
  "triangle-down",
  "triangle-right",
];

/** Labels from which charts give each method a row of its own, where lines and colours would no longer tell them apart. */
export const manyLabels = 9;

/** Colours and shapes of labels, index by index. */
export interface LabelStyles {
  readonly labels: readonly string[];
  readonly colours: readonly string[];
  readonly shapes: readonly string[];
}

/** Styles of all labels of a study and its replays: a method's first label has the method's own colour. */
export function stylesOf(results: StudyResults): LabelStyles {
  const methods = new Map([
    ...gridOf(results).methods,
    ...(results.replay === null ? [] : gridOf(results.replay).methods),
  ]);
  const used = new Set<string>();
  let spare = 0;
  const colours = [...methods.values()].map((method) => {
    const own = methodColours.get(method);
    if (own !== undefined && !used.has(own)) {
      used.add(own);
      return own;
    }
    return spareColours[spare++ % spareColours.length]!;
  });
  return { labels: [...methods.keys()], colours, shapes: distinctShapes(colours) };
}

/** A shape a label, in turn, stepping on where the same colour has that shape already. */
function distinctShapes(colours: readonly string[]): readonly string[] {
  const taken = new Set<string>();
  return colours.map((colour, i) => {
    const turn = shapes.map((_, offset) => shapes[(i + offset) % shapes.length]!);
    const shape = turn.find((name) => !taken.has(`${colour} ${name}`)) ?? turn[0]!;
    taken.add(`${colour} ${shape}`);
    return shape;
  });
}

/** Scales for the channels `color` and `shape` that hold only the labels a chart shows. */
export function labelScales(
  styles: LabelStyles,
  shown: Iterable<string>,
): { readonly color: object; readonly shape: object } {
  const wanted = new Set(shown);
  const kept = styles.labels.map((label, i) => ({ label, i })).filter(({ label }) =>
    wanted.has(label)
  );
  const domain = kept.map(({ label }) => label);
  const legend = {
    title: null,
    orient: "top",
    symbolSize: 90,
    symbolOpacity: 1,
    columns: Math.max(...domain.map((label) => label.length), 0) > 24 ? 2 : 6,
    labelLimit: 480,
  };
  return {
    color: {
      field: "label",
      type: "nominal",
      scale: { domain, range: kept.map(({ i }) => styles.colours[i]) },
      legend,
    },
    shape: {
      field: "label",
      type: "nominal",
      scale: { domain, range: kept.map(({ i }) => styles.shapes[i]) },
      legend,
    },
  };
}

/** The channel `color` of tasks, where colour does not stand for a method. */
export function taskColour(tasks: readonly string[]): object {
  const colours = [...methodColours.values(), ...spareColours];
  return {
    field: "task",
    type: "nominal",
    scale: { domain: tasks, range: tasks.map((_, i) => colours[i % colours.length]!) },
    legend: { title: null, orient: "top", columns: 6, symbolType: "circle", symbolSize: 90 },
  };
}

// Far apart in hue and near in lightness, so that they hold on light and on dark pages.
const budgetColours = ["#4b86c2", "#d5822f", "#2f9e77", "#b8539b", "#8a8a2f", "#6d6d78"];

/** The channel `color` of budgets, where colour does not stand for a method; of more than six from dark to light. */
export function budgetColour(budgets: readonly string[]): object {
  return {
    field: "budget",
    type: "ordinal",
    scale: budgets.length <= budgetColours.length
      ? { domain: budgets, range: budgetColours.slice(0, budgets.length) }
      : { domain: budgets, scheme: { name: "viridis", extent: [0.25, 0.9] } },
    legend: { title: null, orient: "top", symbolType: "circle", symbolSize: 90 },
  };
}

const partColours: ReadonlyMap<string, string> = new Map([
  ["query", "#4477aa"],
  ["key", "#44aacc"],
  ["value", "#228833"],
  ["attention_output", "#b89f1f"],
  ["intermediate", "#ee6677"],
  ["output", "#aa3377"],
]);

/** One colour a module part. */
export function partColour(part: string): string {
  return partColours.get(part) ?? "#888888";
}

/** Reading order of module parts; unknown ones follow. */
export const partOrder: readonly string[] = [...partColours.keys()];

/** The Vega-Lite configuration that all charts share. */
export const chartConfig = {
  font: fontFamily,
  // The page labels each chart as one picture; a label on every mark would make up most of the file.
  aria: false,
  background: chartColours.background,
  view: { stroke: null },
  title: {
    color: chartColours.ink,
    fontSize: 13,
    fontWeight: 600,
    anchor: "start",
    frame: "group",
    offset: 10,
  },
  axis: {
    labelColor: chartColours.muted,
    titleColor: chartColours.ink,
    titleFontWeight: 500,
    titleFontSize: 12,
    labelFontSize: 11,
    gridColor: chartColours.grid,
    domainColor: chartColours.grid,
    tickColor: chartColours.grid,
    titlePadding: 8,
  },
  header: {
    labelColor: chartColours.ink,
    titleColor: chartColours.muted,
    labelFontSize: 12,
    labelFontWeight: 600,
    title: null,
  },
  legend: {
    labelColor: chartColours.ink,
    titleColor: chartColours.muted,
    labelFontSize: 12,
    titleFontSize: 11,
    titleFontWeight: 500,
  },
} as const;
