/**
 * The hierarchical Bayesian model of differences over several tasks with several seeds each.
 *
 * @module
 */
import gammaln from "@stdlib/math-base-special-gammaln";
import { RandomStream } from "../base/random.ts";
import type { DrawOptions, Odds } from "./bayes.ts";
import { assertFinite, assertRegion } from "./statistics.ts";
import { gamma, upperProbability } from "./distributions.ts";

/** What the model says of a comparison. */
export interface HierarchicalTest {
  /** Shares of the draws in which a further task most likely falls above, within and below the region. */
  readonly odds: Odds;
  /** Chance that the mean difference on a further task like these lies above, within and below it. */
  readonly nextTask: Odds;
  /** Posterior mean of the mean difference over tasks, and ends of its central 95 % interval. */
  readonly mean: number;
  /** See {@linkcode HierarchicalTest.mean}. */
  readonly low: number;
  /** See {@linkcode HierarchicalTest.mean}. */
  readonly high: number;
  /** Posterior mean of each task's mean difference: what was measured, drawn towards the others. */
  readonly tasks: readonly number[];
}

const defaultDraws = 20_000;
/** Draws that are thrown away before those that count. */
const warmUp = 1000;
/** Hyperpriors of ν and of how far spreads may reach, as in Corani et al. and baycomp. */
const alphas = [1, 2] as const;
const betas = [0.01, 0.1] as const;
const widest = 1000;
/** A spread or a difference below the margin over this is taken as that, so that none is zero. */
const marginParts = 100;
/** Largest log(ν − 1): beyond it t is the normal distribution. */
const mostLogExcess = 12;
/** Where the chain begins, and how wide its first slices are: any choice has the same limit. */
const starts = { alpha: 1.5, beta: 0.05, excess: 10 } as const;
const widths = { alpha: 0.5, beta: 0.03 } as const;
/** Draws outside of the allowed range after which the last value stays. */
const mostTries = 100;

/**
 * The hierarchical correlated t model: seeds scatter around their task's mean, and tasks' means around an overall mean
 * with tails as heavy as the tasks ask for.
 *
 * Corani, Benavoli, Demšar, Mangili and Zaffalon, Machine Learning 106 (2017), section 3: xⱼ ~ N(δⱼ, σⱼ² M) with M of
 * ones and ρ off the diagonal, δⱼ ~ t(δ₀, σ₀, ν), δ₀ uniform within ± the largest difference, σⱼ and σ₀ uniform up to
 * 1,000 times their observed size, ν − 1 ~ Gamma(α, β) with α uniform in (1, 2) and β in (0.01, 0.1). Drawn by Gibbs
 * sampling, with t as a scale mixture of normals, and σ₀, ν and α by slices (Neal 2003) with the tasks' means
 * integrated out, so that no funnel slows it. baycomp samples the same model with Stan.
 *
 * With two or three tasks σ₀ is hardly known and the answer rightly vague. A spread within a task below a hundredth of
 * the margin is taken as that, so that equal differences are no exception.
 *
 * @param differences `differences[task][seed]`, in one unit; tasks may differ in seeds, at least 3 each.
 * @param margin Half of the region of practical equivalence, above 0.
 * @param options Default 20,000 draws after 1,000 to warm up. `correlation` of two differences of a task: default 0,
 * as for seeds on one split; 1 / folds for cross-validation.
 * @throws RangeError for fewer than two tasks, fewer than three seeds in one, a margin that is not positive, or a difference
 * that is not finite.
 */
