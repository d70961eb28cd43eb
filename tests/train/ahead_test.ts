/** Steps that are queued and read together, recorded on WebGPU, and frozen weights in half precision. */
import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { RandomStream } from "../../src/base/random.ts";
import type { Executor } from "../../src/exec/executor.ts";
import { nativeExecutor } from "../../src/exec/native.ts";
import { findAdapter, webgpuExecutor, type WebGpuOptions } from "../../src/exec/webgpu.ts";
import { architectureOf } from "../../src/models/architectures.ts";
import { drawParameters } from "../../src/models/parameters.ts";
import { embeddedEncoderConfig } from "../../tools/pretrain/run.ts";
import { DivergenceError, type TrainingEvent } from "../../src/train/run_types.ts";
import { Trainer } from "../../src/train/trainer.ts";
import {
  assertStatesEqual,
  lossesOf,
  ofKind,
  timeless,
  type TinyRun,
  trainingRequest,
  trainTo,
} from "./fixture.ts";

const native = await nativeExecutor(1);

/** An executor that says something else of itself. */
function changed(executor: Executor, change: Partial<Executor>): Executor {
  return {
    kind: executor.kind,
    name: executor.name,
    threads: executor.threads,
    runsAhead: executor.runsAhead,
    sizes: executor.sizes,
    sharesConstants: executor.sharesConstants,
    load: (program, options) => executor.load(program, options),
    upload: (host) => executor.upload(host),
    read: (tensor) => executor.read(tensor),
    readAll: (tensors) => executor.readAll(tensors),
    dispose: (tensor) => executor.dispose(tensor),
    get busyMillis() {
      return executor.busyMillis;
    },
    ...change,
  };
}

/** The native executor as if it queued runs. */
function queueing(runsAhead: number): Executor {
  return changed(native, { runsAhead });
}

interface Told {
  readonly calls: readonly (readonly TrainingEvent[])[];
  readonly error: unknown;
}

/** Advances to the end or to an error. */
async function advance(trainer: Trainer): Promise<Told> {
  const calls: (readonly TrainingEvent[])[] = [];
  try {
    while (!trainer.isDone) calls.push(await trainer.advance());
  } catch (error) {
    return { calls, error };
  }
  return { calls, error: null };
}

const schedule = { initWarmup: 2, finalWarmup: 4, maskInterval: 2 };

/** Evaluations after steps 6, 12 and 16; rank events after steps 5, 7, 9 and 11, for AdaLoRA 13 and 14, for PRILoRA each third,
 * for RAC-LoRA and XGBLoRA each fifth and fourth. */
const runs: readonly TinyRun[] = [
  { method: "lora", train: { evaluateEvery: 6 } },
  { method: "adalora", options: schedule, train: { evaluateEvery: 6 } },
  { method: "elalora", options: { ...schedule, b: 4 }, train: { evaluateEvery: 6 } },
  { method: "prilora", options: { n: 3 }, train: { evaluateEvery: 6 } },
  { method: "raclora", options: { blockSteps: 5 }, train: { evaluateEvery: 6 } },
  { method: "xgblora", options: { kappa: 4 }, rank: 1, finalTotal: 6, train: { evaluateEvery: 6 } },
];

for (const run of runs) {
  Deno.test(`${run.method}: steps that are read together are the steps that are read one by one`, async () => {
    const single = await Trainer.create(trainingRequest(native, run), null);
    const wanted = await trainTo(single);
    const trainer = await Trainer.create(trainingRequest(queueing(5), run), null);
    const { calls, error } = await advance(trainer);
    assertEquals(error, null);
    assertEquals(timeless(calls.flat()), timeless(wanted));
    assertStatesEqual(
      (await trainer.checkpoint()).vectors,
      (await single.checkpoint()).vectors,
      run.method,
    );
    assert(calls.length < 16, `${calls.length} calls for 16 steps`);
    for (const events of calls) {
      const steps = ofKind(events, "step");
      assert(steps.length >= 1 && steps.length <= 5);
      const last = steps[steps.length - 1]!.step;
      // Whatever is due stands after the last step of its call, so that a checkpoint between calls is a whole one.
      for (const event of events) {
        if (event.kind === "ranks" || event.kind === "importance") assertEquals(event.step, last);
        if (event.kind === "evaluation") assertEquals(event.snapshot.step, last);
      }
    }
    single.dispose();
    trainer.dispose();
  });
}

