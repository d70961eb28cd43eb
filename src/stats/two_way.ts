/**
 * Intervals for a mean difference over other seeds and other examples, so that both sources of variance count.
 *
 * @module
 */
import { bisected, upperQuantile } from "./distributions.ts";
import { conditionSpread, fUpper, sphericity } from "./repeated_measures.ts";
import { type Interval, intervalLevel, meanOf, summarise } from "./statistics.ts";

/** What the choice of examples adds to the uncertainty of a mean difference. */
export interface ExampleNoise {
  /** Variance of the mean difference over other examples, beyond what differs from seed to seed anyway. */
  readonly variance: number;
  /** Degrees of freedom of that estimate. */
  readonly freedom: number;
}

/** An interval over other seeds and other examples. */
export interface TwoWayInterval extends Interval {
  /** Mean over seeds of the difference. */
  readonly mean: number;
  /** Standard error from the seeds, as in a t interval. */
  readonly seedError: number;
  /** What the examples add to it; 0 where no more than chance differs between them. */
  readonly exampleError: number;
}

/**
 * What other examples would change of a mean difference, from `influence[seed][example]`: what each example, or group of
 * examples, adds to the difference of each seed. For a mean over examples that is the example's own difference, for any other
 * metric its jackknife pseudo-value.
 *
 * Seeds and examples are crossed random effects. The mean square between examples less that of the interaction estimates the
 * variance that examples have in common over seeds; what is left of an example's noise shows between seeds. Negative
 * estimates count as 0. Null with fewer than two seeds or examples, or where a value is not finite.
 */
export function exampleNoise(influence: readonly (readonly number[])[]): ExampleNoise | null {
  const seeds = influence.length;
  const examples = influence[0]?.length ?? 0;
  if (seeds < 2 || examples < 2) return null;
  const bySeed = influence.map(meanOf);
  const mean = meanOf(bySeed);
  let between = 0;
  let interaction = 0;
  for (let e = 0; e < examples; e++) {
    let own = 0;
    for (let s = 0; s < seeds; s++) own += influence[s]![e]! / seeds;
    between += (own - mean) ** 2;
    for (let s = 0; s < seeds; s++) {
      interaction += (influence[s]![e]! - bySeed[s]! - own + mean) ** 2;
    }
  }
  const freedom = examples - 1;
  const share = between / freedom / examples -
    interaction / (freedom * (seeds - 1)) / (seeds * examples);
  return Number.isFinite(share) ? { variance: Math.max(0, share), freedom } : null;
}

/**
 * Interval for the mean of `differences`, one a seed, over other seeds and other examples.
 *
 * The squared half of the t interval over seeds plus the squared half of that over examples: the sum covers at least at its level
 * whatever share each has (Banerjee, Sankhyā 22, 1960), since the normal distribution's P(Z² ≤ x) is concave in x. One t with Satterthwaite's
 * degrees of freedom for the summed variance does not: where few seeds vary much it covers 87 to 93 % instead of 95.
 *
 * @param influence As {@linkcode exampleNoise} takes it.
 * @returns Null with fewer than two seeds or examples, or where a value is not finite.
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { twoWayInterval } from "./two_way.ts";
 * // influence[seed][example]: 1 where only the first method is right, −1 where only the second is.
 * const influence = [[1, 0, 1, 0, 1], [1, 1, 0, 0, -1], [1, 1, 1, 0, 0]];
 * const found = twoWayInterval([0.6, 0.2, 0.6], influence);
 * assert(found !== null && found.low < 0.4 && found.high > 0.5 && found.exampleError > 0);
 * ```
 */
export function twoWayInterval(
  differences: readonly number[],
  influence: readonly (readonly number[])[],
  level = intervalLevel,
): TwoWayInterval | null {
  const noise = exampleNoise(influence);
  const { n, mean, sd } = summarise(differences);
  if (noise === null || mean === null || sd === null || n < differences.length) return null;
  const tail = (1 - level) / 2;
  const seedError = sd / Math.sqrt(n);
  const half = twoWayHalf(upperQuantile(tail, n - 1) * seedError, tail, noise);
  return {
    mean,
    low: mean - half,
    high: mean + half,
    seedError,
    exampleError: Math.sqrt(noise.variance),
  };
}

/** Half of an interval whose half over seeds alone is `seeds`, widened by examples at the same chance on each side. */
export function twoWayHalf(
  seeds: number,
  tail: number,
  { variance, freedom }: ExampleNoise,
): number {
  if (variance === 0) return seeds;
  return Math.hypot(seeds, upperQuantile(tail, freedom) * Math.sqrt(variance));
}

/**
 * The chance of condition means as different as these over other seeds and other examples, where the true means are the same.
 *
 * The sum of squares between the means is held against the sum of two bounds at one chance: that of the repeated-measures test
 * over seeds ({@linkcode repeatedMeasures}), and its like for the examples. So two conditions have a chance below p where 0 lies outside of the
 * interval of their difference at 1 − p by {@linkcode twoWayHalf}. Without noise of examples it is the test over seeds.
 *
 * @param seeds One row a seed with the mean of each condition, `[seeds, conditions]`.
 * @param noise What other examples would change of each condition's mean; conditions have examples of their own.
 * @returns Null with fewer than two seeds or conditions, where nothing varies, or where the noise is not known.
 */
export function chanceOfConditions(
  seeds: readonly (readonly number[])[],
  noise: readonly ExampleNoise[],
): number | null {
  const spread = conditionSpread(seeds);
  if (spread === null) return null;
  const variances = noise.map(({ variance }) => variance);
  const mean = meanOf(variances);
  const k = variances.length;
  const centred = variances.map((own, i) =>
    variances.map((other, j) => (i === j ? own : 0) - (own + other - mean) / k)
  );
  const byExamples = mean * (k - 1);
  const tailOf = (share: number, expected: number, epsilon: number, freedom: number) => {
    const own = epsilon * (k - 1);
    return fUpper(share * spread.between / expected, own, own * freedom);
  };
  const ofSeeds = (share: number) =>
    tailOf(share, spread.byBlocks, spread.epsilon, seeds.length - 1);
  const freedom = Math.min(...noise.map((own) => own.freedom));
  const ofExamples = (share: number) => tailOf(share, byExamples, sphericity(centred), freedom);
  if (!Number.isFinite(byExamples)) return null;
  if (byExamples === 0) return spread.byBlocks > 0 ? ofSeeds(1) : null;
  if (spread.byBlocks === 0) return ofExamples(1);
  // The share that the seeds bear where both bounds have one chance.
  return ofSeeds(bisected(0, 1, (share) => ofSeeds(share) > ofExamples(1 - share)));
}
