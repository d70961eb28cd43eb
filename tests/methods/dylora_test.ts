/** DyLoRA: which ranks a step trains and with what factor, what is left after cutting, and runs end to end. */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { RandomStream } from "../../src/base/random.ts";
import * as g from "../../src/graph/mod.ts";
import type { Pass, WeightAdapter } from "../../src/methods/adapter.ts";
import { drawnRank, truncationGain } from "../../src/methods/dylora.ts";
import { findMethod } from "../../src/methods/table.ts";
import { truncated, truncationsOf } from "../../src/methods/truncation.ts";
import type { StoredTensor } from "../../src/models/safetensors.ts";
import type { ModuleShape } from "../../src/study/types.ts";
import { ablate } from "../../src/train/ablation.ts";
import { ResumedPrograms } from "../../src/train/resumed.ts";
import { exportTensors, importTensors } from "../../src/train/stored_tensors.ts";
import { rowOf, started, type TinyRun, trainingRequest, trainTo } from "../train/fixture.ts";
import {
  assertAblates,
  assertMerges,
  assertResumes,
  ended,
  executor,
  logitsOf,
} from "./adapted_runs.ts";
import { doubles, valuesOf } from "../graph/numbers.ts";
import { factsOf } from "./policies.ts";

const dylora = findMethod("dylora");
const adapterOf = (options: Record<string, string | number | boolean>) =>
  dylora.bind(dylora.parseOptions(options)).adapter as WeightAdapter;

/** The update BᵀA of one module with 3 ranks, of 1 input and 1 output, and the gradients of its sum. */
function update(frozen: boolean, b: number) {
  const A = g.input("A", [1, 3, 1]), B = g.input("B", [1, 3, 1]);
  const pass: Pass = { mode: "training", fed: (name, shape) => g.input(name, shape) };
  const made = adapterOf({ alpha: 6, frozen }).prepare({ A, B }, 2, pass);
  const sum = g.reduceSum(g.mul(made.A, made.B));
  const [ofA, ofB] = g.grad(sum, [A, B]);
  const rows = (...data: number[]) => doubles(data, [1, 3, 1]);
  const found = valuesOf({ sum, ofA: ofA!, ofB: ofB! }, {
    A: rows(1, 10, 100),
    B: rows(2, 3, 5),
    b: doubles([b], []),
    gain: doubles([3 / b], []),
  });
  return [found.sum, found.ofA, found.ofB];
}

Deno.test("a step trains the first b ranks with the scale of b; a frozen one passes gradients to the last alone", () => {
  // The scale is 2 for the whole, so 2 · 3/2 for two of three ranks: 3 (1·2 + 10·3).
  assertEquals(update(false, 2), [[96], [6, 9, 0], [3, 30, 0]]);
  assertEquals(update(true, 2), [[96], [0, 9, 0], [0, 30, 0]]);
  assertEquals(update(false, 3), [[1064], [4, 6, 10], [2, 20, 200]]);
  assertEquals(update(true, 3), [[1064], [0, 0, 10], [0, 0, 200]]);
  assertEquals(update(true, 1), [[12], [12, 0, 0], [6, 0, 0]]);
  // A module with fewer ranks than are drawn trains all of them, its last one where frozen.
  assertEquals(update(true, 4)[1], [0, 0, 7.5]);
});

Deno.test("the scale is alpha over the drawn rank, on average over the modules, or alpha over the whole", () => {
  const own = { scaling: "alpha/b" } as const;
  assertEquals([1, 2, 4, 8].map((b) => truncationGain(own, b, [8, 8, 8])), [8, 4, 2, 1]);
  assertEquals(truncationGain(own, 3, [4, 2, 0]), 6 / 5);
  assertEquals(truncationGain(own, 4, [4, 2, 0]), 1);
  assertEquals(truncationGain({ scaling: "alpha/r" }, 1, [8, 8]), 1);
});

Deno.test("ranks are drawn uniformly from rMin to the largest", () => {
  const stream = RandomStream.fromSeed(3);
  const counts = new Map<number, number>();
  for (let i = 0; i < 6000; i++) {
    const b = drawnRank({ rMin: 2 }, { stream, ranks: [4, 3, 4] });
    counts.set(b, (counts.get(b) ?? 0) + 1);
  }
  assertEquals([...counts.keys()].sort(), [2, 3, 4]);
  // The deviation of each count is √(6000 · ⅓ · ⅔) = 37.
  for (const count of counts.values()) assertAlmostEquals(count, 2000, 150);
});

Deno.test("an rMin above every rank is refused before the run", () => {
  const counts = { requested: 1, initialParameters: 1, peakParameters: 1, finalParameters: 1 };
  const facts = factsOf({ plan: { initial: [2, 3], finalTotal: 5, ...counts } });
  const check = (rMin: number) => dylora.check!(dylora.parseOptions({ rMin }), facts);
  check(3);
  assertThrows(() => check(4), RangeError, 'found "rMin" of 4 with ranks of at most 3');
});

