/**
 * When to stop adding seeds: a rule whose verdicts hold although the results are looked at after every block.
 *
 * @module
 */
import {
  assertFinite,
  assertMargin,
  type Interval,
  isNoSpread,
  meanOf,
  summarise,
} from "./statistics.ts";
import { binomialUpper, upperProbability } from "./distributions.ts";
import { criticalValues, signCounts, type Spending } from "./spending.ts";
import { roundingSpread } from "./spread.ts";
import { type ExampleNoise, twoWayHalf } from "./two_way.ts";

/** What a study has decided of one contrast; `not worse` answers that question alone. */
export type StoppingVerdict = "better" | "worse" | "equivalent" | "not worse" | "undecided";

/**
 * Where critical values come from.
 *
 * - `obrien-fleming`: nearly all of the level is kept for the last looks. Close to the power of one test at the cap, and
 *   safe with a handful of seeds, where the t test leans on normality.
 * - `pocock`: about evenly spent. Fewer seeds where differences are large, less power where they are small.
 * - `anytime`: the mixture test, which stays valid if the cap is raised later; needs the most seeds.
 * - `sign`: sign tests, which ask about the **median** difference instead of the mean, and keep the level whatever the
 *   differences' distribution is. For skewed differences, of whose mean no rule keeps it. Level as by `obrien-fleming`.
 */
export type StoppingRule = Spending | "anytime" | "sign";

/** What is declared before the first seed. */
export interface StoppingOptions {
  /** Seeds at the first look, and between two looks. At least 3. */
  readonly block: number;
  /** The most seeds. */
  readonly cap: number;
  /** Half of the region of practical equivalence, in the units of the differences. */
  readonly margin: number;
  /**
   * How far above zero the mean difference must lie to be called better (below, worse). Default 0: any true difference
   * counts that is not shown to lie within the margin. The margin itself makes better, equivalent and worse three
   * regions that do not overlap.
   */
  readonly betterThan?: number;
  /**
   * What is asked. `difference`: better, equivalent or worse. `not worse`: whether the mean difference lies above −margin,
   * which is not worse, or below, which is worse; `betterThan` does not count then. Default `difference`.
   */
  readonly question?: "difference" | "not worse";
  /**
   * Chance of a false verdict over all looks: of better or worse where the methods are equal, of equivalent where they
   * differ by the margin. Default 0.05; divide it by the number of primary contrasts.
   */
  readonly level?: number;
  /** Where critical values come from. Default `obrien-fleming`. */
  readonly rule?: StoppingRule;
  /**
   * Smallest step of the metric, such as one dev example in points: the spread of differences is taken to be no smaller
   * than its rounding, step / √6. Default 0.
   */
  readonly resolution?: number;
}

/** A rule that is ready to be applied: looks with their critical values. */
export interface StoppingPlan extends Required<Omit<StoppingOptions, "block">> {
  /** Seeds at each look; the last is the cap. */
  readonly looks: readonly number[];
  /** Critical |t| of a difference, at each look; by `sign`, how many seeds must lie on one side. */
  readonly difference: readonly number[];
  /** The same of each of the two one-sided tests of equivalence. */
  readonly equivalence: readonly number[];
}

/** Where a contrast stands. */
export interface StoppingState {
  /** The verdict of the first look that decided. */
  readonly verdict: StoppingVerdict;
  /** Seeds at that look, or at the last look so far; 0 before the first. */
  readonly n: number;
  /** Mean difference of those seeds, by `sign` their median; null before the first look. */
  readonly mean: number | null;
  /** Ends of the repeated confidence interval at 1 − level, which decides better, worse and not worse; infinite where the look spends nothing. */
  readonly low: number;
  /** See {@linkcode StoppingState.low}. */
  readonly high: number;
  /** Ends of the repeated confidence interval at 1 − 2 level, which decides equivalence. */
  readonly innerLow: number;
  /** See {@linkcode StoppingState.innerLow}. */
  readonly innerHigh: number;
  /** Whether no more seeds are wanted: decided, or at the cap. */
  readonly isFinal: boolean;
}

