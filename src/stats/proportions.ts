/**
 * Shares of examples that are right: intervals, and tests of two methods on the same or on other examples.
 *
 * @module
 */
import betainc from "@stdlib/math-base-special-betainc";
import { normalUpper, normalUpperQuantile } from "./distributions.ts";
import { type Interval, intervalLevel } from "./statistics.ts";

/** A difference of two shares, with what the examples alone say of it. */
export interface ShareDifference extends Interval {
  /** The first share minus the second. */
  readonly difference: number;
  /** Of the two-sided test for none. */
  readonly p: number;
}

const twoSided = (level: number): number => normalUpperQuantile((1 - level) / 2);

/** The interval of a share of `n` examples by Wilson's score. */
export function shareInterval(share: number, n: number, level = intervalLevel): Interval {
  const z = twoSided(level);
  const middle = (share + z * z / (2 * n)) / (1 + z * z / n);
  const half = z * Math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n);
  return { low: Math.max(0, middle - half), high: Math.min(1, middle + half) };
}

/**
 * Two methods on the same examples: McNemar's exact test, and the interval of Agresti and Min (Statistics in Medicine 24, 2005),
 * which adds half an example to each of the four outcomes.
 *
 * @param firstOnly Examples that the first alone has right.
 * @param secondOnly Examples that the second alone has right.
 * @param n All examples.
 *
 * @example
 * ```ts
 * import { assertAlmostEquals } from "@std/assert";
 * import { pairedShares } from "./proportions.ts";
 * const { difference, p } = pairedShares(121, 59, 314);
 * assertAlmostEquals(difference, 62 / 314);
 * assertAlmostEquals(p, 4.434e-6, 1e-9);
 * ```
 */
export function pairedShares(
  firstOnly: number,
  secondOnly: number,
  n: number,
  level = intervalLevel,
): ShareDifference {
  const apart = firstOnly + secondOnly;
  const fewer = Math.min(firstOnly, secondOnly);
  const p = apart === 0 ? 1 : Math.min(1, 2 * betainc(0.5, apart - fewer, fewer + 1));
  const [all, sum, gap] = [n + 2, apart + 1, firstOnly - secondOnly];
  const half = twoSided(level) * Math.sqrt(sum - gap * gap / all) / all;
  return {
    difference: gap / n,
    low: Math.max(-1, gap / all - half),
    high: Math.min(1, gap / all + half),
    p,
  };
}

/**
 * Two methods of which only the shares are known, as if each had its own examples: the z test with a pooled share, and the interval
 * of Newcombe (Statistics in Medicine 17, 1998, method 10). Where both had the same examples it is wider than theirs would be.
 */
export function unpairedShares(
  first: { readonly share: number; readonly n: number },
  second: { readonly share: number; readonly n: number },
  level = intervalLevel,
): ShareDifference {
  const difference = first.share - second.share;
  const [a, b] = [first, second].map(({ share, n }) => shareInterval(share, n, level));
  const pooled = (first.share * first.n + second.share * second.n) / (first.n + second.n);
  const error = Math.sqrt(pooled * (1 - pooled) * (1 / first.n + 1 / second.n));
  return {
    difference,
    low: difference - Math.hypot(first.share - a!.low, b!.high - second.share),
    high: difference + Math.hypot(a!.high - first.share, second.share - b!.low),
    p: error === 0 ? 1 : 2 * normalUpper(Math.abs(difference) / error),
  };
}
