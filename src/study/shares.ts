/**
 * Sharing whole numbers out: near given quotas, or in proportion to weights.
 *
 * @module
 */

/** The sum of some numbers, 0 of none. */
export function total(ranks: readonly number[]): number {
  return ranks.reduce((sum, rank) => sum + rank, 0);
}

/**
 * Whole numbers that sum to `sum` and lie near `quotas` (largest remainders, Hamilton's method).
 *
 * Each gets its quota rounded down; the rest goes to the largest remainders. Within the last group of equal
 * remainders, ones more are spread evenly: of n places with k to give, place i (from 0) gets one where
 * floor((i + 1) k / n) exceeds floor(i k / n), so that no end of the model is favoured.
 *
 * @param sum From the sum of the quotas rounded down to that plus the number of quotas.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { apportion } from "./shares.ts";
 * assertEquals(apportion(10, [2.5, 2.5, 2.5, 2.5]), [2, 3, 2, 3]);
 * assertEquals(apportion(8, [4.5, 1.5, 1.6]), [4, 2, 2]);
 * ```
 */
export function apportion(sum: number, quotas: readonly number[]): readonly number[] {
  const shares = quotas.map(Math.floor);
  const groups = Map.groupBy(
    quotas.keys(),
    // Remainders that differ by rounding noise alone are equal.
    (i) => Math.round((quotas[i]! - shares[i]!) * 1e9),
  );
  let left = sum - total(shares);
  for (const remainder of [...groups.keys()].sort((a, b) => b - a)) {
    const group = groups.get(remainder)!;
    for (const i of spread(Math.min(left, group.length), group)) shares[i]!++;
    left -= Math.min(left, group.length);
  }
  return shares;
}

/** `count` of the places, spread evenly (Bresenham's line). */
export function spread(count: number, places: readonly number[]): readonly number[] {
  const n = places.length;
  return places.filter((_, i) => Math.floor(((i + 1) * count) / n) > Math.floor((i * count) / n));
}

/**
 * Ranks in proportion to weights, at least one for each place.
 *
 * @param sum At least the number of weights.
 * @param weights Numbers above 0.
 */
export function spreadOver(sum: number, weights: readonly number[]): readonly number[] {
  // Places whose share is below one rank get one, and the others share what is left.
  const least = new Set<number>();
  for (;;) {
    const others = weights.filter((_, i) => !least.has(i));
    const factor = (sum - least.size) / total(others);
    const below = weights.flatMap((weight, i) => least.has(i) || weight * factor >= 1 ? [] : [i]);
    if (below.length === 0 || others.length === 0) {
      return apportion(sum, weights.map((weight, i) => least.has(i) ? 1 : weight * factor));
    }
    for (const i of below) least.add(i);
  }
}
