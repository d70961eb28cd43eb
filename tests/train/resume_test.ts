/** Runs that are cut in two by a stored checkpoint, and runs that are repeated. */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { nativeExecutor } from "../../src/exec/native.ts";
import { lossesOf, ofKind, runTo, type TinyRun } from "./fixture.ts";
import { assertResumes, ended } from "../methods/adapted_runs.ts";

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

for (const run of runs) {
  const label = [run.method, run.options?.["optimizer"]].filter((part) => part).join(" ");
  Deno.test(`${label}: a run that is cut in two ends bit-equal to one that is not`, async () => {
    using whole = await ended(run);
    const { end } = whole;
    if (run.method !== "lora") {
      assert(end.rankEvents >= 4, `found ${end.rankEvents} rank events, want at least 4`);
      // Something but the start is carried over.
      assertNotEquals(end.policyState, null);
    }
    // Before the first rank event, right after one, after an evaluation, and in the last phase.
    await assertResumes(whole, [3, 7, 10, 14]);
  });
}

Deno.test("the same seed gives the same losses to the bit, another seed gives others", async () => {
  const executor = await nativeExecutor(2);
  const losses = async (seed: number) => {
    const run = { method: "elalora", options: { ...schedule, b: 4 }, seed };
    const { events } = await runTo(executor, run);
    assertEquals(ofKind(events, "ranks").length, 4);
    return lossesOf(events);
  };
  const first = await losses(1);
  assertEquals(await losses(1), first);
  const other = await losses(2);
  assert(other.every((loss, i) => loss !== first[i]), `found ${other} for both seeds`);
});
