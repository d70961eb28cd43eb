/** A run's seed drives initial values, order and dropout; each can be held by itself. */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { nativeExecutor } from "../../src/exec/native.ts";
import {
  type SeededStream,
  seededStreams,
  type StreamSeeds,
} from "../../src/study/schema/settings.ts";
import { firstBatch } from "../../src/tasks/batches.ts";
import {
  assertStatesEqual,
  lossesOf,
  oneLayer,
  started,
  type TinyRun,
  trainingRequest,
  trainTo,
} from "./fixture.ts";

const executor = await nativeExecutor(1);

/** One for all, so that they share its programs. */
const shared: TinyRun = { method: "lora", encoder: oneLayer };

/** What a run starts from, its first batch, its losses and what it ends with. */
async function trained(seed: number, seeds: StreamSeeds = {}) {
  const { programs } = trainingRequest(executor, shared);
  const request = {
    ...trainingRequest(executor, { ...shared, seed, train: { steps: 4, seeds } }),
    programs,
  };
  using trainer = await started(request);
  const before = (await trainer.checkpoint()).vectors;
  const losses = lossesOf(await trainTo(trainer));
  return {
    before,
    batch: request.stages[0]!.batches.next(firstBatch).batch,
    losses,
    after: (await trainer.checkpoint()).vectors,
  };
}

const own = await trained(1);

Deno.test("a run whose streams are all held is the run of that seed, to the bit", async () => {
  const held = await trained(2, { init: 1, order: 1, dropout: 1 });
  assertStatesEqual(held.before, own.before, "start");
  assertStatesEqual(held.after, own.after, "end");
  assertEquals(held.losses, own.losses);
  assertNotEquals((await trained(2)).losses, own.losses);
});

for (const stream of seededStreams) {
  Deno.test(`a seed of ${stream} moves that stream alone`, async () => {
    const moved = await trained(1, { [stream]: 2 });
    const others = seededStreams.filter((name) => name !== stream);
    // The same said the other way: seed 2, and all others held at 1.
    const said = await trained(2, Object.fromEntries(others.map((name) => [name, 1])));
    assertStatesEqual(said.after, moved.after, "end");
    assertEquals(said.losses, moved.losses);
    assertNotEquals(moved.losses[0], own.losses[0], `${stream} changes nothing`);
    const is = (name: SeededStream) => name === stream;
    const isEqual = (a: ArrayLike<number>, b: ArrayLike<number>) =>
      Array.from(a).join() === Array.from(b).join();
    assertEquals(isEqual(moved.before.theta!, own.before.theta!), !is("init"));
    assertEquals(isEqual(moved.batch.ids, own.batch.ids), !is("order"));
  });
}

Deno.test("without dropout its seed changes nothing", async () => {
  const without = async (dropout: number) => {
    const { programs } = trainingRequest(executor, shared);
    const rates = { hidden: 0, attention: 0, head: 0, adapter: 0 };
    const run = { ...shared, train: { steps: 2, dropout: rates, seeds: { dropout } } };
    using trainer = await started({
      ...trainingRequest(executor, run),
      programs,
      programKey: "without dropout",
    });
    return lossesOf(await trainTo(trainer));
  };
  const losses = await without(1);
  assertEquals(await without(2), losses);
  assert(losses.every(Number.isFinite));
});
