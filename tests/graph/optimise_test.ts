/** Optimised programs against plain ones, in double precision. */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import * as g from "../../src/graph/mod.ts";
import type { HostTensor, Program, Tensor } from "../../src/graph/mod.ts";
import { cases, feedsOf, programOf } from "./cases.ts";
import { numbers } from "./numbers.ts";

function assertSameNumbers(
  plain: Program,
  optimised: Program,
  feeds: Readonly<Record<string, HostTensor>>,
): void {
  const wanted = g.interpret(plain, feeds);
  const found = g.interpret(optimised, feeds);
  assertEquals(Object.keys(found), Object.keys(wanted));
  for (const [name, { shape, data }] of Object.entries(wanted)) {
    assertEquals(found[name]!.shape, shape, name);
    data.forEach((value, i) =>
      assertAlmostEquals(found[name]!.data[i]!, value, 1e-12 * Math.max(1, Math.abs(value)), name)
    );
  }
}

for (const test of cases) {
  Deno.test(`optimise() keeps value and gradients of ${test.name}`, () => {
    const plain = programOf(test);
    const optimised = g.optimise(plain);
    assert(optimised.nodes.length <= plain.nodes.length);
    assertSameNumbers(plain, optimised, feedsOf(test));
  });
}

function countOf(program: Program, op: string): number {
  return program.nodes.filter((node) => node.op === op).length;
}

/** Optimises y of some inputs, checks the numbers and returns the program. */
function optimised(shapes: Readonly<Record<string, readonly number[]>>, y: Tensor): Program {
  const plain = g.makeProgram({ y });
  const program = g.optimise(plain);
  const feeds = Object.entries(shapes).map(([name, shape], i) => [name, numbers(shape, i)]);
  assertSameNumbers(plain, program, Object.fromEntries(feeds));
  return program;
}

const [a, b, bias] = [g.input("a", [3, 4]), g.input("b", [4, 5]), g.input("bias", [5])];
const shapes = { a: [3, 4], b: [4, 5], bias: [5] };

Deno.test("equal sub-expressions are computed once, whatever object they are", () => {
  const branch = () => g.exp(g.mul(g.add(a, 1), 0.5));
  const program = optimised({ a: [3, 4] }, g.add(branch(), g.tanh(branch())));
  assertEquals([countOf(program, "Exp"), countOf(program, "Mul"), countOf(program, "Add")], [
    1,
    1,
    2,
  ]);
  // What differs in a number, an attribute or an input is not equal.
  const unlike = g.add(g.exp(g.mul(a, 0.5)), g.exp(g.mul(a, 0.25)));
  assertEquals(countOf(optimised({ a: [3, 4] }, unlike), "Exp"), 2);
  const sums = g.add(
    g.reduceSum(a, { axes: [0], keepDims: true }),
    g.reduceSum(a, { axes: [1], keepDims: true }),
  );
  assertEquals(countOf(optimised({ a: [3, 4] }, sums), "ReduceSum"), 2);
});

Deno.test("constants of equal numbers and other shapes stay apart", () => {
  const of = (shape: readonly number[]) =>
    g.constant({ type: "f32", shape, data: Float32Array.of(1, 2, 3) });
  const x = g.input("x", [3, 3]);
  const program = optimised({ x: [3, 3] }, g.add(g.mul(x, of([3, 1])), g.mul(x, of([1, 3]))));
  assertEquals([countOf(program, "Constant"), countOf(program, "Mul")], [2, 2]);
  const same = g.add(g.mul(x, of([1, 3])), g.tanh(g.mul(x, of([1, 3]))));
  assertEquals(countOf(optimised({ x: [3, 3] }, same), "Constant"), 1);
});

Deno.test("constants of many numbers are equal only if they are one object", () => {
  const host = numbers([3, 40], 7);
  const x = g.input("x", [3, 40]);
  const same = g.add(g.mul(x, g.constant(host)), g.mul(x, g.constant(host)));
  assertEquals(countOf(optimised({ x: [3, 40] }, same), "Mul"), 1);
  const other = g.add(g.mul(x, g.constant(host)), g.mul(x, g.constant(numbers([3, 40], 8))));
  assertEquals(countOf(optimised({ x: [3, 40] }, other), "Mul"), 2);
});

Deno.test("scalar factors go into products, before and behind them", () => {
  const before = optimised(shapes, g.gemm(g.mul(g.mul(a, 2), 3), g.mul(b, 0.5), { bias }));
  assertEquals(countOf(before, "Mul"), 0);
  assertEquals(before.nodes.find(({ op }) => op === "Gemm")!.attributes["alpha"], 3);
  const behind = optimised({ a: [3, 4], b: [4, 5] }, g.mul(g.mul(g.gemm(a, b), 4), 0.25));
  assertEquals([countOf(behind, "Mul"), countOf(behind, "Gemm")], [0, 1]);
});

Deno.test("a factor stays where folding it would change another result or add a product", () => {
  // The bias is scaled too, which a Gemm cannot do with one factor.
  const withBias = optimised(shapes, g.mul(g.gemm(a, b, { bias }), 3));
  assertEquals(countOf(withBias, "Mul"), 1);
  const product = g.gemm(a, b);
  const usedTwice = optimised({ a: [3, 4], b: [4, 5] }, g.add(product, g.mul(product, 3)));
  assertEquals([countOf(usedTwice, "Gemm"), countOf(usedTwice, "Mul")], [1, 1]);
  // A scalar factor that broadcasts is no scaling of the tensor.
  const x = g.input("x", []);
  const broadcast = optimised({ x: [] }, g.mul(x, g.constant(numbers([2, 3], 1))));
  assertEquals(countOf(broadcast, "Mul"), 1);
});

Deno.test("chains of reshapes and transposes become one or none", () => {
  const back = g.transpose(g.transpose(a, [1, 0]), [1, 0]);
  assertEquals(optimised({ a: [3, 4] }, g.neg(back)).nodes.map(({ op }) => op), ["Input", "Neg"]);
  const x = g.input("x", [2, 3, 4]);
  const turned = g.transpose(g.transpose(x, [1, 2, 0]), [1, 0, 2]);
  assertEquals(countOf(optimised({ x: [2, 3, 4] }, turned), "Transpose"), 1);
  const reshaped = g.reshape(g.reshape(g.reshape(a, [12]), [6, 2]), [2, 6]);
  assertEquals(countOf(optimised({ a: [3, 4] }, reshaped), "Reshape"), 1);
  const same = g.reshape(g.reshape(a, [12]), [3, 4]);
  assertEquals(countOf(optimised({ a: [3, 4] }, g.neg(same)), "Reshape"), 0);
});
