/**
 * What a corpus reader gives: named documents made of sentences in reading order.
 *
 * @module
 */

/** A text as sentences in reading order. */
export interface Document {
  /** Where the text comes from: `wordnet`, `books`, `factbook` or `sotu`. */
  readonly source: string;
  /** Name within the source, such as `austen-emma/07`. */
  readonly name: string;
  readonly sentences: readonly string[];
}

/** The number of words of a text, counted at white space. */
export function countWords(text: string): number {
  const trimmed = text.trim();
  return trimmed === "" ? 0 : trimmed.split(/\s+/).length;
}