/**
 * Plans looks after every `block` seeds and at `cap`, with critical values of the t test that allow for all looks.
 *
 * The intervals are repeated confidence intervals (Jennison and Turnbull, Journal of the Royal Statistical Society B
 * 51, 1989) on the spending of Lan and DeMets. A plan takes a fifth of a second for 60 seeds; contrasts of a study share it.
 *
 * @throws RangeError where the block is below 3 or above the cap, the margin is not positive, or `betterThan` is
 * negative.
 */
export function planStopping(options: StoppingOptions): StoppingPlan {
  const {
    block,
    cap,
    margin,
    betterThan = 0,
    question = "difference",
    level = 0.05,
    rule = "obrien-fleming",
    resolution = 0,
  } = options;
  assertMargin(margin);
  if (!(Number.isInteger(block) && block >= 3 && Number.isInteger(cap) && cap >= block)) {
    throw new RangeError(
      `Cannot plan blocks of ${block} seeds up to ${cap}: whole numbers are wanted, a block of at least 3 and a cap of at least one block`,
    );
  }
  if (!(betterThan >= 0)) {
    throw new RangeError(
      `Cannot call differences above ${betterThan} better: zero or a positive number is wanted`,
    );
  }
  const looks = Array.from({ length: Math.floor(cap / block) }, (_, i) => (i + 1) * block);
  if (looks.at(-1)! < cap) looks.push(cap);
  return {
    looks,
    cap,
    margin,
    betterThan,
    question,
    level,
    rule,
    resolution,
    difference: criticalsOf(rule, looks, level / 2, 2),
    equivalence: criticalsOf(rule, looks, level, 1),
  };
}

/** Seeds at the first look that can decide anything; those at the cap where none can. */
export function firstDecidingLook(
  { looks, difference, equivalence, cap }: StoppingPlan,
): number {
  return looks.find((_, i) => Math.min(difference[i]!, equivalence[i]!) < Infinity) ?? cap;
}

/** Critical values at the looks, with `level` on each side. */
function criticalsOf(
  rule: StoppingRule,
  looks: readonly number[],
  level: number,
  sides: 1 | 2,
): readonly number[] {
  if (rule === "anytime") return looks.map((n) => mixtureCritical(n, 2 * level));
  return rule === "sign"
    ? signCounts({ looks, level, sides })
    : criticalValues({ looks, level, sides, spending: rule });
}

/** The level, on one side, of a test at one look alone. */
export function lookLevel({ rule }: StoppingPlan, n: number, critical: number): number {
  return rule === "sign" ? binomialUpper(critical, n) : upperProbability(critical, n - 1);
}

/**
 * The spread with which a t test of normal differences has the power of the plan's test: a sign test does with n seeds
 * what a t test does with 2/π n.
 */
export function powerSpread({ rule }: StoppingPlan, spread: number): number {
  return rule === "sign" ? spread * Math.sqrt(Math.PI / 2) : spread;
}

/**
 * Applies a plan to the paired differences seen so far, in the order of their seeds.
 *
 * Looks are taken in turn and the first that decides is what counts: seeds that were run beyond it change nothing.
 * Equivalent comes before better, so that a difference which is there but lies within the margin is called equivalent.
 * Equal differences have no spread and decide nothing, unless all are zero: those are equivalent. (By `sign`, they do.)
 *
 * @param noiseAt What other examples would change of the mean of the first n differences, where the verdict is to hold for those too:
 * each half of an interval is widened by it at the same nominal chance. Default: examples are taken as they are.
 *
 * @throws RangeError where a difference is not finite.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { planStopping, stoppingState } from "./stopping.ts";
 * const plan = planStopping({ block: 3, cap: 12, margin: 1, rule: "pocock" });
 * const differences = [2.1, 2.9, 2.4, 3.1, 2.2, 2.6, 1.9];
 * const { verdict, n } = stoppingState(differences, plan);
 * assertEquals([verdict, n], ["better", 3]);
 * ```
 */
