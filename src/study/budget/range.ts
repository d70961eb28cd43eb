/**
 * From where ranks can be to what they can cost: fewest and most adapter parameters.
 *
 * @module
 */
import { countParameters, spreadOver } from "./costs.ts";
import type {
  AdapterCosts,
  CountFacts,
  CountRange,
  ModuleShape,
  PlannedCounts,
  RankRange,
} from "../types.ts";

/** A count that is known exactly. */
export function exactly(count: number): CountRange {
  return { least: count, most: count };
}

/** The counts of a method whose ranks are those of its plan from beginning to end. */
export function countsOfPlan({ plan }: Pick<CountFacts, "plan">): PlannedCounts {
  return {
    initial: exactly(plan.initialParameters),
    peak: exactly(plan.peakParameters),
    final: exactly(plan.finalParameters),
  };
}

function prefixSums(values: readonly number[]): readonly number[] {
  const sums = [0];
  for (const value of values) sums.push(sums.at(-1)! + value);
  return sums;
}

function repeated(values: readonly number[], counts: readonly number[]): number[] {
  return values.flatMap((value, i) => Array<number>(Math.max(0, counts[i]!)).fill(value));
}

/**
 * Fewest and most adapter parameters of ranks within a range.
 *
 * Ranks leave some modules and enter others. For each number of ranks that leave, the cheapest outcome takes the dearest ranks
 * away and gives back as few as it may, to the cheapest modules; the dearest outcome the other way round. Both are exact where
 * modules cost nothing besides their ranks; where one that does may lose or get its first rank, they still bound the count.
 *
 * @param initial The rank of each module at the start, within the range of the modules.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * const sizes = [[8, 8], [8, 32]] as const;
 * const modules = sizes.map(([inSize, outSize], layer) => (
 *   { name: `layer.${layer}.query`, layer, part: "query", inSize, outSize } as const
 * ));
 * const costs = { perRank: () => 0, perModule: () => 0 };
 * const lora = { ...costs, perRank: ({ inSize, outSize }: { inSize: number; outSize: number }) => inSize + outSize };
 * // Two ranks each, one rank at least: one may move either way.
 * const range = { modules: [{ least: 1, most: 8 }, { least: 1, most: 8 }], total: { least: 4, most: 4 }, moved: Infinity };
 * assertEquals(parametersWithin(range, [2, 2], modules, lora), { least: 3 * 16 + 40, most: 16 + 3 * 40 });
 * ```
 */
export function parametersWithin(
  range: RankRange,
  initial: readonly number[],
  modules: readonly ModuleShape[],
  costs: AdapterCosts,
): CountRange {
  const cost = modules.map(costs.perRank);
  const leaving = repeated(cost, range.modules.map(({ least }, i) => initial[i]! - least))
    .sort((a, b) => a - b);
  const entering = repeated(cost, range.modules.map(({ most }, i) => most - initial[i]!))
    .sort((a, b) => a - b);
  const cheapLeaving = prefixSums(leaving);
  const dearLeaving = prefixSums(leaving.toReversed());
  const cheapEntering = prefixSums(entering);
  const dearEntering = prefixSums(entering.toReversed());
  const ranks = initial.reduce((sum, rank) => sum + rank, 0);
  let [least, most] = [Infinity, -Infinity];
  for (let left = 0; left <= Math.min(range.moved, leaving.length); left++) {
    const fewest = Math.max(0, range.total.least - (ranks - left));
    const many = Math.min(entering.length, range.total.most - (ranks - left));
    if (many < fewest) continue;
    least = Math.min(least, cheapEntering[fewest]! - dearLeaving[left]!);
    most = Math.max(most, dearEntering[many]! - cheapLeaving[left]!);
  }
  if (least === Infinity) {
    throw new RangeError(
      `Cannot bound parameters: no ranks sum to ${range.total.least} to ${range.total.most} within the bounds of ` +
        `${modules.length} modules that start with ${ranks}`,
    );
  }
  const start = countParameters(initial, modules, costs);
  const { saved, added } = fixedSlack(range, initial, modules, costs);
  return { least: start + least - saved, most: start + most + added };
}

