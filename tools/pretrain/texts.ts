/**
 * The texts of pretraining: corpora cut into passages of pieces, with the vocabulary that they need.
 *
 * @module
 */
import { RandomStream } from "../../src/base/random.ts";
import type { TokenizerJson } from "../../src/tasks/tokenizers/layout.ts";
import { createPieces } from "../../src/tasks/tokenizers/pieces.ts";
import type { Document } from "./corpora/document.ts";
import { indexPassages } from "./couples.ts";
import type { DistilTexts } from "./distil.ts";
import { makeLexicon } from "./edits.ts";
import { cutPassages } from "./passages.ts";
import {
  choosePieces,
  cutTokenizer,
  piecesOf,
  specialIds,
  type WordPieceTokenizer,
} from "./vocabulary.ts";

/** Encodes sentences; equal chunks between spaces are encoded once. */
function sentenceEncoder(json: TokenizerJson): (sentence: string) => readonly number[] {
  const { tokenizer } = createPieces(json, "tokenizer.json");
  const known = new Map<string, readonly number[]>();
  const encodeChunk = (chunk: string): readonly number[] => {
    const before = known.get(chunk);
    if (before !== undefined) return before;
    const { ids } = tokenizer.encode(chunk, { add_special_tokens: false });
    known.set(chunk, ids);
    return ids;
  };
  return (sentence) => sentence.split(/\s+/).filter((chunk) => chunk !== "").flatMap(encodeChunk);
}

/** What pretraining reads, in the student's vocabulary. */
export interface PreparedTexts {
  readonly texts: DistilTexts;
  readonly tokenizer: TokenizerJson;
  /** Ids in the teacher's vocabulary, by the student's. */
  readonly kept: readonly number[];
  /** Pieces of all passages. */
  readonly tokens: number;
}

/**
 * Cuts the vocabulary, and the documents into passages.
 *
 * @param synonyms Words of the same meaning.
 * @param size Pieces of the vocabulary.
 */
export function prepareTexts(
  { documents, synonyms, tokenizer, size, seed }: {
    readonly documents: readonly Document[];
    readonly synonyms: readonly (readonly string[])[];
    readonly tokenizer: WordPieceTokenizer;
    readonly size: number;
    readonly seed: number;
  },
): PreparedTexts {
  const whole = sentenceEncoder(tokenizer);
  const counts = new Map<number, number>();
  for (const { sentences } of documents) {
    for (const id of sentences.flatMap(whole)) counts.set(id, (counts.get(id) ?? 0) + 1);
  }
  const kept = choosePieces(piecesOf(tokenizer), counts, size);
  const cut = cutTokenizer(tokenizer, kept);
  const encode = sentenceEncoder(cut);
  const root = RandomStream.fromSeed(seed).fork("passages");
  const passages = documents.flatMap(({ source, name, sentences }, i) =>
    cutPassages(
      sentences.map(encode).filter((ids) => !ids.includes(specialIds.unknown)),
      i,
      root.fork(source).fork(name),
    )
  );
  const own = new Float64Array(kept.length);
  for (const { ids } of passages) for (const id of ids) own[id] = own[id]! + 1;
  const pieces = piecesOf(tokenizer);
  const lexicon = makeLexicon(
    kept.map((id) => pieces[id]!),
    own,
    synonyms,
    specialIds.firstOrdinary,
  );
  return {
    texts: { index: indexPassages(passages), lexicon },
    tokenizer: cut,
    kept,
    tokens: passages.reduce((sum, { ids }) => sum + ids.length, 0),
  };
}
