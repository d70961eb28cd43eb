import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { RandomStream } from "../../src/base/random.ts";
import {
  type BatchOptions,
  createBatchStream,
  epochOrder,
  evaluationBatches,
  firstBatch,
  makeBatch,
  paddedLength,
  sample,
} from "../../src/tasks/batches.ts";
import type { Batch, BatchCursor, Encoded } from "../../src/tasks/types.ts";

/** Encodings of the given lengths whose ids tell the row: row r has ids r·1000 + 1, r·1000 + 2, … */
function encodings(lengths: readonly number[]): readonly Encoded[] {
  return lengths.map((length, row) => ({
    ids: Int32Array.from({ length }, (_, i) => row * 1000 + i + 1),
    types: Int32Array.from({ length }, (_, i) => i < length / 2 ? 0 : 1),
  }));
}

function randomLengths(count: number, longest: number): readonly number[] {
  const stream = RandomStream.fromSeed(3).fork("lengths");
  return Array.from({ length: count }, () => 3 + stream.int(longest - 2));
}

function options(lengths: readonly number[], batchSize: number, maxLength = 128): BatchOptions {
  const targets = lengths.map((_, row) => row % 2);
  return { encoded: encodings(lengths), targets, batchSize, maxLength, padId: 7 };
}

function ascending(rows: readonly number[]): readonly number[] {
  return [...rows].sort((a, b) => a - b);
}

Deno.test("padded lengths grow by 8, then 16, then 32, up to the longest", () => {
  const lengthBuckets = (most: number) => [
    ...new Set(Array.from({ length: most }, (_, i) => paddedLength(i + 1, most))),
  ];
  assertEquals(lengthBuckets(128), [8, 16, 24, 32, 48, 64, 80, 96, 128]);
  assertEquals(lengthBuckets(256), [8, 16, 24, 32, 48, 64, 80, 96, 128, 160, 192, 224, 256]);
  assertEquals(lengthBuckets(20), [8, 16, 20]);
  assertEquals(lengthBuckets(5), [5]);
  for (const wrong of [0, -1, 1.5, NaN]) assertThrows(() => paddedLength(1, wrong), RangeError);
});

Deno.test("paddedLength() is the smallest bucket that holds the length", () => {
  const found = [1, 8, 9, 33, 96, 97, 100].map((length) => paddedLength(length, 100));
  assertEquals(found, [8, 8, 16, 48, 96, 100, 100]);
  assertThrows(() => paddedLength(101, 100), RangeError, "Cannot pad 101 tokens to at most 100");
});

Deno.test("makeBatch() pads rows with the padding id and masks it", () => {
  const batch = makeBatch(encodings([3, 1, 9]), [0.5, 1, 2.25], [2, 1], 7);
  assertEquals([batch.size, batch.length, batch.tokens], [2, 16, 10]);
  assertEquals([...batch.rows], [2, 1]);
  assertEquals([...batch.targets], [2.25, 1]);
  const first = [2001, 2002, 2003, 2004, 2005, 2006, 2007, 2008, 2009, 7, 7, 7, 7, 7, 7, 7];
  assertEquals([...batch.ids], [...first, 1001, ...new Array(15).fill(7)]);
  const firstTypes = [0, 0, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0];
  assertEquals([...batch.types], [...firstTypes, ...new Array(16).fill(0)]);
  const ones = (count: number) => [...new Array(count).fill(1), ...new Array(16 - count).fill(0)];
  assertEquals([...batch.mask], [...ones(9), ...ones(1)]);
  assertThrows(() => makeBatch(encodings([3]), [0], [1], 7), RangeError, "No row 1 among 1");
});

Deno.test("makeBatch() never pads beyond the largest length", () => {
  assertEquals(makeBatch(encodings([98]), [0], [0], 7, 100).length, 100);
  assertEquals(makeBatch(encodings([98]), [0], [0], 7).length, 128);
  assertThrows(() => makeBatch(encodings([101]), [0], [0], 7, 100), RangeError);
});

Deno.test("epochOrder() holds every row once, in batches of the given size and one rest", () => {
  for (const [rows, size] of [[1, 4], [8, 4], [10, 4], [333, 8], [1000, 7]] as const) {
    const batches = epochOrder(randomLengths(rows, 60), size, RandomStream.fromSeed(1));
    assertEquals(ascending(batches.flat()), Array.from({ length: rows }, (_, row) => row));
    assertEquals(batches.length, Math.ceil(rows / size));
    assertEquals(
      batches.filter((batch) => batch.length !== size).length,
      rows % size === 0 ? 0 : 1,
    );
  }
});

