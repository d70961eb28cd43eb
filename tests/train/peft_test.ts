/**
 * Whole training runs of LoRA, DoRA and AdaLoRA on the tiny BERT against the same runs of peft under transformers' Trainer
 * (`tests/golden/peft_training.py`): losses, every adapter tensor after every step, and which ranks each mask takes away.
 */
import { assertEquals } from "@std/assert";
import type { Executor } from "../../src/exec/executor.ts";
import { nativeExecutor } from "../../src/exec/native.ts";
import { budgetAt } from "../../src/methods/adalora.ts";
import type { Batch } from "../../src/tasks/types.ts";
import type { TrainingRequest } from "../../src/train/run_types.ts";
import { Trainer } from "../../src/train/trainer.ts";
import { expected } from "../models/fixture.ts";
import {
  assertTensor,
  goldenRequest,
  type GoldenSettings,
  type GoldenSteps,
  goldenUrl,
  KeepingReference,
  logitsOf,
  type MaskEvent,
  parametersOf,
  type Placed,
  placedTensors,
  readDoubles,
  startedWith,
  trainAs,
  turnedBatch,
} from "./peft_runs.ts";
import { assertClose } from "../graph/numbers.ts";
import { sliceOf } from "../../src/train/slots.ts";

interface GoldenRun extends GoldenSteps {
  readonly steps: number;
  readonly deltaT: number | null;
  /** Where it is not that of all. */
  readonly weightDecay?: number;
  readonly learningRate: readonly number[];
  readonly logits: readonly number[];
  /** What transformers drew for one output, where the run is a regression. */
  readonly classifier?: { readonly weight: readonly number[]; readonly bias: readonly number[] };
  readonly budgets?: readonly number[];
  readonly events?: readonly (MaskEvent & { readonly budget: number })[];
}

interface Golden {
  readonly train: GoldenSettings;
  readonly alpha: number;
  readonly lora: { readonly rank: number };
  readonly adalora: {
    readonly init_r: number;
    readonly target_r: number;
    readonly tinit: number;
    readonly tfinal: number;
    readonly beta1: number;
    readonly beta2: number;
    readonly orth_reg_weight: number;
  };
  readonly runs: Readonly<Record<RunName, GoldenRun>>;
}

type RunName = "lora" | "dora" | "doraWhole" | "regression" | "adalora" | "adaloraForced";

const golden: Golden = JSON.parse(Deno.readTextFileSync(goldenUrl("peft_training.json")));

const stored = readDoubles(Deno.readFileSync(goldenUrl("peft_training.safetensors")));

/** The batch of a step: labels, or the scores of a regression. */
function batchAt(name: RunName, step: number): Batch {
  const { classification, regression } = expected;
  return turnedBatch(name === "regression" ? regression.scores : classification.labels, step);
}

function requestOf(executor: Executor, name: RunName): TrainingRequest {
  const { steps, deltaT, weightDecay = golden.train.weightDecay } = golden.runs[name];
  const { adalora, alpha, lora } = golden;
  const isDora = name.startsWith("dora");
  const method = deltaT === null
    ? {
      method: isDora ? "dora" : "lora",
      rank: lora.rank,
      options: { alpha, ...(name === "doraWhole" ? { magnitudeDecay: "whole" } : {}) },
    }
    : {
      method: "adalora",
      rank: adalora.target_r,
      options: {
        alpha,
        initialFactor: adalora.init_r / adalora.target_r,
        initWarmup: adalora.tinit,
        finalWarmup: adalora.tfinal,
        maskInterval: deltaT,
        beta1: adalora.beta1,
        beta2: adalora.beta2,
        regulariserWeight: adalora.orth_reg_weight,
        ...(name === "adaloraForced" ? { lastMask: "forced", ties: "upstream" } : {}),
      },
    };
  const train = {
    ...golden.train,
    weightDecay,
    steps,
    ...(name === "regression" ? { regressionBias: "zero" as const } : {}),
  };
  const request = goldenRequest(executor, { ...method, train }, (step) => batchAt(name, step));
  if (name !== "regression") return request;
  return {
    ...request,
    assembly: { ...request.assembly, output: { type: "regression", min: 0, max: 5 } },
  };
}

