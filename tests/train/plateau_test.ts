/** Runs that end where the score on held-out examples does not rise any more. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { nativeExecutor } from "../../src/exec/native.ts";
import { afterEvaluation, afterScore, isAtPlateau, noPlateau } from "../../src/train/plateau.ts";
import { bestOf } from "../../src/train/snapshots.ts";
import type {
  Checkpoint,
  Snapshot,
  TrainingEvent,
  TrainingRequest,
} from "../../src/train/run_types.ts";
import { primaryMetric } from "../../src/tasks/metrics.ts";
import type { Evaluation } from "../../src/train/evaluate.ts";
import { ofKind, started, timeless, type TinyRun, tinyTask, trainingRequest } from "./fixture.ts";
import { throughFile } from "../methods/adapted_runs.ts";

/** What a run of scores comes to, evaluation by evaluation. */
function waits(leastGain: number, scores: readonly number[]): readonly number[] {
  let state = noPlateau;
  return scores.map((score) => {
    state = afterScore({ leastGain }, state, score);
    return state.waited;
  });
}

Deno.test("a score that rises by no more than the least gain waits, and small rises add up", () => {
  assertEquals(waits(0.01, [0.5, 0.505, 0.509, 0.511, 0.52, 0.4]), [0, 1, 2, 0, 1, 2]);
  assertEquals(waits(0, [0.5, 0.5, 0.6]), [0, 1, 0]);
});

Deno.test("a score that is no number is no rise, and begins no wait", () => {
  assertEquals(waits(0, [NaN, NaN, 0.5, NaN, 0.6]), [0, 0, 0, 1, 0]);
});

Deno.test("patience is the number of evaluations without a rise", () => {
  assertEquals([1, 2, 3].map((waited) => isAtPlateau({ patience: 2 }, { best: 0, waited })), [
    false,
    true,
    true,
  ]);
});

/** A run of four steps without warm-up. */
const context = {
  task: tinyTask,
  rule: { heldOut: 0.1, patience: 1, leastGain: 0 },
  policy: null,
  totalSteps: 4,
  warmup: 0,
};

Deno.test("without an evaluation of held-out examples there is no plateau to look for", () => {
  assertThrows(
    () => afterEvaluation(context, { policyState: null }, { step: 1, evaluations: [] }),
    RangeError,
    'found no evaluation of "held_out"',
  );
});

Deno.test("the score that rises is the primary metric on held-out examples, whatever else is evaluated", () => {
  const metric = primaryMetric(tinyTask);
  const evaluation = (split: string, score: number): Evaluation => ({
    split,
    loss: 0.1,
    metrics: { other: 0.9, [metric]: score },
    predictions: [],
  });
  const evaluations = [
    evaluation("dev", 0.3),
    evaluation("held_out", 0.4),
    evaluation("test", 0.5),
  ];
  const state = afterEvaluation(context, { policyState: null }, { step: 1, evaluations });
  assertEquals(state, { best: 0.4, waited: 0 });
  // Without that metric there is no score, and none is a rise.
  const without = [{ ...evaluation("held_out", 0.4), metrics: { other: 0.9 } }];
  const none = afterEvaluation(context, { policyState: null }, { step: 1, evaluations: without });
  assertEquals(none, noPlateau);
});

Deno.test("where lower is better, a fall is a rise, and the lowest evaluation is the best", () => {
  const task = { ...tinyTask, metrics: ["logLoss"] };
  const at = (step: number, logLoss: number): Snapshot => ({
    step,
    epoch: 0,
    evaluations: [{ split: "held_out", loss: 1, metrics: { logLoss }, predictions: [] }],
    theta: new Float32Array(),
    order: {},
    off: [],
    merged: 0,
  });
  const snapshots = [at(1, 0.7), at(2, 0.5), at(3, 0.6), at(4, 0.5), at(5, NaN)];
  let plateau = noPlateau;
  let best: Snapshot | null = null;
  const waited = snapshots.map((snapshot) => {
    plateau = afterEvaluation({ ...context, task }, { plateau, policyState: null }, snapshot);
    best = bestOf(task, best, snapshot);
    return [plateau.waited, best!.step];
  });
  assertEquals(waited, [[0, 1], [0, 2], [1, 2], [2, 2], [3, 2]]);
});

