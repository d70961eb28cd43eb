/**
 * Encoders and encoded texts that several workers read from the same memory, so that none reads or tokenises what another has.
 *
 * @module
 */
import type { HostTensor } from "../graph/mod.ts";
import type { EncoderModel } from "../models/load.ts";
import { type TokenizerFiles, tokenizerFromFiles } from "../tasks/tokenizers/files.ts";
import type { Encoded, Tokenizer } from "../tasks/types.ts";
import { encodingsOf } from "../tasks/batches.ts";

type TokenizerNumbers = Omit<Tokenizer, "encode">;

/** An encoder as a message: its weights lie in shared memory, which a message does not copy. */
export interface SharedModel extends Omit<EncoderModel, "tokenizer"> {
  readonly tokenizer: TokenizerNumbers;
  readonly tokenizerFiles: TokenizerFiles;
}

/**
 * An encoder as a message.
 *
 * @param model Its tensors lie in shared memory where they are not to be copied.
 * @param tokenizerFiles What its tokenizer was built from.
 */
export function sharedModel(model: EncoderModel, tokenizerFiles: TokenizerFiles): SharedModel {
  const { vocabularySize, padId, clsId, sepId, maskId } = model.tokenizer;
  return {
    ...model,
    tokenizer: { vocabularySize, padId, clsId, sepId, maskId },
    tokenizerFiles,
  };
}

/** The same tensors in one block of shared memory. */
export function inSharedMemory(
  tensors: ReadonlyMap<string, HostTensor>,
): ReadonlyMap<string, HostTensor> {
  const floats = [...tensors.values()].reduce((sum, { data }) => sum + data.length, 0);
  const memory = new SharedArrayBuffer(floats * Float32Array.BYTES_PER_ELEMENT);
  let at = 0;
  return new Map([...tensors].map(([name, tensor]) => {
    const data = new Float32Array(memory, at, tensor.data.length);
    data.set(tensor.data as Float32Array);
    at += data.byteLength;
    return [name, { ...tensor, data }];
  }));
}

/**
 * The encoder of a message; it has been checked where it was loaded. Its tokenizer is built when the first text is encoded: most
 * workers find all texts encoded.
 */
export function modelFrom({ tokenizerFiles, ...model }: SharedModel): EncoderModel {
  const { tokenizerClass } = model.config;
  let built: Tokenizer | null = null;
  const tokenizer: Tokenizer = {
    ...model.tokenizer,
    encode: (text, pair, maxLength) => {
      built ??= tokenizerFromFiles(tokenizerFiles, "shared", tokenizerClass).tokenizer;
      return built.encode(text, pair, maxLength);
    },
  };
  return { ...model, tokenizer };
}

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

function joined(pieces: readonly Int32Array[], size: number): Int32Array {
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
    ids: joined(texts.map(({ ids }) => ids), tokens),
    types: joined(texts.map(({ types }) => types), tokens),
    ends: joined([ends], ends.length),
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
