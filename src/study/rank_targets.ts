/**
 * The target ranks that a budget of each kind pays for, and the initial ranks in proportion to them.
 *
 * @module
 */
import type { Json } from "../base/canonical_json.ts";
import { costsUnder, countParameters, fixedCosts } from "./rank_costs.ts";
import { apportion, spread, spreadOver, total } from "./shares.ts";
import type { AdapterCosts, Budget, MethodEntry, ModuleShape } from "./types.ts";

/** What planning must know of a method. */
export type Planned = Pick<
  MethodEntry,
  "name" | "costs" | "storedCosts" | "meanFactor" | "initialFactor" | "rankWeights"
>;

/** The target ranks under a budget of any kind. */
export function targetUnder(
  entry: Planned,
  options: Json,
  modules: readonly ModuleShape[],
  budget: Budget,
  factor: number,
  totalSteps: number,
): readonly number[] {
  const counted = costsUnder(entry, options, budget);
  const weights = weightsOf(entry, options, modules);
  const least = fixedCosts(modules, counted);
  const one = total(modules.map(counted.perRank)) + least;
  const refused = (wanted: number): RangeError => {
    const found = budget.type === "rank"
      ? `rank ${budget.value}`
      : `${budget.value} parameters${budget.type === "parameters" ? "" : ` as "${budget.type}"`}`;
    return new RangeError(
      `Cannot give "${entry.name}" one rank in each of ${modules.length} modules with a budget of ${found}: ` +
        `at least ${budget.type === "rank" || budget.type === "parameters" ? "rank 1 or " : ""}` +
        `${wanted} parameters are wanted`,
    );
  };
  const paid = (value: number) =>
    targetOf({ type: "parameters", value }, modules, counted, weights);
  switch (budget.type) {
    case "rank": {
      const target = targetOf(budget, modules, counted, weights);
      if (target === null) throw refused(one);
      return target;
    }
    case "parameters":
    case "stored": {
      const target = paid(budget.value);
      if (target === null) throw refused(one);
      return target;
    }
    case "meanTrained": {
      const mean = entry.meanFactor === undefined ? 1 : entry.meanFactor(options, totalSteps);
      if (mean === null) {
        throw new RangeError(
          `Cannot spend a mean of ${budget.value} trained parameters on "${entry.name}": found that its ranks follow from ` +
            "training itself, want a budget of rank, parameters, peak or stored",
        );
      }
      const target = paid((budget.value - least) / mean + least);
      if (target === null) throw refused(Math.ceil((one - least) * mean + least));
      return target;
    }
    case "peak": {
      const peakOf = (target: readonly number[]) =>
        Math.max(
          countParameters(target, modules, counted),
          countParameters(startOf(target, factor), modules, counted),
        );
      // Ranks bought for a number never cost more than it, and the peak rises with them but for rounding.
      let best: readonly number[] | null = null;
      for (let [low, high] = [one, budget.value]; low <= high;) {
        const value = Math.floor((low + high) / 2);
        const target = paid(value);
        if (target !== null && peakOf(target) <= budget.value) {
          best = target;
          low = value + 1;
        } else high = value - 1;
      }
      if (best === null) {
        throw refused(peakOf(modules.map(() => 1)));
      }
      return best;
    }
  }
}

/** Initial ranks in proportion to the target; of those that start below it each module has one at least. */
export function startOf(target: readonly number[], factor: number): readonly number[] {
  const sum = Math.round(factor * total(target));
  return factor < 1
    ? spreadOver(Math.max(sum, target.length), target)
    : apportion(sum, target.map((rank) => factor * rank));
}

/** A method's weights, checked; null for evenly. */
function weightsOf(
  { name, rankWeights }: Planned,
  options: Json,
  modules: readonly ModuleShape[],
): readonly number[] | null {
  const weights = rankWeights(options, modules);
  if (weights === null) return null;
  const wrong = weights.find((weight) => !(Number.isFinite(weight) && weight > 0));
  if (weights.length === modules.length && wrong === undefined) return weights;
  throw new RangeError(
    `Cannot spread the ranks of "${name}": found ${weights.length} weights${
      wrong === undefined ? "" : `, one of them ${wrong}`
    }, one above 0 for each of ${modules.length} modules is wanted`,
  );
}

/** The target ranks, or null where the budget does not pay for one rank a module. */
function targetOf(
  budget: Budget,
  modules: readonly ModuleShape[],
  costs: AdapterCosts,
  weights: readonly number[] | null,
): readonly number[] | null {
  const count = modules.length;
  if (budget.type === "rank") {
    if (budget.value < 1) return null;
    const sum = Math.round(budget.value * count);
    return weights === null
      ? apportion(sum, modules.map(() => budget.value))
      : spreadOver(sum, weights);
  }
  const left = budget.value - fixedCosts(modules, costs);
  const perRank = modules.map(costs.perRank);
  if (weights === null) return targetOfParameters(left, perRank);
  const costOf = (ranks: readonly number[]) => total(ranks.map((rank, i) => rank * perRank[i]!));
  let best: readonly number[] | null = null;
  for (let sum = count; sum * Math.min(...perRank) <= left; sum++) {
    const ranks = spreadOver(sum, weights);
    if (costOf(ranks) <= left) best = ranks;
  }
  return best;
}

function targetOfParameters(
  parameters: number,
  costs: readonly number[],
): readonly number[] | null {
  const uniformCost = costs.reduce((sum, cost) => sum + cost, 0);
  const uniform = Math.floor(parameters / uniformCost);
  if (uniform < 1) return null;
  const ranks = costs.map(() => uniform);
  const byCost = [...Map.groupBy(costs.keys(), (i) => costs[i]!)].sort(([a], [b]) => a - b);
  const cheapest = byCost[0]![0];
  let left = parameters - uniform * uniformCost;
  while (left >= cheapest) {
    for (const [cost, places] of byCost) {
      const count = Math.min(Math.floor(left / cost), places.length);
      for (const i of spread(count, places)) ranks[i]!++;
      left -= count * cost;
    }
  }
  return ranks;
}

export function initialFactorOf(
  entry: Pick<MethodEntry, "name" | "initialFactor">,
  options: Json,
): number {
  const factor = entry.initialFactor(options);
  if (!(Number.isFinite(factor) && factor > 0)) {
    throw new RangeError(
      `Cannot start "${entry.name}" with ${factor} times its target ranks: a factor above 0 is wanted`,
    );
  }
  return factor;
}
