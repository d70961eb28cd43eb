/**
 * Documents to training sequences: consecutive sentences packed into one or two segments.
 *
 * @module
 */
import type { Tokenizer } from "@huggingface/tokenizers";
import { RandomStream } from "../../src/base/random.ts";
import type { Document } from "./corpora/document.ts";
import type { PretrainingSequence } from "./sequence_file.ts";

/** How sequences are packed. */
export interface PackingOptions {
  /** Tokens at most, special tokens included. Default 64. */
  readonly maxLength: number;
  /** Chance that a sequence with more than one sentence becomes a pair of segments. Default 0.65. */
  readonly pairShare: number;
  /** Chance that a sequence gets a shorter, random limit, as in BERT's pretraining. Default 0.15. */
  readonly shortShare: number;
  readonly clsId: number;
  readonly sepId: number;
}

/** The defaults of {@linkcode PackingOptions}. */
export const defaultPackingOptions: PackingOptions = {
  maxLength: 64,
  pairShare: 0.65,
  shortShare: 0.15,
  clsId: 2,
  sepId: 3,
};

/** The smallest random limit for the tokens of a sequence, special tokens excluded. */
const shortestLimit = 8;

/**
 * Packs one document's sentences, given as token ids without special tokens.
 *
 * A sequence takes whole sentences in reading order up to its limit; where they would fill less than
 * half of it, the next sentence is cut and goes on in the following sequence, so no text is lost. A
 * sequence of several sentences becomes, with the chance `pairShare`, the pair `[CLS] A [SEP] B [SEP]`
 * of adjacent segments that meet at a random sentence boundary; the others are `[CLS] A [SEP]`.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { RandomStream } from "../../src/base/random.ts";
 * import { defaultPackingOptions, packSentences } from "./documents.ts";
 * const options = { ...defaultPackingOptions, pairShare: 1, shortShare: 0 };
 * const [only] = packSentences([[10, 11], [12]], RandomStream.fromSeed(1), options);
 * assertEquals([...only!.ids], [2, 10, 11, 3, 12, 3]);
 * assertEquals(only!.boundary, 4);
 * ```
 */
export function packSentences(
  sentences: readonly (readonly number[])[],
  random: RandomStream,
  options: PackingOptions = defaultPackingOptions,
): PretrainingSequence[] {
  const sequences: PretrainingSequence[] = [];
  const full = options.maxLength - 3;
  let index = 0;
  let offset = 0;
  while (true) {
    while (index < sentences.length && offset >= sentences[index]!.length) {
      index++;
      offset = 0;
    }
    if (index >= sentences.length) return sequences;
    const isShort = random.next() < options.shortShare;
    const limit = isShort ? shortestLimit + random.int(Math.max(1, full - shortestLimit)) : full;
    const taken: number[][] = [];
    let size = 0;
    while (index < sentences.length && size < limit) {
      const rest = sentences[index]!.slice(offset);
      if (size + rest.length <= limit) {
        if (rest.length > 0) taken.push(rest);
        size += rest.length;
        index++;
        offset = 0;
      } else if (size < limit / 2) {
        taken.push(rest.slice(0, limit - size));
        offset += limit - size;
        size = limit;
      } else {
        break;
      }
    }
    const isPair = taken.length > 1 && random.next() < options.pairShare;
    const split = isPair ? 1 + random.int(taken.length - 1) : taken.length;
    const first = [options.clsId, ...taken.slice(0, split).flat(), options.sepId];
    const second = isPair ? [...taken.slice(split).flat(), options.sepId] : [];
    sequences.push({ ids: Uint16Array.from([...first, ...second]), boundary: first.length });
  }
}

/**
 * Packs documents into sequences with a tokenizer; equal chunks between spaces are encoded once.
 *
 * @param seed Seeds how sentences are packed; each document has its own stream.
 */
export function encodeDocuments(
  documents: readonly Document[],
  tokenizer: Tokenizer,
  seed: number,
): PretrainingSequence[] {
  const cache = new Map<string, readonly number[]>();
  const encodeChunk = (chunk: string): readonly number[] => {
    const known = cache.get(chunk);
    if (known !== undefined) return known;
    const { ids } = tokenizer.encode(chunk, { add_special_tokens: false });
    cache.set(chunk, ids);
    return ids;
  };
  const root = RandomStream.fromSeed(seed).fork("packing");
  return documents.flatMap((document) => {
    const sentences = document.sentences.map((sentence) =>
      sentence.split(/\s+/).filter((chunk) => chunk !== "").flatMap(encodeChunk)
    );
    return packSentences(sentences, root.fork(document.source).fork(document.name));
  });
}
