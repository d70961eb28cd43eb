/**
 * Means with their spread, and rank correlations with intervals.
 *
 * Seeds are the unit: an interval over n seeds uses Student's t with n − 1 degrees of freedom, which
 * with three seeds is wide (4.30 standard errors), as it should be.
 *
 * @module
 */
import { mean, quantileSorted, sampleStandardDeviation } from "simple-statistics";
import { RandomStream } from "../base/random.ts";
import { isConstant, rankCorrelation } from "./correlation.ts";
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