export function hierarchicalTest(
  differences: readonly (readonly number[])[],
  margin: number,
  options: DrawOptions & {
    /** Correlation of two differences of a task. */
    readonly correlation?: number;
  } = {},
): HierarchicalTest {
  const { seed = 0, draws = defaultDraws, correlation = 0 } = options;
  assertRegion(margin, correlation);
  assertTasks(differences, margin);
  assertFinite(differences.flat(), "difference");
  const stream = RandomStream.fromSeed(seed).fork("hierarchical");
  const sampler = samplerOf(differences, margin, correlation, stream);
  const counts = { better: 0, equal: 0, worse: 0 };
  const next = { better: 0, equal: 0, worse: 0 };
  const means: number[] = [];
  const tasks = differences.map(() => 0);
  for (let draw = -warmUp; draw < draws; draw++) {
    const { centre, spread, freedom, taskMeans } = sampler();
    if (draw < 0) continue;
    const better = upperProbability((margin - centre) / spread, freedom);
    const worse = upperProbability((margin + centre) / spread, freedom);
    const equal = 1 - better - worse;
    counts[equal > better && equal >= worse ? "equal" : better > worse ? "better" : "worse"]++;
    next.better += better / draws;
    next.equal += equal / draws;
    next.worse += worse / draws;
    means.push(centre);
    for (const [j, mean] of taskMeans.entries()) tasks[j]! += mean / draws;
  }
  means.sort((a, b) => a - b);
  return {
    odds: {
      better: counts.better / draws,
      equal: counts.equal / draws,
      worse: counts.worse / draws,
    },
    nextTask: next,
    mean: means.reduce((sum, mean) => sum + mean, 0) / draws,
    low: means[Math.floor(0.025 * draws)]!,
    high: means[Math.floor(0.975 * draws)]!,
    tasks,
  };
}

function assertTasks(differences: readonly (readonly number[])[], margin: number): void {
  if (!(margin > 0)) {
    throw new RangeError(
      `Cannot fit the hierarchical model with a margin of ${margin}: a positive number is wanted`,
    );
  }
  const short = differences.findIndex((seeds) => seeds.length < 3);
  if (differences.length < 2 || short >= 0) {
    const found = short >= 0
      ? `${differences[short]!.length} seeds of task ${short}`
      : `${differences.length} tasks`;
    throw new RangeError(
      `Cannot fit the hierarchical model to ${found}: at least two tasks with three seeds each are wanted`,
    );
  }
}

interface State {
  readonly centre: number;
  readonly spread: number;
  readonly freedom: number;
  readonly taskMeans: readonly number[];
}

interface Task {
  readonly n: number;
  readonly mean: number;
  /** Σ (x − x̄)² / (1 − ρ). */
  readonly within: number;
  /** The variance of the mean, in units of σ². */
  readonly unit: number;
}

/**
 * The chain: each call takes one step of all variables and gives where it is then.
 *
 * @param rho Correlation of two differences of a task.
 */
