/**
 * The policy of ranks that are found before training and stay: by dimension, by variance, by gradients, or drawn as their control.
 *
 * GoRA, arXiv 2502.12171, equations 5 to 8: the importance of a weight W of size out × in is I = mean |W ∘ G|, G its gradient summed
 * over batches before training, and r_i = round(b · I_i / (Σ I · √(in + out))) with b = r · Σ √(in + out), within bounds. Read in
 * code that quotes these equations and in excerpts of the authors' code, not in the paper itself. There ranks cost what they come to; here b is chosen so that they cost what the budget
 * pays for. GoRA also starts A and B from the gradients; that is no part of the rule.
 *
 * @module
 */
import * as z from "zod";
import type { RandomStream } from "../base/random.ts";
import { countsOfFound } from "../study/budget/range.ts";
import { closed } from "../study/schema/shapes.ts";
import type { ModuleShape } from "../study/types.ts";
import type { Allocation } from "./allocation.ts";
import { ranksByVariance } from "./eva.ts";
import { dimensionEstimate } from "./gelora.ts";
import { limitsOf } from "./ranked_slots.ts";
import type { RankEstimate, RankPurse } from "./rank_estimate.ts";

/** The policy as a study states it. */
export const beforeOptions = closed({
  type: z.literal("before"),
  by: z.enum(["dimension", "variance", "gradients", "random"]).default("dimension").describe(
    "What ranks follow from, before training: the intrinsic dimension (GeLoRA's), the variance of inputs (EVA's), the " +
      "gradients at the start (GoRA's) or chance",
  ),
  examples: z.int().min(1).default(128).describe("Training texts that are measured"),
  most: z.number().min(1).default(2).describe(
    "Highest rank of a module over that of the budget, for variance, gradients and random",
  ),
});

type BeforeOptions = Omit<z.output<typeof beforeOptions>, "type">;

/** Texts that TwoNN needs at least, as GeLoRA has it. */
const leastPoints = 100;

function checkTexts({ by, examples }: BeforeOptions, trainExamples: number): void {
  if (by !== "random" && examples > trainExamples) {
    throw new RangeError(
      `Cannot measure ${examples} texts before training: found ${trainExamples} training examples; lower "examples"`,
    );
  }
  if (by === "dimension" && examples < leastPoints) {
    throw new RangeError(
      `Cannot estimate dimensions on ${examples} texts: at least ${leastPoints} are wanted; raise "examples"`,
    );
  }
}

function estimateBy({ by, examples, most }: BeforeOptions): RankEstimate {
  switch (by) {
    case "dimension":
      return dimensionEstimate({
        examples,
        pooling: "mean",
        estimator: "regression",
        discard: 0.1,
      });
    case "variance":
      return {
        of: "inputs",
        examples,
        componentsOf: (rank) => Math.round(most * rank),
        tau: 0.99,
        ranksOf: ranksByVariance,
        directionsOf: () => [],
      };
    case "gradients":
      return {
        of: "gradients",
        examples,
        ranksOf: (importance, modules, purse) =>
          ranksByImportance(importance, modules, purse, most),
      };
    case "random":
      return {
        of: "nothing",
        ranksOf: (modules, purse, stream) => drawnRanks(modules, purse, most, stream),
      };
  }
}

/** The allocation that measures before training. */
export function findsBefore(chosen: BeforeOptions): Allocation {
  return {
    estimate: estimateBy(chosen),
    meanFactor: () => 1,
    counts: (facts) =>
      countsOfFound(facts, limitsOf(facts).map((limit) => ({ least: 0, most: limit }))),
    check: ({ trainExamples }) => checkTexts(chosen, trainExamples),
  };
}

/**
 * Ranks given one by one to modules with room that can be paid for; each gets one first.
 *
 * @param most Highest rank of a module over the average.
 * @param choose The index of the module that gets the next rank, among those that can.
 */
function givenOneByOne(
  modules: readonly ModuleShape[],
  { total, costs, cap }: RankPurse,
  most: number,
  choose: (able: readonly number[], ranks: readonly number[]) => number,
): readonly number[] {
  const ranks = modules.map(() => 1);
  const highest = Math.max(1, Math.round(most * total / modules.length));
  const limits = limitsOf({ modules }).map((limit) => Math.min(highest, limit));
  const costOf = (i: number) => cap === null ? 1 : costs[i]!;
  let left = (cap ?? total) - modules.reduce((sum, _, i) => sum + costOf(i), 0);
  for (;;) {
    const able = [...ranks.keys()].filter((i) => ranks[i]! < limits[i]! && costOf(i) <= left);
    if (able.length === 0) return ranks;
    const next = choose(able, ranks);
    ranks[next]! += 1;
    left -= costOf(next);
  }
}

/**
 * Ranks in proportion to importance over √(in + out), rounded to the nearest, from 1 to a highest; the factor of proportion is
 * the one at which the budget is used. Of equal claims the module of fewer ranks gets the next, then the one that comes first, and
 * under a cap one that is too dear is passed over.
 *
 * @param importance A number from 0 for each module; modules without any share what the others have no room for.
 * @param most Highest rank of a module over the average.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { ranksByImportance } from "./before_training.ts";
 * const modules = [0, 1, 2].map((layer) => (
 *   { name: `layer.${layer}.query`, layer, part: "query", inSize: 8, outSize: 8 } as const
 * ));
 * const purse = { total: 9, costs: [16, 16, 16], cap: null };
 * assertEquals(ranksByImportance([0.5, 0.3, 0.1], modules, purse, 2), [5, 3, 1]);
 * assertEquals(ranksByImportance([0.9, 0.01, 0.01], modules, purse, 2), [6, 2, 1]);
 * ```
 */
export function ranksByImportance(
  importance: readonly number[],
  modules: readonly ModuleShape[],
  purse: RankPurse,
  most: number,
): readonly number[] {
  const claims = modules.map(({ inSize, outSize }, i) =>
    importance[i]! / Math.sqrt(inSize + outSize)
  );
  return givenOneByOne(modules, purse, most, (able, ranks) => {
    // Ranks that are rounded to the nearest get the next one where claim / (rank + ½) is largest (Sainte-Laguë's rule).
    const claimOf = (i: number) => claims[i]! / (ranks[i]! + 0.5);
    return able.reduce((best, i) =>
      claimOf(i) > claimOf(best) || (claimOf(i) === claimOf(best) && ranks[i]! < ranks[best]!)
        ? i
        : best
    );
  });
}

/** The same with modules that are drawn. */
export function drawnRanks(
  modules: readonly ModuleShape[],
  purse: RankPurse,
  most: number,
  stream: RandomStream,
): readonly number[] {
  return givenOneByOne(modules, purse, most, (able) => able[stream.int(able.length)]!);
}
