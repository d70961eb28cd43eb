/**
 * The principal directions of rows that come in batches: a singular value decomposition that is brought up to date batch by batch.
 *
 * Ross et al., Incremental Learning for Robust Visual Tracking (2008), section 2.1: the components so far, times their singular values, stand
 * for all rows before; the new rows and one row for the shift of the mean are put below them, and the whole is decomposed again.
 * As in scikit-learn's `IncrementalPCA` and peft's of the same name.
 *
 * @module
 */
import { dot } from "./directions.ts";
import { leadingTriplets } from "./leading_triplets.ts";

/** Directions are compared by cosines of about 0.99, and the next batch turns them by far more than this. */
const tolerance = 1e-5;

/** What is kept of the rows so far. */
export interface PrincipalRows {
  /** Rows so far. */
  readonly count: number;
  /** Their mean, `[width]`. */
  readonly mean: Float64Array;
  /** The sum of their squared distances to the mean. */
  readonly spread: number;
  /** Orthonormal directions `[width]`, the one that explains most first. */
  readonly components: readonly Float64Array[];
  /** The singular value of each. */
  readonly values: readonly number[];
}

/** New rows, one after the other. */
export interface RowBatch {
  /** Row-major, `[count, width]`; there may be more behind them. */
  readonly data: ArrayLike<number>;
  readonly count: number;
  readonly width: number;
}

/** The share of the spread that each component explains. */
export function explainedShares({ values, spread }: PrincipalRows): readonly number[] {
  return values.map((value) => spread === 0 ? 0 : value ** 2 / spread);
}

function meanOf({ data, count, width }: RowBatch): Float64Array {
  const mean = new Float64Array(width);
  for (let row = 0; row < count; row++) {
    for (let j = 0; j < width; j++) mean[j]! += data[row * width + j]! / count;
  }
  return mean;
}

/**
 * What is kept when new rows have come.
 *
 * @param before Null for the first batch.
 * @param components Directions to keep, at most as many as the batch has rows and columns.
 * @throws {RangeError} If the first batch has fewer rows or columns than components are asked for.
 */
export function withRows(
  before: PrincipalRows | null,
  batch: RowBatch,
  components: number,
): PrincipalRows {
  const { data, count, width } = batch;
  const mean = meanOf(batch);
  const kept = before?.components.length ?? 0;
  const rows = kept + count + (before === null ? 0 : 1);
  const stack = new Float64Array(rows * width);
  before?.components.forEach((component, i) =>
    component.forEach((value, j) => stack[i * width + j] = before.values[i]! * value)
  );
  let spread = 0;
  for (let row = 0; row < count; row++) {
    for (let j = 0; j < width; j++) {
      const centred = data[row * width + j]! - mean[j]!;
      stack[(kept + row) * width + j] = centred;
      spread += centred ** 2;
    }
  }
  const total = (before?.count ?? 0) + count;
  if (before !== null) {
    const weight = before.count * count / total;
    for (let j = 0; j < width; j++) {
      const shift = before.mean[j]! - mean[j]!;
      stack[(kept + count) * width + j] = Math.sqrt(weight) * shift;
      spread += weight * shift ** 2;
    }
  }
  const { values, right } = leadingTriplets(
    { type: "f32", shape: [rows, width], data: stack },
    components,
    tolerance,
  );
  return {
    count: total,
    mean: before === null
      ? mean
      : mean.map((value, j) => (before.count * before.mean[j]! + count * value) / total),
    spread: spread + (before?.spread ?? 0),
    components: right,
    values,
  };
}

/** The cosine of the angle between two directions. */
export function cosine(a: Float64Array, b: Float64Array): number {
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}
