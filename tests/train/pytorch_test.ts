/** Whole training runs of adapters on the tiny BERT against the same runs in PyTorch (`tests/golden/train_bert.py`). */
import { assertEquals } from "@std/assert";
import { nativeExecutor } from "../../src/exec/native.ts";
import { ReferenceExecutor } from "../../src/exec/reference.ts";
import type { Executor } from "../../src/exec/executor.ts";
import { Trainer } from "../../src/train/trainer.ts";
import { slotScoresOf } from "../../src/train/policy_view.ts";
import { expected } from "../models/fixture.ts";
import { batchOf } from "../models/golden_tokens.ts";
import { moduleNames, ofKind, type TinyRun, trainTo } from "./fixture.ts";
import {
  goldenRequest,
  type GoldenSettings,
  goldenUrl,
  logitsOf,
  placedTensors,
  startedWith,
} from "./peft_runs.ts";
import { assertClose } from "../graph/numbers.ts";

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

const golden: Golden = JSON.parse(Deno.readTextFileSync(goldenUrl("train_bert.json")));

const batch = batchOf(expected, expected.classification.labels);

/** Entry i of the matrix `[rows, columns]` that the Python script fills by formula under a seed. */
function filled(i: number, seed: number): number {
  return Math.fround((((i + 1) * 37 + seed * 11) % 101) / 101 - 0.5);
}

/** A trainer that starts from the script's adapters. */
function startOf(executor: Executor, run: TinyRun): Promise<Trainer & Disposable> {
  const { settings, steps, rank } = golden;
  const request = goldenRequest(
    executor,
    { ...run, rank, train: { ...settings, steps } },
    () => batch,
  );
  return startedWith(request, (theta, assembly) => {
    for (const { name, positions } of placedTensors(assembly, rank)) {
      const [, module, part] = /^(.*)\.(.)$/.exec(name)!;
      const seed = 3 * moduleNames().indexOf(module!) + "ABE".indexOf(part!);
      positions.forEach((at, i) => theta[at] = filled(i, seed));
    }
  });
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
      using trainer = await startOf(executor, run);
      const steps = ofKind(await trainTo(trainer), "step");
      assertEquals(steps.length, golden.steps);
      for (const name of ["loss", "regulariser", "gradientNorm"] as const) {
        assertClose(steps.map((step) => step[name]), wanted[name], tolerance, name);
      }
      const { vectors, order } = await trainer.checkpoint();
      const theta = vectors.theta!;
      const logits = await logitsOf(trainer, theta, batch);
      assertClose(logits, wanted.logits, 10 * tolerance, "logits");
      if (wanted.scores !== undefined) {
        for (const { module, scores } of slotScoresOf(trainer.assembly, order, vectors)) {
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
    });
  }
}
