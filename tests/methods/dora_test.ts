/** DoRA's layer against the formula by hand, and its runs: resumed, merged, removed. */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import * as g from "../../src/graph/mod.ts";
import type { HostTensor, Tensor } from "../../src/graph/mod.ts";
import { costsOf, foldedCosts } from "../../src/methods/adapter.ts";
import { decomposedLinear } from "../../src/methods/decomposed_linear.ts";
import { sideBySide } from "../../src/methods/low_rank.ts";
import { findMethod } from "../../src/methods/table.ts";
import { addsNothing, mergedWeight, updatesOf } from "../../src/methods/weight_update.ts";
import { moduleNames, type TinyRun } from "../train/fixture.ts";
import {
  assertAblates,
  assertMerges,
  assertResumes,
  ended,
  exportedUpdates,
} from "./adapted_runs.ts";
import { assertAlmost, doubles, numbers, valuesOf } from "../graph/numbers.ts";

const sizes = { x: [7, 5], A: [2, 5], B: [2, 6], change: [6], bias: [6], w: [7, 6] } as const;
type Name = keyof typeof sizes;
type Values = Readonly<Record<Name, Float64Array>>;

const names = Object.keys(sizes) as Name[];
const feeds = Object.fromEntries(names.map((name, i) => [name, numbers(sizes[name], i)]));
const values = Object.fromEntries(names.map((name) => [name, feeds[name]!.data])) as Values;
const weight = numbers([6, 5], 9);
const mask = Float64Array.from({ length: 35 }, (_, i) => i % 3 === 0 ? 0 : 1.5);

/** Rows of W + BᵀA. */
function mergedRows({ A, B }: Values): readonly (readonly number[])[] {
  return Array.from(
    { length: 6 },
    (_, o) =>
      Array.from(
        { length: 5 },
        (_, i) => Number(weight.data[o * 5 + i]) + B[o]! * A[i]! + B[6 + o]! * A[5 + i]!,
      ),
  );
}

const normOf = (row: ArrayLike<number>) =>
  Math.sqrt(Array.from(row).reduce((s, v) => s + v * v, 0));
const frozenRow = (o: number) =>
  Array.from({ length: 5 }, (_, i) => Number(weight.data[o * 5 + i]));

/** Σ w · y², y by the formula with these norms of the merged rows. */
function lossByHand(at: Values, norms: readonly number[], isMasked: boolean): number {
  const rows = mergedRows(at);
  let loss = 0;
  for (let r = 0; r < 7; r++) {
    for (let o = 0; o < 6; o++) {
      const factor = (normOf(frozenRow(o)) + at.change[o]!) / norms[o]!;
      let y = at.bias[o]!;
      for (let i = 0; i < 5; i++) {
        const x = at.x[r * 5 + i]!;
        const dropped = isMasked ? x * mask[r * 5 + i]! : x;
        y += dropped * rows[o]![i]! * factor + (x - dropped) * Number(weight.data[o * 5 + i]);
      }
      loss += at.w[r * 6 + o]! * y * y;
    }
  }
  return loss;
}

for (const isMasked of [false, true]) {
  const title = isMasked ? "with dropout before the adapter" : "without dropout";
  Deno.test(`DoRA's layer and its gradients are those of the formula with the norm held, ${title}`, () => {
    const inputs = Object.fromEntries(
      names.map((name) => [name, g.input(name, sizes[name])]),
    ) as Record<Name, Tensor>;
    const layer = {
      ...inputs,
      weight: g.constant(weight, "weight"),
      mask: isMasked ? g.constant(doubles(mask, [7, 5])) : null,
    };
    const y = decomposedLinear(layer);
    const loss = g.reduceSum(g.mul(g.mul(y, y), inputs.w));
    const sources = ["x", "A", "B", "change", "bias"] as const;
    const gradients = g.grad(loss, sources.map((name) => inputs[name]));
    const program = g.makeProgram({
      loss,
      ...Object.fromEntries(sources.map((name, i) => [name, gradients[i]!])),
    });
    const found = g.interpret(program, feeds);
    const norms = mergedRows(values).map(normOf);
    assertAlmostEquals(Number(found["loss"]!.data[0]), lossByHand(values, norms, isMasked), 1e-10);
    for (const name of sources) {
      values[name].forEach((value, i) => {
        const moved = (by: number) => {
          const own = values[name].slice();
          own[i] = value + by;
          return lossByHand({ ...values, [name]: own }, norms, isMasked);
        };
        const wanted = (moved(1e-5) - moved(-1e-5)) / 2e-5;
        const scale = Math.max(1, Math.abs(wanted));
        assertAlmostEquals(Number(found[name]!.data[i]) / scale, wanted / scale, 1e-6, name);
      });
    }
  });
}

