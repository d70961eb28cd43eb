/**
 * The policy of ranks that are found before training and stay: by dimension, by variance, by gradients, or drawn as their control.
 *
 * @module
 */
import * as z from "zod";
import type { RandomStream } from "../base/random.ts";
import type { ModuleShape } from "../study/types.ts";
import { closed } from "../study/schema/shapes.ts";
import { ranksByVariance } from "./eva.ts";
import { dimensionEstimate } from "./gelora.ts";
import { gradientEstimate } from "./gradient_ranks.ts";
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

/** Values of {@linkcode beforeOptions}. */
type BeforeOptions = z.output<typeof beforeOptions>;

/** Texts that TwoNN needs at least, as GeLoRA has it. */
const leastPoints = 100;

/**
 * Checks that there are texts enough to measure.
 *
 * @throws {RangeError} If there are not.
 */
export function checkTexts({ by, examples }: BeforeOptions, trainExamples: number): void {
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

/** How the ranks are found. */
export function estimateBy({ by, examples, most }: BeforeOptions): RankEstimate {
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
      return gradientEstimate(examples, most);
    case "random":
      return {
        of: "nothing",
        ranksOf: (modules, purse, stream) => drawnRanks(modules, purse, most, stream),
      };
  }
}

/**
 * Ranks given one by one to modules that are drawn among those with room that can be paid for; each gets one first.
 *
 * @param most Highest rank of a module over the average.
 */
export function drawnRanks(
  modules: readonly ModuleShape[],
  { total, costs, cap }: RankPurse,
  most: number,
  stream: RandomStream,
): readonly number[] {
  const ranks = modules.map(() => 1);
  const limit = Math.max(1, Math.round(most * total / modules.length));
  const costOf = (i: number) => cap === null ? 1 : costs[i]!;
  let left = (cap ?? total) - modules.reduce((sum, _, i) => sum + costOf(i), 0);
  for (;;) {
    const able = modules.flatMap(({ inSize, outSize }, i) =>
      ranks[i]! < Math.min(limit, inSize, outSize) && costOf(i) <= left ? [i] : []
    );
    if (able.length === 0) return ranks;
    const chosen = able[stream.int(able.length)]!;
    ranks[chosen]! += 1;
    left -= costOf(chosen);
  }
}
