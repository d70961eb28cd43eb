/**
 * Bayesian tests with a region of practical equivalence: of paired differences on one task, and over tasks.
 *
 * @module
 */
import { RandomStream } from "../base/random.ts";
import { assertFinite, assertRegion, isNoSpread, summarise } from "./statistics.ts";
import { gamma, upperProbability } from "./distributions.ts";

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
 * import { bayesTTest } from "./bayes.ts";
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

/** How a posterior is drawn. */
export interface DrawOptions {
  /** Names the stream, so that the same input gives the same answer. Default 0. */
  readonly seed?: number;
  /** Draws. */
  readonly draws?: number;
}

const defaultDraws = 50_000;

/**
 * Probabilities that a method is better, practically equal or worse over tasks like these.
 *
 * Benavoli et al., "A Bayesian Wilcoxon signed-rank test based on the Dirichlet process", ICML 2014; with the region, and
 * as in baycomp's `SignedRankTest`: a pseudo-difference of zero has weight `prior`, weights w are drawn from the
 * Dirichlet distribution, and each draw goes to whichever of Σ wᵢwⱼ over sums dᵢ + dⱼ above 2 `margin`, below
 * −2 `margin` and between is largest. Sums on the edge count half to either side, and so does a draw in which both sides are
 * alike, as without a region and with differences of zero. The standard error of a probability p
 * is √(p (1 − p) / draws), 0.002 at most by default.
 *
 * @param differences One a task (or block), all in one unit.
 * @param margin Half of the region's width; with 0, `equal` is 0.
 * @param options Default 50,000 draws; `prior` is the weight of the pseudo-difference, default 0.5 as in baycomp.
 * @throws RangeError where `margin` is negative or a difference is not finite.
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { bayesSignedRankTest } from "./bayes.ts";
 * const { better } = bayesSignedRankTest([1.2, 2.4, 0.9, 3.1, 1.7], 0.5, { draws: 2000 });
 * assert(better > 0.95);
 * ```
 */
export function bayesSignedRankTest(
  differences: readonly number[],
  margin: number,
  options: DrawOptions & {
    /** Weight of the pseudo-difference. */
    readonly prior?: number;
  } = {},
): Odds {
  assertRegion(margin, 0);
  assertFinite(differences, "difference");
  const { seed = 0, draws = defaultDraws, prior = 0.5 } = options;
  const stream = RandomStream.fromSeed(seed).fork("bayes-signed-rank");
  const values = [0, ...differences].map((value, i) => ({ value, isPrior: i === 0 }))
    .sort((a, b) => a.value - b.value);
  const sorted = values.map(({ value }) => value);
  const n = sorted.length;
  // Of the sorted differences, those from `from` on make a sum above the threshold with i, those from `tied` on at least it.
  const above = sorted.map((value) => partnersOf(sorted, 2 * margin - value));
  const below = sorted.map((value) => partnersOf(sorted, -2 * margin - value));
  const weights = new Float64Array(n);
  const after = new Float64Array(n + 1);
  const counts = { better: 0, equal: 0, worse: 0 };
  for (let draw = 0; draw < draws; draw++) {
    for (let i = 0; i < n; i++) weights[i] = gamma(stream, values[i]!.isPrior ? prior : 1);
    for (let i = n - 1; i >= 0; i--) after[i] = after[i + 1]! + weights[i]!;
    const total = after[0]!;
    let better = 0;
    let worse = 0;
    for (let i = 0; i < n; i++) {
      const up = above[i]!;
      const down = below[i]!;
      better += weights[i]! * (after[up.from]! + after[up.tied]!) / 2;
      worse += weights[i]! * (total - (after[down.from]! + after[down.tied]!) / 2);
    }
    const equal = total * total - better - worse;
    if (margin > 0 && equal > better && equal >= worse) counts.equal++;
    else if (better === worse) {
      counts.better += 0.5;
      counts.worse += 0.5;
    } else counts[better > worse ? "better" : "worse"]++;
  }
  return {
    better: counts.better / draws,
    equal: counts.equal / draws,
    worse: counts.worse / draws,
  };
}

/** Where sorted values begin to lie above a threshold, and at or above it; rounding makes no winner of a tie. */
function partnersOf(
  sorted: readonly number[],
  threshold: number,
): { readonly from: number; readonly tied: number } {
  const slack = 1e-12 * Math.max(1, Math.abs(threshold));
  const firstOf = (isIn: (value: number) => boolean) => {
    const i = sorted.findIndex(isIn);
    return i < 0 ? sorted.length : i;
  };
  return {
    from: firstOf((value) => value > threshold + slack),
    tied: firstOf((value) => value >= threshold - slack),
  };
}
