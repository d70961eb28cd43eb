/**
 * Ranks before training where the loss depends most on a module's weights, by gradients at the start.
 *
 * GoRA, arXiv 2502.12171, equations 5 to 8: the importance of a weight W of size out × in is I = mean |W ∘ G|, G its gradient summed
 * over batches before training, and r_i = round(b · I_i / (Σ I · √(in + out))) with b = r · Σ √(in + out), within bounds. Read in
 * code that quotes these equations and in excerpts of the authors' code, not in the paper itself. There ranks cost what they come to; here b is chosen so that they cost what the budget
 * pays for. GoRA also starts A and B from the gradients; that is no part of the rule.
 *
 * @module
 */
import type { ModuleShape } from "../study/types.ts";
import type { GradientEstimate, RankPurse } from "./rank_estimate.ts";

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
 * import { ranksByImportance } from "./gradient_ranks.ts";
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
  { total, costs, cap }: RankPurse,
  most: number,
): readonly number[] {
  const limit = Math.max(1, Math.round(most * total / modules.length));
  const claims = modules.map(({ inSize, outSize }, i) =>
    importance[i]! / Math.sqrt(inSize + outSize)
  );
  const costOf = (i: number) => cap === null ? 1 : costs[i]!;
  const ranks = modules.map(() => 1);
  let left = (cap ?? total) - modules.reduce((sum, _, i) => sum + costOf(i), 0);
  for (;;) {
    // Ranks that are rounded to the nearest get the next one where claim / (rank + ½) is largest (Sainte-Laguë's rule).
    let next = -1;
    const claimOf = (i: number) => claims[i]! / (ranks[i]! + 0.5);
    modules.forEach(({ inSize, outSize }, i) => {
      const isAble = ranks[i]! < Math.min(limit, inSize, outSize) && costOf(i) <= left;
      if (!isAble) return;
      if (
        next < 0 || claimOf(i) > claimOf(next) ||
        (claimOf(i) === claimOf(next) && ranks[i]! < ranks[next]!)
      ) next = i;
    });
    if (next < 0) return ranks;
    ranks[next]! += 1;
    left -= costOf(next);
  }
}

/** Ranks by gradients at the start, over what the budget pays for. */
export function gradientEstimate(examples: number, most: number): GradientEstimate {
  return {
    of: "gradients",
    examples,
    ranksOf: (importance, modules, purse) => ranksByImportance(importance, modules, purse, most),
  };
}
