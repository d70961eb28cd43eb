/**
 * The same encoder with random weights: what pretraining is measured against.
 *
 * @module
 */
import { hashBytes } from "../base/hash.ts";
import type { RandomStream } from "../base/random.ts";
import { architectureOf } from "./architectures.ts";
import type { EncoderModel } from "./load.ts";
import { drawParameters } from "./parameters.ts";
import { type StoredTensor, writeSafetensors } from "./safetensors.ts";

/**
 * An encoder of the same shape and tokenizer with freshly drawn weights.
 *
 * Each parameter is drawn from the stream forked under its name, so that the same stream gives the same weights.
 *
 * @returns The encoder; its `weightsHash` is that of its tensors as a safetensors file in single precision.
 */
export function randomEncoder(model: EncoderModel, stream: RandomStream): EncoderModel {
  const { config } = model;
  const architecture = architectureOf(config);
  const specs = [...architecture.encoderParameters(config), ...architecture.pretrainedHead(config)]
    .filter(({ name }) => model.tensors.has(name));
  const tensors = drawParameters(specs, stream);
  return {
    ...model,
    tensors,
    weightsHash: hashBytes(writeSafetensors(tensors as ReadonlyMap<string, StoredTensor>)),
  };
}
