/**
 * GeLoRA: ranks before training, from how the intrinsic dimension of the hidden states rises from layer to layer.
 *
 * arXiv 2412.09250, Theorem 3.2 and Corollary 3.2.1: a layer that has to raise the dimension from d_i to d_{i+1} must move at least
 * so many parameters, hence r_i = max(d_{i+1} − d_i, 0) + 1. All modules of a layer share its rank, and α_i / r_i is the
 * same everywhere. Dimensions are TwoNN's (`twonn.ts`); training is LoRA's (`lora.ts`).
 *
 * Read in a review of the paper and in its abstract; not verified against the authors' code: the number of texts, how their states
 * are pooled, and how the difference is rounded.
 *
 * @module
 */
import * as z from "zod";
import type { ModuleShape } from "../study/types.ts";
import { countsOfFound } from "../study/budget/range.ts";
import { loraParts, loraPrepare } from "./lora_form.ts";
import { defineMethod } from "./method.ts";
import type { LayerDimensions, StateEstimate } from "./rank_estimate.ts";
import { rateOptions, withBRate } from "./options.ts";
import { twonn } from "./twonn.ts";

const options = z.strictObject({
  alphaOverRank: z.number().positive().default(32).describe(
    "alpha_i / r_i of every layer; the paper's 32 wants a lower learning rate than LoRA's usual 2",
  ),
  ranks: z.enum(["budget", "paper"]).default("budget").describe(
    "budget spreads the run's budget in proportion to the rule's ranks; paper takes those as they are",
  ),
  examples: z.int().min(100).default(1000).describe(
    "Training texts whose states are measured (not verified)",
  ),
  pooling: z.enum(["mean", "first"]).default("mean").describe(
    "How the states of a text's tokens become one vector (not verified)",
  ),
  estimator: z.enum(["regression", "likelihood"]).default("regression").describe(
    "How TwoNN fits the dimension",
  ),
  discard: z.number().gt(0).lt(1).default(0.1).describe(
    "Share of the largest ratios that TwoNN's regression leaves out",
  ),
  ...rateOptions,
});

/**
 * The rule: r_i = max(round(d_{i+1} − d_i), 0) + 1, halves rounded up.
 *
 * @param dimensions d_1 to d_{L+1}: before each layer, and after the last.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { ranksOfDimensions } from "./gelora.ts";
 * assertEquals(ranksOfDimensions([10.2, 12.7, 12.1, 15.0]), [4, 1, 4]);
 * ```
 */
export function ranksOfDimensions(dimensions: LayerDimensions): readonly number[] {
  return dimensions.slice(1).map((after, i) => {
    // Rounding noise must not turn a half down: 12.7 − 10.2 is 2.4999999999999996.
    const rise = Number((after - dimensions[i]!).toFixed(9));
    return Math.max(Math.floor(rise + 0.5), 0) + 1;
  });
}

/** How dimensions are measured, as options. */
type DimensionOptions = Pick<
  z.output<typeof options>,
  "examples" | "pooling" | "estimator" | "discard"
>;

/** Ranks by how the intrinsic dimension rises, spread over what the budget pays for. */
export function dimensionEstimate(
  { examples, pooling, estimator, discard }: DimensionOptions,
): StateEstimate {
  return {
    examples,
    pooling,
    dimensionOf: (states) => twonn(states, { estimator, discard }),
    ranksOf: (dimensions, modules, spread) => {
      const byLayer = ranksOfDimensions(dimensions);
      return spread(modules.map(({ layer }) => byLayer[layer]!));
    },
  };
}

/** GeLoRA. */
export const gelora = defineMethod({
  name: "gelora",
  title: "GeLoRA",
  source: "arXiv 2412.09250",
  version: 1,
  options,
  budget: {
    counts: ({ ranks }, facts) =>
      ranks === "paper" ? { initial: null, peak: null, final: null } : countsOfFound(
        facts,
        facts.modules.map(({ inSize, outSize }) => ({ least: 1, most: Math.min(inSize, outSize) })),
      ),
  },
  check: ({ examples }, { trainExamples }) => {
    if (trainExamples >= examples) return;
    throw new RangeError(
      `Cannot estimate dimensions: found ${trainExamples} training examples, the option "examples" wants ${examples}; ` +
        `set it to at most ${trainExamples} (TwoNN is noisy below 1000, and 100 is the least), or raise train.trainLimit`,
    );
  },
  bind: ({ alphaOverRank, ranks, examples, pooling, estimator, discard, bRate }) => ({
    adapter: {
      parts: withBRate(loraParts, bRate),
      prepare: loraPrepare,
      scale: () => alphaOverRank,
    },
    estimate: {
      ...dimensionEstimate({ examples, pooling, estimator, discard }),
      ...(ranks === "paper"
        ? {
          ranksOf: (dimensions: readonly number[], modules: readonly ModuleShape[]) => {
            const byLayer = ranksOfDimensions(dimensions);
            return modules.map(({ layer }) => byLayer[layer]!);
          },
        }
        : {}),
    },
  }),
});
