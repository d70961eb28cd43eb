/**
 * Training of LoRA's variants on the tiny BERT against the same runs of peft, or of torch where peft has none
 * (`tests/golden/peft_variants.py`): every loss and gradient norm, every mask, the adapters at the end, and the logits.
 */
import { assertEquals } from "@std/assert";
import type { Executor } from "../../src/exec/executor.ts";
import { nativeExecutor } from "../../src/exec/native.ts";
import type { BatchStream } from "../../src/tasks/batches.ts";
import { batchDims, inputFeeds } from "../../src/train/feeds.ts";
import { sliceOf } from "../../src/train/slots.ts";
import type { TrainingRequest } from "../../src/train/run_types.ts";
import { withBatches } from "../../src/train/stages.ts";
import { Trainer } from "../../src/train/trainer.ts";
import { assertClose } from "../exec/executors.ts";
import { expected, storedClassifier } from "../models/fixture.ts";
import { ofKind, type StepEvent, type TinyRun, trainingRequest } from "./fixture.ts";
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

interface GoldenRun {
  readonly loss: readonly number[];
  readonly gradientNorm: readonly number[];
  readonly logits: readonly number[];
  /** The slots that a mask took away after a step, by module. */
  readonly events?: readonly {
    readonly step: number;
    readonly off: Readonly<Record<string, readonly number[]>>;
  }[];
}

interface Golden {
  readonly train: GoldenSettings;
  readonly alpha: number;
  readonly rank: number;
  readonly steps: number;
  readonly bRate: number;
  readonly headRate: number;
  readonly dynamic: {
    readonly steps: number;
    readonly startRank: number;
    readonly endRank: number;
    readonly start: number;
    readonly end: number;
    readonly interval: number;
    readonly beta: number;
    readonly weight: number;
  };
  readonly runs: Readonly<Record<string, GoldenRun>>;
}

const golden: Golden = JSON.parse(Deno.readTextFileSync(goldenUrl("peft_variants.json")));
const stored = readDoubles(Deno.readFileSync(goldenUrl("peft_variants.safetensors")));

/** A run of the golden file as ranklab is asked for it. */
interface Variant extends Pick<TinyRun, "method" | "options" | "train"> {
  readonly name: string;
}

const { alpha, bRate, dynamic, headRate } = golden;
const variants: readonly Variant[] = [
  { name: "loraplus", method: "loraplus", options: { alpha, bRate } },
  { name: "loraplus", method: "lora", options: { alpha, bRate } },
  { name: "lorafa", method: "lorafa", options: { alpha } },
  { name: "pissa", method: "pissa", options: { alpha, scaling: "alpha/r" } },
  { name: "eva", method: "eva", options: { alpha } },
  {
    name: "headRate",
    method: "lora",
    options: { alpha },
    train: { headLearningRate: headRate },
  },
  {
    name: "doraDynamic",
    method: "dora-dynamic",
    options: {
      alpha,
      initialFactor: dynamic.startRank / dynamic.endRank,
      initWarmup: dynamic.start,
      finalWarmup: dynamic.end,
      interval: dynamic.interval,
      beta: dynamic.beta,
      regulariserWeight: dynamic.weight,
      ties: "upstream",
    },
    train: { steps: dynamic.steps },
  },
];

const batchAt = (step: number) => turnedBatch(expected.classification.labels, step);

function requestOf(
  executor: Executor,
  { name, method, options = {}, train }: Variant,
): TrainingRequest {
  const { rank } = golden;
  const steps = golden.runs[name]!.loss.length;
  const request = trainingRequest(executor, {
    method,
    options,
    rank,
    train: {
      ...golden.train,
      steps,
      schedule: "linear",
      dropout: { hidden: 0, attention: 0, head: 0, adapter: 0 },
      ...train,
    },
  });
  const batches: BatchStream = {
    batchesPerEpoch: steps,
    next: ({ epoch, batch }) => ({ batch: batchAt(batch), cursor: { epoch, batch: batch + 1 } }),
  };
  // Of EVA's ranks each module has its own; its rows are peft's, as all are.
  const ranks = request.assembly.ranks.map(({ module }) => {
    const { length } = stored.get(`${name}/${module.name}.A`)!;
    return { module, rank: length / 2 / module.inSize };
  });
  const directions = Object.fromEntries(
    ranks.map(({ module, rank }) => [
      module.name,
      Array.from({ length: rank }, () => new Float32Array(module.inSize)),
    ]),
  );
  return {
    ...withBatches(request, batches),
    directions,
    assembly: {
      ...request.assembly,
      ranks,
      output: { type: "classification", labels: ["a", "b", "c"] },
    },
    splits: [],
  };
}

