/**
 * The paired bootstrap over dev examples and seeds together, so that both sources of variance count.
 *
 * @module
 */
import { RandomStream } from "../base/random.ts";
import { normalUpper, normalUpperQuantile } from "./distributions.ts";
import { type Interval, intervalLevel } from "./statistics.ts";

/** One resample: indices with replacement, as many as there are. */
export interface TwoWayDraw {
  /** Indices of seeds. */
  readonly seeds: readonly number[];
  /** Indices of examples. */
  readonly examples: readonly number[];
}

/** A difference between two methods on the seeds and examples that a draw names; null where it is undefined. */
export type TwoWayStatistic = (draw: TwoWayDraw) => number | null;

/** Two intervals around one difference. */
export interface TwoWayIntervals {
  /** The difference on all seeds and examples. */
  readonly observed: number;
  /** Quantiles of the resampled differences. */
  readonly percentile: Interval;
  /** The same, corrected for bias and skewness (BCa). */
  readonly corrected: Interval;
}

/** Random draws of `seeds` seeds and `examples` examples, each with replacement and independently. */
export function* twoWayDraws(
  seeds: number,
  examples: number,
  options: {
    /** Names the stream. */
    readonly seed: number;
    /** Default 2,000. */
    readonly draws?: number;
  },
): Generator<TwoWayDraw> {
  const stream = RandomStream.fromSeed(options.seed).fork("two-way-bootstrap");
  const some = (count: number) => Array.from({ length: count }, () => stream.int(count));
  for (let draw = 0; draw < (options.draws ?? 2000); draw++) {
    yield { seeds: some(seeds), examples: some(examples) };
  }
}

/**
 * Intervals for a difference between two methods whose runs share seeds and dev examples.
 *
 * Both methods are evaluated on the same draw, which is what pairs them. Rows (seeds) and columns (examples) are drawn
 * independently: Owen, "The pigeonhole bootstrap", Annals of Applied Statistics 1 (2007). It counts the noise of single
 * predictions up to three times, so its intervals err on the wide side. The corrected ends are BCa (Efron 1987), with
 * the acceleration of several samples: Σₖ Σᵢ Uₖᵢ³ / nₖ³ over 6 (Σₖ Σᵢ Uₖᵢ² / nₖ²)^1.5, where Uₖᵢ = (nₖ − 1)(θ̄ₖ − θₖᵢ) come
 * from leaving out one seed or one example at a time (Davison and Hinkley 1997, sections 5.3.2 and 5.4.1).
 *
 * Resamples on which the statistic is undefined are left out. Null with fewer than three seeds or examples, where more
 * than a tenth of the resamples or any leave-one-out value are undefined.
 *
 * @param statistic For instance accuracy of one method − that of the other, mean over the draw's seeds.
 * @param draws From {@linkcode twoWayDraws}.
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { twoWayDraws, twoWayIntervals } from "./two_way_bootstrap.ts";
 * // differences[seed][example]: 1 where only the first method is right, −1 where only the second is.
 * const differences = [[1, 0, 1, 0, 1], [1, 1, 0, 0, -1], [0, 1, 1, 0, 0]];
 * const found = twoWayIntervals(
 *   { seeds: 3, examples: 5 },
 *   ({ seeds, examples }) => {
 *     const all = seeds.flatMap((s) => examples.map((e) => differences[s]![e]!));
 *     return all.reduce((sum, d) => sum + d, 0) / all.length;
 *   },
 *   twoWayDraws(3, 5, { seed: 1 }),
 * );
 * assert(found !== null && found.percentile.low < 0.4 && found.percentile.high > 0.4);
 * ```
 */
export function twoWayIntervals(
  sizes: {
    /** Seeds. */
    readonly seeds: number;
    /** Dev examples. */
    readonly examples: number;
  },
  statistic: TwoWayStatistic,
  draws: Iterable<TwoWayDraw>,
  level = intervalLevel,
): TwoWayIntervals | null {
  if (sizes.seeds < 3 || sizes.examples < 3) return null;
  const seeds = Array.from({ length: sizes.seeds }, (_, i) => i);
  const examples = Array.from({ length: sizes.examples }, (_, i) => i);
  const observed = statistic({ seeds, examples });
  const acceleration = accelerationOf([
    seeds.map((left) => statistic({ seeds: seeds.filter((i) => i !== left), examples })),
    examples.map((left) => statistic({ seeds, examples: examples.filter((i) => i !== left) })),
  ]);
  const values: number[] = [];
  let count = 0;
  for (const draw of draws) {
    const value = statistic(draw);
    count++;
    if (value !== null && Number.isFinite(value)) values.push(value);
  }
  if (observed === null || acceleration === null) return null;
  if (values.length === 0 || values.length < count * 0.9) return null;
  values.sort((a, b) => a - b);
  const tail = (1 - level) / 2;
  const between = (low: number, high: number): Interval => ({
    low: linearQuantile(values, low),
    high: linearQuantile(values, high),
  });
  const moved = correctionOf(values, observed, acceleration);
  return {
    observed,
    percentile: between(tail, 1 - tail),
    corrected: between(moved(tail), moved(1 - tail)),
  };
}

/** Null where a leave-one-out value is undefined; 0 where none differs. */
function accelerationOf(samples: readonly (readonly (number | null)[])[]): number | null {
  let cubes = 0;
  let squares = 0;
  for (const sample of samples) {
    const n = sample.length;
    const known = sample.filter((value) => value !== null);
    if (known.length < n) return null;
    const mean = known.reduce((sum, value) => sum + value, 0) / n;
    for (const value of known) {
      const influence = (n - 1) * (mean - value) / n;
      cubes += influence ** 3;
      squares += influence ** 2;
    }
  }
  return squares === 0 ? 0 : cubes / (6 * squares ** 1.5);
}

/** Which quantile stands for a wanted one (Efron 1987, equation 2.3); ties with the observed value count half. */
function correctionOf(
  sorted: readonly number[],
  observed: number,
  acceleration: number,
): (p: number) => number {
  const below = sorted.filter((value) => value < observed).length;
  const tied = sorted.filter((value) => value === observed).length;
  const share = (below + tied / 2) / sorted.length;
  // Where all resamples lie on one side there is no bias that could be estimated.
  const bias = share === 0 || share === 1 ? 0 : -normalUpperQuantile(share);
  return (p) => {
    const shifted = bias - normalUpperQuantile(p);
    return 1 - normalUpper(bias + shifted / (1 - acceleration * shifted));
  };
}

/** Quantile by linear interpolation between order statistics, as NumPy's default (Hyndman and Fan's type 7). */
function linearQuantile(sorted: readonly number[], p: number): number {
  const place = p * (sorted.length - 1);
  const i = Math.floor(place);
  const from = sorted[i]!;
  return from + (place - i) * ((sorted[i + 1] ?? from) - from);
}
