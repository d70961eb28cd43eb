/**
 * Splits running English prose into sentences.
 *
 * @module
 */

const abbreviations = new Set(
  ("mr mrs ms messrs dr st jr sr no nos gen col capt lieut lt maj sen rep gov hon rev vs etc " +
    "co inc ltd dept art sec vol pp cf viz jan feb mar apr aug sept oct nov dec")
    .split(" "),
);

/**
 * The sentences of running English prose: a sentence ends at `.`, `!` or `?` (with closing quotes or
 * brackets) before white space and a capital, digit or quote, except after abbreviations and initials.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { splitSentences } from "./sentences.ts";
 * assertEquals(splitSentences("Mr. Adams of the U.S. Senate spoke. We agreed!"), [
 *   "Mr. Adams of the U.S. Senate spoke.",
 *   "We agreed!",
 * ]);
 * ```
 */
export function splitSentences(text: string): string[] {
  const sentences: string[] = [];
  let start = 0;
  for (const match of text.matchAll(/[.!?]+["')\]]*\s+(?=["'([]?[A-Z0-9])/g)) {
    const end = match.index + match[0].length;
    if (match[0].startsWith(".")) {
      const word = text.slice(start, match.index).match(/[\w.]+$/)?.[0] ?? "";
      if (abbreviations.has(word.toLowerCase())) continue;
      if (/^([A-Za-z]\.)*[A-Za-z]$/.test(word) && word !== "I") continue;
    }
    const sentence = text.slice(start, end).trim();
    if (sentence !== "") sentences.push(sentence);
    start = end;
  }
  const last = text.slice(start).trim();
  if (last !== "") sentences.push(last);
  return sentences;
}
