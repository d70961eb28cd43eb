/** What adapters add to a network: nothing at the start, and later what merging them into the weights adds. */
import { evaluationPass } from "../../src/methods/adapter.ts";
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import type { Json } from "../../src/base/canonical_json.ts";
import { type HostTensor, input } from "../../src/graph/mod.ts";
import { findMethod, methods } from "../../src/methods/table.ts";
import { bert } from "../../src/models/bert.ts";
import type { ModuleShape } from "../../src/study/types.ts";
import { Trainer } from "../../src/train/trainer.ts";
import { exportTensors } from "../../src/train/stored_tensors.ts";
import { assertAlmost, doubles, valuesOf } from "../graph/numbers.ts";
import { goldenModel } from "../models/fixture.ts";
import { rowOf, started, type TinyRun, trainingRequest } from "../train/fixture.ts";
import { ended, executor, logitsOf, plainLogits } from "./adapted_runs.ts";

const golden = goldenModel();

/** Logits of all development texts, with the numbers that a trainer has now. */
async function logitsNow(trainer: Trainer, run: TinyRun): Promise<readonly number[]> {
  return logitsOf(trainer, run, (await trainer.checkpoint()).vectors.theta!);
}

/** Options without which a method's events find no room in a few steps. */
const shortSchedules: Readonly<Record<string, TinyRun["options"]>> = {
  adalora: { maskInterval: 2 },
  elalora: { maskInterval: 2 },
  beamlora: { useBeamloraStep: 4 },
};

Deno.test("at the start, every method computes what the encoder alone computes", async () => {
  using bare = await started(trainingRequest(executor, { method: "head" }));
  const wanted = await logitsNow(bare, { method: "head" });
  assert(new Set(wanted).size > 30, "all texts have the same logits");
  const names = methods.map(({ name }) => name);
  assert(["head", "full", "lora", "adalora", "elalora"].every((name) => names.includes(name)));
  // Houlsby's and Pfeiffer's start near what the encoder computes: bottleneck_test.ts.
  const others = methods.filter(({ moduleParts }) => moduleParts({}) === null);
  for (const { name } of others) {
    // One learns sequences alone, and is LoRA in its first task: sdlora_test.ts. The other starts from measured inputs: eva_test.ts.
    if (["sdlora", "eva"].includes(name)) continue;
    const run: TinyRun = { method: name, options: shortSchedules[name] ?? {} };
    using trainer = await started(trainingRequest(executor, run));
    // Weights that a program is fed and those that are part of it may be multiplied in another order.
    assertAlmost(await logitsNow(trainer, run), wanted, 1e-5);
  }
});

Deno.test("adapters start as their papers' codes start them", async () => {
  for (const method of ["lora", "adalora", "elalora"]) {
    const options = method === "lora" ? {} : { maskInterval: 2 };
    const run: TinyRun = { method, options, rank: 8 };
    const request = trainingRequest(executor, run);
    using trainer = await started(request);
    const { vectors, order } = await trainer.checkpoint();
    const { assembly } = trainer;
    const numbers = (module: ModuleShape, part: string) =>
      order[module.name]!.flatMap((row) => [
        ...rowOf(assembly, vectors.theta!, module.name, part, row),
      ]);
    const all = (part: string, scaled = (_: ModuleShape) => 1) =>
      assembly.modules.flatMap(({ module }) =>
        numbers(module, part).map((value) => value / scaled(module))
      );
    const deviation = (values: readonly number[]) =>
      Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
    if (method === "lora") {
      // Kaiming-uniform with a = √5: uniform on ±1/√in, whose deviation is 1/√(3 in).
      const a = all("A", ({ inSize }) => 1 / Math.sqrt(inSize));
      assert(a.every((value) => Math.abs(value) <= 1 + 1e-6));
      assert(Math.max(...a) > 0.99 && Math.min(...a) < -0.99);
      assertAlmostEquals(deviation(a), 1 / Math.sqrt(3), 0.03);
      assert(all("B").every((value) => value === 0));
    } else {
      for (const part of ["A", "B"]) {
        const values = all(part);
        assertAlmostEquals(deviation(values), 0.02, 0.001);
        // Normal numbers, unlike uniform ones, exceed three deviations.
        assert(values.some((value) => Math.abs(value) > 0.06));
        const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
        assert(Math.abs(mean) < 0.002, `the mean is ${mean}`);
      }
      assert(all("E").every((value) => value === 0));
    }
    // No two rows are equal.
    const rows = assembly.modules.flatMap(({ module }) =>
      order[module.name]!.map((row) =>
        rowOf(assembly, vectors.theta!, module.name, "A", row).join()
      )
    );
    assertEquals(new Set(rows).size, rows.length);
  }
});

const schedule = { initWarmup: 2, finalWarmup: 4, maskInterval: 2, alpha: 3 };

