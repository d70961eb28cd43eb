/** Runs that are cut in two by a stored checkpoint, and runs that are repeated. */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { nativeExecutor } from "../../src/exec/native.ts";
import { decodeCheckpoint, encodeCheckpoint } from "../../src/record/checkpoint_file.ts";
import type { Checkpoint } from "../../src/train/run_types.ts";
import { Trainer } from "../../src/train/trainer.ts";
import {
  assertBitEqual,
  assertStatesEqual,
  lossesOf,
  ofKind,
  timeless,
  type TinyRun,
  trainingRequest,
  trainTo,
} from "./fixture.ts";

const executor = await nativeExecutor(1);

const schedule = { initWarmup: 2, finalWarmup: 4, maskInterval: 2 };

/** Rank events fall after steps 5, 7, 9 and 11 (ElaLoRA), 5, 7, 9, 11, 13 and 14 (AdaLoRA), and 3, 6, 9, 12 and 15 (PRILoRA). */
const runs: readonly TinyRun[] = [
  { method: "lora", train: { evaluateEvery: 5, weightDecay: 0.01 } },
  { method: "adalora", options: schedule, train: { evaluateEvery: 5 } },
  { method: "prilora", options: { n: 3 }, train: { evaluateEvery: 5 } },
  { method: "elalora", options: { ...schedule, b: 4 }, train: { evaluateEvery: 5 } },
  {
    method: "elalora",
    options: { ...schedule, b: 4, optimizer: "upstream-reset" },
    train: { evaluateEvery: 5, schedule: "linear", warmup: 0.5 },
  },
];

/** The checkpoint as it comes back from its file. */
function stored(checkpoint: Checkpoint): Checkpoint {
  const timings = {
    trainMillis: 1,
    evaluateMillis: 2,
    wallMillis: 3,
    startedAt: "2026-01-01T00:00:00.000Z",
  };
  const journals = { "steps": { bytes: 7, sha256: "89ab" } };
  const bytes = encodeCheckpoint({ checkpoint, run: "0123", journals, timings });
  const back = decodeCheckpoint(bytes, "checkpoint.safetensors");
  assertEquals([back.run, back.journals], ["0123", journals]);
  assertEquals(back.timings, timings);
  return back.checkpoint;
}

for (const run of runs) {
  const label = [run.method, run.options?.["optimizer"]].filter((part) => part).join(" ");
  Deno.test(`${label}: a run that is cut in two ends bit-equal to one that is not`, async () => {
    const whole = await Trainer.create(trainingRequest(executor, run), null);
    const events = timeless(await trainTo(whole));
    const end = await whole.checkpoint();
    if (run.method !== "lora") {
      assert(end.rankEvents >= 4, `found ${end.rankEvents} rank events, want at least 4`);
      // Something but the start is carried over.
      assertNotEquals(end.policyState, null);
    }
    // Before the first rank event, right after one, after an evaluation, and in the last phase.
    for (const cut of [3, 7, 10, 14]) {
      const first = await Trainer.create(trainingRequest(executor, run), null);
      const before = timeless(await trainTo(first, cut));
      const checkpoint = stored(await first.checkpoint());
      first.dispose();
      const second = await Trainer.create(trainingRequest(executor, run), checkpoint);
      assertEquals(second.step, cut);
      const after = timeless(await trainTo(second));
      assertEquals([...before, ...after], events, `events when cut at ${cut}`);
      const { vectors, best, last, ...rest } = await second.checkpoint();
      const { vectors: wanted, best: wantedBest, last: wantedLast, ...wantedRest } = end;
      assertStatesEqual(vectors, wanted, `state when cut at ${cut}`);
      assertBitEqual(best!.theta, wantedBest!.theta, `best when cut at ${cut}`);
      assertBitEqual(last!.theta, wantedLast!.theta, `last when cut at ${cut}`);
      assertEquals(rest, wantedRest);
      second.dispose();
    }
    whole.dispose();
  });
}

Deno.test("the same seed gives the same losses to the bit, another seed gives others", async () => {
  const executor = await nativeExecutor(2);
  const losses = async (seed: number) => {
    const run = { method: "elalora", options: { ...schedule, b: 4 }, seed };
    const trainer = await Trainer.create(trainingRequest(executor, run), null);
    const events = await trainTo(trainer);
    assertEquals(ofKind(events, "ranks").length, 4);
    trainer.dispose();
    return lossesOf(events);
  };
  const first = await losses(1);
  assertEquals(await losses(1), first);
  const other = await losses(2);
  assert(other.every((loss, i) => loss !== first[i]), `found ${other} for both seeds`);
});
