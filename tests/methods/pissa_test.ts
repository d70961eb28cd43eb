/** PiSSA's start against the weight's best approximation and against peft's, and its runs: resumed, merged, removed. */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { costsOf } from "../../src/methods/adapter.ts";
import { principalRows } from "../../src/methods/pissa.ts";
import { findMethod } from "../../src/methods/table.ts";
import { bert } from "../../src/models/bert.ts";
import { targetModules } from "../../src/models/config.ts";
import { goldenModel } from "../models/fixture.ts";
import { goldenUrl, readDoubles } from "../train/peft_runs.ts";
import {
  assertAblates,
  assertMerges,
  assertResumes,
  ended,
  exportedUpdates,
} from "./adapted_runs.ts";

const { config, tensors } = goldenModel();
const modules = targetModules(config);

function weightOf({ layer, part }: (typeof modules)[number]) {
  return tensors.get(`${bert.modulePath(layer, part)}.weight`)!;
}

/** s · Σ b aᵀ, `[out, in]`. */
function product(
  { A, B }: Readonly<Record<"A" | "B", readonly ArrayLike<number>[]>>,
  scale: number,
): readonly number[] {
  const [rows, columns] = [B[0]!.length, A[0]!.length];
  return Array.from({ length: rows * columns }, (_, at) => {
    const [o, i] = [Math.floor(at / columns), at % columns];
    return A.reduce((sum, a, k) => sum + scale * B[k]![o]! * a[i]!, 0);
  });
}

Deno.test("A and B start as peft's pissa_init starts them", () => {
  const stored = readDoubles(Deno.readFileSync(goldenUrl("peft_variants.safetensors")));
  const { rank, alpha } = JSON.parse(Deno.readTextFileSync(goldenUrl("peft_variants.json")));
  for (const module of modules) {
    const { inSize, outSize } = module;
    const scale = alpha / rank;
    const found = principalRows({ weight: weightOf(module), rank, scale });
    const [A, B] = ["A", "B"].map((part) => stored.get(`pissa/${module.name}.${part}`)!);
    const rows = (k: number) => [
      Array.from({ length: inSize }, (_, i) => A![k * inSize + i]!),
      Array.from({ length: outSize }, (_, o) => B![o * rank + k]!),
    ];
    for (let k = 0; k < rank; k++) {
      const [a, b] = rows(k) as [number[], number[]];
      // A vector's sign is free, that of both together is not.
      const sign = Math.sign(a.reduce((sum, value, i) => sum + value * found.A[k]![i]!, 0));
      a.forEach((value, i) => assertAlmostEquals(sign * found.A[k]![i]!, value, 1e-5, module.name));
      b.forEach((value, o) => assertAlmostEquals(sign * found.B[k]![o]!, value, 1e-5, module.name));
    }
  }
});

Deno.test("the start times the scale is the weight at full rank, whatever the scale is", () => {
  const module = modules.find(({ inSize, outSize }) => inSize !== outSize)!;
  const weight = weightOf(module);
  for (const scale of [1, 4]) {
    const whole = product(
      principalRows({
        weight,
        rank: module.inSize < module.outSize ? module.inSize : module.outSize,
        scale,
      }),
      scale,
    );
    whole.forEach((value, i) => assertAlmostEquals(value, Number(weight.data[i]), 1e-6));
  }
});

Deno.test("by default the scale is the paper's 1 at every rank; a rank costs LoRA's numbers, and twice as many are kept", () => {
  const method = findMethod("pissa");
  const { scale, storage, parts } = method.bind(method.parseOptions({})).adapter!;
  assertEquals([scale(2), scale(16)], [1, 1]);
  const [module] = modules as [(typeof modules)[number]];
  const one = module.inSize + module.outSize;
  assertEquals(costsOf({ parts }).perRank(module), one);
  assertEquals(storage!.costs!.perRank(module), 2 * one);
});

Deno.test("a run is resumed to the bit, leaves as LoRA of rank 2r, and without its rows is the encoder", async () => {
  using run = await ended({
    method: "pissa",
    train: { steps: 6, learningRate: 2e-2, weightDecay: 0.01 },
  });
  for (const { A, B } of exportedUpdates(run)) assertEquals([A.shape[0], B.shape[1]], [4, 4]);
  await assertMerges(run);
  await assertAblates(run);
  await assertResumes(run, [2]);
  // What A and B were at the start stays.
  const { assembly, progress } = run.trainer;
  assert(assembly.groups.some(({ part }) => part.name === "A0") && progress.step === 6);
});
