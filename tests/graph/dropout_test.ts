/** Dropout masks as random numbers, and as the same numbers everywhere. */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { RandomStream } from "../../src/base/random.ts";
import {
  dropoutMask,
  dropoutPool,
  dropoutPoolRows,
  dropoutRowKeys,
  dropoutRows,
  dropoutSiteKeys,
  type HostTensor,
  input,
  interpret,
  makeProgram,
  type Program,
} from "../../src/graph/mod.ts";
import type { DropoutSite } from "../../src/models/forward_context.ts";
import type { Batch } from "../../src/tasks/types.ts";
import { dropoutFeeds, DropoutPools, poolsFor } from "../../src/train/feeds.ts";
import { rowKeysName, siteKeysName } from "../../src/train/forward.ts";
import { subjects, testEach } from "../exec/executors.ts";

const rate = 0.1;

/** Which pool rows the rows of each site have, and the masks of the first site. */
function program(rows: number, sites: number, columns: number): Program {
  const indices = dropoutRows(input("rows", [3, rows]), input("sites", [sites, 3]));
  return makeProgram({
    ...Object.fromEntries(indices.map((own, i) => [`indices${i}`, own])),
    mask: dropoutMask(input("pool", [dropoutPoolRows, columns]), indices[0]!),
  });
}

function each(count: number): Int32Array {
  return Int32Array.from({ length: count }, (_, i) => i);
}

function poolOf(key: number, columns: number, at = rate): HostTensor {
  const count = dropoutPoolRows * columns;
  return {
    type: "f32",
    shape: [dropoutPoolRows, columns],
    data: dropoutPool(key, count, at),
  };
}

/** Pool rows by site, from keys as a run is fed them. */
function indicesOf(rowKeys: HostTensor, siteKeys: HostTensor): readonly Int32Array[] {
  const [rows, sites] = [rowKeys.shape[1]!, siteKeys.shape[0]!];
  const found = interpret(
    program(rows, sites, 1),
    { rows: rowKeys, sites: siteKeys, pool: poolOf(1, 1) },
  );
  return Array.from({ length: sites }, (_, i) => Int32Array.from(found[`indices${i}`]!.data));
}

/** Sum of products of deviations in standard deviations of what independent draws would give. */
function score(length: number, a: (i: number) => number, b: (i: number) => number): number {
  let sum = 0;
  for (let i = 0; i < length; i++) sum += (a(i) - rate) * (b(i) - rate);
  return sum / (rate * (1 - rate) * Math.sqrt(length));
}

/** Independent draws have scores of mean square 1; so many of them stay well within these bounds. */
function assertIndependent(scores: readonly number[], what: string): void {
  const meanSquare = scores.reduce((sum, value) => sum + value * value, 0) / scores.length;
  assert(
    meanSquare > 0.75 && meanSquare < 1.25,
    `${what}: mean square ${meanSquare}, want about 1`,
  );
  const mean = scores.reduce((sum, value) => sum + value, 0) / scores.length;
  assert(Math.abs(mean) < 6 / Math.sqrt(scores.length), `${what}: mean ${mean}, want about 0`);
}

/** Pairs of different numbers below `bound`. */
function pairs(bound: number, count: number, seed: number): readonly (readonly [number, number])[] {
  const stream = RandomStream.fromSeed(seed);
  return Array.from({ length: count }, () => {
    const first = stream.int(bound);
    return [first, (first + 1 + stream.int(bound - 1)) % bound] as const;
  });
}

Deno.test("a pool meets its rate, and kept values make up for dropped ones", () => {
  const count = dropoutPoolRows * 32;
  for (const rate of [0.05, 0.1, 0.3, 0.5, 0.9]) {
    const pool = dropoutPool(101, count, rate);
    const kept = pool.filter((value) => value !== 0);
    const bound = 5 * Math.sqrt(rate * (1 - rate) / count);
    assert(Math.abs(kept.length / count - (1 - rate)) < bound, `rate ${rate}: kept ${kept.length}`);
    for (const value of kept) assertAlmostEquals(value, 1 / (1 - rate), 1e-6);
  }
  assert(dropoutPool(1, 1000, 0).every((value) => value === 1));
});

Deno.test("rows of a pool are independent of each other, and so are its columns", () => {
  for (const [columns, seed] of [[128, 1], [48, 2], [384, 3]] as const) {
    const pool = dropoutPool(seed * 7919, dropoutPoolRows * columns, rate);
    const at = (row: number, column: number) => pool[row * columns + column] === 0 ? 1 : 0;
    assertIndependent(
      pairs(dropoutPoolRows, 4000, 5).map(([a, b]) =>
        score(columns, (j) => at(a, j), (j) => at(b, j))
      ),
      `rows of ${columns}`,
    );
    assertIndependent(
      pairs(columns, 2000, 6).map(([a, b]) =>
        score(dropoutPoolRows, (i) => at(i, a), (i) => at(i, b))
      ),
      `columns of ${columns}`,
    );
  }
});

/** Chi-square over 64 bins in standard deviations from its mean. */
function unevenness(indices: Int32Array): number {
  const bins = new Array<number>(64).fill(0);
  for (const index of indices) bins[Math.floor(index * 64 / dropoutPoolRows)]!++;
  const wanted = indices.length / 64;
  const sum = bins.reduce((total, count) => total + (count - wanted) ** 2 / wanted, 0);
  return (sum - 63) / Math.sqrt(2 * 63);
}

