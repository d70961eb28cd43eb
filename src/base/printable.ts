/**
 * Text from files that is shown to people: a terminal takes no orders from it.
 *
 * @module
 */

/** Controls but for line ends and tabs, and marks that change the direction of the text around them. */
const unprintable = /(?![\n\t])[\p{Cc}\p{Bidi_Control}]/gu;

/**
 * The text with each control character, and each mark that turns the direction of text, written as its code point.
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
