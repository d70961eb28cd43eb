/**
 * Whole training runs of LoRA, DoRA and AdaLoRA on the tiny BERT against the same runs of peft under transformers' Trainer
 * (`tests/golden/peft_training.py`): losses, every adapter tensor after every step, and which ranks each mask takes away.
 */
import { assertEquals } from "@std/assert";
import type { Executor } from "../../src/exec/executor.ts";
import { nativeExecutor } from "../../src/exec/native.ts";
import { budgetAt } from "../../src/methods/adalora.ts";
import { readSafetensors } from "../../src/models/safetensors.ts";
import type { BatchStream } from "../../src/tasks/batches.ts";
import type { Batch } from "../../src/tasks/types.ts";
import { batchDims, inputFeeds } from "../../src/train/feeds.ts";
import { sliceOf } from "../../src/train/slots.ts";
import type { TrainingRequest } from "../../src/train/run_types.ts";
import { withBatches } from "../../src/train/stages.ts";
import { Trainer } from "../../src/train/trainer.ts";
import { assertClose } from "../exec/executors.ts";
import { expected, goldenFiles } from "../models/fixture.ts";
import { ofKind, type StepEvent, trainingRequest } from "./fixture.ts";
import {
  type GoldenSettings,
  goldenUrl,
  KeepingReference,
  parametersOf,
  type Placed,
  placedTensors,
  readDoubles,
  smallestScale,
  turnedBatch,
} from "./peft_runs.ts";

/** A mask that peft made after a step: the slots whose entry of E became zero, by module. */
interface MaskEvent {
  readonly step: number;
  readonly budget: number;
  readonly off: Readonly<Record<string, readonly number[]>>;
}

interface GoldenRun {
  readonly steps: number;
  readonly deltaT: number | null;
  /** Where it is not that of all. */
  readonly weightDecay?: number;
  /** With the weighted regulariser, as peft adds it. */
  readonly loss: readonly number[];
  readonly gradientNorm: readonly number[];
  readonly learningRate: readonly number[];
  readonly logits: readonly number[];
  /** What transformers drew for one output, where the run is a regression. */
  readonly classifier?: { readonly weight: readonly number[]; readonly bias: readonly number[] };
  readonly budgets?: readonly number[];
  readonly events?: readonly MaskEvent[];
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
  const request = trainingRequest(executor, {
    ...method,
    train: {
      ...golden.train,
      weightDecay,
      steps,
      schedule: "linear",
      dropout: { hidden: 0, attention: 0, head: 0, adapter: 0 },
      ...(name === "regression" ? { regressionBias: "zero" } : {}),
    },
  });
  const batches: BatchStream = {
    batchesPerEpoch: steps,
    next: ({ epoch, batch }) => ({
      batch: batchAt(name, batch),
      cursor: { epoch, batch: batch + 1 },
    }),
  };
  return {
    ...withBatches(request, batches),
    assembly: {
      ...request.assembly,
      output: name === "regression"
        ? { type: "regression", min: 0, max: 5 }
        : { type: "classification", labels: ["a", "b", "c"] },
    },
    splits: [],
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

/** A trainer that starts from peft's adapters and the checkpoint's classifier, or with the output bias that ranklab starts with. */
async function startOf(request: TrainingRequest, run: RunName): Promise<Trainer> {
  const fresh = await Trainer.create(request, null);
  const checkpoint = await fresh.checkpoint();
  const { assembly } = fresh;
  const theta = checkpoint.vectors.theta!.slice();
  fresh.dispose();
  const place = (name: string, values: ArrayLike<number>) =>
    theta.set(values, sliceOf(assembly.layout, name).offset);
  const { classifier } = golden.runs[run];
  if (classifier === undefined) {
    const { tensors } = readSafetensors(goldenFiles.weights, "golden/model.safetensors");
    for (const name of ["classifier.weight", "classifier.bias"]) {
      place(name, tensors.get(name)!.data);
    }
  } else {
    place("classifier.weight", classifier.weight);
    assertEquals(theta[sliceOf(assembly.layout, "classifier.bias").offset], classifier.bias[0]);
  }
  for (const placed of placedTensors(assembly)) {
    const values = storedAfter(run, placed, 0)!;
    placed.positions.forEach((at, i) => theta[at] = values[i]!);
  }
  const vectors = { ...checkpoint.vectors, theta };
  return await Trainer.create(request, { ...checkpoint, vectors });
}

function assertWeights(
  theta: ArrayLike<number>,
  placed: readonly Placed[],
  { run, steps, tolerance }: {
    readonly run: RunName;
    readonly steps: number;
    readonly tolerance: number;
  },
): void {
  for (const tensor of placed) {
    const wanted = storedAfter(run, tensor, steps);
    if (wanted === null) continue;
    const scale = wanted.reduce((top, value) => Math.max(top, Math.abs(value)), smallestScale);
    assertClose(
      tensor.positions.map((at) => theta[at]! / scale),
      wanted.map((value) => value / scale),
      tolerance,
      `${tensor.name} after ${steps} steps`,
    );
  }
}

/** The masked slots by module, also of modules without any. */
function maskOf(trainer: Trainer): MaskEvent["off"] {
  const { off } = trainer.progress;
  return Object.fromEntries(
    trainer.assembly.modules.map(({ module: { name } }) => [
      name,
      off.filter(({ module }) => module === name).map(({ slot }) => slot),
    ]),
  );
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
  const trainer = await startOf(requestOf(executor, name), name);
  const placed = placedTensors(trainer.assembly);
  const steps: StepEvent[] = [];
  const masks: { step: number; off: MaskEvent["off"] }[] = [];
  let theta = await parametersOf(trainer, executor);
  // What DoRA's lengths have gained at the start is peft's rounding, which single precision rounds once more.
  const tolerance = name.startsWith("dora") ? 1e-12 : 0;
  assertWeights(theta, placed, { run: name, steps: 0, tolerance });
  while (!trainer.isDone) {
    const events = await trainer.next();
    steps.push(...ofKind(events, "step"));
    for (const { step } of ofKind(events, "ranks")) {
      masks.push({ step: step - 1, off: maskOf(trainer) });
    }
    theta = await parametersOf(trainer, executor);
    assertWeights(theta, placed, { run: name, steps: trainer.step, tolerance: weights });
  }
  assertEquals(steps.length, wanted.steps);
  assertClose(steps.map(({ learningRate }) => learningRate), wanted.learningRate, 1e-15, "rates");
  assertClose(
    steps.map(({ loss, regulariser }) => loss + regulariser),
    wanted.loss,
    losses,
    "losses",
  );
  assertClose(
    steps.map(({ gradientNorm }) => gradientNorm),
    wanted.gradientNorm,
    Math.max(losses, weights),
    "gradient norms",
  );
  const found = masks.filter(({ step }) => wanted.events?.some((event) => event.step === step));
  assertEquals(found, wanted.events?.map(({ step, off }) => ({ step, off })) ?? []);
  // Where peft applies its last pattern again, ranklab decides once more, from the same frozen scores.
  for (const later of masks.filter((mask) => !found.includes(mask))) {
    assertEquals(later.off, wanted.events!.at(-1)!.off);
  }
  const { assembly, evaluate } = trainer.programs;
  const { read } = await evaluate.run({
    feeds: {
      theta: { type: "f32", shape: [theta.length], data: theta },
      ...inputFeeds(assembly, batchAt(name, 0)),
    },
    dims: batchDims(batchAt(name, 0)),
    read: ["logits"],
  });
  assertClose(Array.from(read["logits"]!.data, Number), wanted.logits, weights, "logits");
  trainer.dispose();
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
