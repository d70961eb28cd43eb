/**
 * Encoded texts that several workers read from the same memory, so that none of them tokenises what has been tokenised.
 *
 * @module
 */
import { encodingsOf } from "../tasks/batches.ts";
import type { Encoded } from "../tasks/types.ts";

/** The encodings of a split as a message: they lie in shared memory, which a message does not copy. */
export interface SharedEncodings {
  /** Ids of all texts, one after the other. */
  readonly ids: Int32Array;
  /** Types of the same tokens. */
  readonly types: Int32Array;
  /** Where each encoding ends, in tokens from the start. */
  readonly ends: Int32Array;
  /** Encodings of an example: its choices, or one. */
  readonly each: number;
}

function inSharedMemory(pieces: readonly Int32Array[], size: number): Int32Array {
  const whole = new Int32Array(new SharedArrayBuffer(size * Int32Array.BYTES_PER_ELEMENT));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

/** Encodings in shared memory. */
export function sharedEncodings(encoded: readonly Encoded[]): SharedEncodings {
  const texts = encoded.flatMap(encodingsOf);
  let tokens = 0;
  const ends = Int32Array.from(texts, ({ ids }) => tokens += ids.length);
  return {
    ids: inSharedMemory(texts.map(({ ids }) => ids), tokens),
    types: inSharedMemory(texts.map(({ types }) => types), tokens),
    ends: inSharedMemory([ends], ends.length),
    each: texts.length / encoded.length,
  };
}

/** The encodings of a message, which go on lying in shared memory. */
export function encodingsFrom({ ids, types, ends, each }: SharedEncodings): readonly Encoded[] {
  const texts = Array.from(ends, (end, i): Encoded => {
    const start = i === 0 ? 0 : ends[i - 1]!;
    return { ids: ids.subarray(start, end), types: types.subarray(start, end) };
  });
  if (each === 1) return texts;
  return Array.from({ length: texts.length / each }, (_, i) => {
    const [first, ...further] = texts.slice(i * each, (i + 1) * each);
    return { ...first!, further };
  });
}