Deno.test("epochOrder() groups similar lengths, so that padding is less than with plain shuffling", () => {
  const lengths = randomLengths(2000, 100);
  const padded = (batches: readonly (readonly number[])[]) =>
    batches.reduce(
      (sum, rows) => sum + rows.length * Math.max(...rows.map((row) => lengths[row]!)),
      0,
    );
  const tokens = lengths.reduce((sum, length) => sum + length, 0);
  const grouped = padded(epochOrder(lengths, 16, RandomStream.fromSeed(5)));
  const order = RandomStream.fromSeed(5).permutation(lengths.length);
  const plain = padded(
    Array.from({ length: 125 }, (_, i) => order.slice(16 * i, 16 * i + 16)),
  );
  assert(grouped < 1.1 * tokens, `${grouped} padded tokens for ${tokens}`);
  assert(plain > 1.5 * tokens, `${plain} padded tokens for ${tokens}`);
});

Deno.test("epochOrder() sorts within chunks of the epoch, not the whole of it", () => {
  // 400 rows of lengths 0 to 399 in batches of 4: chunks of 100 rows, a quarter of the epoch each.
  const lengths = Array.from({ length: 400 }, (_, row) => row);
  const batches = epochOrder(lengths, 4, RandomStream.fromSeed(2));
  const spreads = batches.map((rows) => {
    const own = rows.map((row) => lengths[row]!);
    return Math.max(...own) - Math.min(...own);
  });
  const whole = spreads.reduce((sum, spread) => sum + spread, 0);
  // The batches of a sorted chunk do not overlap: their spreads sum to less than 400 a chunk.
  assert(whole < 4 * 400, `${whole}`);
  // Sorted as a whole, each batch would be four neighbours: a spread of 3, and of 300 in all.
  assert(whole > 2 * 300, `${whole}`);
  assert(batches.every((rows) => rows.every((row, i) => i === 0 || row > rows[i - 1]!)));
});

Deno.test("epochOrder() of few rows sorts none together", () => {
  // 31 rows in batches of 4 are less than 2 · 4 batches: a chunk is a batch, and batches are cuts of a shuffle.
  const lengths = Array.from({ length: 31 }, (_, row) => row);
  const shuffled = RandomStream.fromSeed(4).permutation(31);
  const cuts = Array.from({ length: 8 }, (_, i) => ascending(shuffled.slice(4 * i, 4 * i + 4)));
  const inOrder = (batches: readonly (readonly number[])[]) =>
    batches.map((rows) => rows.join()).sort();
  assertEquals(inOrder(epochOrder(lengths, 4, RandomStream.fromSeed(4))), inOrder(cuts));
  // With one row more, two batches are sorted together.
  const [first, second] = [ascending(RandomStream.fromSeed(4).permutation(32).slice(0, 8))]
    .flatMap((chunk) => [chunk.slice(0, 4).join(), chunk.slice(4).join()]);
  const found = inOrder(epochOrder([...lengths, 31], 4, RandomStream.fromSeed(4)));
  assert(found.includes(first!) && found.includes(second!), `${found.join(" ")}`);
});

Deno.test("epochOrder() shuffles batches and rows of equal length", () => {
  const lengths = randomLengths(400, 80);
  const firstLengths = epochOrder(lengths, 8, RandomStream.fromSeed(1))
    .map((rows) => lengths[rows[0]!]!);
  const sorted = [...firstLengths].sort((a, b) => a - b);
  assertNotEquals(firstLengths, sorted);
  const equal = epochOrder(new Array<number>(64).fill(10), 8, RandomStream.fromSeed(1)).flat();
  assertNotEquals(equal, ascending(equal));
});

Deno.test("createBatchStream() gives the same batches for the same seed, other ones for another", () => {
  const take = (seed: number): readonly (readonly number[])[] => {
    const stream = createBatchStream(
      options(randomLengths(50, 40), 8),
      RandomStream.fromSeed(seed).fork("order"),
    );
    const rows: (readonly number[])[] = [];
    let cursor = firstBatch;
    for (let i = 0; i < 2 * stream.batchesPerEpoch; i++) {
      const next = stream.next(cursor);
      rows.push(next.batch.rows);
      cursor = next.cursor;
    }
    return rows;
  };
  const batches = take(1);
  assertEquals(batches, take(1));
  assertNotEquals(batches, take(2));
  const [first, second] = [batches.slice(0, 7), batches.slice(7)];
  assertNotEquals(first, second);
  const all = Array.from({ length: 50 }, (_, row) => row);
  assertEquals([ascending(first.flat()), ascending(second.flat())], [all, all]);
});