/** What modules cost besides their ranks, of those that may lose their last rank and of those that may get a first. */
function fixedSlack(
  range: RankRange,
  initial: readonly number[],
  modules: readonly ModuleShape[],
  { perModule, perAdapter }: AdapterCosts,
): { readonly saved: number; readonly added: number } {
  const sumOf = (chosen: readonly ModuleShape[]) =>
    chosen.map(perModule).reduce((sum, cost) => sum + cost, 0);
  const present = modules.filter((_, i) => initial[i]! > 0);
  const mayGo = modules.filter((_, i) => initial[i]! > 0 && range.modules[i]!.least === 0);
  const mayCome = modules.filter((_, i) => initial[i] === 0 && range.modules[i]!.most > 0);
  const isAllGone = present.length > 0 && mayGo.length === present.length &&
    range.total.least === 0;
  return {
    saved: sumOf(mayGo) + (isAllGone ? perAdapter?.(present[0]!) ?? 0 : 0),
    added: sumOf(mayCome),
  };
}

function fallingRanks(initial: readonly number[], total: CountRange): RankRange {
  return {
    modules: initial.map((rank) => ({ least: 0, most: rank })),
    total,
    moved: Infinity,
  };
}

/**
 * The counts of a method whose slots are masked: all are on at first, and any of them may be off later.
 *
 * @param total Ranks that are on in the selected evaluation. Default: from none to all.
 */
export function countsOfMasks(
  { plan, modules, costs }: Pick<CountFacts, "plan" | "modules" | "costs">,
  total?: CountRange,
): PlannedCounts {
  const { initial } = plan;
  const all = initial.reduce((sum, rank) => sum + rank, 0);
  const range = fallingRanks(initial, total ?? { least: 0, most: all });
  const start = exactly(plan.initialParameters);
  return {
    initial: start,
    peak: start,
    final: parametersWithin(range, initial, modules, costs),
  };
}

/** The counts of a method whose ranks move within a range, at any time. */
export function countsOfMoves(
  { plan, modules, costs }: Pick<CountFacts, "plan" | "modules" | "costs">,
  range: RankRange,
): PlannedCounts {
  const final = parametersWithin(range, plan.initial, modules, costs);
  const initial = plan.initialParameters;
  return { initial: exactly(initial), peak: { least: initial, most: final.most }, final };
}

/**
 * The counts of a method that ends within a cap.
 *
 * @param least Ranks that each module keeps, where it starts with some.
 */
export function cappedCounts(
  { plan, modules, costs }: Pick<CountFacts, "plan" | "modules" | "costs">,
  cap: number,
  least: 0 | 1,
): PlannedCounts {
  const { initial, initialParameters } = plan;
  const fewest = countParameters(initial.map((rank) => Math.min(rank, least)), modules, costs);
  return {
    initial: exactly(initialParameters),
    peak: { least: initialParameters, most: Math.max(cap, initialParameters) },
    final: { least: fewest, most: cap },
  };
}

/**
 * The counts of a method that finds its ranks before training: known is their sum under a rank budget, and the most under one of numbers.
 *
 * @param bounds Fewest and most ranks of each module, in model order.
 */
export function countsOfFound(
  { plan, modules, costs, budget }: Pick<CountFacts, "plan" | "modules" | "costs" | "budget">,
  bounds: readonly CountRange[],
): PlannedCounts {
  const even = spreadOver(plan.finalTotal, modules.map(() => 1));
  const least = countParameters(bounds.map(({ least }) => least), modules, costs);
  const found = budget !== null && budget.type !== "rank"
    ? { least, most: plan.requested }
    : parametersWithin(
      { modules: bounds, total: exactly(plan.finalTotal), moved: Infinity },
      even,
      modules,
      costs,
    );
  return { initial: found, peak: found, final: found };
}
