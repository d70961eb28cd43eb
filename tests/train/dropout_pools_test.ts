import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { nativeExecutor } from "../../src/exec/native.ts";
import { DropoutPools, type Pool } from "../../src/train/feeds.ts";
import { started, trainingRequest } from "./fixture.ts";

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
