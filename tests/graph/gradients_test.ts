import { assert, assertEquals, assertThrows } from "@std/assert";
import * as g from "../../src/graph/mod.ts";
import { gradients } from "../../src/graph/gradients.ts";
import { built, cases, feedsOf, programOf } from "./cases.ts";
import { assertAlmost, assertClose, doubles, numericGradient, valuesOf } from "./numbers.ts";

for (const test of cases) {
  Deno.test(`gradient of ${test.name} equals finite differences`, () => {
    const program = programOf(test);
    const feeds = feedsOf(test);
    const results = g.interpret(program, feeds);
    for (const [name, { shape }] of Object.entries(feeds)) {
      const gradient = results[`grad${name.slice(2)}`]!;
      assertEquals(gradient.shape, [...shape]);
      assertClose(gradient.data, numericGradient(program, feeds, name), 1e-7, name);
    }
  });
}

Deno.test("every row of the gradient table is covered by a case", () => {
  const covered = new Set<string>();
  for (const test of cases) {
    const inputs = test.shapes.map((shape, i) => g.input(`in${i}`, shape));
    for (const node of g.topologicalOrder([built(test, inputs)])) covered.add(node.op);
  }
  assertEquals(Object.keys(gradients).filter((op) => !covered.has(op)), []);
});

Deno.test("grad differentiates only what lies between a wanted tensor and the loss", () => {
  const x = g.input("x", [2, 3]);
  const frozen = g.input("frozen", [3, 3]);
  const adapter = g.input("adapter", [3, 1]);
  const below = g.tanh(g.matMul(x, frozen));
  const loss = g.reduceSum(g.matMul(below, adapter));
  const [gradient] = g.grad(loss, [adapter]);
  const nodes = g.topologicalOrder([gradient!]);
  assertEquals(
    nodes.filter((node) => node.label.startsWith("grad/") && node.op === "MatMul").length,
    1,
  );
  assert(
    !nodes.some((node) => node.label.startsWith("grad/") && node.op === "Mul"),
    "tanh was differentiated",
  );
});

Deno.test("grad of a tensor that the loss does not use is zero", () => {
  const x = g.input("x", [2]);
  const unused = g.input("unused", [3, 2]);
  const [gradient] = g.grad(g.reduceSum(x), [unused]);
  assertEquals(valuesOf({ gradient: gradient! }).gradient, [0, 0, 0, 0, 0, 0]);
});

Deno.test("grad names an operator that has no gradient and a loss that is no scalar", () => {
  const x = g.input("x", [2]);
  assertThrows(() => g.grad(x, [x]), RangeError, "[2]");
});

Deno.test("the largest elements share the gradient of reduceMax; floor has none", () => {
  const x = g.input("x", [2, 3]);
  const largest = g.reduceMax(x, { axes: [1] });
  const weights = g.constant(doubles([6, 5]));
  const [gradient] = g.grad(
    g.add(g.reduceSum(g.mul(largest, weights)), g.reduceSum(g.floor(x))),
    [x],
  );
  const feeds = { x: doubles([3, 1.5, 3, -1, 2, -4], [2, 3]) };
  assertEquals(valuesOf({ gradient: gradient! }, feeds).gradient, [3, 0, 3, 0, 5, 0]);
});

Deno.test("grad refuses an optimised program that has lost gradients of its own, and no other", () => {
  const x = g.input("x", [3]);
  const product = g.mul(x, g.stopGradient(x));
  const plain = g.makeProgram({ loss: g.reduceSum(product) });
  const valuesAt = (out: g.Tensor) => valuesOf({ out }, { x: doubles([1, 2, 3]) }).out;
  const optimised = g.optimise(plain);
  assertThrows(
    () => g.grad(optimised.outputs.get("loss")!, [x]),
    TypeError,
    "take gradients first",
  );
  assertEquals(valuesAt(g.grad(plain.outputs.get("loss")!, [x])[0]!), [1, 2, 3]);
  const ordinary = g.optimise(g.makeProgram({ loss: g.reduceSum(g.mul(x, x)) }));
  assertEquals(valuesAt(g.grad(ordinary.outputs.get("loss")!, [x])[0]!), [2, 4, 6]);
});

/** Values and gradients of a function of some inputs, in double precision. */
function kink(
  build: (inputs: readonly g.Tensor[]) => g.Tensor,
  ...values: readonly (readonly number[])[]
): readonly (readonly number[])[] {
  const inputs = values.map((own, i) => g.input(`x${i}`, [own.length]));
  const out = build(inputs);
  // Weights that are not alike, so that no gradient can stand in another's place.
  const weights = g.constant(doubles([1, 2, 4]));
  const gradients = g.grad(g.reduceSum(g.mul(out, weights)), inputs);
  const outputs = Object.fromEntries([out, ...gradients].map((tensor, i) => [`${i}`, tensor]));
  const feeds = Object.fromEntries(values.map((own, i) => [`x${i}`, doubles(own)]));
  return Object.values(valuesOf(outputs, feeds)).map((own) => own.map((value) => value + 0));
}

Deno.test("at a kink the gradient of |x| and of max(x, 0) is zero, as in PyTorch", () => {
  assertEquals(kink(([x]) => g.abs(x!), [-2, 0, 3]), [[2, 0, 3], [-1, 0, 4]]);
  assertEquals(kink(([x]) => g.relu(x!), [-2, 0, 3]), [[0, 0, 3], [0, 0, 4]]);
});

Deno.test("where two inputs of max or min are equal, the first one has the whole gradient", () => {
  const [a, b] = [[1, 5, -3], [2, 5, -4]];
  assertEquals(kink(([x, y]) => g.max(x!, y!), a, b), [[2, 5, -3], [0, 2, 4], [1, 0, 0]]);
  assertEquals(kink(([x, y]) => g.min(x!, y!), a, b), [[1, 5, -4], [1, 2, 0], [0, 0, 4]]);
});

Deno.test("cross entropy and its gradient stay exact at logits of 1,000", () => {
  const logits = [[1000, 0, 0], [0, 1000, 0], [-1000, -1001, -1000], [3001, 3000, 2999]];
  const labels = [0, 2, 1, 1];
  const x = g.input("x", [4, 3]);
  const loss = g.crossEntropy(
    x,
    g.constant({ type: "i32", shape: [4], data: Int32Array.from(labels) }),
  );
  const [gradient] = g.grad(g.reduceSum(loss), [x]);
  const found = valuesOf({ loss, gradient: gradient! }, { x: doubles(logits.flat(), [4, 3]) });
  const e = Math.exp(-1);
  // −log softmax by hand: of the third row 1 + ln(2 + e⁻¹), of the fourth 1 + ln(1 + e⁻¹ + e⁻²).
  const wanted = [0, 1000, 1 + Math.log(2 + e), 1 + Math.log(1 + e + e * e)];
  assertAlmost(found.loss, wanted);
  const third = [1, e, 1].map((part) => part / (2 + e));
  const fourth = [1, e, e * e].map((part) => part / (1 + e + e * e));
  const slopes = [
    ...[0, 0, 0],
    ...[0, 1, -1],
    ...[third[0]!, third[1]! - 1, third[2]!],
    ...[fourth[0]!, fourth[1]! - 1, fourth[2]!],
  ];
  assertAlmost(found.gradient, slopes);
});