/** What peft had of a tensor at the start or at the end; PiSSA's A0 and B0 are A and B at the start. */
function storedAt(
  variant: Variant,
  { name, positions }: Placed,
  at: "start" | "end",
): Float64Array {
  if (name.endsWith("0")) {
    return storedAt(variant, { name: name.slice(0, -1), positions }, "start");
  }
  const both = stored.get(`${variant.name}/${name}`)!;
  assertEquals(both.length, 2 * positions.length);
  return at === "start" ? both.subarray(0, positions.length) : both.subarray(positions.length);
}

/** A trainer that starts from peft's adapters and the checkpoint's classifier. */
async function startOf(request: TrainingRequest, variant: Variant): Promise<Trainer> {
  const fresh = await Trainer.create(request, null);
  const checkpoint = await fresh.checkpoint();
  const { assembly } = fresh;
  fresh.dispose();
  const theta = checkpoint.vectors.theta!.slice();
  for (const [name, { data }] of storedClassifier()) {
    theta.set(Float32Array.from(data, Number), sliceOf(assembly.layout, name).offset);
  }
  for (const placed of placedTensors(assembly)) {
    const values = storedAt(variant, placed, "start");
    placed.positions.forEach((at, i) => theta[at] = values[i]!);
  }
  return await Trainer.create(request, {
    ...checkpoint,
    vectors: { ...checkpoint.vectors, theta },
  });
}

/** The masked slots by module, also of modules without any. */
function maskOf(trainer: Trainer): Readonly<Record<string, readonly number[]>> {
  const { off } = trainer.progress;
  return Object.fromEntries(
    trainer.assembly.modules.map(({ module: { name } }) => [
      name,
      off.filter(({ module }) => module === name).map(({ slot }) => slot),
    ]),
  );
}

async function compareWithPeft(
  executor: Executor,
  variant: Variant,
  { numbers, weights }: { readonly numbers: number; readonly weights: number },
): Promise<void> {
  const wanted = golden.runs[variant.name]!;
  const trainer = await startOf(requestOf(executor, variant), variant);
  const steps: StepEvent[] = [];
  const masks: { step: number; off: Readonly<Record<string, readonly number[]>> }[] = [];
  while (!trainer.isDone) {
    const events = await trainer.next();
    steps.push(...ofKind(events, "step"));
    for (const { step } of ofKind(events, "ranks")) {
      masks.push({ step: step - 1, off: maskOf(trainer) });
    }
  }
  assertEquals(masks, wanted.events ?? []);
  assertEquals(steps.length, wanted.loss.length);
  assertClose(
    steps.map(({ loss, regulariser }) => loss + regulariser),
    wanted.loss,
    numbers,
    "losses",
  );
  assertClose(steps.map(({ gradientNorm }) => gradientNorm), wanted.gradientNorm, weights, "norms");
  const theta = await parametersOf(trainer, executor);
  for (const placed of placedTensors(trainer.assembly)) {
    const end = storedAt(variant, placed, "end");
    const scale = end.reduce((top, value) => Math.max(top, Math.abs(value)), smallestScale);
    assertClose(
      placed.positions.map((at) => theta[at]! / scale),
      end.map((value) => value / scale),
      weights,
      placed.name,
    );
  }
  const { assembly, evaluate } = trainer.programs;
  const { read } = await evaluate.run({
    feeds: {
      theta: { type: "f32", shape: [theta.length], data: theta },
      ...inputFeeds(assembly, batchAt(0)),
    },
    dims: batchDims(batchAt(0)),
    read: ["logits"],
  });
  assertClose(Array.from(read["logits"]!.data, Number), wanted.logits, weights, "logits");
  trainer.dispose();
}

const native = await nativeExecutor(1);
for (const variant of variants) {
  const title = `peft's ${variant.name} run is ours (${variant.method})`;
  Deno.test(`reference: ${title}`, async () => {
    // The state passes through single precision at rank events.
    const exact = variant.name === "doraDynamic"
      ? { numbers: 1e-6, weights: 1e-6 }
      : { numbers: 1e-12, weights: 1e-12 };
    await compareWithPeft(new KeepingReference(), variant, exact);
  });
  Deno.test(`native: ${title}`, async () => {
    await compareWithPeft(native, variant, { numbers: 1e-6, weights: 1e-4 });
  });
}
