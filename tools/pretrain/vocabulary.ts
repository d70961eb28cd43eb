/**
 * Trains a WordPiece vocabulary and writes it as a Hugging Face `tokenizer.json`.
 *
 * Pieces are found as byte-pair encoding finds them (Sennrich et al. 2016, algorithm 1), over
 * characters that carry `##` unless they begin a word: the most frequent adjacent pair is merged until
 * the vocabulary is full. This is what the trainer of Hugging Face's tokenizers does for WordPiece;
 * encoding is longest match first, as in BERT (Devlin et al. 2019).
 *
 * @module
 */
import type { Json } from "../../src/base/canonical_json.ts";
import { bertNormalize, bertSplit } from "../../src/tasks/tokenizers/components.ts";

/** The tokens that come first; their index is their id. */
export const specialTokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] as const;

const normalizerConfig = {
  type: "BertNormalizer",
  clean_text: true,
  handle_chinese_chars: true,
  strip_accents: true,
  lowercase: true,
} as const;

/** How large a vocabulary is and what it leaves out. */
export interface VocabularyOptions {
  /** Entries, special tokens included. Default 8192. */
  readonly size: number;
  /** Pairs seen less often are not merged. Default 2. */
  readonly minPairCount: number;
  /** Characters seen less often are left to `[UNK]`. Default 5. */
  readonly minCharacterCount: number;
}

/** The defaults of {@linkcode VocabularyOptions}. */
export const defaultVocabularyOptions: VocabularyOptions = {
  size: 8192,
  minPairCount: 2,
  minCharacterCount: 5,
};

/**
 * How often each word occurs after BERT's normalisation (lower case, no accents) and its splitting at
 * white space and punctuation.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { countBertWords } from "./vocabulary.ts";
 * assertEquals([...countBertWords(["Café, café!"])], [["cafe", 2], [",", 1], ["!", 1]]);
 * ```
 */
export function countBertWords(texts: Iterable<string>): Map<string, number> {
  const chunks = new Map<string, number>();
  for (const text of texts) {
    for (const chunk of text.split(/[ \t\r\n]+/)) {
      if (chunk !== "") chunks.set(chunk, (chunks.get(chunk) ?? 0) + 1);
    }
  }
  const normalize = bertNormalize(normalizerConfig);
  const split = bertSplit();
  const words = new Map<string, number>();
  for (const [chunk, count] of chunks) {
    for (const word of split(normalize(chunk))) {
      words.set(word, (words.get(word) ?? 0) + count);
    }
  }
  return words;
}

/** A binary heap of pairs, the most frequent first and among equals the one with the lower key. */
class PairHeap {
  readonly #counts: number[] = [];
  readonly #keys: number[] = [];

  push(count: number, key: number): void {
    let at = this.#keys.length;
    this.#counts.push(count);
    this.#keys.push(key);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#before(at, parent)) break;
      this.#swap(at, parent);
      at = parent;
    }
  }

  pop(): { readonly count: number; readonly key: number } | null {
    const last = this.#keys.length - 1;
    if (last < 0) return null;
    this.#swap(0, last);
    const top = { count: this.#counts.pop()!, key: this.#keys.pop()! };
    let at = 0;
    while (true) {
      let first = at;
      for (const child of [2 * at + 1, 2 * at + 2]) {
        if (child < last && this.#before(child, first)) first = child;
      }
      if (first === at) return top;
      this.#swap(at, first);
      at = first;
    }
  }

  #before(a: number, b: number): boolean {
    const difference = this.#counts[a]! - this.#counts[b]!;
    return difference !== 0 ? difference > 0 : this.#keys[a]! < this.#keys[b]!;
  }

  #swap(a: number, b: number): void {
    for (const list of [this.#counts, this.#keys]) {
      const held = list[a]!;
      list[a] = list[b]!;
      list[b] = held;
    }
  }
}

/** Pairs of symbols as one number; vocabularies are far smaller than this. */
const keyBase = 1 << 20;

/** Pieces of a word: the first as it is, the others with `##`. */
function splitCharacters(word: string): string[] {
  return Array.from(word, (character, i) => i === 0 ? character : `##${character}`);
}

function findAlphabet(counts: ReadonlyMap<string, number>, minCount: number): Set<string> {
  const characters = new Map<string, number>();
  for (const [word, count] of counts) {
    for (const character of word) {
      characters.set(character, (characters.get(character) ?? 0) + count);
    }
  }
  return new Set([...characters].filter(([, count]) => count >= minCount).map(([c]) => c));
}

/**
 * The vocabulary of a table of word counts, in the order of ids: special tokens, the alphabet sorted by
 * code unit, then merged pieces from the most frequent on.
 *
 * The result depends only on the counts, not on the order in which they are listed.
 *
 * @throws {RangeError} If the special tokens and the alphabet alone exceed the size.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { trainWordPiece } from "./vocabulary.ts";
 * const counts = new Map([["ab", 5], ["abb", 2]]);
 * const options = { size: 9, minPairCount: 2, minCharacterCount: 1 };
 * assertEquals(trainWordPiece(counts, options).slice(5), ["##b", "a", "ab", "abb"]);
 * ```
 */
