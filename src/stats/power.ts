/**
 * Whether two methods are equivalent, how many seeds a contrast needs, and what a given number of seeds can see.
 *
 * All of it is exact for normal differences, with the noncentral t distribution; n counts pairs, which are seeds.
 *
 * @module
 */
import { assertMargin, isNoSpread, summarise } from "./statistics.ts";
import { normalUpper, upperProbability, upperQuantile } from "./distributions.ts";
import { noncentralUpper, overSpread } from "./spread.ts";

/** What a test is asked for. */
export interface PowerOptions {
  /** Chance of a false verdict: two-sided for a difference, each side for equivalence. Default 0.05. */
  readonly level?: number;
  /** Chance of the right verdict that a number of seeds must reach. Default 0.8. */
  readonly power?: number;
}

const defaultLevel = 0.05;
const defaultPower = 0.8;

/** Numbers of seeds are sought up to here; a contrast that needs more is out of reach. */
export const mostSeeds = 100_000;

/**
 * The chance that a two-sided paired t test over `n` seeds finds a true mean difference.
 *
 * 1 − P(|T| ≤ t₁₋α/₂) for the noncentral t with n − 1 degrees of freedom and shift √n · difference / sd
 * (Cohen 1988, section 2.2). At no difference it is the level.
 *
 * @param difference True mean difference, in the units of `sd`.
 * @param sd True standard deviation of the differences of single seeds.
 */
export function differencePower(
  n: number,
  difference: number,
  sd: number,
  options: PowerOptions = {},
): number {
  assertSpread(sd);
  if (n < 2) return 0;
  const critical = upperQuantile((options.level ?? defaultLevel) / 2, n - 1);
  const shift = Math.sqrt(n) * difference / sd;
  return noncentralUpper(critical, n - 1, shift) + noncentralUpper(critical, n - 1, -shift);
}

/**
 * The chance that two one-sided tests over `n` seeds find equivalence within ±`margin`.
 *
 * P(both reject) = E[(Φ(√n (margin − difference) / sd − t S) − Φ(t S − √n (margin + difference) / sd))⁺] over the
 * sample's spread S: the integral that Owen's Q functions stand for (Phillips 1990; Diletti et al. 1991).
 *
 * @param difference True mean difference; 0 is the best case.
 * @param sd True standard deviation of the differences of single seeds.
 */
export function equivalencePower(
  n: number,
  margin: number,
  difference: number,
  sd: number,
  options: PowerOptions = {},
): number {
  assertMargin(margin);
  assertSpread(sd);
  if (n < 2) return 0;
  const critical = upperQuantile(options.level ?? defaultLevel, n - 1);
  const unit = Math.sqrt(n) / sd;
  return overSpread(
    n - 1,
    (spread) =>
      normalUpper(critical * spread - unit * (margin - difference)) -
      normalUpper(unit * (margin + difference) - critical * spread),
    unit * margin / critical,
  );
}

/**
 * The fewest seeds with which a paired t test finds `difference` with the wanted power; Infinity above
 * {@linkcode mostSeeds}.
 *
 * `sd` of a pilot is itself uncertain: `spreadLimits` says how much.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { seedsForDifference } from "./power.ts";
 * // A true difference of half a standard deviation.
 * assertEquals(seedsForDifference(0.5, 1), 34);
 * ```
 */
export function seedsForDifference(
  difference: number,
  sd: number,
  options: PowerOptions = {},
): number {
  if (difference === 0) return Infinity;
  return fewestSeeds((n) => differencePower(n, difference, sd, options), options);
}

/** The fewest seeds with which two one-sided tests find equivalence; Infinity where the difference is no smaller than the margin, or above {@linkcode mostSeeds}. */
export function seedsForEquivalence(
  margin: number,
  sd: number,
  options: PowerOptions & {
    /** True mean difference. Default 0. */
    readonly difference?: number;
  } = {},
): number {
  const { difference = 0 } = options;
  assertMargin(margin);
  if (Math.abs(difference) >= margin) return Infinity;
  return fewestSeeds((n) => equivalencePower(n, margin, difference, sd, options), options);
}

/** The smallest true difference that `n` seeds find with the wanted power; Infinity for one seed. */
export function smallestDifference(n: number, sd: number, options: PowerOptions = {}): number {
  return n < 2 ? Infinity : leastSize(sd, (size) => differencePower(n, size, sd, options), options);
}

/** The smallest margin within which `n` seeds find two equal methods equivalent with the wanted power; Infinity for one seed. */
export function smallestMargin(n: number, sd: number, options: PowerOptions = {}): number {
  return n < 2
    ? Infinity
    : leastSize(sd, (size) => equivalencePower(n, size, 0, sd, options), options);
}

function assertSpread(sd: number): void {
  if (!(sd > 0)) {
    throw new RangeError(
      `Cannot compute power with a standard deviation of ${sd}: a positive number is wanted, in the units of the difference`,
    );
  }
}

/** The fewest seeds of which `powerOf`, which rises with n, gives the wanted power; Infinity above {@linkcode mostSeeds}. */
export function fewestSeeds(powerOf: (n: number) => number, options: PowerOptions = {}): number {
  const wanted = options.power ?? defaultPower;
  let enough = 2;
  // Doubling, then bisection.
  while (powerOf(enough) < wanted) {
    if (enough >= mostSeeds) return Infinity;
    enough = Math.min(2 * enough, mostSeeds);
  }
  let tooFew = Math.floor(enough / 2);
  while (enough - tooFew > 1) {
    const middle = Math.floor((enough + tooFew) / 2);
    if (powerOf(middle) < wanted) tooFew = middle;
    else enough = middle;
  }
  return enough;
}

function leastSize(
  sd: number,
  powerOf: (size: number) => number,
  options: PowerOptions,
): number {
  const wanted = options.power ?? defaultPower;
  let high = sd;
  while (powerOf(high) < wanted) high *= 2;
  let low = 0;
  while (high - low > 1e-9 * high) {
    const middle = (low + high) / 2;
    if (powerOf(middle) < wanted) low = middle;
    else high = middle;
  }
  return high;
}

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
 * import { equivalenceTest } from "./power.ts";
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
