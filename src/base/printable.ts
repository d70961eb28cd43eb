/**
 * Text from files that is shown to people: neither a terminal nor a reader of SVG takes orders from it.
 *
 * @module
 */

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
 * import { printable } from "./printable.ts";
 * assertEquals(printable("lora \u001b[2J r2\n"), "lora \\u{1b}[2J r2\n");
 * ```
 */
export function printable(text: string): string {
  return text.replace(
    unprintable,
    (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`,
  );
}