Deno.test("of a metric without bound the least gain is a share of the score", () => {
  const waited = (metric: string, scores: readonly number[]) => {
    const rule = { ...context.rule, leastGain: 0.01 };
    let plateau = noPlateau;
    return scores.map((score, i) => {
      const evaluations = [{
        split: "held_out",
        loss: 1,
        metrics: { [metric]: score },
        predictions: [],
      }];
      const of = { ...context, rule, task: { ...tinyTask, metrics: [metric] } };
      plateau = afterEvaluation(of, { plateau, policyState: null }, { step: i + 1, evaluations });
      return plateau.waited;
    });
  };
  for (const unit of [0.001, 1, 1000]) {
    assertEquals(waited("rmse", [2, 1.99, 1.97, 1.96].map((score) => score * unit)), [0, 1, 0, 1]);
    assertEquals(waited("gain", [2, 2.01, 2.03, 2.04].map((score) => score * unit)), [0, 1, 0, 1]);
  }
  assertEquals(waited("gain", [0, 0.005, 0.02]), [0, 1, 0]);
  assertEquals(waited("accuracy", [0.1, 0.105, 0.12]), [0, 1, 0]);
});

const executor = await nativeExecutor(1);

/** A rate of next to nothing: no score rises. */
const still: TinyRun["train"] = {
  learningRate: 1e-9,
  evaluateEvery: 2,
  until: { plateau: { patience: 2, leastGain: 0 } },
};

const schedule = { initWarmup: 2, finalWarmup: 8, maskInterval: 2 };

/** A request whose first split is evaluated as the held-out one too. */
function request(run: TinyRun): TrainingRequest {
  const made = trainingRequest(executor, run);
  return { ...made, splits: [...made.splits, { ...made.splits[0]!, name: "held_out" }] };
}

async function trained(run: TinyRun, from: Checkpoint | null = null, limit = Infinity) {
  using trainer = await started(request(run), from);
  const events: TrainingEvent[] = [];
  while (!trainer.isDone && trainer.step < limit) events.push(...await trainer.next());
  const end = await trainer.checkpoint();
  const { step, isDone, isAtPlateau } = trainer;
  return { events, end, step, isDone, isAtPlateau };
}

const evaluated = (events: readonly TrainingEvent[]) =>
  ofKind(events, "evaluation").map(({ snapshot: { step } }) => step);

Deno.test("a run whose score stays ends after its patience, evaluated there", async () => {
  const run = { method: "lora", train: still };
  const { events, step, isDone, isAtPlateau } = await trained(run);
  assertEquals([step, isDone, isAtPlateau], [6, true, true]);
  assertEquals(evaluated(events), [2, 4, 6]);
});

Deno.test("a plateau counts only after the warm-up, in which a score may stand still for want of a rate", async () => {
  const { events, step, isAtPlateau } = await trained({
    method: "lora",
    train: { ...still, warmup: 5 },
  });
  assertEquals(evaluated(events), [2, 4, 6, 8, 10]);
  assertEquals([step, isAtPlateau], [10, true]);
});

Deno.test("a run without a plateau takes all its steps, and says nothing of one", async () => {
  const { step, isAtPlateau, end } = await trained({
    method: "lora",
    train: { learningRate: 1e-9, evaluateEvery: 2 },
  });
  assertEquals([step, isAtPlateau, "plateau" in end], [16, false, false]);
});

Deno.test("a plateau counts only after the last event of the policy", async () => {
  for (const method of ["adalora", "elalora"]) {
    const run = { method, options: schedule, train: still };
    const { events, step, isAtPlateau } = await trained(run);
    const last = Math.max(...ofKind(events, "ranks").map(({ step }) => step));
    assert(last > 6, `found the last event of ${method} at step ${last}`);
    // The first evaluation after it, and two without a rise.
    const counted = evaluated(events).filter((step) => step > last);
    assertEquals([counted.length, step, isAtPlateau], [3, counted[2], true], method);
  }
});

Deno.test("a run that is stopped and goes on ends at the same plateau, bit for bit", async () => {
  const run = { method: "lora", train: still };
  const whole = await trained(run);
  for (const cut of [1, 2, 4, 5]) {
    const before = await trained(run, null, cut);
    const after = await trained(run, throughFile(before.end));
    assertEquals(
      timeless([...before.events, ...after.events]),
      timeless(whole.events),
      `cut at ${cut}`,
    );
    assertEquals(after.end, whole.end, `cut at ${cut}`);
  }
  // One that had ended has nothing left to do.
  using ended = await started(request(run), whole.end);
  assert(ended.isDone);
});
