/**
 * Where a rising curve reaches a level: the curve that fits best, its inverse, and an interval for the place.
 *
 * @module
 */
import { type Interval, intervalLevel, meanOf, summarise } from "./statistics.ts";
import { centralQuantile } from "./distributions.ts";

/**
 * The never falling values that are nearest to `values` by weighted squares, by pooling neighbours that fall.
 *
 * Ayer, Brunk, Ewing, Reid and Silverman, Annals of Mathematical Statistics 26 (1955).
 *
 * @param weights Above 0, one a value. Default: 1 each.
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { isotonicFit } from "./monotone.ts";
 * assertEquals(isotonicFit([1, 4, 2, 5]), [1, 3, 3, 5]);
 * ```
 */
export function isotonicFit(
  values: readonly number[],
  weights: readonly number[] = values.map(() => 1),
): readonly number[] {
  const blocks: { mean: number; weight: number; count: number }[] = [];
  for (const [i, value] of values.entries()) {
    let block = { mean: value, weight: weights[i]!, count: 1 };
    for (let last = blocks.at(-1); last !== undefined && last.mean > block.mean;) {
      const weight = last.weight + block.weight;
      const mean = (last.mean * last.weight + block.mean * block.weight) / weight;
      block = { mean, weight, count: last.count + block.count };
      blocks.pop();
      last = blocks.at(-1);
    }
    blocks.push(block);
  }
  return blocks.flatMap(({ mean, count }) => Array.from({ length: count }, () => mean));
}

/**
 * The first place at which the line through never falling points reaches a level.
 *
 * @param places Ascending.
 * @param values One a place, never falling.
 * @returns −Infinity where the first value lies above the level, Infinity where the last lies below.
 */
export function firstReaching(
  places: readonly number[],
  values: readonly number[],
  level: number,
): number {
  const at = values.findIndex((value) => value >= level);
  if (at < 0) return Infinity;
  if (values[at] === level) return places[at]!;
  if (at === 0) return -Infinity;
  const share = (level - values[at - 1]!) / (values[at]! - values[at - 1]!);
  return places[at - 1]! + share * (places[at]! - places[at - 1]!);
}

/** Where a curve reaches a level. */
export interface Reached {
  /** Place on the curve's axis; −Infinity and Infinity beyond its ends. */
  readonly estimate: number;
  /** Ends of the interval, as {@linkcode Reached.estimate}. */
  readonly interval: Interval;
}

/** Parts that the way between two points is searched in, before bisection. */
const parts = 32;

/**
 * The place at which the curve of a reference reaches the mean of a method, both over seeds.
 *
 * The estimate is where the line through the isotonic fit of the reference's means first reaches the method's mean. The interval
 * inverts a paired t test: it goes from the first place at which the reference is not significantly below the method to the last at
 * which it is not significantly above. Between two points each seed's score lies on the line between its own two. So it covers at
 * its level wherever the differences are normal and the true curve is such a line, and is open where the curve is flat
 * (Fieller, Journal of the Royal Statistical Society B 16, 1954, for one line).
 *
 * @param places Ascending, at least two: where the reference has been tried, in the scale of the lines.
 * @param reference `reference[place][seed]`; higher is better.
 * @param method One a seed, of the same seeds.
 * @returns Null with fewer than two places or seeds.
 * @example
 * ```ts
 * import { assertAlmostEquals, assertEquals } from "@std/assert";
 * import { placeReaching } from "./monotone.ts";
 * const reference = [[70, 71, 72], [74, 75, 76]];
 * const { estimate, interval } = placeReaching([0, 1], reference, [71, 72.1, 72.9])!;
 * assertAlmostEquals(estimate, 0.25);
 * assertEquals(interval.low > 0.1 && interval.high < 0.4, true);
 * ```
 */
export function placeReaching(
  places: readonly number[],
  reference: readonly (readonly number[])[],
  method: readonly number[],
  level = intervalLevel,
): Reached | null {
  const seeds = method.length;
  if (places.length < 2 || seeds < 2) return null;
  const quantile = centralQuantile(level, seeds - 1);
  /** Whether the reference lies significantly below (−1) or above (1) the method, a share of the way after a point. */
  const sideOf = (k: number, share: number): -1 | 0 | 1 => {
    const { mean, sd } = summarise(method.map((own, seed) => {
      const from = reference[k]![seed]!;
      const to = reference[k + 1]?.[seed] ?? from;
      return from + share * (to - from) - own;
    }));
    const half = quantile * sd! / Math.sqrt(seeds);
    return mean! + half < 0 ? -1 : mean! - half > 0 ? 1 : 0;
  };
  const last = places.length - 1;
  const grid = [
    ...Array.from({ length: last * parts }, (_, i) => [Math.floor(i / parts), i % parts] as const),
    [last, 0] as const,
  ].map(([k, part]) => ({ k, share: part / parts, side: sideOf(k, part / parts) }));
  const placeAt = (k: number, share: number) =>
    share === 0 ? places[k]! : places[k]! + share * (places[k + 1]! - places[k]!);
  /** Where what holds at the first of two neighbours ends. */
  const border = (at: number, isBefore: (side: number) => boolean) => {
    const { k, share } = grid[at]!;
    let [low, high] = [share, share + 1 / parts];
    for (let i = 0; i < 40; i++) {
      const middle = (low + high) / 2;
      if (isBefore(sideOf(k, middle))) low = middle;
      else high = middle;
    }
    return placeAt(k, (low + high) / 2);
  };
  const first = grid.findIndex(({ side }) => side >= 0);
  const end = grid.findLastIndex(({ side }) => side <= 0);
  const low = first < 0 ? Infinity : first === 0 ? -Infinity : border(first - 1, (s) => s < 0);
  const high = end < 0
    ? -Infinity
    : end === grid.length - 1
    ? Infinity
    : border(end, (s) => s <= 0);
  const estimate = firstReaching(
    places,
    isotonicFit(reference.map(meanOf)),
    meanOf(method),
  );
  // Pooling may move the estimate a little out of what the single points allow.
  return { estimate, interval: { low: Math.min(low, estimate), high: Math.max(high, estimate) } };
}