/** Runs with the factor of the update that each paper states. */
const mergeable: readonly (readonly [TinyRun, number])[] = [
  [{ method: "lora", options: { alpha: 3 } }, 3 / 2],
  [{ method: "lora", options: { alpha: 3, scaling: "alpha/sqrt(r)" } }, 3 / Math.sqrt(2)],
  [{ method: "prilora", options: { alpha: 3, n: 20 } }, 3 / 2],
  // Ranks start at 1.5 × 2 and the scale stays what it was then.
  [{ method: "adalora", options: schedule }, 3 / (3 + 1e-5)],
  [{ method: "elalora", options: { ...schedule, b: 4 } }, 3 / (2 + 1e-5)],
];

for (const [each, scale] of mergeable) {
  const run: TinyRun = { ...each, train: { steps: 40, learningRate: 4e-2 } };
  const label = [run.method, run.options?.["scaling"]].filter((part) => part).join(" ");
  Deno.test(`${label}: merging W + scale·B·E·A gives the logits of the adapted network`, async () => {
    const whole = await ended(run);
    const { trainer, end: { vectors, order } } = whole;
    const adapted = await logitsOf(trainer, run, vectors.theta!);
    const parts = new Map(
      exportTensors(trainer.assembly, vectors.theta!, order).map((part) => [part.name, part]),
    );
    const tensors = new Map<string, HostTensor>(golden.tensors);
    for (const { module } of trainer.assembly.modules) {
      const { name, layer, part, inSize, outSize } = module;
      const [a, b, e] = ["A", "B", "E"].map((key) => parts.get(`${name}.${key}`));
      const rank = order[name]!.length;
      assertEquals([a!.shape, b!.shape], [[rank, inSize], [rank, outSize]]);
      const key = `${bert.modulePath(layer, part)}.weight`;
      const weight = Float32Array.from(golden.tensors.get(key)!.data as Float32Array);
      for (let o = 0; o < outSize; o++) {
        for (let i = 0; i < inSize; i++) {
          let delta = 0;
          for (let r = 0; r < rank; r++) {
            delta += b!.data[r * outSize + o]! * (e?.data[r] ?? 1) * a!.data[r * inSize + i]!;
          }
          weight[o * inSize + i]! += scale * delta;
        }
      }
      tensors.set(key, { type: "f32", shape: [outSize, inSize], data: weight });
    }
    const without = await plainLogits(whole, golden.tensors);
    const effect = Math.max(...without.map((value, i) => Math.abs(value - adapted[i]!)));
    assert(effect > 0.1, `the adapters change logits by ${effect} at most`);
    assertAlmost(adapted, await plainLogits(whole, tensors), 1e-3 * effect);
    trainer.dispose();
  });
}

/** The regulariser's value and gradients for two modules of two slots in groups A and B, the second slot of B off. */
function regulariser(
  options: Readonly<Record<string, Json>>,
  a: readonly number[],
  b: readonly number[],
  onOfB: readonly number[],
): number {
  const { adapter } = findMethod("adalora").bind(findMethod("adalora").parseOptions(options));
  const group = (part: string, length: number) => ({
    part,
    rows: input(part, [2, 2, length]),
    on: input(`on.${part}`, [2, 2]),
  });
  const value = adapter!.step!.regulariser!.build(
    [group("A", 2), group("E", 1), group("B", 3)],
    evaluationPass,
  );
  // E must not matter; it is no input of the result.
  const feeds = {
    A: doubles(a, [2, 2, 2]),
    "on.A": doubles([1, 1, 1, 1], [2, 2]),
    B: doubles(b, [2, 2, 3]),
    "on.B": doubles(onOfB, [2, 2]),
  };
  return valuesOf({ value }, feeds).value[0]!;
}

Deno.test("the regulariser is that of a hand computation, squared and not", () => {
  const a = [1, 0, 0, 2, /* second module */ 1, 1, 0, 1];
  const b = [1, 1, 0, 0, 0, 0, /* second module */ 1, 0, 0, 0, 1, 0];
  // AAᵀ − I of the first module is diag(0, 3), of the second [[1, 1], [1, 0]]: squared norms 9 and 3.
  // The first B has one slot on, of squared length 2: error 1. The second is orthonormal: error 0.
  const onOfB = [1, 0, 1, 1];
  assertAlmostEquals(regulariser({ regulariser: "squared" }, a, b, onOfB), 9 + 3 + 1 + 0, 1e-12);
  assertAlmostEquals(
    regulariser({ regulariser: "unsquared" }, a, b, onOfB),
    (3 + Math.sqrt(3) + 1 + 0) / 4,
    1e-12,
  );
  // A slot that is on but zero is as far from a unit vector as can be: error 1 more in the first module's B.
  assertAlmostEquals(regulariser({ regulariser: "squared" }, a, b, [1, 1, 1, 1]), 14, 1e-12);
});

Deno.test("options are checked, and unknown methods are answered with the closest known one", () => {
  assertThrows(() => findMethod("elarola"), RangeError, `"elalora"`);
  assertThrows(() => findMethod("lora").parseOptions({ alpha: -1 }));
  assertThrows(() => findMethod("lora").parseOptions({ alfa: 1 }));
  assertThrows(() => findMethod("head").parseOptions({ alpha: 1 }));
  assertEquals(findMethod("lora").parseOptions({}), { alpha: 16, scaling: "alpha/r" });
});
