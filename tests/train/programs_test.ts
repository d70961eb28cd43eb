/** The cache of programs, on an executor that only counts what is loaded. */
import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { ExecutorError, type Session } from "../../src/exec/executor.ts";
import { ReferenceExecutor } from "../../src/exec/reference.ts";
import { ProgramCache } from "../../src/train/programs.ts";
import { Trainer } from "../../src/train/trainer.ts";
import { trainingRequest } from "./fixture.ts";

const reference = new ReferenceExecutor();
const { assembly } = trainingRequest(reference, { method: "lora" });
const request = { ...assembly, capacityOf: () => 2 };

/** An executor whose sessions do nothing; the loads with these numbers (from 1) fail. */
class CountingExecutor extends ReferenceExecutor {
  readonly counts = { loaded: 0, released: 0 };
  readonly #failing: readonly number[];
  #loads = 0;

  constructor(failing: readonly number[] = []) {
    super();
    this.#failing = failing;
  }

  override async load(): Promise<Session> {
    await Promise.resolve();
    if (this.#failing.includes(++this.#loads)) {
      throw new ExecutorError("Cannot load a program", "no room");
    }
    this.counts.loaded++;
    let isReleased = false;
    return {
      run: () => Promise.reject(new Error("A counting session cannot run")),
      release: () => {
        if (!isReleased) this.counts.released++;
        isReleased = true;
        return Promise.resolve();
      },
    };
  }
}

Deno.test("programs are built once for those who ask at the same time, and kept for the next", async () => {
  const executor = new CountingExecutor();
  const cache = new ProgramCache(executor);
  const [one, two] = await Promise.all([cache.load("a", request), cache.load("a", request)]);
  assertStrictEquals(one, two);
  cache.giveBack(one);
  cache.giveBack(two);
  assertStrictEquals(await cache.load("a", request), one);
  // A step's program and an evaluation's.
  assertEquals(executor.counts, { loaded: 2, released: 0 });
});

Deno.test("programs in use stay while others come and go beyond the limit", async () => {
  const executor = new CountingExecutor();
  const cache = new ProgramCache(executor, 1);
  const a = await cache.load("a", request);
  await cache.load("a", request);
  const b = await cache.load("b", request);
  assertEquals(executor.counts, { loaded: 4, released: 0 });
  cache.giveBack(b);
  // One of the two users of a has gone.
  cache.giveBack(a);
  const c = await cache.load("c", request);
  assertEquals(executor.counts, { loaded: 6, released: 2 });
  assertStrictEquals(await cache.load("a", request), a);
  cache.giveBack(a);
  cache.giveBack(a);
  cache.giveBack(c);
  // Nobody uses either now: both make room.
  await cache.load("d", request);
  assertEquals(executor.counts, { loaded: 8, released: 6 });
  await cache.clear();
  assertEquals(executor.counts, { loaded: 8, released: 8 });
});

Deno.test("of programs that nobody uses the one used longest ago makes room", async () => {
  const executor = new CountingExecutor();
  const cache = new ProgramCache(executor, 2);
  for (const key of ["a", "b", "a", "c"]) cache.giveBack(await cache.load(key, request));
  assertEquals(executor.counts, { loaded: 6, released: 2 });
  cache.giveBack(await cache.load("a", request));
  assertEquals(executor.counts.loaded, 6, "a is still there");
  await cache.load("b", request);
  assertEquals(executor.counts.loaded, 8, "b was released");
});

Deno.test("a program that cannot be loaded fails for all who asked, leaves nothing, and is tried again", async () => {
  const executor = new CountingExecutor([1]);
  const cache = new ProgramCache(executor, 1);
  const both = [cache.load("a", request), cache.load("a", request)];
  for (const asked of both) await assertRejects(() => asked, ExecutorError, "no room");
  cache.giveBack(await cache.load("a", request));
  await cache.load("b", request);
  assertEquals(executor.counts, { loaded: 4, released: 2 });
});

Deno.test("the evaluation's program failing releases the step's", async () => {
  const executor = new CountingExecutor([2]);
  await assertRejects(() => new ProgramCache(executor).load("a", request), ExecutorError);
  assertEquals(executor.counts, { loaded: 1, released: 1 });
});

Deno.test("a trainer gives back its programs once, the ones that it outgrew too", async () => {
  const asked = trainingRequest(reference, {
    method: "elalora",
    options: { initWarmup: 2, finalWarmup: 4, maskInterval: 2, b: 4 },
    change: (method) => ({
      ...method,
      // No spare rows, so that the first move outgrows them.
      adapter: {
        ...method.adapter!,
        policy: { ...method.adapter!.policy!, capacity: (rank) => rank },
      },
    }),
  });
  let uses = 0;
  let most = 0;
  class CountingCache extends ProgramCache {
    override load(...args: Parameters<ProgramCache["load"]>) {
      most = Math.max(most, ++uses);
      return super.load(...args);
    }
    override giveBack(...args: Parameters<ProgramCache["giveBack"]>) {
      uses--;
      super.giveBack(...args);
    }
  }
  const programs = new CountingCache(reference);
  const trainer = await Trainer.create({ ...asked, programs }, null);
  const first = trainer.programs;
  while (!trainer.isDone) await trainer.next();
  assert(trainer.programs !== first, "no module outgrew its room");
  assertEquals([uses, most], [1, 2]);
  trainer.dispose();
  trainer.dispose();
  assertEquals(uses, 0);
  await programs.clear();
});
