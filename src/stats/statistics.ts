/**
 * Means with their spread, correlations with intervals, and what several statistics ask of their input.
 *
 * Seeds are the unit: an interval over n seeds uses Student's t with n − 1 degrees of freedom, which
 * with three seeds is wide (4.30 standard errors), as it should be.
 *
 * @module
 */
import {
  mean,
  quantileSorted,
  sampleCorrelation,
  sampleSkewness,
  sampleStandardDeviation,
} from "simple-statistics";
import { RandomStream } from "../base/random.ts";
import { centralQuantile } from "./distributions.ts";

/** Confidence of every interval in a report. */
export const intervalLevel = 0.95;

/** A mean with its spread. Null stands for what n values cannot tell. */
export interface Summary {
  /** Values. */
  readonly n: number;
  /** Their mean; null of none. */
  readonly mean: number | null;
  /** Sample standard deviation (divisor n − 1). */
  readonly sd: number | null;
  /** Ends of the t interval for the mean. */
  readonly low: number | null;
  /** See {@linkcode Summary.low}. */
  readonly high: number | null;
}

/** An interval whose ends may be unknown. */
export interface Interval {
  /** Lower end. */
  readonly low: number;
  /** Upper end. */
  readonly high: number;
}

/** The mean of numbers, summed in their order; NaN of none. */
export function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/**
 * Mean, sample standard deviation and t interval of the finite numbers among `values`.
 *
 * @example
 * ```ts
 * import { assertAlmostEquals } from "@std/assert";
 * import { summarise } from "./statistics.ts";
 * const summary = summarise([1, 2, 3]);
 * assertAlmostEquals(summary.high ?? 0, 2 + 4.302652729911275 / Math.sqrt(3), 1e-9);
 * ```
 */
export function summarise(values: readonly number[], level = intervalLevel): Summary {
  const finite = values.filter(Number.isFinite);
  const n = finite.length;
  if (n === 0) return { n, mean: null, sd: null, low: null, high: null };
  const centre = mean(finite);
  if (n === 1) return { n, mean: centre, sd: null, low: null, high: null };
  const sd = sampleStandardDeviation(finite);
  const half = centralQuantile(level, n - 1) * sd / Math.sqrt(n);
  return { n, mean: centre, sd, low: centre - half, high: centre + half };
}

/** How skewed some numbers are. */
export interface Skewness {
  /** Fisher and Pearson's, adjusted for the sample's size: 0 of symmetric numbers, 2 of many exponential ones. */
  readonly skewness: number;
  /** Its standard error for normal numbers. */
  readonly error: number;
}

/**
 * The adjusted Fisher–Pearson skewness G₁ with its standard error √(6n(n − 1) / ((n − 2)(n + 1)(n + 3))); null of fewer
 * than three numbers and of equal ones. Joanes and Gill, The Statistician 47 (1998).
 */
export function skewnessOf(values: readonly number[]): Skewness | null {
  const n = values.length;
  if (n < 3 || isNoSpread(sampleStandardDeviation([...values]), values)) return null;
  const error = Math.sqrt(6 * n * (n - 1) / ((n - 2) * (n + 1) * (n + 3)));
  return { skewness: sampleSkewness([...values]), error };
}

/** Whether numbers are skewed by more than two standard errors, as 5 of 100 normal samples are, whatever their size. */
export function isSkewed(values: readonly number[]): boolean {
  const found = skewnessOf(values);
  return found !== null && Math.abs(found.skewness) > 2 * found.error;
}

/** Spearman's ρ with average ranks for ties; null where a side is constant or fewer than three pairs exist. */
export function spearman(x: readonly number[], y: readonly number[]): number | null {
  return x.length < 3 ? null : rankCorrelation(x, y);
}

/** Kendall's τ-b (Kendall 1945, corrected for ties); null where a side is constant or fewer than three pairs exist. */
export function kendall(x: readonly number[], y: readonly number[]): number | null {
  if (x.length < 3 || isConstant(x) || isConstant(y)) return null;
  let balance = 0;
  let untiedX = 0;
  let untiedY = 0;
  for (let i = 0; i < x.length; i++) {
    for (let j = i + 1; j < x.length; j++) {
      const dx = Math.sign(x[i]! - x[j]!);
      const dy = Math.sign(y[i]! - y[j]!);
      balance += dx * dy;
      untiedX += dx * dx;
      untiedY += dy * dy;
    }
  }
  return balance / Math.sqrt(untiedX * untiedY);
}

