/** What runs keep for one another: pools of dropout, feeds of batches, splits. */
import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { nativeExecutor } from "../../src/exec/native.ts";
import { DropoutPools, KeptFeeds, type Pool } from "../../src/train/feeds.ts";
import { started, trainingRequest } from "./fixture.ts";
import { type Batch } from "../../src/tasks/types.ts";
import { KeptSplits } from "../../src/train/run_data.ts";

const dropout = { hidden: 0.5, attention: 0.1, head: 0.5, adapter: 0.5 };
const pool: Pool = { name: "dropout.pool.head.2", kind: "head", width: 2 };
const size = new DropoutPools().of(pool, dropout, 7).data.length;

Deno.test("a pool is drawn once for a key, and is what would be drawn anew", () => {
  const pools = new DropoutPools();
  const first = pools.of(pool, dropout, 7);
  assertStrictEquals(pools.of({ ...pool }, { ...dropout }, 7), first);
  assertEquals(first, new DropoutPools().of(pool, dropout, 7));
});

Deno.test("another key, kind, width or rate is another pool", () => {
  const pools = new DropoutPools();
  const first = pools.of(pool, dropout, 7);
  const others = [
    pools.of(pool, dropout, 8),
    pools.of({ ...pool, kind: "hidden" }, dropout, 7),
    pools.of({ ...pool, width: 3 }, dropout, 7),
    pools.of(pool, { ...dropout, head: 0.25 }, 7),
  ];
  for (const other of others) {
    assert([...other.data].join() !== [...first.data].join());
  }
});

Deno.test("the pools that were used last are kept, no more numbers than the limit says", () => {
  const pools = new DropoutPools(2 * size);
  const [a, b] = [1, 2].map((key) => pools.of(pool, dropout, key));
  assertStrictEquals(pools.of(pool, dropout, 1), a);
  pools.of(pool, dropout, 3);
  assertStrictEquals(pools.of(pool, dropout, 1), a);
  assert(pools.of(pool, dropout, 2) !== b);
  const wide = { ...pool, width: 5 };
  const kept = pools.of(pool, dropout, 2);
  assert(pools.of(wide, dropout, 2) !== pools.of(wide, dropout, 2));
  assertStrictEquals(pools.of(pool, dropout, 2), kept);
  const small = new DropoutPools(size - 1);
  assert(small.of(pool, dropout, 1) !== small.of(pool, dropout, 1));
});

Deno.test("runs of a seed draw their pools once, whatever their methods", async () => {
  const executor = await nativeExecutor(1);
  const requests = ["lora", "head"].map((method) => trainingRequest(executor, { method }));
  const { programs } = requests[0]!;
  const drawn: unknown[] = [];
  const of = programs.pools.of.bind(programs.pools);
  programs.pools.of = (...asked) => {
    const host = of(...asked);
    if (asked[0].kind === "head") drawn.push(host);
    return host;
  };
  for (const request of requests) {
    using trainer = await started({ ...request, programs });
    await trainer.next();
  }
  await programs.clear();
  assertEquals(drawn.length, 2);
  assertStrictEquals(drawn[1], drawn[0]);
});

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

const encodings = [3, 5].map((size) => ({
  ids: new Int32Array(size),
  types: new Int32Array(size),
}));
const source = { name: "dev", encoded: encodings, rows: [0, 1], firstClass: 0 };
const none = { name: "dev", batches: [], targets: [], ids: [] };

/** How often splits of some sources are made, one after the other. */
function made(sources: readonly typeof source[], limit?: number): number {
  const kept = new KeptSplits(limit);
  let count = 0;
  for (const each of sources) {
    kept.of(each, () => {
      count++;
      return none;
    });
  }
  return count;
}

Deno.test("a split is made once for equal rows of the same encodings", () => {
  assertEquals(made([source, { ...source, rows: [0, 1] }, source]), 1);
});

Deno.test("a split is made anew where anything differs that it follows from", () => {
  const others = [
    { ...source, name: "held_out" },
    { ...source, encoded: [...encodings] },
    { ...source, rows: [0] },
    { ...source, rows: [1, 0] },
    { ...source, firstClass: 2 },
  ];
  for (const other of others) assertEquals(made([source, other, source]), 2);
});

Deno.test("the splits that were used last are kept, no more than the limit says", () => {
  const [a, b, c] = ["a", "b", "c"].map((name) => ({ ...source, name }));
  assertEquals(made([a!, b!, a!, c!, a!], 2), 3);
  assertEquals(made([a!, b!, a!, c!, b!], 2), 4);
});
