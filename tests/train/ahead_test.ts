/** Steps that are queued and read together. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import type { Executor } from "../../src/exec/executor.ts";
import { nativeExecutor } from "../../src/exec/native.ts";
import { DivergenceError, type TrainingEvent } from "../../src/train/run_types.ts";
import { Trainer } from "../../src/train/trainer.ts";
import {
  assertStatesEqual,
  ofKind,
  started,
  timeless,
  type TinyRun,
  trainingRequest,
  trainTo,
} from "./fixture.ts";
import { type QueuedStep, settle } from "../../src/train/device_run.ts";

const native = await nativeExecutor(1);

/** An executor that says something else of itself. */
function changed(executor: Executor, change: Partial<Executor>): Executor {
  return {
    kind: executor.kind,
    name: executor.name,
    threads: executor.threads,
    runsAhead: executor.runsAhead,
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
    using single = await started(trainingRequest(native, run));
    const wanted = await trainTo(single);
    using trainer = await started(trainingRequest(queueing(5), run));
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

  using trainer = await started(trainingRequest(queueing(10), run));
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
});

/** Steps 5, 6 and 7, counted from 0. */
const queued: readonly QueuedStep[] = [5, 6, 7].map((index) => ({
  ...{ index, learningRate: index / 10, tokens: 10 * index, millis: index },
  numbers: [],
}));
const epochsAt = (done: number) => done / 4;

Deno.test("settle() tells of steps in their order, and shares the wait among them", () => {
  const { events, divergence } = settle(
    queued,
    [[0.5, 2, 0.25], [0.4, 3], [0.3, 4, 0]],
    6,
    epochsAt,
  );
  assertEquals(divergence, null);
  const step = (index: number, loss: number, gradientNorm: number, regulariser: number) => ({
    kind: "step",
    ...{ step: index + 1, epoch: (index + 1) / 4, loss, regulariser, gradientNorm },
    ...{ learningRate: index / 10, stepMillis: index + 2, tokens: 10 * index },
  });
  assertEquals<unknown>(events, [
    step(5, 0.5, 2, 0.25),
    step(6, 0.4, 3, 0),
    step(7, 0.3, 4, 0),
  ]);
});

Deno.test("settle() stops before the first step that diverged, and names what did", () => {
  const cases = [
    [[[1, 1], [NaN, 1], [1, 1]], "Training diverged at step 7: found loss NaN"],
    [
      [[1, 1], [1, Infinity], [NaN, 1]],
      "Training diverged at step 7: found gradient norm Infinity",
    ],
    [[[1, 1], [], [1, 1]], "Training diverged at step 7: found loss NaN"],
  ] as const;
  for (const [values, message] of cases) {
    const { events, divergence } = settle(queued, values, 0, epochsAt);
    assertEquals(events.map((event) => event.kind === "step" ? event.step : 0), [6]);
    assertEquals([divergence!.index, divergence!.error.step], [6, 7]);
    assertEquals(divergence!.error.message.startsWith(message), true, divergence!.error.message);
  }
});