/**
 * Percentile bootstrap interval of a statistic over `n` units (Efron and Tibshirani 1993, chapter 13).
 *
 * Samples on which the statistic is undefined are left out; null where more than a tenth are, or n < 3.
 *
 * @param statistic Gets the drawn units' indices.
 * @param options `seed` names the stream, so the same input gives the same interval; `draws` defaults to 2,000.
 */
export function bootstrapInterval(
  n: number,
  statistic: (units: readonly number[]) => number | null,
  options: { readonly seed: number; readonly draws?: number; readonly level?: number },
): Interval | null {
  if (n < 3) return null;
  const draws = options.draws ?? 2000;
  const level = options.level ?? intervalLevel;
  const stream = RandomStream.fromSeed(options.seed).fork("bootstrap");
  const values: number[] = [];
  for (let draw = 0; draw < draws; draw++) {
    const value = statistic(Array.from({ length: n }, () => stream.int(n)));
    if (value !== null && Number.isFinite(value)) values.push(value);
  }
  if (values.length < draws * 0.9) return null;
  return bootstrapEnds(values, level);
}

/** The central `level` of resampled values. */
export function bootstrapEnds(values: readonly number[], level: number): Interval {
  const sorted = values.toSorted((a, b) => a - b);
  const tail = (1 - level) / 2;
  return { low: quantileSorted(sorted, tail), high: quantileSorted(sorted, 1 - tail) };
}

/** Whether all values are the same; true of none. */
function isConstant(values: readonly number[]): boolean {
  return values.every((value) => value === values[0]);
}

/** Ranks from 1 in ascending order; equal values get the average of the ranks they share. */
export function averageRanks(values: readonly number[]): number[] {
  const order = values.map((_, i) => i).sort((a, b) => values[a]! - values[b]!);
  const ranks = new Array<number>(values.length).fill(0);
  for (let start = 0; start < order.length;) {
    let end = start + 1;
    while (end < order.length && values[order[end]!] === values[order[start]!]) end++;
    for (let i = start; i < end; i++) ranks[order[i]!] = (start + 1 + end) / 2;
    start = end;
  }
  return ranks;
}

/** Pearson's correlation; null where a side is constant. */
export function correlation(x: readonly number[], y: readonly number[]): number | null {
  if (isConstant(x) || isConstant(y)) return null;
  // Rounding takes the correlation of equal orders to 1.0000000000000002.
  return Math.max(-1, Math.min(1, sampleCorrelation([...x], [...y])));
}

/** Spearman's rank correlation: Pearson's of {@linkcode averageRanks}; null where a side is constant. */
export function rankCorrelation(x: readonly number[], y: readonly number[]): number | null {
  return correlation(averageRanks(x), averageRanks(y));
}

/** @throws RangeError where the margin is not positive. */
export function assertMargin(margin: number): void {
  if (!(margin > 0)) {
    throw new RangeError(
      `Cannot test equivalence within a margin of ${margin}: a positive number is wanted, in the units of the differences`,
    );
  }
}

/** @throws RangeError where the margin is negative or the correlation is outside of [0, 1). */
export function assertRegion(margin: number, correlation: number): void {
  if (!(margin >= 0)) {
    throw new RangeError(
      `Cannot use a region of practical equivalence of ±${margin}: zero or a positive number is wanted, in the units of the differences`,
    );
  }
  if (!(correlation >= 0 && correlation < 1)) {
    throw new RangeError(
      `Cannot use a correlation of ${correlation}: a number from 0 to below 1 is wanted (0 for seeds, 1 / folds for cross-validation)`,
    );
  }
}

/** @throws RangeError where a value is not a finite number, which its place tells. */
export function assertFinite(values: readonly number[], what: string): void {
  const at = values.findIndex((value) => !Number.isFinite(value));
  if (at >= 0) {
    throw new RangeError(
      `Cannot use ${values[at]} as ${what} ${
        at + 1
      } of ${values.length}: a finite number is wanted; leave out pairs of which a run failed`,
    );
  }
}

/** Whether a standard deviation is nothing but rounding between values that are equal. */
export function isNoSpread(sd: number, values: readonly number[]): boolean {
  return sd <= 1e-12 * Math.max(...values.map(Math.abs));
}
