import { assertEquals, assertThrows } from "@std/assert";
import {
  addsNothing,
  mergedTensors,
  mergedWeight,
  updatesOf,
} from "../../src/methods/weight_update.ts";
import { type Adapter, isOfWeights } from "../../src/methods/adapter.ts";
import { findMethod } from "../../src/methods/table.ts";
import type { StoredTensor } from "../../src/models/safetensors.ts";
import type { ModuleShape } from "../../src/study/types.ts";

const modules = ["query", "key", "value"].map((part): ModuleShape => ({
  name: `layer.0.${part}`,
  layer: 0,
  part: part as ModuleShape["part"],
  inSize: 2,
  outSize: 3,
}));

const stored = (shape: readonly number[], ...data: number[]): StoredTensor => ({
  shape,
  data: Float32Array.from(data),
});

const adapterOf = (name: string) => {
  const method = findMethod(name);
  return method.bind(method.parseOptions({})).adapter!;
};
const [plain, svd] = [adapterOf("lora"), adapterOf("adalora")];

const pathOf = ({ part }: ModuleShape) => `at.${part}`;

Deno.test("updatesOf folds E into A, turns B, and drops masked slots whose E is zero", () => {
  const tensors = new Map([
    ["layer.0.query.A", stored([3, 2], 1, 2, 3, 4, 5, 6)],
    ["layer.0.query.E", stored([3, 1], 2, 0, -1)],
    ["layer.0.query.B", stored([3, 3], 1, 2, 3, 4, 5, 6, 7, 8, 9)],
    // Rank 0, as ElaLoRA may leave a module.
    ["layer.0.key.A", stored([0, 2])],
    ["layer.0.key.E", stored([0, 1])],
    ["layer.0.key.B", stored([0, 3])],
  ]);
  const off = [{ module: "layer.0.query", slot: 1 }, { module: "layer.0.query", slot: 2 }];
  // Slot 2 was masked too, but has moved since.
  assertEquals(updatesOf({ tensors, off, scale: 0.5 }, svd, modules, pathOf), [{
    path: "at.query",
    A: stored([2, 2], 2, 4, -5, -6),
    B: stored([3, 2], 1, 7, 2, 8, 3, 9),
    scale: 0.5,
  }]);
  // A slot whose E happens to be zero without a mask keeps its rank.
  const [kept] = updatesOf({ tensors, off: [], scale: 0.5 }, svd, modules, pathOf);
  assertEquals(kept!.A.shape, [3, 2]);
});

Deno.test("updatesOf refuses an adapter that does with its scale what cannot be stored", () => {
  const tensors = new Map([
    ["layer.0.query.A", stored([1, 2], 1, 2)],
    ["layer.0.query.B", stored([1, 3], 1, 2, 3)],
  ]);
  if (!isOfWeights(plain)) throw new TypeError("LoRA changes weights");
  const { prepare } = plain;
  const refused = (scaleOf: (scale: number) => number) => {
    const adapter: Adapter = {
      ...plain,
      prepare: (parts, scale, pass) => prepare(parts, scaleOf(scale), pass),
    };
    assertThrows(
      () => updatesOf({ tensors, off: [], scale: 4 }, adapter, modules, pathOf),
      RangeError,
      'update of "layer.0.query": found that what prepare gives is not proportional',
    );
  };
  refused(() => 1);
  refused(Math.sqrt);
  refused((scale) => scale + 1);
});

Deno.test("updatesOf wants A and B of a module", () => {
  const tensors = new Map([["layer.0.value.B", stored([1, 3], 1, 2, 3)]]);
  assertThrows(
    () => updatesOf({ tensors, off: [], scale: 1 }, plain, modules, pathOf),
    RangeError,
    'Cannot read the adapter of "layer.0.value": found B without A, want all',
  );
});

Deno.test("mergedWeight is W + s·BA", () => {
  const update = {
    path: "at.query",
    A: stored([1, 2], 1, 2),
    B: stored([3, 1], 1, 0, -1),
    scale: 0.5,
  };
  const weight = { type: "f32", ...stored([3, 2], 1, 1, 2, 2, 3, 3) } as const;
  assertEquals(mergedWeight(weight, update).data, Float32Array.of(1.5, 2, 2, 2, 2.5, 2));
  assertThrows(
    () => mergedWeight({ ...weight, shape: [2, 3] }, update),
    RangeError,
    "want [r, 3] and [2, r] for a weight of [2,3]",
  );
});

Deno.test("mergedTensors puts trained parameters first and leaves the base as it is", () => {
  const base = new Map([["at.query.weight", { type: "f32", ...stored([1, 1], 4) } as const]]);
  const update = { path: "at.query", A: stored([1, 1], 2), B: stored([1, 1], 3), scale: 1 };
  const trained = new Map([["at.query.weight", stored([1, 1], 10)], ["bias", stored([1], 7)]]);
  const merged = mergedTensors(base, [update], trained);
  assertEquals([...merged].map(([name, { data }]) => [name, data[0]]), [
    ["at.query.weight", 16],
    ["bias", 7],
  ]);
  assertEquals(base.get("at.query.weight")!.data[0], 4);
  assertThrows(
    () => mergedTensors(base, [{ ...update, path: "at.key" }], new Map()),
    RangeError,
    'found no weight "at.key.weight"',
  );
});

Deno.test("addsNothing where each slot has a zero factor", () => {
  const zero = stored([1, 3], 0, 0, 0);
  const both = stored([2, 3], 1, 2, 3, 1, 2, 3);
  const cases: readonly (readonly [string, Record<string, StoredTensor>, boolean])[] = [
    ["masked", { A: stored([1, 2], 1, 2), E: stored([1, 1], 0), B: stored([1, 3], 1, 2, 3) }, true],
    [
      "not masked",
      { A: stored([1, 2], 1, 2), E: stored([1, 1], 1e-6), B: stored([1, 3], 1, 2, 3) },
      false,
    ],
    [
      "one slot of two masked",
      { A: stored([2, 2], 1, 2, 1, 2), E: stored([2, 1], 0, 3), B: both },
      false,
    ],
    [
      "different parts of zeros",
      {
        A: stored([2, 2], 0, 0, 1, 2),
        E: stored([2, 1], 3, 3),
        B: stored([2, 3], 1, 2, 3, 0, 0, 0),
      },
      true,
    ],
    ["some zeros", { A: stored([1, 2], 0, 1), B: stored([1, 3], 0, 0, 1) }, false],
    ["a fresh LoRA", { A: stored([1, 2], 1, 2), B: zero }, true],
    ["no slots", { A: stored([0, 2]), B: stored([0, 3]) }, true],
    ["nothing stored", {}, true],
  ];
  for (const [name, parts, expected] of cases) {
    const tensors = new Map(
      Object.entries(parts).map(([part, own]) => [`layer.0.query.${part}`, own]),
    );
    assertEquals(addsNothing(tensors, "E" in parts ? svd : plain, modules[0]!), expected, name);
  }
});