export function stoppingState(
  differences: readonly number[],
  plan: StoppingPlan,
  noiseAt: (n: number) => ExampleNoise = () => noNoise,
): StoppingState {
  assertFinite(differences, "difference");
  let state: StoppingState = {
    verdict: "undecided",
    n: 0,
    mean: null,
    low: -Infinity,
    high: Infinity,
    innerLow: -Infinity,
    innerHigh: Infinity,
    isFinal: false,
  };
  let mean = 0;
  let squares = 0;
  let seen = 0;
  for (const [i, n] of plan.looks.entries()) {
    if (n > differences.length) break;
    for (; seen < n; seen++) {
      const apart = differences[seen]! - mean;
      mean += apart / (seen + 1);
      squares += apart * (differences[seen]! - mean);
    }
    const sd = Math.sqrt(squares / (n - 1));
    state = stateAt(differences.slice(0, n), mean, sd, i, plan, noiseAt(n));
    if (state.verdict !== "undecided") break;
  }
  return state;
}

const noNoise: ExampleNoise = { variance: 0, freedom: 1 };

function stateAt(
  seen: readonly number[],
  mean: number,
  sd: number,
  look: number,
  plan: StoppingPlan,
  noise: ExampleNoise,
): StoppingState {
  const n = seen.length;
  const spread = Math.max(isNoSpread(sd, seen) ? 0 : sd, roundingSpread(plan.resolution));
  const location = plan.rule === "sign" ? aroundMedian(seen) : aroundMean(mean, spread, n);
  const ends = endsAt(widened(location, n, plan, noise), look, plan);
  const verdict = verdictOf(ends, plan);
  return {
    verdict,
    n,
    mean: location.centre,
    ...ends,
    isFinal: verdict !== "undecided" || n >= plan.cap,
  };
}

/**
 * The repeated confidence intervals of a plan at one of its looks, whatever earlier ones said.
 *
 * @param differences Those up to that look.
 * @param noise As `noiseAt` of {@linkcode stoppingState} gives it.
 * @throws RangeError where their number is not that of a look.
 */
export function intervalsAt(
  differences: readonly number[],
  plan: StoppingPlan,
  noise: ExampleNoise = noNoise,
): Ends {
  const n = differences.length;
  const look = plan.looks.indexOf(n);
  if (look < 0) {
    throw new RangeError(
      `Cannot give the interval of a look at ${n} seeds: looks are at ${plan.looks.join(", ")}`,
    );
  }
  const { mean, sd } = summarise(differences);
  const { low, high, innerLow, innerHigh } = stateAt(differences, mean!, sd!, look, plan, noise);
  return { low, high, innerLow, innerHigh };
}

/** The verdict at a look, by the mean and the spread of its differences, for rules about the mean. */
export function verdictAt(
  mean: number,
  spread: number,
  look: number,
  plan: StoppingPlan,
): StoppingVerdict {
  return verdictOf(endsAt(aroundMean(mean, spread, plan.looks[look]!), look, plan), plan);
}

/** Ends of the intervals that decide. */
export type Ends = Pick<StoppingState, "low" | "high" | "innerLow" | "innerHigh">;

function endsAt({ intervalOf }: Location, look: number, plan: StoppingPlan): Ends {
  const inner = intervalOf(plan.equivalence[look]!);
  return {
    ...intervalOf(plan.difference[look]!),
    innerLow: inner.low,
    innerHigh: inner.high,
  };
}

/** Where some differences lie, and the interval of it that a critical value gives. */
interface Location {
  readonly centre: number;
  readonly intervalOf: (critical: number) => Interval;
}

/** The same with what other examples would change: each half of an interval is wider by it, at the same chance. */
function widened(
  location: Location,
  n: number,
  plan: StoppingPlan,
  noise: ExampleNoise,
): Location {
  const { centre, intervalOf } = location;
  if (noise.variance === 0) return location;
  return {
    centre,
    intervalOf: (critical) => {
      const { low, high } = intervalOf(critical);
      const half = (seeds: number) =>
        seeds === Infinity ? seeds : twoWayHalf(seeds, lookLevel(plan, n, critical), noise);
      return { low: centre - half(centre - low), high: centre + half(high - centre) };
    },
  };
}

