/**
 * Encoders that several workers read from the same memory.
 *
 * @module
 */
import type { HostTensor } from "../graph/mod.ts";
import type { EncoderModel } from "../models/load.ts";
import { loadTokenizer } from "../tasks/tokenizer.ts";

/** The texts that a tokenizer was built from. */
export interface TokenizerTexts {
  readonly tokenizerJson: string | null;
  readonly vocab: string | null;
  readonly tokenizerConfig: string | null;
}

/** An encoder as a message: its weights lie in shared memory, which a message does not copy. */
export interface SharedModel extends Omit<EncoderModel, "tokenizer"> {
  readonly tokenizerTexts: TokenizerTexts;
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
export function modelFrom({ tokenizerTexts, ...model }: SharedModel): EncoderModel {
  const { tokenizerJson, vocab, tokenizerConfig } = tokenizerTexts;
  const config = tokenizerConfig === null ? {} : JSON.parse(tokenizerConfig);
  const source = tokenizerJson === null ? vocab : JSON.parse(tokenizerJson);
  return { ...model, tokenizer: loadTokenizer(source, config) };
}
