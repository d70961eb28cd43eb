/** Dropout masks as random numbers, and as the same numbers everywhere. */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { RandomStream } from "../../src/base/random.ts";
import {
  dropout,
  dropoutColumnKeys,
  dropoutRowKeys,
  grad,
  type HostTensor,
  input,
  interpret,
  makeProgram,
  type Program,
  reduceSum,
} from "../../src/graph/mod.ts";
import type { DropoutSite } from "../../src/models/bert.ts";
import type { Batch } from "../../src/tasks/types.ts";
import { dropoutFeeds } from "../../src/train/assemble.ts";
import { subjects, testEach } from "../exec/executors.ts";

const rate = 0.1;

function program(rows: number, columns: number, rate: number): Program {
  const x = input("x", [rows, columns]);
  const y = dropout(x, input("rows", [rows, 3]), input("columns", [3, columns]), rate);
  const [gradient] = grad(reduceSum(y), [x]);
  return makeProgram({ y, gradient: gradient! });
}

function ones(rows: number, columns: number): HostTensor {
  return { type: "f32", shape: [rows, columns], data: new Float32Array(rows * columns).fill(1) };
}

/** 1 where an element is dropped, row-major. */
function droppedOf(rowKeys: HostTensor, columnKeys: HostTensor, at: number = rate): Uint8Array {
  const [rows, columns] = [rowKeys.shape[0]!, columnKeys.shape[1]!];
  const feeds = { x: ones(rows, columns), rows: rowKeys, columns: columnKeys };
  const { y } = interpret(program(rows, columns, at), feeds, {}, ["y"]);
  return Uint8Array.from(y!.data, (value) => value === 0 ? 1 : 0);
}

/** Sum of products of deviations in standard deviations of what independent masks would give. */
function score(length: number, a: (i: number) => number, b: (i: number) => number): number {
  let sum = 0;
  for (let i = 0; i < length; i++) sum += (a(i) - rate) * (b(i) - rate);
  return sum / (rate * (1 - rate) * Math.sqrt(length));
}

/** Independent masks have scores of mean square 1; so many of them stay well within these bounds. */
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

Deno.test("each rate is met, kept values make up for dropped ones, and gradients have the same mask", () => {
  const [rows, columns] = [400, 128];
  for (const rate of [0.05, 0.1, 0.3, 0.5, 0.9]) {
    const feeds = {
      x: ones(rows, columns),
      rows: dropoutRowKeys(101, rows),
      columns: dropoutColumnKeys(202, columns),
    };
    const { y, gradient } = interpret(program(rows, columns, rate), feeds, {}, ["y", "gradient"]);
    const count = rows * columns;
    const kept = y!.data.filter((value) => value !== 0);
    const bound = 5 * Math.sqrt(rate * (1 - rate) / count);
    assert(Math.abs(kept.length / count - (1 - rate)) < bound, `rate ${rate}: kept ${kept.length}`);
    for (const value of kept) assertAlmostEquals(value, 1 / (1 - rate), 1e-6);
    const mean = y!.data.reduce((sum, value) => sum + value, 0) / count;
    const square = y!.data.reduce((sum, value) => sum + value * value, 0) / count;
    assert(Math.abs(mean - 1) < bound / (1 - rate), `rate ${rate}: mean ${mean}`);
    assert(Math.abs(square - 1 / (1 - rate)) < bound / (1 - rate) ** 2, `rate ${rate}: ${square}`);
    assertEquals(gradient!.data, y!.data);
  }
});

Deno.test("rate 0 leaves everything as it is", () => {
  const stream = RandomStream.fromSeed(3);
  const x = { type: "f32", shape: [40, 24], data: Float32Array.from(stream.normals(960)) } as const;
  const feeds = { x, rows: dropoutRowKeys(1, 40), columns: dropoutColumnKeys(2, 24) };
  const { y } = interpret(program(40, 24, 0), feeds, {}, ["y"]);
  assertEquals(y!.data, Float64Array.from(x.data));
});

