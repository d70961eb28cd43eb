/**
 * What ranks cost as a budget counts them, and how whole numbers are shared out.
 *
 * @module
 */
import type { Json } from "../../base/canonical_json.ts";
import type { AdapterCosts, MethodEntry, ModuleShape, RankCap, RunSpec } from "../types.ts";
import type { Budget } from "./budget.ts";

/** Adapter parameters of the given ranks; a module without a rank costs nothing. */
export function countParameters(
  ranks: readonly number[],
  modules: readonly ModuleShape[],
  costs: AdapterCosts,
): number {
  const adapted = modules.filter((_, i) => (ranks[i] ?? 0) > 0);
  const ofRanks = modules.map((module, i) => (ranks[i] ?? 0) * costs.perRank(module));
  return total(ofRanks) + fixedCosts(adapted, costs);
}

/**
 * What the ranks of a run may cost together; null where its budget is none that its policy keeps to.
 *
 * A mean over time is kept by what a run that ends at the planned numbers has: policies that shrink receive the final number.
 *
 * @param modules The adapted modules.
 */
export function capOf(
  entry: Pick<MethodEntry, "costs" | "storedCosts" | "meanFactor" | "initialFactor">,
  { budget, options }: Pick<RunSpec, "budget" | "options">,
  modules: readonly ModuleShape[],
  totalSteps: number,
): RankCap | null {
  if (budget === null || budget.type === "rank" || budget.isCap !== true) return null;
  // What only shrinks is never dearer than at the start, which the budget has paid for.
  if (budget.type === "peak" && entry.initialFactor(options) > 1) return null;
  const costs = costsUnder(entry, options, budget);
  const least = fixedCosts(modules, costs);
  const factor = budget.type === "meanTrained" ? entry.meanFactor?.(options, totalSteps) ?? 1 : 1;
  return { most: (budget.value - least) / factor, perRank: costs.perRank };
}

/** What ranks cost as a budget counts them. */
export function costsUnder(
  entry: Pick<MethodEntry, "costs" | "storedCosts">,
  options: Json,
  { type }: Budget,
): AdapterCosts {
  return type === "stored"
    ? entry.storedCosts?.(options) ?? entry.costs(options)
    : entry.costs(options);
}

/** What adapted modules cost whatever their ranks. */
export function fixedCosts(
  modules: readonly ModuleShape[],
  { perModule, perAdapter }: AdapterCosts,
): number {
  const [first] = modules;
  return total(modules.map(perModule)) + (first === undefined ? 0 : perAdapter?.(first) ?? 0);
}

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
 * import { apportion } from "./costs.ts";
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
