/**
 * Colour, shape and dash of each method: the same in every report, safe for colour-blind readers and without colour.
 *
 * @module
 */
import { hashBytes } from "../base/hash.ts";
import { type Dash, dashes, fullLine, type Shape, shapeNames } from "./markers.ts";
import type { Analysis } from "../analysis/analysis.ts";

/** How one series looks. */
export interface SeriesStyle {
  readonly colour: string;
  readonly shape: Shape;
  readonly dash: Dash;
}

/** Styles of named series, in reading order. */
export type SeriesStyles = ReadonlyMap<string, SeriesStyle>;

// Colours are those of Paul Tol, Colour Schemes, SRON technical note 09-002 (2021), "bright" and "muted", some darker
// or lighter so that they hold on light and dark pages; shapes differ from each other without colour.
const methodTable: readonly (readonly [method: string, colour: string, Shape, Dash])[] = [
  ["head", "#808080", "cross", [2, 3]],
  ["bitfit", "#b89f1f", "triangle left", [5, 3]],
  ["full", "#aa3377", "star", [9, 3, 2, 3]],
  ["houlsby", "#8c5a3c", "hollow square", [10, 3]],
  ["pfeiffer", "#cc8844", "hourglass", [4, 3]],
  ["lora", "#4477aa", "circle", fullLine],
  ["loraplus", "#3d7fe0", "hollow plus", [7, 2, 2, 2]],
  ["lorafa", "#5f8fa8", "upright bar", [4, 4]],
  ["pissa", "#cc4422", "pentagon", [9, 2]],
  ["eva", "#0a9a86", "hollow pentagon", [5, 4]],
  ["dora", "#44aacc", "triangle down", [6, 2]],
  ["dylora", "#44aa99", "bar", [3, 2]],
  ["prilora", "#7a7a2e", "triangle right", [2, 2]],
  ["gelora", "#999933", "hollow diamond", [8, 2, 2, 2]],
  ["adalora", "#228833", "square", [7, 3]],
  ["dora-dynamic", "#3a8fb0", "hollow star", [6, 4]],
  ["sora", "#d5822f", "plus", [4, 2]],
  ["alora", "#aa4499", "bow tie", [9, 4]],
  ["elalora", "#ee6677", "diamond", fullLine],
  ["beamlora", "#117733", "hollow triangle up", [3, 3]],
  ["raclora", "#5b4bc4", "triangle up", [6, 2, 1, 2]],
  ["xgblora", "#882255", "hollow circle", [5, 2]],
  ["sdlora", "#6d8bd6", "hollow triangle down", [11, 3]],
  ["composed", "#6b6b52", "hollow cross", [12, 3]],
];

const known: ReadonlyMap<string, SeriesStyle> = new Map(
  methodTable.map(([method, colour, shape, dash]) => [method, { colour, shape, dash }]),
);

const palette: readonly string[] = methodTable.map(([, colour]) => colour);

/** A whole number below 2³² that only the text decides. */
const numberOf = (text: string): number => Number.parseInt(hashBytes(text).slice(0, 8), 16);

/** The first entry from `start` on, round the list, that is free; the one at `start` where none is. */
function firstFree<T>(list: readonly T[], start: number, taken: ReadonlySet<T>): T {
  const turn = list.map((_, i) => list[(start + i) % list.length]!);
  return turn.find((entry) => !taken.has(entry)) ?? turn[0]!;
}

/**
 * Styles of labels: the first label of a built-in method has that method's style, whatever else the study holds. Any
 * other label's follows from its own name, and steps on where a series of the study has the colour or shape already.
 *
 * @param methods The method of each label, in reading order.
 */
export function stylesOfMethods(methods: ReadonlyMap<string, string>): SeriesStyles {
  const first = new Map<string, string>();
  for (const [label, method] of methods) if (!first.has(method)) first.set(method, label);
  const styles = new Map<string, SeriesStyle>();
  for (const [label, method] of methods) {
    const own = known.get(method);
    if (own !== undefined && first.get(method) === label) styles.set(label, own);
  }
  const colours = new Set([...styles.values()].map(({ colour }) => colour));
  const shapes = new Set([...styles.values()].map(({ shape }) => shape));
  for (const [label, method] of methods) {
    if (styles.has(label)) continue;
    const number = numberOf(first.get(method) === label ? method : label);
    const colour = firstFree(palette, number, colours);
    const shape = firstFree(shapeNames, Math.floor(number / palette.length), shapes);
    const dash = dashes[Math.floor(number / 1000) % dashes.length]!;
    colours.add(colour);
    shapes.add(shape);
    styles.set(label, { colour, shape, dash });
  }
  return new Map([...methods.keys()].map((label) => [label, styles.get(label)!]));
}

/** Styles of all labels of a study and its replays. */
export function stylesOf(results: Analysis): SeriesStyles {
  return stylesOfMethods(
    new Map([
      ...results.grid.methods,
      ...(results.replay === null ? [] : results.replay.grid.methods),
    ]),
  );
}
