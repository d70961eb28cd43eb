/**
 * Encoders that several workers read from the same memory.
 *
 * @module
 */
import type { HostTensor } from "../graph/mod.ts";
import type { EncoderModel } from "../models/load.ts";
import { type TokenizerFiles, tokenizerFromFiles } from "../tasks/tokenizers/files.ts";

/** An encoder as a message: its weights lie in shared memory, which a message does not copy. */
export interface SharedModel extends Omit<EncoderModel, "tokenizer"> {
  readonly tokenizerFiles: TokenizerFiles;
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

/** The encoder of a message; it has been checked where it was loaded. */
export function modelFrom({ tokenizerFiles, ...model }: SharedModel): EncoderModel {
  const { tokenizerClass } = model.config;
  const { tokenizer } = tokenizerFromFiles(tokenizerFiles, "shared", tokenizerClass);
  return { ...model, tokenizer };
}