Deno.test("a run that diverges among queued steps tells the steps before it, then which one it was", async () => {
  const run: TinyRun = {
    method: "full",
    train: { learningRate: 1e30, evaluateEvery: 16, clipNorm: null },
  };
  const oneByOne = await advance(await Trainer.create(trainingRequest(native, run), null));
  assert(oneByOne.error instanceof DivergenceError);
  const failing = oneByOne.error.step;
  assert(failing > 1 && failing < 10, `diverged at step ${failing}`);

  const trainer = await Trainer.create(trainingRequest(queueing(10), run), null);
  const { calls, error } = await advance(trainer);
  assert(error instanceof DivergenceError);
  assertEquals(error.step, failing);
  assertEquals(error.message, oneByOne.error.message);
  assertEquals(timeless(calls.flat()), timeless(oneByOne.calls.flat()));
  assertEquals(calls.length, 1);
  assertEquals(trainer.step, failing - 1);
  assertEquals(trainer.isDone, false);
  await assertRejects(() => trainer.checkpoint(), DivergenceError);
  await assertRejects(() => trainer.next(), DivergenceError);
  trainer.dispose();
});

const adapter = await findAdapter();
const missing = adapter === null ? " (this machine offers no WebGPU adapter)" : "";
const hasHalf = adapter?.features.has("shader-f16") ?? false;

async function toEnd(executor: Executor, run: TinyRun): Promise<Told> {
  const request = trainingRequest(executor, run);
  const trainer = await Trainer.create(request, null);
  const told = await advance(trainer);
  trainer.dispose();
  await request.programs.clear();
  return told;
}

function onGpu(options: WebGpuOptions): Promise<Executor> {
  return webgpuExecutor({ allowSoftware: true, ...options });
}

for (const run of runs) {
  Deno.test({
    name: `${run.method}: a recorded run on WebGPU is the issued one to the bit${missing}`,
    ignore: adapter === null,
    fn: async () => {
      const executor = await onGpu({ capture: true });
      const recorded = await toEnd(executor, run);
      assertEquals(recorded.error, null);
      // The same batches, whose padding has rows of its own, without recording.
      const issuing = changed(executor, {
        load: (program, options) => executor.load(program, { ...options, capture: false }),
      });
      const issued = await toEnd(issuing, run);
      assertEquals(issued.error, null);
      assertEquals(timeless(recorded.calls.flat()), timeless(issued.calls.flat()));
    },
  });
}

Deno.test({
  name: `frozen weights in half precision keep the losses of a run${missing}`,
  ignore: !hasHalf,
  fn: async () => {
    // Weights of single precision, large enough to be halved.
    const config = { ...embeddedEncoderConfig(600), layers: 2 };
    const tensors = drawParameters(
      architectureOf(config).encoderParameters(config),
      RandomStream.fromSeed(11),
    );
    const run: TinyRun = {
      method: "lora",
      encoder: { config, tensors },
      train: { evaluateEvery: 16, learningRate: 1e-3 },
    };
    const losses = async (options: WebGpuOptions) => {
      const { calls, error } = await toEnd(await onGpu(options), run);
      assertEquals(error, null);
      return lossesOf(calls.flat());
    };
    const single = await losses({});
    const half = await losses({ frozenWeights: "half" });
    assertEquals(half.length, single.length);
    assertNotEquals(half, single);
    single.forEach((loss, i) => {
      const error = Math.abs(half[i]! / loss - 1);
      assert(error < 1e-3, `loss of step ${i + 1}: found ${half[i]}, want ${loss}`);
    });
  },
});