/** How often two lists agree, in standard deviations from what chance gives. */
function agreement(a: Int32Array, b: Int32Array): number {
  const same = a.filter((index, i) => index === b[i]).length;
  const wanted = a.length / dropoutPoolRows;
  return (same - wanted) / Math.sqrt(wanted);
}

Deno.test("rows of activations get rows of the pool evenly, and two rows share one as often as by chance", () => {
  for (const key of [1, 77, 0xdeadbeef]) {
    const count = 8192;
    const sites = indicesOf(dropoutRowKeys(key, each(count)), dropoutSiteKeys(key + 1, 12));
    for (const indices of sites) {
      assert(indices.every((index) => index >= 0 && index < dropoutPoolRows));
      assert(Math.abs(unevenness(indices)) < 6, `unevenness ${unevenness(indices)}`);
      const moved = Int32Array.from(indices, (_, i) => indices[(i + 1) % count]!);
      assert(Math.abs(agreement(indices, moved)) < 6, "neighbours share masks");
    }
  }
});

Deno.test("sites and steps are independent of each other", () => {
  const site = (name: string, rows: string, columns: number): DropoutSite => ({
    name,
    kind: "hidden",
    rows,
    columns,
  });
  const assembly = {
    heads: 2,
    dropout: { hidden: rate, attention: rate, head: rate, adapter: rate },
    dropoutSites: [
      site("a", "tokens", 64),
      site("b", "tokens", 64),
      site("c", "2*batch*seq", 64),
      site("d", "tokens", 64),
    ],
  };
  const batch: Batch = {
    rows: [],
    size: 16,
    length: 128,
    ids: new Int32Array(),
    types: new Int32Array(),
    mask: new Float32Array(16 * 128).fill(1),
    targets: new Float32Array(),
    tokens: 0,
  };
  assertEquals(poolsFor(assembly, batch).map(({ width }) => width), [64]);
  const [pool] = poolsFor(assembly, batch);
  assertEquals(new DropoutPools().of(pool!, assembly.dropout, 3).shape, [dropoutPoolRows, 64]);
  const stream = RandomStream.fromSeed(9).fork("dropout");
  const steps = Array.from({ length: 40 }, (_, step) => {
    const feeds = dropoutFeeds(assembly, batch, stream.fork(step).nextWord());
    const of = (rows: string) => indicesOf(feeds[rowKeysName(rows)]!, feeds[siteKeysName(rows)]!);
    const [a, b, d] = of("tokens");
    const [c] = of("2*batch*seq");
    return [a!, b!, c!.subarray(0, a!.length), d!];
  });
  const meanSquare = (values: readonly number[]) =>
    values.reduce((sum, value) => sum + value * value, 0) / values.length;
  for (const [first, second] of [[0, 1], [0, 2], [0, 3], [1, 3], [1, 2]] as const) {
    const found = meanSquare(steps.map((sites) => agreement(sites[first]!, sites[second]!)));
    // Rows with equal r agree together, so agreements come in clusters.
    assert(found < 4, `sites ${first} and ${second} agree by ${found}`);
  }
  for (const gap of [1, 2, 7]) {
    const found = meanSquare(
      steps.slice(gap).map((sites, step) => agreement(sites[0]!, steps[step]![0]!)),
    );
    assert(found < 4, `steps ${gap} apart agree by ${found}`);
  }
});

Deno.test("keys are integers, small enough for single precision to multiply and add exactly", () => {
  for (const key of [0, 1, 0x7fffffff, 0xffffffff]) {
    const rows = dropoutRowKeys(key, each(3000)).data as Float32Array;
    const sites = dropoutSiteKeys(key, 3000).data as Float32Array;
    const unit = sites[2]!;
    const top = (values: Float32Array) => values.reduce((most, value) => Math.max(most, value), 0);
    const ofSites = (k: number) => sites.filter((_, i) => i % 3 === k).map((value) => value / unit);
    const ofRows = (k: number) => rows.subarray(k * 3000, (k + 1) * 3000);
    for (const values of [ofSites(0), ofSites(1), ofRows(0), ofRows(2)]) {
      assert(values.every((value) => Number.isInteger(value) && value >= 0));
      // Keys fill their range.
      assert(new Set(values).size > 900);
    }
    const largest = top(ofRows(0)) * top(ofSites(0)) + top(ofRows(2)) + top(ofSites(1));
    assert(largest < 2 ** 24, `the largest sum is ${largest}`);
  }
});

const [rows, columns] = [96, 80];

testEach(
  await subjects(),
  "the mask is that of plain arithmetic, to the bit",
  async (executor) => {
    const rowKeys = dropoutRowKeys(0xdeadbeef, each(rows));
    const siteKeys = dropoutSiteKeys(0x12345678, 3);
    const pool = poolOf(5, columns, 0.25);
    const r = rowKeys.data as Float32Array, c = siteKeys.data as Float32Array;
    const wanted = Float32Array.from({ length: rows * columns }, (_, at) => {
      const row = Math.floor(at / columns);
      const sum = r[row]! * c[0]! + c[1]! + r[2 * rows + row]! * c[2]!;
      const own = Math.floor((sum - Math.floor(sum)) * dropoutPoolRows);
      return Number(pool.data[own * columns + at % columns]);
    });
    const session = await executor.load(program(rows, 3, columns));
    const { read } = await session.run({
      feeds: { rows: rowKeys, sites: siteKeys, pool },
      dims: {},
      read: ["mask"],
    });
    await session.release();
    assertEquals(Float32Array.from(read["mask"]!.data as ArrayLike<number>), wanted);
  },
);
