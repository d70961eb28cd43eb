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
import type { AdapterCosts, CountRange, MethodEntry, ModuleShape } from "../types.ts";
import type { Budget } from "./budget.ts";

/** What planning must know of a method. */
export type Planned = Pick<
  MethodEntry,
  "name" | "costs" | "storedCosts" | "meanFactor" | "initialFactor" | "rankWeights"
>;

/** What the target ranks of a method follow from. */
export interface TargetAsked {
  readonly entry: Planned;
  readonly options: Json;
  /** The adapted modules, in model order. */
  readonly modules: readonly ModuleShape[];
  readonly budget: Budget;
  /** How many times the target ranks it starts with. */
  readonly factor: number;
  /** Steps of the run, on which a mean over time depends. */
  readonly totalSteps: number;
}

/**
 * The target ranks under a budget of any kind.
 *
 * @throws {RangeError} If the budget does not pay for one rank a module, or is one of a mean that the method does not know before.
 */
export function targetUnder(asked: TargetAsked): readonly number[] {
  const { target, wanted } = bought(asked);
  if (target !== null) return target;
  const { entry, modules, budget: { type, value } } = asked;
  const found = type === "rank"
    ? `rank ${value}`
    : `${value} parameters${type === "parameters" ? "" : ` as "${type}"`}`;
  throw new RangeError(
    `Cannot give "${entry.name}" one rank in each of ${modules.length} modules with a budget of ${found}: ` +
      `at least ${type === "rank" || type === "parameters" ? "rank 1 or " : ""}` +
      `${wanted} parameters are wanted`,
  );
}

/** The ranks that a budget pays for, or null where it does not for one a module; and the numbers that would do for that. */
function bought(
  { entry, options, modules, budget, factor, totalSteps }: TargetAsked,
): { readonly target: readonly number[] | null; readonly wanted: number } {
  const costs = costsUnder(entry, options, budget);
  const weights = weightsOf(entry, options, modules);
  const fixed = fixedCosts(modules, costs);
  const one = total(modules.map(costs.perRank)) + fixed;
  const paid = (value: number) => targetOf({ type: "parameters", value }, modules, costs, weights);
  switch (budget.type) {
    case "rank":
      return { target: targetOf(budget, modules, costs, weights), wanted: one };
    case "parameters":
    case "stored":
      return { target: paid(budget.value), wanted: one };
    case "meanTrained": {
      const mean = meanOver(entry, options, budget, totalSteps);
      return {
        target: paid((budget.value - fixed) / mean + fixed),
        wanted: Math.ceil((one - fixed) * mean + fixed),
      };
    }
    case "peak": {
      const peakOf = (target: readonly number[]) =>
        Math.max(
          countParameters(target, modules, costs),
          countParameters(startOf(target, factor), modules, costs),
        );
      return {
        target: dearestWithin({ least: one, most: budget.value }, paid, peakOf),
        wanted: peakOf(modules.map(() => 1)),
      };
    }
  }
}

/** What the ranks of a method are on average over a run, as a share of its target ranks. */
function meanOver(
  { name, meanFactor }: Planned,
  options: Json,
  { value }: Budget,
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

/** The same whole rank for every module, then one more for the cheapest ones, again and again; see {@linkcode solveRanks}. */
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
