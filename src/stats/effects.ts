/**
 * Standardised effects of one task, comparisons over tasks that need no common unit, and the expected best of several trials.
 *
 * @module
 */
import { RandomStream } from "../base/random.ts";
import {
  assertFinite,
  bootstrapEnds,
  type Interval,
  intervalLevel,
  isNoSpread,
  summarise,
} from "./statistics.ts";
import { bisected } from "./distributions.ts";
import { noncentralUpper } from "./spread.ts";
import gammaln from "@stdlib/math-base-special-gammaln";

/** A mean difference in standard deviations of the differences. */
export interface StandardisedEffect {
  /** Differences. */
  readonly n: number;
  /** Cohen's d of pairs: mean / sd. */
  readonly d: number;
  /** Hedges' g: d without its bias in small samples. */
  readonly g: number;
  /** Ends of the interval for the true d. */
  readonly interval: Interval;
}

/**
 * The standardised effect of paired differences; null with fewer than two or with equal ones.
 *
 * d is Cohen's d_z (1988, section 2.3.5), g is d Γ(ν/2) / (√(ν/2) Γ((ν − 1)/2)) with ν = n − 1 (Hedges 1981, equation
 * 6e); for two differences that factor is 0. The interval inverts the noncentral t (Steiger and Fouladi 1997).
 *
 * @example
 * ```ts
 * import { assertAlmostEquals } from "@std/assert";
 * import { standardisedEffect } from "./effects.ts";
 * assertAlmostEquals(standardisedEffect([1, 2, 3])!.d, 2);
 * ```
 */
export function standardisedEffect(
  differences: readonly number[],
  level = intervalLevel,
): StandardisedEffect | null {
  const { n, mean, sd } = summarise(differences);
  if (mean === null || sd === null || isNoSpread(sd, differences)) return null;
  const d = mean / sd;
  const freedom = n - 1;
  const end = (upper: number) => shiftOf(d * Math.sqrt(n), freedom, upper) / Math.sqrt(n);
  return {
    n,
    d,
    g: biasFactor(freedom) * d,
    interval: { low: end((1 - level) / 2), high: end((1 + level) / 2) },
  };
}

/** {@linkcode StandardisedEffect.g} alone, without the interval, which takes thousands of times as long. */
export function hedgesG(differences: readonly number[]): number | null {
  const { n, mean, sd } = summarise(differences);
  if (mean === null || sd === null || isNoSpread(sd, differences)) return null;
  return biasFactor(n - 1) * mean / sd;
}

/** What Cohen's d is multiplied by; 0 for one degree of freedom, since Γ has a pole at 0. */
function biasFactor(freedom: number): number {
  return Math.exp(gammaln(freedom / 2) - gammaln((freedom - 1) / 2)) / Math.sqrt(freedom / 2);
}

/** The shift under which a noncentral t exceeds `t` with chance `upper`. */
function shiftOf(t: number, freedom: number, upper: number): number {
  const isBelow = (shift: number) => noncentralUpper(t, freedom, shift) < upper;
  let low = t;
  let high = t;
  for (let width = 1; !isBelow(low); width *= 2) low = t - width;
  for (let width = 1; isBelow(high); width *= 2) high = t + width;
  return bisected(low, high, isBelow);
}

/** Scores of one method: `scores[task][seed]`, higher is better; tasks may differ in seeds. */
export type TaskScores = readonly (readonly number[])[];

/**
 * The chance that a random run of one method scores above a random run of another, mean over tasks; ties count half.
 *
 * Agarwal et al., "Deep reinforcement learning at the edge of the statistical precipice", NeurIPS 2021, section 4.3:
 * Mann and Whitney's U over the number of pairs. Runs are not paired by seed.
 *
 * @param scores Of the method, and `others` of the one it is compared with: the same tasks in the same order.
 */
export function probabilityOfImprovement(scores: TaskScores, others: TaskScores): number {
  assertTasks(scores);
  if (scores.length !== others.length) {
    throw new RangeError(
      `Cannot compare scores of ${scores.length} tasks with those of ${others.length}: the same tasks are wanted`,
    );
  }
  assertTasks(others);
  const shares = scores.map((runs, task) => {
    let won = 0;
    for (const run of runs) {
      for (const other of others[task]!) won += run > other ? 1 : run === other ? 0.5 : 0;
    }
    return won / (runs.length * others[task]!.length);
  });
  return shares.reduce((sum, share) => sum + share, 0) / shares.length;
}

/**
 * Mean of the middle half of all runs of all tasks: robust as a median, with less variance.
 *
 * Agarwal et al. 2021, section 4.3. A quarter of the values, rounded down, is left out at each end. Scores of tasks need
 * a common scale.
 */
export function interquartileMean(scores: TaskScores): number {
  assertTasks(scores);
  const sorted = scores.flat().sort((a, b) => a - b);
  const cut = Math.floor(sorted.length / 4);
  const kept = sorted.slice(cut, sorted.length - cut);
  return kept.reduce((sum, score) => sum + score, 0) / kept.length;
}

/**
 * The performance profile: at each threshold the share of runs that score above it, mean over tasks.
 *
 * Agarwal et al. 2021, section 4.2 (run-score distributions).
 */
export function performanceProfile(
  scores: TaskScores,
  thresholds: readonly number[],
): readonly number[] {
  assertTasks(scores);
  return thresholds.map((threshold) => {
    const shares = scores.map((runs) => runs.filter((run) => run > threshold).length / runs.length);
    return shares.reduce((sum, share) => sum + share, 0) / shares.length;
  });
}

/**
 * Percentile interval of a statistic over the runs of each task, drawn with replacement task by task.
 *
 * The stratified bootstrap of Agarwal et al. 2021, section 4.1: tasks are fixed, seeds are drawn. With several methods
 * each is drawn on its own.
 *
 * @param methods Scores of each method that the statistic takes.
 * @param options `seed` names the stream; `draws` defaults to 2,000 and `level` to 0.95.
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { interquartileMean, stratifiedInterval } from "./effects.ts";
 * const scores = [[0.6, 0.62, 0.61], [0.8, 0.82, 0.79]];
 * const { low, high } = stratifiedInterval([scores], ([own]) => interquartileMean(own!), { seed: 1 });
 * assert(low < 0.71 && 0.7 < high);
 * ```
 */
export function stratifiedInterval(
  methods: readonly TaskScores[],
  statistic: (methods: readonly TaskScores[]) => number,
  options: {
    /** Names the stream. */
    readonly seed: number;
    /** Resamples. */
    readonly draws?: number;
    /** Chance that the interval covers. */
    readonly level?: number;
  },
): Interval {
  methods.forEach(assertTasks);
  const stream = RandomStream.fromSeed(options.seed).fork("stratified-bootstrap");
  const values = Array.from({ length: options.draws ?? 2000 }, () =>
    statistic(
      methods.map((tasks) => tasks.map((runs) => runs.map(() => runs[stream.int(runs.length)]!))),
    ));
  return bootstrapEnds(values, options.level ?? intervalLevel);
}

function assertTasks(scores: TaskScores): void {
  const empty = scores.findIndex((runs) => runs.length === 0);
  if (scores.length === 0 || empty >= 0) {
    throw new RangeError(
      `Cannot summarise ${
        scores.length === 0 ? "no tasks" : `task ${empty} without runs`
      }: at least one run of each task is wanted`,
    );
  }
}

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
 * import { expectedBest } from "./effects.ts";
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
