import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { RandomStream } from "../../src/base/random.ts";
import * as g from "../../src/graph/mod.ts";
import type { HostTensor, Program } from "../../src/graph/mod.ts";
import { lowerWideMovement } from "../../src/graph/lower.ts";

/** Splits `x` into uneven pieces along an axis, treats each on its own and joins some of them in another order. */
function program(
  count: number,
  axis: 0 | 1,
): { program: Program; feeds: Record<string, HostTensor> } {
  const sizes = Array.from({ length: count }, (_, i) => 1 + (i * 7) % 3);
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const shape = axis === 0 ? [total, 2] : [3, total];
  const x = g.input("x", shape);
  const pieces = g.withScope("pieces", () => g.split(x, sizes, axis));
  const treated = pieces.map((piece, i) => g.mul(piece, i + 1));
  const joined = g.withScope("joined", () => g.concat([...treated].reverse(), axis));
  const loss = g.reduceSum(g.mul(joined, joined));
  const [gradient] = g.grad(loss, [x]);
  const numbers = RandomStream.fromSeed(3).normals(shape[0]! * shape[1]!);
  return {
    program: g.makeProgram({ joined, loss, gradient: gradient!, last: pieces[count - 1]! }),
    feeds: { x: { type: "f32", shape, data: Float64Array.from(numbers) } },
  };
}

function widest({ nodes }: Program): number {
  return Math.max(
    ...nodes.flatMap(({ op, inputs, outputs }) =>
      op === "Split" ? [outputs.length] : op === "Concat" ? [inputs.length] : []
    ),
  );
}

Deno.test("lowerWideMovement gives the same numbers, with narrow operators only", () => {
  for (const axis of [0, 1] as const) {
    for (const count of [2, 7, 8, 9, 49, 50, 60]) {
      const { program: original, feeds } = program(count, axis);
      const wanted = g.interpret(original, feeds);
      for (const limit of [2, 3, 7]) {
        const lowered = lowerWideMovement(original, limit);
        assert(widest(lowered) <= limit, `${count} pieces, at most ${limit}: ${widest(lowered)}`);
        const found = g.interpret(lowered, feeds);
        assertEquals(found, wanted, `${count} pieces on axis ${axis}, at most ${limit}`);
        for (const [name, { shape, type }] of original.outputs) {
          const tensor = lowered.outputs.get(name)!;
          assertEquals([tensor.shape, tensor.type], [shape, type], name);
        }
      }
    }
  }
});

Deno.test("lowerWideMovement builds the least deep tree: 49 pieces by sevens are two levels", () => {
  const lowered = lowerWideMovement(program(49, 0).program, 7);
  const splits = lowered.nodes.filter(({ op }) => op === "Split");
  // The forward split and that of the joined gradient: 1 + 7 nodes each.
  assertEquals(splits.length, 16);
  assert(splits.every(({ outputs }) => outputs.length === 7));
});

Deno.test("lowerWideMovement keeps labels, and every node of a program that needs nothing", () => {
  const { program: original } = program(10, 0);
  const labels = new Set(lowerWideMovement(original, 3).nodes.map(({ label }) => label));
  assert(labels.has("pieces") && labels.has("joined"));
  const same = lowerWideMovement(original, 10);
  assertEquals(same.nodes.length, original.nodes.length);
  same.nodes.forEach((node, i) => assertStrictEquals(node, original.nodes[i]));
});

Deno.test("lowerWideMovement keeps symbolic dimensions on the other axes", () => {
  const x = g.input("x", ["batch", 9]);
  const parts = g.split(x, new Array(9).fill(1), 1);
  const lowered = lowerWideMovement(g.makeProgram({ y: g.concat([...parts].reverse(), 1) }), 2);
  assertEquals(lowered.outputs.get("y")!.shape, ["batch", 9]);
  const data = Float64Array.from({ length: 18 }, (_, i) => i);
  const feeds: Record<string, HostTensor> = { x: { type: "f32", shape: [2, 9], data } };
  assertEquals(
    [...g.interpret(lowered, feeds, { batch: 2 })["y"]!.data],
    [8, 7, 6, 5, 4, 3, 2, 1, 0, 17, 16, 15, 14, 13, 12, 11, 10, 9],
  );
});

Deno.test("lowerWideMovement refuses a limit below two", () => {
  for (const limit of [1, 0, NaN]) {
    assertThrows(() => lowerWideMovement(program(2, 0).program, limit), RangeError, "at least 2");
  }
});