Deno.test("DoRA's layer merges, measures and scales the weight, and no gradient is of its size", () => {
  const x = g.input("x", [7, 5]), A = g.input("A", [2, 5]), B = g.input("B", [2, 6]);
  const change = g.input("change", [6]), bias = g.input("bias", [6]);
  const y = decomposedLinear({ x, weight: g.constant(weight), bias, A, B, change, mask: null });
  const gradients = g.grad(g.reduceSum(g.mul(y, y)), [x, A, B, change]);
  const large = g.topologicalOrder(gradients).filter(({ op, outputs: [output] }) =>
    op !== "Constant" && output!.shape.join() === "6,5"
  );
  assertEquals(large.map(({ op }) => op).sort(), ["Gemm", "Mul", "Mul"]);
  assert(large.every(({ label }) => !label.startsWith("grad/")));
});

Deno.test("the default of magnitudeDecay is left out of DoRA's options, so that ids stay", () => {
  const dora = findMethod("dora");
  const usual = { alpha: 16, scaling: "alpha/r" };
  assertEquals(dora.parseOptions({}), usual);
  const explicit = dora.parseOptions({ magnitudeDecay: "change" });
  assertEquals(Object.keys(explicit as object), Object.keys(usual));
  assertEquals(dora.parseOptions({ magnitudeDecay: "whole" }), {
    ...usual,
    magnitudeDecay: "whole",
  });
  assertThrows(() => dora.parseOptions({ magnitudeDecay: "upstream" }));
});

Deno.test("a weight that is trained is refused, and a row of zeros stays a row of zeros", () => {
  const of = (own: Tensor) =>
    decomposedLinear({
      x: g.constant(doubles([1, 1], [1, 2])),
      weight: own,
      bias: g.zeros([2]),
      A: g.zeros([1, 2]),
      B: g.zeros([1, 2]),
      change: g.zeros([2]),
      mask: null,
    });
  assertThrows(() => of(g.input("weight", [2, 2])), RangeError, "want a frozen one");
  const y = of(g.constant(doubles([0, 0, 3, 4], [2, 2])));
  assertEquals(valuesOf({ y }).y, [0, 7]);
});

Deno.test("a length of zero gives no output, and finite gradients", () => {
  const change = g.input("change", [2]);
  const two = (name: string) => g.input(name, [1, 2]);
  const [A, B, x] = [two("A"), two("B"), two("x")];
  const y = decomposedLinear({
    x,
    weight: g.constant(doubles([6, 8, 3, 4], [2, 2])),
    bias: g.zeros([2]),
    A,
    B,
    change,
    mask: null,
  });
  const gradients = g.grad(g.reduceSum(y), [change, A, B, x]);
  const [ofChange, ofA, ofB, ofX] = gradients as [Tensor, Tensor, Tensor, Tensor];
  const row = (a: number, b: number) => doubles([a, b], [1, 2]);
  const found = valuesOf(
    { y, ofChange, ofA, ofB, ofX },
    { x: row(1, 1), A: row(0, 0), B: row(0, 0), change: doubles([-10, 5]) },
  );
  assertAlmost(found.y, [0, 14]);
  // (3, 4) is 5 long, so that a length more gives 7/5.
  assertAlmost(found.ofChange, [0, 1.4]);
  assert(Object.values(found).flat().every(Number.isFinite));
});

