/**
 * Two one-sided tests: whether paired differences show that two methods do equally well.
 *
 * @module
 */
import { assertMargin, isNoSpread, summarise } from "./statistics.ts";
import { upperProbability } from "./distributions.ts";

/** What the two tests say. */
export interface EquivalenceTest {
  /** Differences. */
  readonly n: number;
  /** Mean difference. */
  readonly mean: number;
  /** p against a mean at or below −margin, and against one at or above +margin. */
  readonly pBelow: number;
  /** See {@linkcode EquivalenceTest.pBelow}. */
  readonly pAbove: number;
  /** The larger of the two: below the level, the mean lies within the margin. */
  readonly p: number;
}

/**
 * Two one-sided t tests (Schuirmann 1987) that the mean of paired differences lies within ±`margin`.
 *
 * No significant difference is not equivalence: p is small only if differences as large as the margin are ruled out.
 * Null with fewer than two differences, or with equal ones, which have no spread to test with.
 *
 * @throws RangeError where the margin is not positive.
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { equivalenceTest } from "./equivalence.ts";
 * const differences = [0.2, -0.1, 0.3, -0.2, 0.1];
 * assert(equivalenceTest(differences, 1)!.p < 0.001);
 * assert(equivalenceTest(differences, 0.1)!.p > 0.05);
 * ```
 */
export function equivalenceTest(
  differences: readonly number[],
  margin: number,
): EquivalenceTest | null {
  assertMargin(margin);
  const { n, mean, sd } = summarise(differences);
  if (mean === null || sd === null || isNoSpread(sd, differences)) return null;
  const error = sd / Math.sqrt(n);
  const pBelow = upperProbability((mean + margin) / error, n - 1);
  const pAbove = upperProbability((margin - mean) / error, n - 1);
  return { n, mean, pBelow, pAbove, p: Math.max(pBelow, pAbove) };
}
