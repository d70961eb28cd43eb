/**
 * Texts that are shown to people: how many columns of a terminal they take, texts made to fit, and texts from files, whose control
 * characters neither a terminal nor a reader of SVG obeys.
 *
 * @module
 */

const segmenter = new Intl.Segmenter("en", { granularity: "grapheme" });

/** Characters that take two columns, by Unicode's East Asian Width. */
const wide =
  /^(?:[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]|\p{Emoji_Presentation})/u;

/** Characters that take no column of their own: marks, joiners, controls. */
const empty = /^[\p{M}\p{Cf}\p{Cc}\u1160-\u11ff]$/u;

/** The mark of a text in the place of which something was left out. */
const ellipsis = "…";

function columnsOfGrapheme(grapheme: string): number {
  if (wide.test(grapheme) || grapheme.includes("\ufe0f")) return 2;
  return [...grapheme].every((character) => empty.test(character)) ? 0 : 1;
}

function graphemesOf(text: string): readonly string[] {
  return [...segmenter.segment(text)].map(({ segment }) => segment);
}

/**
 * Columns of a terminal that a text of one line takes: two for wide characters, none for marks and controls.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { columnsOf } from "./text_width.ts";
 * assertEquals(["ab", "秩", "é", "e\u0301", "👍"].map(columnsOf), [2, 2, 1, 1, 2]);
 * ```
 */
export function columnsOf(text: string): number {
  return graphemesOf(text).reduce((sum, grapheme) => sum + columnsOfGrapheme(grapheme), 0);
}

/** The longest beginning of `graphemes` that takes at most so many columns. */
function beginning(graphemes: readonly string[], columns: number): string {
  let left = columns;
  let text = "";
  for (const grapheme of graphemes) {
    left -= columnsOfGrapheme(grapheme);
    if (left < 0) break;
    text += grapheme;
  }
  return text;
}

function ending(graphemes: readonly string[], columns: number): string {
  let left = columns;
  let count = 0;
  for (const grapheme of graphemes.toReversed()) {
    left -= columnsOfGrapheme(grapheme);
    if (left < 0) break;
    count++;
  }
  return graphemes.slice(graphemes.length - count).join("");
}

type Place = "middle" | "end" | "start";

function shortenedAt(text: string, columns: number, place: Place): string {
  if (columnsOf(text) <= columns) return text;
  if (columns < 1) return "";
  const graphemes = graphemesOf(text);
  const room = columns - 1;
  const before = place === "middle" ? Math.ceil(room / 2) : place === "end" ? room : 0;
  return beginning(graphemes, before) + ellipsis + ending(graphemes, room - before);
}

/**
 * A text that takes at most so many columns: what does not fit is left out in its middle.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { shortened } from "./text_width.ts";
 * assertEquals(shortened("elalora b=8", 20), "elalora b=8");
 * assertEquals(shortened("elalora b=8", 7), "ela…b=8");
 * ```
 */
export function shortened(text: string, columns: number): string {
  return shortenedAt(text, columns, "middle");
}

/** Texts that take at most so many columns each, shortened where they stay distinct: in the middle, else at the end or the start. */
export function shortenedApart(texts: readonly string[], columns: number): readonly string[] {
  const distinct = new Set(texts).size;
  const places: readonly Place[] = ["middle", "end", "start"];
  const tries = places.map((place) => texts.map((text) => shortenedAt(text, columns, place)));
  return tries.find((texts) => new Set(texts).size === distinct) ?? tries[0]!;
}

/**
 * A text broken at spaces into lines of at most so many columns; a longer word keeps a line of its own.
 *
 * @param indent Columns that each line after the first begins with. Default 0.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { wrapped } from "./text_width.ts";
 * assertEquals(wrapped("  --data DIR  where the files go", 24, 14), [
 *   "  --data DIR  where the",
 *   "              files go",
 * ]);
 * ```
 */
export function wrapped(text: string, columns: number, indent = 0): readonly string[] {
  const lines: string[] = [];
  let line = "";
  // The first piece keeps the spaces that it begins with.
  for (const piece of text.match(/\s*\S+/g) ?? []) {
    if (line.trim() !== "" && columnsOf(line) + columnsOf(piece) > columns) {
      lines.push(line);
      line = " ".repeat(indent) + piece.trimStart();
    } else line += piece;
  }
  return line === "" ? lines : [...lines, line];
}

/** A text filled with spaces to so many columns. */
export function padded(text: string, columns: number, align: "left" | "right"): string {
  const space = " ".repeat(Math.max(0, columns - columnsOf(text)));
  return align === "left" ? text + space : space + text;
}

/**
 * Controls but for line ends and tabs, marks that change the direction of the text around them, and what is no character, which
 * XML forbids.
 */
const unprintable = /(?![\n\t])[\p{Cc}\p{Cs}\p{Bidi_Control}\p{Noncharacter_Code_Point}]/gu;

/**
 * The text with each control character, mark that turns the direction of text and code point without a character written as its number.
 *
 * Line ends and tabs stay.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { printable } from "./text_width.ts";
 * assertEquals(printable("lora \u001b[2J r2\n"), "lora \\u{1b}[2J r2\n");
 * ```
 */
export function printable(text: string): string {
  return text.replace(
    unprintable,
    (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`,
  );
}
