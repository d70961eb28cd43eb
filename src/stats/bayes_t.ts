/**
 * The Bayesian t test of paired differences on one task, with a region of practical equivalence.
 *
 * @module
 */
import { assertRegion, isNoSpread } from "./checks.ts";
import { summarise } from "./statistics.ts";
import { upperProbability } from "./student_t.ts";

/** Probabilities that sum to one. */
export interface Odds {
  /** That the difference lies above the region. */
  readonly better: number;
  /** That it lies within the region of practical equivalence. */
  readonly equal: number;
  /** That it lies below the region. */
  readonly worse: number;
}

/**
 * Posterior probabilities that the mean of paired differences lies above, within or below ±`margin`.
 *
 * The posterior under the prior 1/σ is Student's t around the mean with n − 1 degrees of freedom and scale
 * s √(1/n + ρ/(1 − ρ)) (Corani and Benavoli, Machine Learning 100, 2015, equation 8). ρ is the correlation of the
 * differences: 0 for seeds on one split, 1/folds for cross-validation. Null with fewer than two differences. Equal
 * differences are taken as known without error.
 *
 * @param margin Half of the region's width, in the units of the differences; with 0, `equal` is 0.
 * @throws RangeError where `margin` is negative or the correlation is outside of [0, 1).
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { bayesTTest } from "./bayes_t.ts";
 * const { better, equal, worse } = bayesTTest([1.5, 2.1, 1.2, 1.9], 1)!;
 * assert(better > 0.95 && Math.abs(better + equal + worse - 1) < 1e-12);
 * ```
 */
export function bayesTTest(
  differences: readonly number[],
  margin: number,
  options: {
    /** Correlation of two differences. Default 0. */
    readonly correlation?: number;
  } = {},
): Odds | null {
  const rho = options.correlation ?? 0;
  assertRegion(margin, rho);
  const { n, mean, sd } = summarise(differences);
  if (mean === null || sd === null) return null;
  if (isNoSpread(sd, differences)) return certain(mean, margin);
  const scale = sd * Math.sqrt(1 / n + rho / (1 - rho));
  const better = upperProbability((margin - mean) / scale, n - 1);
  const worse = upperProbability((margin + mean) / scale, n - 1);
  return { better, equal: Math.max(0, 1 - better - worse), worse };
}

/** What a difference that is known without error says; without a region, no difference is half better and half worse. */
function certain(difference: number, margin: number): Odds {
  if (margin === 0 && difference === 0) return { better: 0.5, equal: 0, worse: 0.5 };
  if (Math.abs(difference) <= margin) return { better: 0, equal: 1, worse: 0 };
  return difference > 0 ? { better: 1, equal: 0, worse: 0 } : { better: 0, equal: 0, worse: 1 };
}
