/** Whole training runs of adapters on the tiny BERT against the same runs in PyTorch (`tests/golden/train_bert.py`). */
import { assertEquals } from "@std/assert";
import { nativeExecutor } from "../../src/exec/native.ts";
import { ReferenceExecutor } from "../../src/exec/reference.ts";
import type { Executor } from "../../src/exec/executor.ts";
import { readSafetensors } from "../../src/models/safetensors.ts";
import { batchDims, inputFeeds } from "../../src/train/feeds.ts";
import { groupParameter, sliceOf } from "../../src/train/slots.ts";
import type { TrainingRequest } from "../../src/train/run_types.ts";
import { withBatches } from "../../src/train/stages.ts";
import { Trainer } from "../../src/train/trainer.ts";
import { slotScoresOf } from "../../src/train/policy_view.ts";
import { assertClose } from "../exec/executors.ts";
import { expected, goldenFiles } from "../models/fixture.ts";
import { batchOf } from "../models/golden_tokens.ts";
import { moduleNames, ofKind, type TinyRun, trainingRequest, trainTo } from "./fixture.ts";
import type { GoldenSettings } from "./peft_runs.ts";

interface Outcome {
  readonly loss: readonly number[];
  /** Weighted, as it enters the loss. */
  readonly regulariser: readonly number[];
  readonly gradientNorm: readonly number[];
  readonly logits: readonly number[];
  readonly scores?: Readonly<Record<string, readonly number[]>>;
}

interface Golden {
  readonly rank: number;
  readonly alpha: number;
  readonly steps: number;
  readonly settings: GoldenSettings;
  readonly regulariserWeight: number;
  readonly smoothing: readonly [number, number];
  readonly lora: Outcome;
  readonly svd: Outcome;
}

const golden: Golden = JSON.parse(
  Deno.readTextFileSync(new URL("../golden/train_bert.json", import.meta.url)),
);

const batch = batchOf(expected, expected.classification.labels);

/** Entry i of the matrix `[rows, columns]` that the Python script fills by formula under a seed. */
function filled(i: number, seed: number): number {
  return Math.fround((((i + 1) * 37 + seed * 11) % 101) / 101 - 0.5);
}

function requestOf(executor: Executor, run: TinyRun): TrainingRequest {
  const request = trainingRequest(executor, {
    ...run,
    rank: golden.rank,
    train: {
      ...golden.settings,
      steps: golden.steps,
      schedule: "linear",
      dropout: { hidden: 0, attention: 0, head: 0, adapter: 0 },
    },
  });
  return {
    ...withBatches(request, { batchesPerEpoch: 1, next: (cursor) => ({ batch, cursor }) }),
    assembly: {
      ...request.assembly,
      output: { type: "classification", labels: ["a", "b", "c"] },
    },
    splits: [],
  };
}

/** A trainer that starts from the script's adapters and the checkpoint's classifier. */
async function startOf(request: TrainingRequest): Promise<Trainer> {
  const fresh = await Trainer.create(request, null);
  const checkpoint = await fresh.checkpoint();
  const { layout, groups } = fresh.assembly;
  const theta = checkpoint.vectors.theta!.slice();
  fresh.dispose();
  const { tensors } = readSafetensors(goldenFiles.weights, "golden/model.safetensors");
  for (const name of ["classifier.weight", "classifier.bias"]) {
    theta.set(tensors.get(name)!.data, sliceOf(layout, name).offset);
  }
  const seedOfPart: Readonly<Record<string, number>> = { A: 0, B: 1, E: 2 };
  for (const group of groups) {
    const { offset } = sliceOf(layout, groupParameter(group));
    group.modules.forEach(({ name }, m) => {
      const seed = 3 * moduleNames().indexOf(name) + seedOfPart[group.part.name]!;
      for (let slot = 0; slot < golden.rank; slot++) {
        for (let j = 0; j < group.rowLength; j++) {
          // The script has B as [out, rank]; ranklab keeps its columns as rows.
          const i = group.part.name === "B" ? j * golden.rank + slot : slot * group.rowLength + j;
          theta[offset + (m * group.capacity + slot) * group.rowLength + j] = filled(i, seed);
        }
      }
    });
  }
  const vectors = { ...checkpoint.vectors, theta };
  return await Trainer.create(request, { ...checkpoint, vectors });
}

const [beta1, beta2] = golden.smoothing;
const triple = {
  alpha: golden.alpha,
  regulariserWeight: golden.regulariserWeight,
  beta1,
  beta2,
};
const runs: readonly (readonly [string, TinyRun, Outcome])[] = [
  ["LoRA", { method: "lora", options: { alpha: golden.alpha } }, golden.lora],
  [
    "ElaLoRA without moves",
    { method: "elalora", options: { ...triple, b: 0, initWarmup: 0, finalWarmup: 0 } },
    golden.svd,
  ],
  [
    // Its statistics must not be frozen and nothing masked: the policy is taken out of the way.
    "AdaLoRA without masks",
    {
      method: "adalora",
      options: { ...triple, initialFactor: 1 },
      change: (method) => {
        const { adapter } = method;
        const rule = {
          ...adapter!.policy!.rule,
          start: () => null,
          isDue: () => false,
          statisticsFrozen: () => false,
        };
        return { ...method, adapter: { ...adapter!, policy: { ...adapter!.policy!, rule } } };
      },
    },
    golden.svd,
  ],
];

for (
  const [executor, tolerance] of [
    [new ReferenceExecutor(), 1e-6],
    [await nativeExecutor(1), 1e-3],
  ] as const
) {
  for (const [title, run, wanted] of runs) {
    Deno.test(`${executor.kind}: ten steps of ${title} are PyTorch's`, async () => {
      const trainer = await startOf(requestOf(executor, run));
      const steps = ofKind(await trainTo(trainer), "step");
      assertEquals(steps.length, golden.steps);
      for (const name of ["loss", "regulariser", "gradientNorm"] as const) {
        assertClose(steps.map((step) => step[name]), wanted[name], tolerance, name);
      }
      const { vectors, order } = await trainer.checkpoint();
      const theta = vectors.theta!;
      const { assembly, evaluate } = trainer.programs;
      const { read } = await evaluate.run({
        feeds: {
          theta: { type: "f32", shape: [theta.length], data: theta },
          ...inputFeeds(assembly, batch),
        },
        dims: batchDims(batch),
        read: ["logits"],
      });
      const logits = Array.from(read["logits"]!.data, Number);
      assertClose(logits, wanted.logits, 10 * tolerance, "logits");
      if (wanted.scores !== undefined) {
        for (const { module, scores } of slotScoresOf(assembly, order, vectors)) {
          const want = wanted.scores[module]!;
          const scale = Math.max(...want);
          assertClose(
            scores.map((score) => score / scale),
            want.map((score) => score / scale),
            100 * tolerance,
            `scores of ${module}`,
          );
        }
      }
      trainer.dispose();
    });
  }
}
