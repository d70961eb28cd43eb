/**
 * Tensors of random numbers.
 *
 * @module
 */
import { RandomStream } from "../../src/base/random.ts";
import type { HostTensor } from "../../src/graph/mod.ts";

/** Normal numbers in double precision. */
export function numbers(shape: readonly number[], seed: number): HostTensor {
  const data = RandomStream.fromSeed(seed).normals(shape.reduce((a, b) => a * b, 1));
  return { type: "f32", shape, data };
}
