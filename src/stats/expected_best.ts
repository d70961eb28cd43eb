/**
 * The best score of some trials as it is to be expected: what a search with fewer trials would have found.
 *
 * @module
 */
import { assertFinite } from "./statistics.ts";

/** The best of so many trials. */
export interface ExpectedBest {
  /** How many trials, from 1. */
  readonly trials: number;
  /** The expected best score. */
  readonly mean: number;
  /** Its standard deviation. */
  readonly deviation: number;
}

/**
 * The expected maximum of n draws, and its standard deviation, for n from 1 to the number of scores.
 *
 * Of N scores v(1) ≤ … ≤ v(N), the maximum of n draws with replacement is at most v(i) with probability (i / N)^n, so that its
 * mean is Σ v(i) ((i / N)^n − ((i − 1) / N)^n): Dodge et al. 2019, "Show Your Work", arXiv 1909.03004, equations 6 to 8. The
 * scores must be of draws from one distribution, as those of a random search are.
 *
 * @param scores One a trial, higher is better.
 * @throws {RangeError} If one is not finite.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { expectedBest } from "./expected_best.ts";
 * assertEquals(expectedBest([0, 1]).map(({ mean }) => mean), [0.5, 0.75]);
 * ```
 */
export function expectedBest(scores: readonly number[]): readonly ExpectedBest[] {
  assertFinite(scores, "score");
  const sorted = scores.toSorted((a, b) => a - b);
  const size = sorted.length;
  return sorted.map((_, at) => {
    const trials = at + 1;
    const weight = (i: number) => ((i + 1) / size) ** trials - (i / size) ** trials;
    const mean = sorted.reduce((sum, score, i) => sum + score * weight(i), 0);
    const variance = sorted.reduce((sum, score, i) => sum + (score - mean) ** 2 * weight(i), 0);
    return { trials, mean, deviation: Math.sqrt(variance) };
  });
}