function aroundMean(mean: number, spread: number, n: number): Location {
  const isOpen = spread === 0 && mean !== 0;
  return {
    centre: mean,
    intervalOf: (critical) => {
      const half = isOpen || critical === Infinity ? Infinity : critical * spread / Math.sqrt(n);
      return { low: mean - half, high: mean + half };
    },
  };
}

/** What the rule asks about: the mean of some differences, by `sign` their median. NaN of none. */
export function centreOf({ rule }: StoppingPlan, differences: readonly number[]): number {
  return rule === "sign" && differences.length > 0
    ? aroundMedian(differences).centre
    : meanOf(differences);
}

/** So many values above a number refute that the median is at most that number, and as many below it that it is at least. */
function aroundMedian(seen: readonly number[]): Location {
  const sorted = seen.toSorted((a, b) => a - b);
  const n = sorted.length;
  return {
    centre: (sorted[Math.floor((n - 1) / 2)]! + sorted[Math.floor(n / 2)]!) / 2,
    intervalOf: (count) => ({
      low: sorted[n - count] ?? -Infinity,
      high: sorted[count - 1] ?? Infinity,
    }),
  };
}

function verdictOf(
  { low, high, innerLow, innerHigh }: Ends,
  { margin, betterThan, question }: StoppingPlan,
): StoppingVerdict {
  if (question === "not worse") {
    return low > -margin ? "not worse" : high < -margin ? "worse" : "undecided";
  }
  if (innerLow > -margin && innerHigh < margin) return "equivalent";
  if (low > betterThan) return "better";
  if (high < -betterThan) return "worse";
  return "undecided";
}

/**
 * Log of the evidence against a mean of zero: a test martingale, so that it ever exceeds log(1 / α) with a chance of at
 * most α where the mean is zero, whenever one looks.
 *
 * The ratio of two likelihoods of the t statistic, which do not depend on the spread: effects μ/σ drawn from
 * N(0, `scale`²) against zero. With r = 1 + n scale² and ν = n − 1 it is
 * r^(−1/2) ((1 + t²/ν) / (1 + t²/(ν r)))^(n/2): Gönen et al., The American Statistician 59 (2005), equation 2; a
 * martingale by Wang and Ramdas, "Anytime-valid t-tests and confidence sequences for Gaussian means with unknown
 * variance", Sequential Analysis 44 (2025); Lindon et al. 2022 for linear models; the method of mixtures is that of
 * Howard et al. 2021. 0 for fewer than two values and for values that are all zero.
 *
 * @param scale Effects that are looked for, in standard deviations. Default 1.
 */
export function logMixtureEvidence(differences: readonly number[], scale = 1): number {
  const { n, mean, sd } = summarise(differences);
  if (mean === null || sd === null || mean === 0) return 0;
  const square = n * mean * mean / ((n - 1) * sd * sd);
  const r = 1 + n * scale * scale;
  // Equal differences are the limit t² → ∞.
  const ratio = sd === 0 ? Math.log(r) : Math.log1p(square) - Math.log1p(square / r);
  return (n * ratio - Math.log(r)) / 2;
}

/**
 * The t beyond which {@linkcode logMixtureEvidence} exceeds log(1 / `level`) after `n` values: mean ± t s / √n is a
 * confidence sequence, which covers the mean at all n together with chance 1 − level. Infinity where no t does.
 */
export function mixtureCritical(n: number, level: number, scale = 1): number {
  const r = 1 + n * scale * scale;
  const wanted = Math.exp((Math.log(r) - 2 * Math.log(level)) / n);
  return wanted >= r ? Infinity : Math.sqrt((n - 1) * (wanted - 1) / (1 - wanted / r));
}
