/**
 * Encoders that several workers read from the same memory.
 *
 * @module
 */
import type { HostTensor } from "../graph/mod.ts";
import type { EncoderModel } from "../models/load.ts";
import { type TokenizerFiles, tokenizerFromFiles } from "../tasks/tokenizers/files.ts";
import type { Tokenizer } from "../tasks/types.ts";

/** What is known of a tokenizer without building it. */
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
