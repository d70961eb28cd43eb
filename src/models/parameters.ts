/**
 * The parameters of networks: names (those of Hugging Face checkpoints), shapes, initial values.
 *
 * @module
 */
import type { RandomStream } from "../base/random.ts";
import type { HostTensor } from "../graph/mod.ts";

/** How a parameter starts where no checkpoint gives it. */
export type Initial =
  | { readonly type: "normal"; readonly deviation: number }
  /** Drawn again where it is more than two standard deviations, `deviation`, from 0. */
  | { readonly type: "truncated_normal"; readonly deviation: number }
  | { readonly type: "uniform"; readonly bound: number }
  | { readonly type: "constant"; readonly value: number };

/** One parameter of a network. */
export interface ParameterSpec {
  /** As in a Hugging Face checkpoint without the family's prefix, for instance `encoder.layer.0.output.dense.bias`. */
  readonly name: string;
  /** `[out, in]` for linear layers, as PyTorch stores them. */
  readonly shape: readonly number[];
  /** Used for task heads, adapters and `embedded-random`; a checkpoint's numbers take its place. */
  readonly initial: Initial;
  /** Whether weight decay applies: false for biases and norms. */
  readonly decay: boolean;
}

/** A matrix that starts at random: `[rows, columns]`. */
export function matrix(
  name: string,
  shape: readonly [number, number],
  deviation: number,
): ParameterSpec {
  return { name, shape, initial: { type: "normal", deviation }, decay: true };
}

/** A vector of equal numbers, without weight decay. */
export function filled(name: string, size: number, value: number): ParameterSpec {
  return { name, shape: [size], initial: { type: "constant", value }, decay: false };
}

/**
 * Weight and bias of a linear layer.
 *
 * @param shape Outputs and inputs.
 */
export function linearParameters(
  name: string,
  shape: readonly [number, number],
  deviation: number,
): readonly ParameterSpec[] {
  return [matrix(`${name}.weight`, shape, deviation), filled(`${name}.bias`, shape[0], 0)];
}

/** Gain and offset of a layer normalisation. */
export function normParameters(name: string, size: number): readonly ParameterSpec[] {
  return [filled(`${name}.weight`, size, 1), filled(`${name}.bias`, size, 0)];
}

/** Numbers in a shape. */
export function countOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** A standard normal number that lies within 2 of 0. */
function truncatedNormal(stream: RandomStream): number {
  for (;;) {
    const value = stream.normal();
    if (Math.abs(value) <= 2) return value;
  }
}

/** Fresh values of a parameter, drawn from the stream forked under its name. */
export function drawParameter(spec: ParameterSpec, stream: RandomStream): Float32Array {
  const count = countOf(spec.shape);
  const { initial } = spec;
  if (initial.type === "constant") return new Float32Array(count).fill(initial.value);
  const own = stream.fork(spec.name);
  if (initial.type === "normal") return new Float32Array(own.normals(count, initial.deviation));
  const drawn = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    drawn[i] = initial.type === "truncated_normal"
      ? truncatedNormal(own) * initial.deviation
      : (2 * own.next() - 1) * initial.bound;
  }
  return drawn;
}

/** Fresh values of many parameters by name. */
export function drawParameters(
  specs: readonly ParameterSpec[],
  stream: RandomStream,
): ReadonlyMap<string, HostTensor> {
  return new Map(specs.map((spec) => [
    spec.name,
    { type: "f32", shape: spec.shape, data: drawParameter(spec, stream) },
  ]));
}

/**
 * A name without the family's prefix or `model.` before it, and with `weight` and `bias` for the `gamma` and `beta` of old
 * norms.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * const name = checkpointName("bert.embeddings.LayerNorm.gamma", "bert");
 * assertEquals(name, "embeddings.LayerNorm.weight");
 * ```
 *
 * @param prefix What transformers calls the encoder within a model with a head (`base_model_prefix`).
 */
export function checkpointName(stored: string, prefix: string): string {
  return stored
    .replace(new RegExp(`^(?:(?:${prefix}|model)\\.)+`), "")
    .replace(/\bLayerNorm\.gamma$/, "LayerNorm.weight")
    .replace(/\bLayerNorm\.beta$/, "LayerNorm.bias");
}
