import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { RandomStream } from "../../src/base/random.ts";
import { newDirection, newSlotScale, orthonormalBasis } from "../../src/methods/directions.ts";
import { assertAlmost } from "../graph/numbers.ts";

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return Array.from(a).reduce((sum, value, i) => sum + value * b[i]!, 0);
}

Deno.test("newDirection is a unit vector orthogonal to whatever exists", () => {
  const random = RandomStream.fromSeed(3);
  for (const [rank, size] of [[0, 1], [1, 2], [7, 8], [10, 64], [15, 16]] as const) {
    const rows = Array.from({ length: rank }, () => random.normals(size, 0.02));
    // Nearly dependent rows, as late training makes them.
    if (rank > 2) rows[1] = rows[0]!.map((value, i) => value + 1e-7 * rows[2]![i]!);
    const direction = newDirection(rows, random.normals(size), "orthonormal");
    assertAlmostEquals(dot(direction, direction), 1, 1e-12);
    for (const row of rows) assertAlmostEquals(dot(direction, row), 0, 1e-12);
  }
});

Deno.test("newDirection upstream projects once with the rows as they are", () => {
  // v = (3, 4), row (0.5, 0): A·v = 1.5, v − Aᵀ·1.5 = (2.25, 4), norm √21.0625.
  const direction = newDirection([[0.5, 0]], [3, 4], "upstream");
  const norm = Math.sqrt(21.0625) + 1e-6;
  assertAlmostEquals(direction[0]!, 2.25 / norm, 1e-15);
  assertAlmostEquals(direction[1]!, 4 / norm, 1e-15);
});

Deno.test("newDirection gives the same in both modes where the rows are orthonormal", () => {
  const random = RandomStream.fromSeed(4);
  const rows = orthonormalBasis(Array.from({ length: 5 }, () => random.normals(20)));
  assertEquals(rows.length, 5);
  const normals = random.normals(20);
  const exact = newDirection(rows, normals, "orthonormal");
  const upstream = newDirection(rows, normals, "upstream");
  assertAlmost(exact, upstream, 1e-6);
});

Deno.test("newDirection changes neither input and accepts dependent rows", () => {
  const rows = [Float64Array.of(1, 0, 0), Float64Array.of(2, 0, 0)];
  const normals = Float64Array.of(1, 1, 0);
  const direction = newDirection(rows, normals, "orthonormal");
  assertEquals([...direction], [0, 1, 0]);
  assertEquals([[...rows[1]!], [...normals]], [[2, 0, 0], [1, 1, 0]]);
  assertEquals(orthonormalBasis(rows).length, 1);
});

Deno.test("newDirection refuses when no direction is left or lengths differ", () => {
  const plane = [[1, 0], [0, 1]];
  assertThrows(() => newDirection(plane, [1, 2], "orthonormal"), RangeError, "cap the rank at 2");
  assertThrows(() => newDirection([[1, 0]], [3, 0], "orthonormal"), RangeError, "draw another");
  assertThrows(() => newDirection([[1]], [1, 2], "upstream"), RangeError, "vector 0 has length 1");
});

Deno.test("newSlotScale is the smallest size among the entries, 1e-13 at most", () => {
  assertEquals(newSlotScale([0.5, -0.25]), 1e-13);
  assertEquals(newSlotScale([0.5, -2e-14]), 2e-14);
  assertEquals(newSlotScale([0, 1]), 0);
  assertEquals(newSlotScale([]), 1e-13);
});