Deno.test("rows are independent of each other, and so are columns", () => {
  for (
    const [rows, columns, seed] of [[512, 128, 1], [64, 512, 2], [2048, 128, 3], [
      256,
      32,
      4,
    ]] as const
  ) {
    const mask = droppedOf(
      dropoutRowKeys(seed * 7919, rows),
      dropoutColumnKeys(seed * 104729, columns),
    );
    const at = (row: number, column: number) => mask[row * columns + column]!;
    assertIndependent(
      pairs(rows, 4000, 5).map(([a, b]) => score(columns, (j) => at(a, j), (j) => at(b, j))),
      `rows of [${rows}, ${columns}]`,
    );
    assertIndependent(
      pairs(columns, 2000, 6).map(([a, b]) => score(rows, (i) => at(i, a), (i) => at(i, b))),
      `columns of [${rows}, ${columns}]`,
    );
    // Each row and each column has its own share, which scatters as it should.
    const share = (length: number, of: (i: number) => number) => {
      let dropped = 0;
      for (let i = 0; i < length; i++) dropped += of(i);
      return (dropped - rate * length) / Math.sqrt(rate * (1 - rate) * length);
    };
    const shares = Array.from({ length: rows }, (_, i) => share(columns, (j) => at(i, j)));
    const meanSquare = shares.reduce((sum, value) => sum + value * value, 0) / rows;
    assert(meanSquare > 0.6 && meanSquare < 1.5, `shares of rows scatter by ${meanSquare}`);
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
    dropoutSites: [
      site("a", "batch*seq", 64),
      site("b", "batch*seq", 64),
      site("c", "2*batch*seq", 64),
      site("d", "batch*seq", 64),
    ],
  };
  const batch: Batch = {
    rows: [],
    size: 8,
    length: 16,
    ids: new Int32Array(),
    types: new Int32Array(),
    mask: new Float32Array(),
    targets: new Float32Array(),
    tokens: 0,
  };
  const stream = RandomStream.fromSeed(9).fork("dropout");
  const masks = Array.from({ length: 120 }, (_, step) => {
    const feeds = dropoutFeeds(assembly, batch, stream.fork(step).nextWord());
    return assembly.dropoutSites.map(({ name, rows }) =>
      droppedOf(feeds[`dropout.rows.${rows}`]!, feeds[`dropout.columns.${name}`]!)
    );
  });
  const between = (a: Uint8Array, b: Uint8Array) => {
    const length = Math.min(a.length, b.length);
    return score(length, (i) => a[i]!, (i) => b[i]!);
  };
  for (const [first, second] of [[0, 1], [0, 2], [0, 3], [1, 3], [1, 2]] as const) {
    const scores = masks.map((sites) => between(sites[first]!, sites[second]!));
    assert(scores.every((value) => Math.abs(value) < 6), `sites ${first}, ${second}: ${scores}`);
    const meanSquare = scores.reduce((sum, value) => sum + value * value, 0) / scores.length;
    assert(meanSquare > 0.5 && meanSquare < 1.7, `sites ${first}, ${second}: ${meanSquare}`);
  }
  for (const gap of [1, 2, 7]) {
    const scores = masks.slice(gap).map((sites, step) => between(sites[0]!, masks[step]![0]!));
    assert(scores.every((value) => Math.abs(value) < 6), `steps ${gap} apart: ${scores}`);
    const meanSquare = scores.reduce((sum, value) => sum + value * value, 0) / scores.length;
    assert(meanSquare > 0.5 && meanSquare < 1.7, `steps ${gap} apart: ${meanSquare}`);
  }
});

Deno.test("keys are integers, small enough for single precision to multiply and add exactly", () => {
  for (const key of [0, 1, 0x7fffffff, 0xffffffff]) {
    const rows = dropoutRowKeys(key, 3000).data as Float32Array;
    const columns = dropoutColumnKeys(key, 3000).data as Float32Array;
    const unit = columns[2 * 3000]!;
    const top = (values: Float32Array) => values.reduce((most, value) => Math.max(most, value), 0);
    const column = (k: number) =>
      columns.subarray(k * 3000, (k + 1) * 3000).map((value) => value / unit);
    const row = (k: number) => rows.filter((_, i) => i % 3 === k);
    for (const values of [column(0), column(1), row(0), row(2)]) {
      assert(values.every((value) => Number.isInteger(value) && value >= 0));
      // Keys fill their range.
      assert(new Set(values).size > 1000);
    }
    const largest = top(row(0)) * top(column(0)) + top(row(2)) + top(column(1));
    assert(largest < 2 ** 24, `the largest sum is ${largest}`);
  }
});

const [rows, columns] = [96, 80];

testEach(await subjects(), "the mask is that of plain arithmetic, to the bit", async (executor) => {
  const rowKeys = dropoutRowKeys(0xdeadbeef, rows);
  const columnKeys = dropoutColumnKeys(0x12345678, columns);
  const r = rowKeys.data as Float32Array, c = columnKeys.data as Float32Array;
  const wanted = Float32Array.from({ length: rows * columns }, (_, at) => {
    const [i, j] = [Math.floor(at / columns), at % columns];
    const sum = r[3 * i]! * c[j]! + c[columns + j]! + r[3 * i + 2]! * c[2 * columns + j]!;
    return sum - Math.floor(sum) < 0.75 ? 4 / 3 : 0;
  });
  const session = await executor.load(program(rows, columns, 0.25));
  const { read } = await session.run({
    feeds: { x: ones(rows, columns), rows: rowKeys, columns: columnKeys },
    dims: {},
    read: ["y"],
  });
  await session.release();
  assertEquals(Float32Array.from(read["y"]!.data as ArrayLike<number>), wanted);
});
