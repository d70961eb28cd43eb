/**
 * EVA: LoRA whose A starts as the directions in which a module's inputs vary most, with ranks where they explain most.
 *
 * Paischer et al., arXiv 2410.07170, section 3 and Algorithm 1: an incremental singular value decomposition of the inputs of each module over
 * minibatches of training texts; A takes the right singular vectors, B = 0; over all modules the components of the largest explained variance
 * get the ranks, at most ρ·r of a module. What stops the decomposition (cosines of τ) and the ranks of equal components were read in
 * peft's `tuners/lora/eva.py`. The factor α/r is held where ranks differ, as with peft's `adjust_scaling_factors`. Padding does not
 * count.
 *
 * @module
 */
import * as z from "zod";
import { countsOfFound } from "../study/budget/range.ts";
import type { PrincipalRows } from "./incremental_svd.ts";
import { loraForm, loraRateOptions } from "./lora_form.ts";
import { defineMethod } from "./method.ts";
import type { RankPurse } from "./rank_estimate.ts";

const options = z.strictObject({
  ...loraRateOptions,
  rho: z.number().min(1).default(2).describe(
    "Highest rank of a module over that of the budget; 1 gives every module the same",
  ),
  tau: z.number().min(0).max(1).default(0.99).describe(
    "Cosine between a direction before and after a batch of texts from which it counts as found",
  ),
  whiten: z.boolean().default(false).describe(
    "Whether directions are divided by the root of their singular values",
  ),
  examples: z.int().min(1).default(128).describe(
    "Training texts whose inputs are decomposed; they are passed over again until directions are found",
  ),
});

/**
 * Ranks one by one to the components that explain most, until the budget is used: a module's first component before its second. Of
 * equal ones the module that comes first gets it, and under a cap one that is too dear is passed over.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { ranksByVariance } from "./eva.ts";
 * const explained = [[0.5, 0.3, 0.1], [0.4, 0.05, 0.01]];
 * assertEquals(ranksByVariance(explained, { total: 4, costs: [1, 1], cap: null }), [3, 1]);
 * ```
 */
export function ranksByVariance(
  explained: readonly (readonly number[])[],
  { total, costs, cap }: RankPurse,
): readonly number[] {
  const ranks = explained.map(() => 0);
  const all = explained.flatMap((shares, module) =>
    shares.map((share, component) => ({ share, module, component }))
  ).sort((a, b) => b.share - a.share || a.component - b.component || a.module - b.module);
  let left = cap ?? total;
  for (const { module, component } of all) {
    const cost = cap === null ? 1 : costs[module]!;
    // Components of a module are found in order, so that one that was too dear has no successors.
    if (cost > left || ranks[module] !== component) continue;
    ranks[module]! += 1;
    left -= cost;
  }
  return ranks;
}

/** A's rows by component. */
function directionsOf(
  { components, values }: PrincipalRows,
  isWhitened: boolean,
): readonly ArrayLike<number>[] {
  if (!isWhitened) return components;
  return components.map((component, i) => component.map((value) => value / Math.sqrt(values[i]!)));
}

/** EVA. */
export const eva = defineMethod({
  name: "eva",
  title: "EVA",
  source: "arXiv 2410.07170",
  version: 1,
  options,
  budget: {
    counts: ({ rho }, facts) =>
      countsOfFound(
        facts,
        facts.modules.map(({ inSize, outSize }, i) => ({
          least: 0,
          most: Math.min(inSize, outSize, Math.round(rho * facts.plan.initial[i]!)),
        })),
      ),
  },
  check: ({ examples }, { trainExamples }) => {
    if (trainExamples >= examples) return;
    throw new RangeError(
      `Cannot decompose what enters the modules: found ${trainExamples} training examples, the option "examples" wants ` +
        `${examples}; set it to at most ${trainExamples}, or raise train.trainLimit`,
    );
  },
  bind: (chosen) => ({
    adapter: {
      ...loraForm(chosen),
      start: ({ module, rank, directions }) => {
        if (directions === null || directions.length < rank) {
          throw new RangeError(
            `Cannot start EVA in "${module.name}": found ${
              directions?.length ?? "no"
            } directions of its inputs, want ${rank}; ` +
              `they are measured before a run, and given with its request as "directions"`,
          );
        }
        return { A: directions.slice(0, rank) };
      },
    },
    estimate: {
      of: "inputs",
      examples: chosen.examples,
      componentsOf: (rank) => Math.round(chosen.rho * rank),
      tau: chosen.tau,
      ranksOf: ranksByVariance,
      directionsOf: (found) => directionsOf(found, chosen.whiten),
    },
  }),
});
