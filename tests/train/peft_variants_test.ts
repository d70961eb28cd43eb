/**
 * Training of LoRA's variants on the tiny BERT against the same runs of peft, or of torch where peft has none
 * (`tests/golden/peft_variants.py`): every loss and gradient norm, every mask, the adapters at the end, and the logits.
 */
import { assertEquals } from "@std/assert";
import type { Executor } from "../../src/exec/executor.ts";
import { nativeExecutor } from "../../src/exec/native.ts";
import type { TrainingRequest } from "../../src/train/run_types.ts";
import { expected } from "../models/fixture.ts";
import { type TinyRun } from "./fixture.ts";
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

interface GoldenRun extends GoldenSteps {
  readonly logits: readonly number[];
  readonly events?: readonly MaskEvent[];
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
  },
];

const batchAt = (step: number) => turnedBatch(expected.classification.labels, step);

function requestOf(
  executor: Executor,
  { name, method, options = {}, train }: Variant,
): TrainingRequest {
  const steps = golden.runs[name]!.loss.length;
  const run = { method, options, rank: golden.rank, train: { ...golden.train, ...train, steps } };
  const request = goldenRequest(executor, run, batchAt);
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
  return { ...request, directions, assembly: { ...request.assembly, ranks } };
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

async function compareWithPeft(
  executor: Executor,
  variant: Variant,
  { numbers, weights }: { readonly numbers: number; readonly weights: number },
): Promise<void> {
  const wanted = golden.runs[variant.name]!;
  using trainer = await startedWith(requestOf(executor, variant), (theta, assembly) => {
    for (const placed of placedTensors(assembly)) {
      const values = storedAt(variant, placed, "start");
      placed.positions.forEach((at, i) => theta[at] = values[i]!);
    }
  });
  const { masks } = await trainAs(trainer, wanted, { losses: numbers, norms: weights });
  assertEquals(masks, wanted.events ?? []);
  const theta = await parametersOf(trainer, executor);
  for (const placed of placedTensors(trainer.assembly)) {
    assertTensor(theta, placed, storedAt(variant, placed, "end"), weights);
  }
  const logits = await logitsOf(trainer, theta, batchAt(0));
  assertClose(logits, wanted.logits, weights, "logits");
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