Deno.test("sideBySide() puts each layer's numbers at its place, zeros where there are none", () => {
  const rows = (layers: number, ...data: number[]): Tensor =>
    g.constant(doubles(data, [layers, 1, 2]));
  const of = (tensor: Tensor) => valuesOf({ tensor }).tensor;
  const both = rows(2, 1, 2, 3, 4), one = rows(1, 5, 6);
  const apart = [{ rows: both, blocks: [3, 0] }, { rows: one, blocks: [1] }];
  assertEquals(of(sideBySide(apart, 4)), [3, 4, 5, 6, 0, 0, 1, 2]);
  assertEquals(of(sideBySide([{ rows: both, blocks: [0, 1] }], 2)), [1, 2, 3, 4]);
  assertEquals(of(sideBySide([{ rows: both, blocks: [1, 0] }], 2)), [3, 4, 1, 2]);
});

const dora = findMethod("dora");
const { adapter } = dora.bind(dora.parseOptions({}));
const query = {
  name: "layer.0.query",
  layer: 0,
  part: "query",
  inSize: 2,
  outSize: 2,
} as const;

Deno.test("a length costs a number for each output, trained and stored", () => {
  assertEquals(costsOf(adapter!).perModule(query), 2);
  assertEquals(adapter!.storage!.costs!.perModule(query), 2);
  assertEquals(costsOf(adapter!).perRank(query), foldedCosts.perRank(query));
});

Deno.test("mergedWeight gives the rows of W + s·BA their lengths, and an untouched row stays", () => {
  const frozen: HostTensor = { type: "f32", shape: [2, 2], data: Float32Array.of(3, 4, 0, 2) };
  const tensors = new Map([
    ["layer.0.query.A", { shape: [1, 2], data: Float32Array.of(0, 1) }],
    ["layer.0.query.B", { shape: [1, 2], data: Float32Array.of(-8, 0) }],
    ["layer.0.query.M", { shape: [1, 2], data: Float32Array.of(5, 0) }],
  ]);
  const [update] = updatesOf({ tensors, off: [], scale: 1 }, adapter!, [query], () => "at");
  // (3, 4) turns to (3, −4), and its length grows from 5 to 10.
  assertEquals(mergedWeight(frozen, update!).data, Float32Array.of(6, -8, 0, 2));
  assertEquals(addsNothing(tensors, adapter!, query), false);
  const without = (name: string) =>
    new Map([...tensors, [name, { shape: [1, 2], data: new Float32Array(2) }]]);
  assertEquals(addsNothing(without("layer.0.query.B"), adapter!, query), false);
  const neither = new Map([
    ...without("layer.0.query.B"),
    ["layer.0.query.M", { shape: [1, 2], data: new Float32Array(2) }],
  ]);
  assertEquals(addsNothing(neither, adapter!, query), true);
});

const run: TinyRun = {
  method: "dora",
  options: { alpha: 3 },
  train: { steps: 12, learningRate: 2e-2, evaluateEvery: 5, weightDecay: 0.01 },
};

Deno.test("a DoRA run that is cut in two ends bit-equal to one that is not", async () => {
  using whole = await ended(run);
  await assertResumes(whole, [3, 7]);
});

// Query, key and value are one product, of which some may be without adapter.
for (const withoutRank of [[], ["query", "intermediate"], ["key"]] as const) {
  const title = withoutRank.length === 0
    ? "all modules adapted"
    : `without ${withoutRank.join(" and ")}`;
  Deno.test(`merged weights give DoRA's logits, removed modules the encoder's: ${title}`, async () => {
    using whole = await ended({ ...run, withoutRank });
    const updates = exportedUpdates(whole);
    assertEquals(updates.length, moduleNames().length - 2 * withoutRank.length);
    for (const { lengths } of updates) {
      assert(Array.from(lengths!.values).some((gained) => gained !== 0));
    }
    await assertMerges(whole);
    await assertAblates(whole);
  });
}
