/** The merged product with its thin gradients against the plain form, in double precision. */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import * as g from "../../src/graph/mod.ts";
import type { Tensor } from "../../src/graph/mod.ts";
import { adaptedLinear, blockDiagonal } from "../../src/methods/low_rank.ts";
import { doubles, numbers, valuesOf } from "../graph/numbers.ts";

const shapes = {
  x: [7, 5],
  weight: [6, 5],
  bias: [6],
  A: [2, 5],
  B: [2, 6],
  w: [7, 6],
} as const;
const inputs = Object.fromEntries(
  Object.entries(shapes).map(([name, shape]) => [name, g.input(name, shape)]),
) as Record<keyof typeof shapes, Tensor>;
const feeds = Object.fromEntries(
  Object.entries(shapes).map(([name, shape], i) => [name, numbers(shape, i)]),
);

Deno.test("the adapted layer and all its gradients are those of x Wᵀ + (x Aᵀ) B + b", () => {
  const { x, weight, bias, A, B, w } = inputs;
  const merged = adaptedLinear({ x, weight, bias, A, B, mask: null });
  const plain = g.add(
    g.gemm(x, weight, { transB: true, bias }),
    g.gemm(g.gemm(x, A, { transB: true }), B),
  );
  const ones = g.constant(doubles(Array(35).fill(1), [7, 5]));
  const masked = adaptedLinear({ x, weight, bias, A, B, mask: ones });
  const sources = [x, weight, bias, A, B];
  const outputs: Record<string, Tensor> = { merged, plain, masked };
  for (const [name, y] of Object.entries({ merged, plain, masked })) {
    g.grad(g.reduceSum(g.mul(g.mul(y, y), w)), sources).forEach((gradient, i) =>
      outputs[`${name}/${i}`] = gradient
    );
  }
  const found = g.interpret(g.makeProgram(outputs), feeds);
  for (const form of ["merged", "masked"]) {
    for (const suffix of ["", ...sources.map((_, i) => `/${i}`)]) {
      const wanted = found[`plain${suffix}`]!.data;
      assert(wanted.some((value) => Math.abs(value) > 0.1));
      wanted.forEach((value, i) =>
        assertAlmostEquals(found[`${form}${suffix}`]!.data[i]!, value, 1e-11, `${form}${suffix}`)
      );
    }
  }
});

Deno.test("no operator makes a gradient as large as the weight", () => {
  const { x, weight, bias, A, B, w } = inputs;
  const y = adaptedLinear({ x, weight, bias, A, B, mask: null });
  const gradients = g.grad(g.reduceSum(g.mul(y, w)), [A, B]);
  const nodes = g.topologicalOrder(gradients).filter(({ label }) => label.startsWith("grad/"));
  assert(nodes.length > 3);
  for (const { op, outputs: [output] } of nodes) {
    assert(
      JSON.stringify(output!.shape) !== JSON.stringify(weight.shape),
      `${op} makes ${output!.shape}`,
    );
  }
});

Deno.test("blockDiagonal() puts each layer's rows into its own columns", () => {
  const both = g.input("both", [2, 1, 2]);
  const one = g.input("one", [1, 2, 2]);
  const found = valuesOf({
    whole: blockDiagonal([{ rows: both, blocks: [0, 2] }, { rows: one, blocks: [1] }], 3),
    single: blockDiagonal([{ rows: one, blocks: [0] }], 1),
  }, { both: doubles([1, 2, 3, 4], [2, 1, 2]), one: doubles([5, 6, 7, 8], [1, 2, 2]) });
  assertEquals(found.whole, [
    ...[1, 2, 0, 0, 0, 0],
    ...[0, 0, 0, 0, 3, 4],
    ...[0, 0, 5, 6, 0, 0],
    ...[0, 0, 7, 8, 0, 0],
  ]);
  assertEquals(found.single, [5, 6, 7, 8]);
});
