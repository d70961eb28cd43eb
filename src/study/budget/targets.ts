/**
 * The target ranks that a budget of each kind pays for, and the initial ranks in proportion to them.
 *
 * @module
 */
import type { Json } from "../../base/canonical_json.ts";
import {
  apportion,
  costsUnder,
  countParameters,
  fixedCosts,
  spread,
  spreadOver,
  total,
} from "./costs.ts";
import type { CountRange, MethodEntry, ModuleShape } from "../types.ts";
import type { Budget } from "./budget.ts";

/** What planning must know of a method. */
export type Planned = Pick<
  MethodEntry,
  "name" | "costs" | "storedCosts" | "meanFactor" | "initialFactor" | "rankWeights"
>;

/**
 * The target ranks under a budget of any kind.
 *
 * @param modules The adapted modules, in model order.
 * @param factor How many times the target ranks it starts with.
 * @param totalSteps Steps of the run, on which a mean over time depends.
 * @throws {RangeError} If the budget does not pay for one rank a module, or is one of a mean that the method does not know before.
 */
export function targetUnder(
  entry: Planned,
  options: Json,
  modules: readonly ModuleShape[],
  budget: Budget,
  factor: number,
  totalSteps: number,
): readonly number[] {
  const { type, value } = budget;
  const costs = costsUnder(entry, options, budget);
  const weights = weightsOf(entry, options, modules);
  const fixed = fixedCosts(modules, costs);
  const perRank = modules.map(costs.perRank);
  const one = total(perRank) + fixed;
  const paid = (numbers: number) => boughtFor(numbers - fixed, perRank, weights);
  const refused = (found: string, least: string): never => {
    throw new RangeError(
      `Cannot give "${entry.name}" one rank in each of ${modules.length} modules with a budget of ${found}: ` +
        `at least ${least} parameters are wanted`,
    );
  };
  switch (type) {
    case "rank": {
      if (value < 1) return refused(`rank ${value}`, `rank 1 or ${one}`);
      const sum = Math.round(value * modules.length);
      return weights === null ? apportion(sum, modules.map(() => value)) : spreadOver(sum, weights);
    }
    case "parameters":
      return paid(value) ?? refused(`${value} parameters`, `rank 1 or ${one}`);
    case "stored":
      return paid(value) ?? refused(`${value} parameters as "stored"`, `${one}`);
    case "meanTrained": {
      const mean = meanOver(entry, options, value, totalSteps);
      return paid((value - fixed) / mean + fixed) ??
        refused(
          `${value} parameters as "meanTrained"`,
          `${Math.ceil((one - fixed) * mean + fixed)}`,
        );
    }
    case "peak": {
      const peakOf = (target: readonly number[]) =>
        Math.max(
          countParameters(target, modules, costs),
          countParameters(startOf(target, factor), modules, costs),
        );
      return dearestWithin({ least: one, most: value }, paid, peakOf) ??
        refused(`${value} parameters as "peak"`, `${peakOf(modules.map(() => 1))}`);
    }
  }
}

/** What the ranks of a method are on average over a run, as a share of its target ranks. */
function meanOver(
  { name, meanFactor }: Planned,
  options: Json,
  value: number,
  totalSteps: number,
): number {
  const mean = meanFactor === undefined ? 1 : meanFactor(options, totalSteps);
  if (mean !== null) return mean;
  throw new RangeError(
    `Cannot spend a mean of ${value} trained parameters on "${name}": found that its ranks follow from ` +
      "training itself, want a budget of rank, parameters, peak or stored",
  );
}

/**
 * The most ranks whose peak is within a budget, by bisection over what is paid for them; null where there are none.
 *
 * Ranks bought for a number never cost more than it, and the peak rises with them but for rounding.
 *
 * @param range What one rank a module costs, and the budget.
 */
function dearestWithin(
  { least, most }: CountRange,
  paid: (value: number) => readonly number[] | null,
  peakOf: (target: readonly number[]) => number,
): readonly number[] | null {
  let best: readonly number[] | null = null;
  for (let [low, high] = [least, most]; low <= high;) {
    const value = Math.floor((low + high) / 2);
    const target = paid(value);
    if (target !== null && peakOf(target) <= most) {
      best = target;
      low = value + 1;
    } else high = value - 1;
  }
  return best;
}

/** Initial ranks in proportion to the target; of those that start below it each module has one at least. */
export function startOf(target: readonly number[], factor: number): readonly number[] {
  const sum = Math.round(factor * total(target));
  return factor < 1
    ? spreadOver(Math.max(sum, target.length), target)
    : apportion(sum, target.map((rank) => factor * rank));
}

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

/** The ranks that a number of parameters pays for, or null where it does not for one a module. */
function boughtFor(
  parameters: number,
  perRank: readonly number[],
  weights: readonly number[] | null,
): readonly number[] | null {
  if (weights === null) return evenlyBoughtFor(parameters, perRank);
  let best: readonly number[] | null = null;
  for (let sum = perRank.length; sum * Math.min(...perRank) <= parameters; sum++) {
    const ranks = spreadOver(sum, weights);
    if (total(ranks.map((rank, i) => rank * perRank[i]!)) <= parameters) best = ranks;
  }
  return best;
}

/** The same whole rank for every module, then one more for the cheapest ones, again and again; see {@linkcode solveRanks}. */
function evenlyBoughtFor(
  parameters: number,
  costs: readonly number[],
): readonly number[] | null {
  const uniformCost = total(costs);
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

/** How many times its target ranks a method starts with, checked. */
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
