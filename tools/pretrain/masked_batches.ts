/**
 * Batches for masked language modelling (Devlin et al., arXiv 1810.04805, section 3.1): 15 % of the tokens are to be
 * predicted; of those 80 % are shown as [MASK], 10 % as a random token and 10 % as they are.
 *
 * @module
 */
import type { RandomStream } from "../../src/base/random.ts";
import type { PretrainingSequence } from "./sequence_file.ts";

/** A padded batch with hidden tokens; matrices are row-major `[size, length]`. */
export interface MaskedBatch {
  readonly size: number;
  readonly length: number;
  readonly ids: Int32Array;
  readonly types: Int32Array;
  readonly mask: Float32Array;
  /** Places of the tokens to predict, in the matrix as one row. */
  readonly chosen: Int32Array;
  /** What stood there. */
  readonly labels: Int32Array;
  /** Tokens that are not padding. */
  readonly tokens: number;
}

/** Ids of the special tokens. */
export interface SpecialIds {
  readonly pad: number;
  readonly mask: number;
  /** Ids below this one are special and never hidden or drawn. */
  readonly firstOrdinary: number;
}

const hiddenShare = 0.15;

/**
 * The batches of one epoch: sequence numbers, shuffled, with similar lengths together.
 *
 * @param stream The epoch's own stream.
 */
export function pretrainingOrder(
  sequences: readonly PretrainingSequence[],
  batchSize: number,
  stream: RandomStream,
): readonly (readonly number[])[] {
  const shuffled = stream.fork("sequences").permutation(sequences.length);
  const chunk = batchSize * 50;
  const batches: number[][] = [];
  for (let at = 0; at < shuffled.length; at += chunk) {
    const near = shuffled.slice(at, at + chunk)
      .sort((a, b) => sequences[a]!.ids.length - sequences[b]!.ids.length);
    for (let i = 0; i + batchSize <= near.length; i += batchSize) {
      batches.push(near.slice(i, i + batchSize));
    }
  }
  return stream.fork("batches").permutation(batches.length).map((i) => batches[i]!);
}

/** Builds one batch with tokens hidden at random. */
export function makeMaskedBatch(
  sequences: readonly PretrainingSequence[],
  rows: readonly number[],
  special: SpecialIds,
  vocabularySize: number,
  stream: RandomStream,
): MaskedBatch {
  const longest = Math.max(...rows.map((row) => sequences[row]!.ids.length));
  const length = Math.ceil(longest / 8) * 8;
  const size = rows.length;
  const ids = new Int32Array(size * length).fill(special.pad);
  const types = new Int32Array(size * length);
  const mask = new Float32Array(size * length);
  const candidates: number[] = [];
  rows.forEach((row, i) => {
    const { ids: own, boundary } = sequences[row]!;
    own.forEach((id, j) => {
      const at = i * length + j;
      ids[at] = id;
      types[at] = j >= boundary ? 1 : 0;
      mask[at] = 1;
      if (id >= special.firstOrdinary) candidates.push(at);
    });
  });
  const tokens = mask.reduce((sum, value) => sum + value, 0);
  const count = Math.max(1, Math.round(candidates.length * hiddenShare));
  const order = stream.permutation(candidates.length);
  const chosen = Int32Array.from({ length: count }, (_, i) => candidates[order[i]!]!).sort();
  const labels = chosen.map((at) => ids[at]!);
  for (const at of chosen) {
    const u = stream.next();
    if (u < 0.8) ids[at] = special.mask;
    else if (u < 0.9) {
      ids[at] = special.firstOrdinary + stream.int(vocabularySize - special.firstOrdinary);
    }
  }
  return { size, length, ids, types, mask, chosen, labels, tokens };
}