/** What peft had of a tensor after so many steps; null where the file has only the first and the last. */
function storedAfter(
  run: RunName,
  { name, positions }: Placed,
  steps: number,
): Float64Array | null {
  const all = stored.get(`${run}/${name}`)!;
  const kept = all.length / positions.length;
  const index = kept === golden.runs[run].steps + 1
    ? steps
    : steps === 0
    ? 0
    : steps === golden.runs[run].steps
    ? kept - 1
    : null;
  return index === null
    ? null
    : all.subarray(index * positions.length, (index + 1) * positions.length);
}

/** A trainer that starts from peft's adapters, and the output bias that ranklab starts a regression with. */
function startOf(request: TrainingRequest, run: RunName): Promise<Trainer & Disposable> {
  return startedWith(request, (theta, assembly) => {
    const { classifier } = golden.runs[run];
    if (classifier !== undefined) {
      theta.set(classifier.weight, sliceOf(assembly.layout, "classifier.weight").offset);
      assertEquals(theta[sliceOf(assembly.layout, "classifier.bias").offset], classifier.bias[0]);
    }
    for (const placed of placedTensors(assembly)) {
      const values = storedAfter(run, placed, 0)!;
      placed.positions.forEach((at, i) => theta[at] = values[i]!);
    }
  });
}

interface Tolerances {
  readonly losses: number;
  readonly weights: number;
}

async function compareWithPeft(
  executor: Executor,
  name: RunName,
  { losses, weights }: Tolerances,
): Promise<void> {
  const wanted = golden.runs[name];
  using trainer = await startOf(requestOf(executor, name), name);
  const placed = placedTensors(trainer.assembly);
  let theta = await parametersOf(trainer, executor);
  const assertWeights = (tolerance: number) => {
    for (const tensor of placed) {
      const stored = storedAfter(name, tensor, trainer.step);
      if (stored !== null) assertTensor(theta, tensor, stored, tolerance);
    }
  };
  // What DoRA's lengths have gained at the start is peft's rounding, which single precision rounds once more.
  assertWeights(name.startsWith("dora") ? 1e-12 : 0);
  const norms = Math.max(losses, weights);
  const { steps, masks } = await trainAs(trainer, wanted, { losses, norms }, async () => {
    theta = await parametersOf(trainer, executor);
    assertWeights(weights);
  });
  assertEquals(steps.length, wanted.steps);
  assertClose(steps.map(({ learningRate }) => learningRate), wanted.learningRate, 1e-15, "rates");
  const found = masks.filter(({ step }) => wanted.events?.some((event) => event.step === step));
  assertEquals(found, wanted.events?.map(({ step, off }) => ({ step, off })) ?? []);
  // Where peft applies its last pattern again, ranklab decides once more, from the same frozen scores.
  for (const later of masks.filter((mask) => !found.includes(mask))) {
    assertEquals(later.off, wanted.events!.at(-1)!.off);
  }
  const logits = await logitsOf(trainer, theta, batchAt(name, 0));
  assertClose(logits, wanted.logits, weights, "logits");
}

const names: readonly RunName[] = [
  "lora",
  "dora",
  "doraWhole",
  "regression",
  "adalora",
  "adaloraForced",
];

/** The state passes through single precision at rank events, so that only LoRA and DoRA stay in double precision throughout. */
function referenceTolerances(name: RunName): Tolerances {
  return name.startsWith("ada")
    ? { losses: 1e-7, weights: 1e-6 }
    : { losses: 1e-12, weights: 1e-12 };
}

const native = await nativeExecutor(1);
for (const name of names) {
  Deno.test(`reference: every step of peft's ${name} run is ours`, async () => {
    await compareWithPeft(new KeepingReference(), name, referenceTolerances(name));
  });
  Deno.test(`native: every step of peft's ${name} run is ours`, async () => {
    await compareWithPeft(native, name, { losses: 1e-6, weights: 1e-4 });
  });
}

Deno.test("budgetAt is peft's budget_schedule at every step", () => {
  const { adalora, runs } = golden;
  for (const { steps, deltaT, budgets, events } of Object.values(runs)) {
    if (deltaT === null) continue;
    const modules = Object.keys(events![0]!.off).length;
    const totals = {
      initialTotal: adalora.init_r * modules,
      finalTotal: adalora.target_r * modules,
      totalSteps: steps,
    };
    const options = {
      initWarmup: adalora.tinit,
      finalWarmup: adalora.tfinal,
      maskInterval: deltaT,
      ties: "exact",
    } as const;
    const found = Array.from({ length: steps }, (_, step) => budgetAt(options, totals, step));
    assertEquals(found, budgets);
    for (const { step, budget } of events!) assertEquals(budget, budgets![step]);
  }
});
