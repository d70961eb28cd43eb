/**
 * Differences between each of some groups of paired values and each of others, with one spread for all.
 *
 * @module
 */
import { centralQuantile } from "./distributions.ts";
import { intervalLevel, meanOf, summarise, type Summary } from "./statistics.ts";

/** Two groups of values that are compared: what comes of a seed stands at the same place in both. */
export type ValuePair = readonly [a: readonly number[], b: readonly number[]];

/**
 * The paired differences of each pair, with t intervals from the variance that all pairs share: of few values, one pair's own spread
 * is hardly known.
 *
 * The variance is the mean of the pairs' variances. Where I groups are paired with J others, and values within a group spread alike,
 * it has (n − 1) 4IJ / (I + J + 2) degrees of freedom by Satterthwaite's formula, rounded down, which is n − 1 for a single pair.
 *
 * @param pairs All of the same number n of values; without an interval where that is 1.
 * @param groups I and J.
 */
export function pooledDifferences(
  pairs: readonly ValuePair[],
  [first, second]: readonly [number, number],
  level: number = intervalLevel,
): readonly Summary[] {
  const alone = pairs.map(([a, b]) => summarise(a.map((value, i) => value - b[i]!)));
  const n = alone[0]?.n ?? 0;
  if (n < 2) return alone;
  const sd = Math.sqrt(meanOf(alone.map((own) => own.sd! ** 2)));
  const freedom = Math.floor((n - 1) * 4 * first * second / (first + second + 2));
  const half = centralQuantile(level, freedom) * sd / Math.sqrt(n);
  return alone.map(({ mean }) => ({ n, mean, sd, low: mean! - half, high: mean! + half }));
}
