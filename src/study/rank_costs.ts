/**
 * What ranks cost as a budget counts them, and what they may cost together.
 *
 * @module
 */
import type { Json } from "../base/canonical_json.ts";
import { total } from "./shares.ts";
import type { AdapterCosts, Budget, MethodEntry, ModuleShape, RankCap, RunSpec } from "./types.ts";

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
 * A mean over time is kept by what a run that ends at the planned numbers has: policies that shrink are told the final number.
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
