/** Leading singular triplets against a whole decomposition. */
import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { Matrix, SingularValueDecomposition } from "ml-matrix";
import { RandomStream } from "../../src/base/random.ts";
import type { HostTensor } from "../../src/graph/mod.ts";
import { leadingTriplets } from "../../src/methods/leading_triplets.ts";
import { assertAlmost } from "../graph/numbers.ts";

function drawn(rows: number, columns: number, seed: number): HostTensor {
  const data = Float32Array.from(RandomStream.fromSeed(seed).normals(rows * columns));
  return { type: "f32", shape: [rows, columns], data };
}

function asMatrix({ shape: [rows, columns], data }: HostTensor): Matrix {
  return Matrix.from1DArray(rows!, columns!, Array.from(data, Number));
}

/** A tall, a wide, a small and a singular matrix. */
const cases: readonly (readonly [string, HostTensor, number])[] = [
  ["tall", drawn(90, 70, 1), 4],
  ["wide", drawn(40, 96, 2), 5],
  ["whole", drawn(9, 6, 3), 6],
  ["of rank 2", {
    type: "f32",
    shape: [12, 10],
    data: Float32Array.from(
      asMatrix(drawn(12, 2, 4)).mmul(asMatrix(drawn(2, 10, 5))).to1DArray(),
    ),
  }, 2],
  ["with equal values", {
    type: "f32",
    shape: [5, 5],
    data: Float32Array.from(Matrix.eye(5).to1DArray()),
  }, 3],
];

Deno.test("leading triplets are those of the whole decomposition", () => {
  for (const [name, tensor, count] of cases) {
    const matrix = asMatrix(tensor);
    const { values, left, right } = leadingTriplets(tensor, count);
    const whole = new SingularValueDecomposition(matrix, { autoTranspose: true });
    assertAlmost(values, whole.diagonal.slice(0, count), 1e-9, name);
    assertEquals([left.length, right.length], [count, count]);
    left.forEach((u, i) => {
      const v = right[i]!;
      // W v = σ u and Wᵀ u = σ v say all, for equal values too.
      matrix.mmul(Matrix.columnVector(v)).to1DArray()
        .forEach((entry, j) => assertAlmostEquals(entry, values[i]! * u[j]!, 1e-8, name));
      matrix.transpose().mmul(Matrix.columnVector(u)).to1DArray()
        .forEach((entry, j) => assertAlmostEquals(entry, values[i]! * v[j]!, 1e-8, name));
      right.slice(0, i + 1).forEach((other, k) => {
        const product = v.reduce((sum, entry, j) => sum + entry * other[j]!, 0);
        assertAlmostEquals(product, k === i ? 1 : 0, 1e-9, name);
      });
      const largest = v.reduce((top, entry) => Math.abs(entry) > Math.abs(top) ? entry : top, 0);
      assert(largest > 0, name);
    });
  }
});

Deno.test("triplets are found once for a matrix and a count, and what another run asked for changes none", () => {
  const tensor = drawn(50, 45, 6);
  const alone = leadingTriplets({ ...tensor }, 3);
  leadingTriplets(tensor, 8);
  assertEquals(leadingTriplets(tensor, 3), alone);
  assertStrictEquals(leadingTriplets(tensor, 3), leadingTriplets(tensor, 3));
});

Deno.test("more triplets than a matrix has are refused", () => {
  for (const count of [0, 7, 1.5]) {
    const error = assertThrows(() => leadingTriplets(drawn(9, 6, 3), count), RangeError);
    assertEquals(
      error.message,
      `Cannot find ${count} singular triplets of a matrix of 9 by 6: want 1 to 6`,
    );
  }
});
