import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { nativeExecutor } from "../../src/exec/native.ts";
import type { Batch } from "../../src/tasks/types.ts";
import { KeptFeeds } from "../../src/train/feeds.ts";
import { started, trainingRequest } from "./fixture.ts";

const batchOf = () => ({}) as Batch;

/** Feeds of `length` numbers. */
const feeds = (length: number) => ({
  ids: { type: "i32", shape: [length], data: new Int32Array(length) } as const,
});

Deno.test("feeds of a batch are made once while there is room, and the first ones stay", () => {
  const kept = new KeptFeeds(5);
  const [a, b, c] = [batchOf(), batchOf(), batchOf()];
  const ofA = kept.of(a, () => feeds(3));
  // There is no room for four more numbers, and for two there is.
  const ofB = kept.of(b, () => feeds(4));
  const ofC = kept.of(c, () => feeds(2));
  assertStrictEquals(kept.of(a, () => feeds(3)), ofA);
  assert(kept.of(b, () => feeds(4)) !== ofB);
  assertStrictEquals(kept.of(c, () => feeds(2)), ofC);
});

Deno.test("runs of a cell make the feeds of their evaluations once, and find what new feeds give", async () => {
  const executor = await nativeExecutor(1);
  const once = trainingRequest(executor, { method: "lora" });
  const { settings } = once;
  const request = {
    ...once,
    settings: { ...settings, train: { ...settings.train, steps: 4, evaluateEvery: 2 } },
  };
  /** The evaluations of a run, and how many feeds of batches were made for them. */
  const evaluated = async (limit?: number) => {
    using trainer = await started(request);
    const own = limit === undefined ? trainer.programs.keptFeeds : new KeptFeeds(limit);
    let made = 0;
    const { of } = KeptFeeds.prototype;
    trainer.programs.keptFeeds.of = (batch, make) =>
      of.call(own, batch, () => {
        made++;
        return make();
      });
    const found: unknown[] = [];
    while (!trainer.isDone) {
      for (const event of await trainer.next()) {
        if (event.kind === "evaluation") found.push(event.snapshot.evaluations);
      }
    }
    return { found, made };
  };
  const first = await evaluated();
  const second = await evaluated();
  const anew = await evaluated(0);
  await request.programs.clear();
  const batches = request.splits.flatMap(({ batches }) => batches).length;
  assert(first.found.length > 1 && batches > 0);
  assertEquals([first.made, second.made], [batches, 0]);
  assertEquals(anew.made, batches * first.found.length);
  assertEquals([second.found, anew.found], [first.found, first.found]);
});