const modules = ["query", "value"].map((part): ModuleShape => ({
  name: `layer.0.${part}`,
  layer: 0,
  part: part as ModuleShape["part"],
  inSize: 1,
  outSize: 2,
}));
const stored = (shape: readonly number[], ...data: number[]): StoredTensor => ({
  shape,
  data: Float32Array.from(data),
});

Deno.test("a stored adapter is cut to the first ranks of each module, with the factor in A", () => {
  const tensors = new Map([
    ["layer.0.query.A", stored([3, 1], 1, 2, 3)],
    ["layer.0.query.B", stored([3, 2], 1, 2, 3, 4, 5, 6)],
    ["layer.0.value.A", stored([1, 1], 4)],
    ["layer.0.value.B", stored([1, 2], 7, 8)],
    ["classifier.bias", stored([1], 9)],
  ]);
  const adapter = adapterOf({});
  assertEquals(truncationsOf(tensors, adapter, modules), [1, 2, 3]);
  // Four ranks become three.
  assertEquals(
    truncated(tensors, adapter, modules, 2),
    new Map([
      ["layer.0.query.A", stored([2, 1], 4 / 3, 8 / 3)],
      ["layer.0.query.B", stored([2, 2], 1, 2, 3, 4)],
      ["layer.0.value.A", stored([1, 1], 16 / 3)],
      ["layer.0.value.B", stored([1, 2], 7, 8)],
      ["classifier.bias", stored([1], 9)],
    ]),
  );
  assertEquals(truncated(tensors, adapter, modules, 3), tensors);
  assertThrows(() => truncated(tensors, adapter, modules, 4), RangeError, "want 1 to 3");
  const lora = findMethod("lora").bind(findMethod("lora").parseOptions({})).adapter!;
  assertEquals(truncationsOf(tensors, lora, modules), []);
  assertThrows(() => truncated(tensors, lora, modules, 2), RangeError, "as dylora does");
});

const run: TinyRun = {
  method: "dylora",
  rank: 3,
  options: { alpha: 3 },
  train: { steps: 40, learningRate: 3e-2, evaluateEvery: 15 },
};

Deno.test("a DyLoRA run goes on to the bit, merges, and can be taken away", async () => {
  using whole = await ended(run);
  await assertResumes(whole, [7, 16]);
  await assertMerges(whole);
  await assertAblates(whole);
});

Deno.test("with steps of rank 1 alone, the later ranks are never trained", async () => {
  const narrow: TinyRun = {
    ...run,
    train: { ...run.train, steps: 6, weightDecay: 0 },
    change: (method) => ({
      ...method,
      adapter: {
        ...method.adapter as WeightAdapter,
        step: {
          feeds: (moment) => {
            assertEquals(moment.ranks, Array.from({ length: 12 }, () => 3));
            return { b: doubles([1], []), gain: doubles([3], []) };
          },
        },
      },
    }),
  };
  const { trainer, end } = await ended(narrow);
  const { assembly } = trainer;
  const own = (row: number) => rowOf(assembly, end.vectors.theta!, "layer.0.query", "B", row);
  assert(own(0).some((value) => value !== 0), "the first rank was not trained");
  for (const row of [1, 2]) {
    assert(own(row).every((value) => value === 0), `rank ${row} was trained`);
  }
  trainer.dispose();
});

Deno.test("an ablation tells the metric at every rank, and the cut adapters are those of fewer rows", async () => {
  const request = trainingRequest(executor, run);
  using trainer = await started(request);
  await trainTo(trainer);
  const { assembly } = trainer;
  const { vectors, order } = await trainer.checkpoint();
  const tensors = new Map(
    exportTensors(assembly, vectors.theta!, order).map(({ name, ...rest }) => [name, rest]),
  );
  const { baseline, truncations } = await ablate({
    executor,
    programs: new ResumedPrograms(executor, request.assembly, assembly),
    tensors,
    task: request.task,
    splits: request.splits,
    pieces: [],
  });
  assertEquals(truncations!.map(({ rank }) => rank), [1, 2, 3]);
  assertEquals(truncations!.at(-1)!.metric, baseline);

  const shapes = assembly.modules.map(({ module }) => module);
  const cut = truncated(tensors, assembly.adapter!, shapes, 1);
  const { theta } = importTensors(assembly, cut);
  for (const { name } of shapes) {
    for (const row of [1, 2]) {
      assert(rowOf(assembly, theta, name, "A", row).every((value) => value === 0));
    }
  }
  const [first, all] = [
    await logitsOf(trainer, run, theta),
    await logitsOf(trainer, run, vectors.theta!),
  ];
  assert(first.some((value, i) => Math.abs(value - all[i]!) > 1e-3), "cutting changes nothing");
});
