/**
 * Tensors of numbers, and what compares numbers.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { RandomStream } from "../../src/base/random.ts";
import {
  type HostTensor,
  interpret,
  makeProgram,
  type Program,
  type Tensor,
} from "../../src/graph/mod.ts";

/** Numbers in double precision, which the reference executor keeps and the others round. */
export function doubles(
  data: ArrayLike<number>,
  shape: readonly number[] = [data.length],
): HostTensor {
  return { type: "f32", shape, data: Float64Array.from(data) };
}

/** Normal numbers in double precision. */
export function numbers(shape: readonly number[], seed: number): HostTensor {
  return doubles(RandomStream.fromSeed(seed).normals(shape.reduce((a, b) => a * b, 1)), shape);
}

/** The numbers of some tensors in double precision. */
export function valuesOf<Name extends string>(
  outputs: Readonly<Record<Name, Tensor>>,
  feeds: Readonly<Record<string, HostTensor>> = {},
): Readonly<Record<Name, readonly number[]>> {
  const found = interpret(makeProgram(outputs), feeds);
  const entries = Object.entries(found).map(([name, { data }]) => [name, Array.from(data, Number)]);
  return Object.fromEntries(entries) as Record<Name, readonly number[]>;
}

/** The gradient of a program's output `loss` with respect to an input, by finite differences. */
export function numericGradient(
  program: Program,
  feeds: Readonly<Record<string, HostTensor>>,
  name: string,
): readonly number[] {
  const { shape, data } = feeds[name]!;
  const numbers = Array.from(data, Number);
  const lossAt = (at: number, by: number) => {
    const moved = doubles(numbers.with(at, numbers[at]! + by), shape);
    return Number(interpret(program, { ...feeds, [name]: moved }, {}, ["loss"])["loss"]!.data[0]);
  };
  return numbers.map((_, at) => (lossAt(at, 1e-5) - lossAt(at, -1e-5)) / 2e-5);
}

type Numbers = ArrayLike<number | bigint>;

function assertErrors(
  found: Numbers,
  wanted: Numbers,
  what: string,
  allowed: (wanted: number) => number,
): void {
  assertEquals(found.length, wanted.length, `numbers of ${what}`);
  for (let i = 0; i < wanted.length; i++) {
    const error = Math.abs(Number(found[i]) - Number(wanted[i]));
    const isClose = error <= allowed(Number(wanted[i]));
    assert(isClose, `${what}[${i}]: found ${found[i]}, want ${wanted[i]}`);
  }
}

/** Fails where a number is off by more than `tolerance`. */
export function assertAlmost(
  found: Numbers,
  wanted: Numbers,
  tolerance = 1e-12,
  what = "number",
): void {
  assertErrors(found, wanted, what, () => tolerance);
}

/** Fails where a number is off by more than `tolerance` relative to the larger of 1 and the wanted one. */
export function assertClose(
  found: Numbers,
  wanted: Numbers,
  tolerance: number,
  what: string,
): void {
  assertErrors(found, wanted, what, (value) => tolerance * Math.max(1, Math.abs(value)));
}

/** Fails where a number is off by more than `tolerance` relative to the largest wanted one (at least `floor`). */
export function assertNear(
  found: Pick<HostTensor, "data">,
  wanted: readonly number[],
  tolerance: number,
  what: string,
  floor = 0,
): void {
  const scale = wanted.reduce((top, value) => Math.max(top, Math.abs(value)), floor);
  assertErrors(found.data, wanted, what, () => tolerance * scale);
}
