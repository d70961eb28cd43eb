/** Singular values and what follows from them against NumPy's. */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { RandomStream } from "../../src/base/random.ts";
import { factoredUpdate, updateSpectrum } from "../../src/methods/update_spectrum.ts";
import { mergedWeight, type WeightUpdate } from "../../src/methods/weight_update.ts";
import {
  chanceOverlap,
  effectiveRank,
  frobeniusNorm,
  intruderCount,
  leftSingularVectors,
  spanOf,
  stableRank,
  subspaceOverlap,
} from "../../src/stats/spectra.ts";
import golden from "../golden/spectra.json" with { type: "json" };
import { assertAlmost } from "../graph/numbers.ts";

type Rows = readonly (readonly number[])[];

function tensorOf(rows: Rows) {
  const data = Float32Array.from(rows.flat(), (value) => value / golden.unit);
  return { shape: [rows.length, rows[0]!.length], data };
}

function denseOf({ shape, data }: { shape: readonly number[]; data: ArrayLike<number> }) {
  return { rows: shape[0]!, columns: shape[1]!, data };
}

for (
  const [name, { weight, scale, top, threshold, updates, left, right }] of Object.entries(
    golden.cases,
  )
) {
  const stored = updates.map(({ a, b }): WeightUpdate => ({
    path: name,
    A: tensorOf(a),
    B: tensorOf(b),
    scale,
  }));
  const spectra = stored.map(updateSpectrum);

  Deno.test(`singular values, ranks and norms are NumPy's: ${name}`, () => {
    updates.forEach((wanted, i) => {
      const { values } = spectra[i]!;
      assertEquals(values.length, wanted.values.length);
      assertAlmost(values, wanted.values, 1e-9);
      assertAlmostEquals(effectiveRank(values), wanted.effectiveRank, 1e-9);
      assertAlmostEquals(stableRank(values), wanted.stableRank, 1e-9);
      assertAlmostEquals(frobeniusNorm(values), wanted.norm, 1e-9);
      const whole = frobeniusNorm(tensorOf(weight).data);
      assertAlmostEquals(frobeniusNorm(values) / whole, wanted.relativeNorm, 1e-9);
    });
  });

  Deno.test(`intruder dimensions and overlaps are NumPy's: ${name}`, () => {
    const before = tensorOf(weight);
    const vectors = leftSingularVectors(denseOf(before));
    updates.forEach((wanted, i) => {
      const merged = mergedWeight({ type: "f32", ...before }, stored[i]!);
      const after = leftSingularVectors(
        denseOf({ shape: merged.shape, data: Float32Array.from(merged.data, Number) }),
        top,
      );
      assertEquals(after.length, top);
      assertEquals(intruderCount(vectors, after, threshold), wanted.intruders);
    });
    const [one, other] = spectra.map((own) => spanOf(own.left, own.values));
    assertAlmostEquals(subspaceOverlap(one!, other!)!, left, 1e-5);
    const [in1, in2] = spectra.map((own) => spanOf(own.right, own.values));
    assertAlmostEquals(subspaceOverlap(in1!, in2!)!, right, 1e-5);
  });
}

Deno.test("the golden numbers have updates with intruders and without", () => {
  const counts = Object.values(golden.cases).flatMap(({ updates }) =>
    updates.map(({ intruders }) => intruders)
  );
  assert(counts.includes(0) && counts.some((count) => count > 2));
});

Deno.test("an update of nothing has no rank, no span and no overlap", () => {
  const zero: WeightUpdate = {
    path: "zero",
    A: { shape: [2, 3], data: new Float32Array(6) },
    B: { shape: [4, 2], data: new Float32Array(8) },
    scale: 2,
  };
  const { values, left } = updateSpectrum(zero);
  assertEquals(values, [0, 0]);
  assertEquals([effectiveRank(values), stableRank(values), frobeniusNorm(values)], [0, 0, 0]);
  assertEquals(spanOf(left, values), []);
  assertEquals(subspaceOverlap([], left), null);
  assertEquals([effectiveRank([]), stableRank([])], [0, 0]);
});

Deno.test("a rank that adds nothing new is not counted, and equal ranks count whole", () => {
  assertAlmostEquals(effectiveRank([3, 3, 3, 0]), 3, 1e-12);
  assertAlmostEquals(stableRank([3, 3, 3, 0]), 3, 1e-12);
  // Two equal slots make one direction.
  const double: WeightUpdate = {
    path: "double",
    A: { shape: [2, 3], data: Float32Array.of(1, 2, 2, 1, 2, 2) },
    B: { shape: [3, 2], data: Float32Array.of(1, 1, 0, 0, 0, 0) },
    scale: 0.5,
  };
  const { values, left } = updateSpectrum(double);
  assertAlmostEquals(values[0]!, 3, 1e-9);
  assertEquals(spanOf(left, values).length, 1);
  assertEquals(chanceOverlap(left, left.slice(1), 8), 0.25);
});

Deno.test("factoredUpdate keeps the update and gives the singular values of its product", () => {
  const stream = RandomStream.fromSeed(3);
  const row = (size: number) => Float32Array.from(stream.normals(size));
  const A = [row(7), row(7), row(7)], B = [row(5), row(5), row(5)];
  const E = [0.5, -2, 1].map((value) => Float32Array.of(value));
  const product = (a: readonly Float32Array[], b: readonly Float32Array[], e: readonly number[]) =>
    Array.from(
      { length: 5 },
      (_, o) =>
        Array.from(
          { length: 7 },
          (_, i) => a.reduce((sum, own, r) => sum + b[r]![o]! * e[r]! * own[i]!, 0),
        ),
    );
  for (const rows of [{ A, B }, { A, E, B }] as Readonly<Record<string, Float32Array[]>>[]) {
    const entries = (own: Readonly<Record<string, readonly Float32Array[]>>) =>
      own["E"]?.map(([value]) => value!) ?? [1, 1, 1];
    const { values, rows: made } = factoredUpdate(rows);
    const before = product(rows["A"]!, rows["B"]!, entries(rows));
    const after = product(made["A"]!, made["B"]!, entries(made));
    assertAlmost(after.flat(), before.flat(), 1e-5);
    const squares = before.flat().reduce((sum, value) => sum + value * value, 0);
    assertAlmostEquals(values.reduce((sum, value) => sum + value * value, 0), squares, 1e-4);
    assert(values.every((value, i) => i === 0 || value <= values[i - 1]!));
  }
});
