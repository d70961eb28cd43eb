/**
 * Expectations over a sample's standard deviation, which is where noncentral t and the power of two one-sided tests
 * come from; and limits of a standard deviation that was estimated from few values.
 *
 * No maintained JavaScript package has the noncentral t distribution with digits that hold far from zero. Written as one
 * integral over the spread, both powers are the same few lines.
 *
 * @module
 */
import gammaln from "@stdlib/math-base-special-gammaln";
import { chiSquareQuantile, normalUpper } from "./distributions.ts";

/** Even, for Simpson's rule. Doubling it changes no digit that the tests look at. */
const intervals = 2000;

/**
 * E f(S), where S is the standard deviation of a normal sample of standard deviation 1: S² is χ² with `freedom` degrees
 * of freedom, divided by them.
 *
 * Simpson's rule over log S. Functions that are zero beyond some spread say where, so that no kink spoils the rule.
 *
 * @param f Smooth below `largest`.
 * @param largest Where f ends; everywhere by default.
 */
export function overSpread(
  freedom: number,
  f: (spread: number) => number,
  largest = Infinity,
): number {
  const deviation = 1 / Math.sqrt(2 * freedom);
  const low = -(40 / freedom + 9 * deviation);
  const high = Math.min(9 * deviation, Math.log(largest));
  if (!(high > low)) return 0;
  const constant = Math.LN2 + freedom / 2 * Math.log(freedom / 2) - gammaln(freedom / 2);
  const step = (high - low) / intervals;
  let sum = 0;
  for (let i = 0; i <= intervals; i++) {
    const x = low + i * step;
    const spread = Math.exp(x);
    const weight = i === 0 || i === intervals ? 1 : i % 2 === 1 ? 4 : 2;
    sum += weight * Math.exp(constant + freedom * (x - spread * spread / 2)) * f(spread);
  }
  return sum * step / 3;
}

/**
 * P(T > `t`) for the noncentral t with `freedom` degrees of freedom: T = (Z + `shift`) / S.
 *
 * Johnson, Kotz and Balakrishnan, Continuous Univariate Distributions 2 (1995), section 31.5.
 */
export function noncentralUpper(t: number, freedom: number, shift: number): number {
  return overSpread(freedom, (spread) => normalUpper(t * spread - shift));
}

/**
 * The standard deviation that rounding alone gives to a difference of two scores: step / √6.
 *
 * Each score is off by up to half a step, evenly, which has the standard deviation step / √12.
 *
 * @param step The smallest step of the score.
 */
export function roundingSpread(step: number): number {
  return step / Math.sqrt(6);
}

/** Ends of an interval for a standard deviation. */
export interface SpreadLimits {
  /** Lower end. */
  readonly low: number;
  /** Upper end: the value to plan with, if a study must not turn out too small. */
  readonly high: number;
}

/**
 * The interval for the true standard deviation after a sample of normal values gave `sd`: √(ν s² / χ²).
 *
 * Three pairs leave it open by a factor of twelve: a pilot of three seeds says little of how many are needed.
 *
 * @param freedom Values − 1; for several tasks pooled, the sum of those.
 * @param level Probability that the interval covers; each end alone is at (1 + level) / 2. Default 0.95.
 */
export function spreadLimits(sd: number, freedom: number, level = 0.95): SpreadLimits {
  const end = (p: number) => sd * Math.sqrt(freedom / chiSquareQuantile(p, freedom));
  return { low: end((1 + level) / 2), high: end((1 - level) / 2) };
}
