/**
 * Batches of similar lengths, padded to a few sizes, in an order that a named random stream decides.
 *
 * Everything here is a function of its arguments: the same stream and cursor give the same batch, so a
 * checkpoint needs to hold no more than the {@linkcode BatchCursor}.
 *
 * @module
 */
import type { RandomStream } from "../base/random.ts";
import type { Batch, BatchCursor, Encoded } from "./types.ts";

/** The encodings of an example: one, or one a choice. */
export function encodingsOf(example: Encoded): readonly Encoded[] {
  return example.further === undefined ? [example] : [example, ...example.further];
}

/** Tokens of an example's longest encoding. */
export function lengthOf(example: Encoded): number {
  return encodingsOf(example).reduce((most, { ids }) => Math.max(most, ids.length), 0);
}

/** The endless batches of a training split. */
export interface BatchStream {
  /** Examples divided by the batch size, rounded up. */
  readonly batchesPerEpoch: number;
  /** The batch at `cursor`, and the cursor of the one after it. */
  next(cursor: BatchCursor): { readonly batch: Batch; readonly cursor: BatchCursor };
}

/** What batches are made of and how. */
export interface BatchOptions {
  /** The split's encodings, in its order. */
  readonly encoded: readonly Encoded[];
  /** The target of each encoding. */
  readonly targets: ArrayLike<number>;
  /** Rows a batch; the last of an epoch may have fewer. */
  readonly batchSize: number;
  /** Tokens at most in a padded row; no encoding may be longer. */
  readonly maxLength: number;
  /** Token id at padded places, where the mask is 0. */
  readonly padId: number;
}

/** Rows that an evaluation takes at once. */
export const evaluationBatchSize = 64;

/** Where a stream of batches starts. */
export const firstBatch: BatchCursor = { epoch: 0, batch: 0 };

/** Batches whose rows are sorted together when lengths are grouped, at most. */
const batchesSortedTogether = 50;

/**
 * The lengths that batches are padded to, ascending: multiples of 8 up to 32, of 16 up to 96, of 32 beyond, and
 * `maxLength` itself instead of what exceeds it.
 *
 * Few lengths keep the number of shapes small that a runtime has to plan for.
 */
function lengthBuckets(maxLength: number): readonly number[] {
  checkPositive("maxLength", maxLength);
  const buckets: number[] = [];
  for (let length = 8; length < maxLength; length += length < 32 ? 8 : length < 96 ? 16 : 32) {
    buckets.push(length);
  }
  return [...buckets, maxLength];
}

/** The smallest bucket that holds `length` tokens. */
export function paddedLength(length: number, maxLength: number): number {
  return bucketOf(lengthBuckets(maxLength), length);
}

function bucketOf(buckets: readonly number[], length: number): number {
  const bucket = buckets.find((size) => size >= length);
  if (bucket !== undefined) return bucket;
  throw new RangeError(
    `Cannot pad ${length} tokens to at most ${
      buckets.at(-1)
    }: encode with the same maxLength as batches have`,
  );
}

/**
 * The batches of one epoch as lists of row positions: shuffled rows, grouped by similar length, in shuffled order.
 *
 * Rows are shuffled, cut into chunks of up to 50 batches, sorted by length within a chunk (equal lengths stay
 * shuffled) and cut into batches, whose order is shuffled in turn. Every row occurs exactly once.
 *
 * @param lengths The length of each row in tokens, or the size it is padded to.
 * @param batchSize Rows a batch; one batch may have fewer.
 * @param stream The epoch's own stream; it is drawn from.
 */
export function epochOrder(
  lengths: ArrayLike<number>,
  batchSize: number,
  stream: RandomStream,
): readonly (readonly number[])[] {
  checkPositive("batchSize", batchSize);
  const shuffled = stream.permutation(lengths.length);
  const batchesTogether = Math.min(
    batchesSortedTogether,
    Math.max(1, Math.floor(lengths.length / (4 * batchSize))),
  );
  const chunkSize = batchesTogether * batchSize;
  const batches: number[][] = [];
  for (let start = 0; start < shuffled.length; start += chunkSize) {
    const chunk = shuffled.slice(start, start + chunkSize);
    chunk.sort((a, b) => lengths[a]! - lengths[b]!);
    for (let i = 0; i < chunk.length; i += batchSize) batches.push(chunk.slice(i, i + batchSize));
  }
  return stream.permutation(batches.length).map((index) => batches[index]!);
}

/**
 * Pads the rows at the given positions to one bucket size.
 *
 * @param maxLength Largest padded length. Default: no limit.
 */