Deno.test("createBatchStream() resumes from a stored cursor as if it had never stopped", () => {
  const lengths = randomLengths(37, 60);
  const create = () =>
    createBatchStream(options(lengths, 5), RandomStream.fromSeed(9).fork("order"));
  const whole = create();
  const batches: Batch[] = [];
  const cursors: BatchCursor[] = [firstBatch];
  for (let i = 0; i < 20; i++) {
    const { batch, cursor } = whole.next(cursors[i]!);
    batches.push(batch);
    cursors.push(cursor);
  }
  assertEquals(cursors[8], { epoch: 1, batch: 0 });
  for (const start of [0, 3, 7, 8, 15]) {
    const stored = JSON.parse(JSON.stringify(cursors[start])) as BatchCursor;
    assertEquals(create().next(stored).batch, batches[start]);
  }
});

Deno.test("createBatchStream() refuses wrong rows, sizes and cursors", () => {
  const stream = RandomStream.fromSeed(1);
  const fine = options([4, 5, 6], 2, 16);
  const cases: readonly (readonly [Partial<BatchOptions>, string])[] = [
    [{ encoded: [], targets: [] }, "found 0 encodings and 0 targets"],
    [{ targets: [1] }, "found 3 encodings and 1 targets"],
    [{ batchSize: 0 }, "batchSize is 0, wanted a positive integer"],
    [{ maxLength: 5 }, "Cannot pad 6 tokens to at most 5"],
  ];
  for (const [change, message] of cases) {
    assertThrows(() => createBatchStream({ ...fine, ...change }, stream), RangeError, message);
  }
  const batches = createBatchStream(fine, stream);
  for (const cursor of [{ epoch: 0, batch: 2 }, { epoch: -1, batch: 0 }, { epoch: 0, batch: -1 }]) {
    assertThrows(
      () => batches.next(cursor),
      RangeError,
      `No batch ${cursor.batch} in epoch ${cursor.epoch}`,
    );
  }
});

Deno.test("evaluationBatches() hold every row once, shortest first", () => {
  const lengths = randomLengths(45, 90);
  const batches = evaluationBatches(options(lengths, 8));
  const rows = batches.flatMap((batch) => batch.rows);
  assertEquals(batches.map(({ size }) => size), [8, 8, 8, 8, 8, 5]);
  assertEquals(ascending(rows), lengths.map((_, row) => row));
  assertEquals(rows.map((row) => lengths[row]!), [...lengths].sort((a, b) => a - b));
  for (const batch of batches) {
    assertEquals([...batch.targets], batch.rows.map((row) => row % 2));
    assertEquals(batch.tokens, batch.mask.reduce((sum, value) => sum + value, 0));
  }
});

Deno.test("sample() draws distinct values and keeps their order", () => {
  const examples = Array.from(
    { length: 100 },
    (_, id) => ({ id, text: `t${id}`, pair: null, target: 0 }),
  );
  const drawn = (limit: number | null, seed: number) =>
    sample(examples, limit, RandomStream.fromSeed(seed)).map(({ id }) => id);
  const ids = drawn(10, 1);
  assertEquals(new Set(ids).size, 10);
  assertEquals(ids, ascending(ids));
  assertEquals(ids, drawn(10, 1));
  assertNotEquals(ids, drawn(10, 2));
  assertEquals(drawn(null, 1).length, 100);
  assertEquals(drawn(100, 1).length, 100);
  assertThrows(() => drawn(0, 1), RangeError, "limit is 0");
});

Deno.test("makeBatch() lays the choices of a row one after the other", () => {
  const encoding = (ids: readonly number[]) => ({
    ids: Int32Array.from(ids),
    types: Int32Array.from(ids, (_, i) => i > 0 ? 1 : 0),
  });
  const encoded = [
    { ...encoding([2, 5]), further: [encoding([2, 6, 7]), encoding([2])] },
    { ...encoding([2, 8]), further: [encoding([2, 9]), encoding([2, 4, 4, 4])] },
  ];
  const batch = makeBatch(encoded, [2, 0], [1, 0], 0);
  assertEquals([batch.size, batch.rows, [...batch.targets], batch.tokens], [6, [1, 0], [0, 2], 14]);
  const row = (i: number) => [...batch.ids.slice(i * batch.length, i * batch.length + 4)];
  assertEquals(
    [0, 1, 2, 3, 4, 5].map(row),
    [[2, 8, 0, 0], [2, 9, 0, 0], [2, 4, 4, 4], [2, 5, 0, 0], [2, 6, 7, 0], [2, 0, 0, 0]],
  );
  // An example is as long as its longest choice.
  const options = { encoded, targets: [2, 0], batchSize: 1, maxLength: 8, padId: 0 };
  assertEquals(evaluationBatches(options).map(({ rows }) => rows), [[0], [1]]);
});