export function trainWordPiece(
  counts: ReadonlyMap<string, number>,
  options: VocabularyOptions = defaultVocabularyOptions,
): string[] {
  const alphabet = findAlphabet(counts, options.minCharacterCount);
  const words = [...counts].filter(([word]) => Array.from(word).every((c) => alphabet.has(c)))
    .sort(([a], [b]) => a < b ? -1 : 1);
  const pieces = new Set(words.flatMap(([word]) => splitCharacters(word)));
  const vocabulary: string[] = [...specialTokens, ...[...pieces].sort()];
  if (vocabulary.length > options.size) {
    throw new RangeError(
      `Cannot train a vocabulary of ${options.size} entries: the special tokens and the alphabet ` +
        `take ${vocabulary.length}, so ask for more entries or raise minCharacterCount`,
    );
  }
  const ids = new Map(vocabulary.map((piece, id) => [piece, id]));
  const spelled = words.map(([word]) => splitCharacters(word).map((piece) => ids.get(piece)!));
  const wordCounts = words.map(([, count]) => count);

  const pairCounts = new Map<number, number>();
  const pairWords = new Map<number, Set<number>>();
  const addPair = (key: number, count: number, word: number): void => {
    pairCounts.set(key, (pairCounts.get(key) ?? 0) + count);
    if (count < 0) return;
    const holders = pairWords.get(key);
    if (holders === undefined) pairWords.set(key, new Set([word]));
    else holders.add(word);
  };
  spelled.forEach((symbols, word) => {
    for (let i = 1; i < symbols.length; i++) {
      addPair(symbols[i - 1]! * keyBase + symbols[i]!, wordCounts[word]!, word);
    }
  });
  const heap = new PairHeap();
  for (const [key, count] of pairCounts) heap.push(count, key);

  while (vocabulary.length < options.size) {
    const top = heap.pop();
    if (top === null) break;
    const { key } = top;
    const current = pairCounts.get(key) ?? 0;
    if (current !== top.count) {
      if (current >= options.minPairCount) heap.push(current, key);
      continue;
    }
    if (current < options.minPairCount) break;
    const left = Math.floor(key / keyBase);
    const right = key % keyBase;
    const piece = vocabulary[left]! + vocabulary[right]!.replace(/^##/, "");
    let merged = ids.get(piece);
    if (merged === undefined) {
      merged = vocabulary.length;
      vocabulary.push(piece);
      ids.set(piece, merged);
    }
    const changed = new Set<number>();
    for (const word of pairWords.get(key) ?? []) {
      const symbols = spelled[word]!;
      const count = wordCounts[word]!;
      for (let i = 0; i + 1 < symbols.length; i++) {
        if (symbols[i] !== left || symbols[i + 1] !== right) continue;
        if (i > 0) {
          addPair(symbols[i - 1]! * keyBase + left, -count, word);
          addPair(symbols[i - 1]! * keyBase + merged, count, word);
          changed.add(symbols[i - 1]! * keyBase + merged);
        }
        if (i + 2 < symbols.length) {
          addPair(right * keyBase + symbols[i + 2]!, -count, word);
          addPair(merged * keyBase + symbols[i + 2]!, count, word);
          changed.add(merged * keyBase + symbols[i + 2]!);
        }
        symbols.splice(i, 2, merged);
      }
    }
    pairCounts.delete(key);
    pairWords.delete(key);
    for (const pair of changed) {
      const count = pairCounts.get(pair) ?? 0;
      if (count >= options.minPairCount) heap.push(count, pair);
    }
  }
  return vocabulary;
}

/** A special token as `tokenizer.json` lists it. */
function addedToken(content: string, id: number): Json {
  const flags = { single_word: false, lstrip: false, rstrip: false, normalized: false };
  return { id, content, ...flags, special: true };
}

function templateSpecial(token: string, type: number): Json {
  return { SpecialToken: { id: token, type_id: type } };
}

function templateSequence(name: string, type: number): Json {
  return { Sequence: { id: name, type_id: type } };
}

/**
 * A vocabulary as Hugging Face's `tokenizer.json`: BERT normaliser and splitter, WordPiece, and the
 * template `[CLS] A [SEP] B [SEP]` with type 1 for B and its separator.
 *
 * @throws {TypeError} If the vocabulary does not begin with {@linkcode specialTokens}.
 */
export function tokenizerJson(vocabulary: readonly string[]): { readonly [key: string]: Json } {
  specialTokens.forEach((token, id) => {
    if (vocabulary[id] !== token) {
      throw new TypeError(
        `Cannot write a tokenizer: found "${vocabulary[id]}" as token ${id}, wanted "${token}"`,
      );
    }
  });
  const single = [
    templateSpecial("[CLS]", 0),
    templateSequence("A", 0),
    templateSpecial("[SEP]", 0),
  ];
  const special = (token: string, id: number): Json => ({ id: token, ids: [id], tokens: [token] });
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: specialTokens.map(addedToken),
    normalizer: normalizerConfig,
    pre_tokenizer: { type: "BertPreTokenizer" },
    post_processor: {
      type: "TemplateProcessing",
      single,
      pair: [...single, templateSequence("B", 1), templateSpecial("[SEP]", 1)],
      special_tokens: { "[CLS]": special("[CLS]", 2), "[SEP]": special("[SEP]", 3) },
    },
    decoder: { type: "WordPiece", prefix: "##", cleanup: true },
    model: {
      type: "WordPiece",
      unk_token: "[UNK]",
      continuing_subword_prefix: "##",
      max_input_chars_per_word: 100,
      vocab: Object.fromEntries(vocabulary.map((piece, id) => [piece, id])),
    },
  };
}