function samplerOf(
  differences: readonly (readonly number[])[],
  margin: number,
  rho: number,
  stream: RandomStream,
): () => State {
  const tasks = differences.map((values): Task => {
    const n = values.length;
    const mean = values.reduce((sum, value) => sum + value, 0) / n;
    const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
    return {
      n,
      mean,
      within: Math.max(squares, n * (margin / marginParts) ** 2) / (1 - rho),
      unit: (1 + (n - 1) * rho) / n,
    };
  });
  const q = tasks.length;
  const meanOf = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / q;
  const overall = meanOf(tasks.map(({ mean }) => mean));
  const typical = meanOf(tasks.map(({ within, n }) => Math.sqrt(within * (1 - rho) / n)));
  const among = Math.max(
    Math.sqrt(meanOf(tasks.map(({ mean }) => (mean - overall) ** 2))),
    margin / marginParts,
  );
  const largest = Math.max(margin / marginParts, ...differences.flat().map(Math.abs));

  let centre = Math.max(-largest, Math.min(largest, overall));
  let logSpread = Math.log(among);
  let alpha: number = starts.alpha;
  let beta: number = starts.beta;
  let logExcess = Math.log(starts.excess);
  const means = tasks.map(({ mean }) => mean);
  const variances = tasks.map(({ within, n }) => within / n);
  const scales = tasks.map(() => 1);

  return () => {
    for (const [j, { n, mean, within, unit }] of tasks.entries()) {
      // A flat prior on σ leaves σ⁻² with shape (n − 1) / 2.
      const half = (within + (mean - means[j]!) ** 2 / unit) / 2;
      variances[j] = Math.min(half / gamma(stream, (n - 1) / 2), (typical * widest) ** 2);
    }
    // σ₀ with the tasks' means integrated out; flat in σ₀, so the logarithm has its own factor.
    logSpread = slice(stream, logSpread, Math.log(among * widest), (log) => {
      let sum = log;
      for (const [j, { mean, unit }] of tasks.entries()) {
        const variance = Math.exp(2 * log) / scales[j]! + variances[j]! * unit;
        sum -= Math.log(variance) / 2 + (mean - centre) ** 2 / variance / 2;
      }
      return sum;
    });
    const spread = Math.exp(logSpread);
    let weight = 0;
    let weighted = 0;
    for (const [j, { mean, unit }] of tasks.entries()) {
      const precision = 1 / (spread ** 2 / scales[j]! + variances[j]! * unit);
      weight += precision;
      weighted += precision * mean;
    }
    centre = truncatedNormal(stream, weighted / weight, 1 / Math.sqrt(weight), largest, centre);
    for (const [j, { mean, unit }] of tasks.entries()) {
      const prior = scales[j]! / spread ** 2;
      const data = 1 / (variances[j]! * unit);
      means[j] = (prior * centre + data * mean) / (prior + data) +
        stream.normal() / Math.sqrt(prior + data);
    }
    // ν with the scales integrated out: the tasks' means are Student's t.
    const squares = means.map((mean) => ((mean - centre) / spread) ** 2);
    logExcess = slice(stream, logExcess, mostLogExcess, (log) => {
      const nu = 1 + Math.exp(log);
      const constant = gammaln((nu + 1) / 2) - gammaln(nu / 2) - Math.log(nu) / 2;
      let sum = alpha * log - beta * Math.exp(log) + q * constant;
      for (const square of squares) sum -= (nu + 1) / 2 * Math.log1p(square / nu);
      return sum;
    });
    const nu = 1 + Math.exp(logExcess);
    for (const [j, square] of squares.entries()) {
      scales[j] = gamma(stream, (nu + 1) / 2) * 2 / (nu + square);
    }
    const excess = nu - 1;
    const within = (value: number, [low, high]: readonly [number, number]) =>
      value > low && value < high;
    beta = slice(
      stream,
      beta,
      betas[1],
      (value) => within(value, betas) ? alpha * Math.log(value) - value * excess : -Infinity,
      widths.beta,
    );
    alpha = slice(
      stream,
      alpha,
      alphas[1],
      (value) =>
        within(value, alphas)
          ? value * Math.log(beta) - gammaln(value) + value * Math.log(excess)
          : -Infinity,
      widths.alpha,
    );
    return { centre, spread, freedom: nu, taskMeans: means };
  };
}

/** One step of slice sampling with stepping out (Neal, Annals of Statistics 31, 2003, figures 3 and 5), below `highest`. */
function slice(
  stream: RandomStream,
  from: number,
  highest: number,
  logDensity: (value: number) => number,
  width = 1,
): number {
  const level = logDensity(from) + Math.log(1 - stream.next());
  let low = from - width * stream.next();
  let high = low + width;
  while (logDensity(low) > level) low -= width;
  while (high < highest && logDensity(high) > level) high += width;
  high = Math.min(high, highest);
  while (true) {
    const value = low + (high - low) * stream.next();
    if (logDensity(value) > level) return value;
    if (value < from) low = value;
    else high = value;
  }
}

/** A normal number within ±`end`; after many that fall outside, the last value stays, which a Gibbs step may do. */
function truncatedNormal(
  stream: RandomStream,
  mean: number,
  deviation: number,
  end: number,
  last: number,
): number {
  for (let i = 0; i < mostTries; i++) {
    const value = mean + deviation * stream.normal();
    if (Math.abs(value) <= end) return value;
  }
  return last;
}