export function makeBatch(
  encoded: readonly Encoded[],
  targets: ArrayLike<number>,
  rows: readonly number[],
  padId: number,
  maxLength: number = Infinity,
): Batch {
  const texts = rows.flatMap((row) => encodingsOf(rowAt(encoded, row)));
  const longest = texts.reduce((most, { ids }) => Math.max(most, ids.length), 1);
  const length = paddedLength(longest, Math.min(maxLength, 32 * Math.ceil(longest / 32)));
  const ids = new Int32Array(texts.length * length).fill(padId);
  const types = new Int32Array(texts.length * length);
  const mask = new Float32Array(texts.length * length);
  let tokens = 0;
  for (const [i, text] of texts.entries()) {
    const start = i * length;
    ids.set(text.ids, start);
    types.set(text.types, start);
    mask.fill(1, start, start + text.ids.length);
    tokens += text.ids.length;
  }
  const own = Float32Array.from(rows, (row) => targets[row]!);
  return { rows, size: texts.length, length, ids, types, mask, targets: own, tokens };
}

/**
 * The training batches of a split, epoch after epoch.
 *
 * @param stream The stream of the data order; epoch n uses its fork `epoch-n`, so the order of an epoch depends on
 * nothing that happened before it.
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { RandomStream } from "../base/random.ts";
 * const encoded = [3, 5, 4].map((length) => ({ ids: new Int32Array(length), types: new Int32Array(length) }));
 * const options = { encoded, targets: [0, 1, 0], batchSize: 2, maxLength: 16, padId: 0 };
 * const stream = createBatchStream(options, RandomStream.fromSeed(1).fork("order"));
 * assertEquals(stream.next(firstBatch).cursor, { epoch: 0, batch: 1 });
 * assertEquals(stream.next({ epoch: 0, batch: 1 }).cursor, { epoch: 1, batch: 0 });
 * ```
 */
export function createBatchStream(options: BatchOptions, stream: RandomStream): BatchStream {
  const { encoded, targets, batchSize, maxLength, padId } = options;
  checkRows(options);
  const buckets = lengthBuckets(maxLength);
  const lengths = encoded.map((example) => bucketOf(buckets, lengthOf(example)));
  const batchesPerEpoch = Math.ceil(encoded.length / batchSize);
  // The order of the epoch asked for last: it saves sorting again for every batch and never changes a result.
  let held: { readonly epoch: number; readonly order: readonly (readonly number[])[] } | null =
    null;
  const orderOf = (epoch: number) => {
    if (held?.epoch !== epoch) {
      held = { epoch, order: epochOrder(lengths, batchSize, stream.fork(`epoch-${epoch}`)) };
    }
    return held.order;
  };
  return {
    batchesPerEpoch,
    next({ epoch, batch: index }) {
      const rows = Number.isInteger(epoch) && epoch >= 0 ? orderOf(epoch)[index] : undefined;
      if (rows === undefined) {
        throw new RangeError(
          `No batch ${index} in epoch ${epoch}: wanted a batch from 0 to ${
            batchesPerEpoch - 1
          } of an epoch from 0`,
        );
      }
      const isLast = index === batchesPerEpoch - 1;
      return {
        batch: makeBatch(encoded, targets, rows, padId, maxLength),
        cursor: isLast ? { epoch: epoch + 1, batch: 0 } : { epoch, batch: index + 1 },
      };
    },
  };
}

/** The batches of an evaluation: all rows once, sorted by length so that little is padded. */
export function evaluationBatches(options: BatchOptions): readonly Batch[] {
  const { encoded, targets, batchSize, maxLength, padId } = options;
  checkRows(options);
  const lengths = encoded.map(lengthOf);
  const order = encoded.map((_, row) => row);
  order.sort((a, b) => lengths[a]! - lengths[b]!);
  const batches: Batch[] = [];
  for (let start = 0; start < order.length; start += batchSize) {
    const rows = order.slice(start, start + batchSize);
    batches.push(makeBatch(encoded, targets, rows, padId, maxLength));
  }
  return batches;
}

/**
 * At most `limit` of some values, drawn at random and left in their order; all of them where `limit` is null or not smaller.
 *
 * @param stream A stream of the draw's own; it is drawn from.
 */
export function sample<T>(
  values: readonly T[],
  limit: number | null,
  stream: RandomStream,
): readonly T[] {
  if (limit === null || limit >= values.length) return values;
  checkPositive("limit", limit);
  const places = stream.permutation(values.length).slice(0, limit).sort((a, b) => a - b);
  return places.map((place) => values[place]!);
}

function rowAt(encoded: readonly Encoded[], row: number): Encoded {
  const example = encoded[row];
  if (example !== undefined) return example;
  throw new RangeError(`No row ${row} among ${encoded.length} encodings`);
}

function checkPositive(what: string, value: number): void {
  if (Number.isInteger(value) && value > 0) return;
  throw new RangeError(`Cannot make batches: ${what} is ${value}, wanted a positive integer`);
}

function checkRows({ encoded, targets, batchSize, maxLength }: BatchOptions): void {
  checkPositive("batchSize", batchSize);
  checkPositive("maxLength", maxLength);
  if (encoded.length > 0 && encoded.length === targets.length) return;
  throw new RangeError(
    `Cannot make batches: found ${encoded.length} encodings and ${targets.length} targets, ` +
      "wanted the same number of both, at least one",
  );
}
