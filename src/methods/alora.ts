/**
 * ALoRA: ranks are scored by leaving them out and by keeping them alone; the worst go, and modules that lost none get as many.
 *
 * Liu et al., arXiv 2403.16187, sections 3 and 4: z = x A G B with gates G fixed at 1 (a rank that lives) or 0 (one that was
 * pruned). A gate that is 0 for good is a rank that is gone, so the adapter is LoRA's and ranks move. Which move is decided in
 * `alora_policy.ts`; the scores, from one batch of examples that is held out of training, are made in
 * `train/policy_view.ts`.
 *
 * The paper's text draws both factors of a new rank at random, which changes what the network computes at once; by default B
 * starts at zero as LoRA's does, and `newSlots: "upstream"` follows the text. Not verified, since no code was found: how large the
 * random B is, and the scale, which is α over the average initial rank throughout here.
 *
 * @module
 */
import * as z from "zod";
import { cappedCounts, countsOfMoves } from "../study/budget/range.ts";
import { isCapped } from "../study/budget/budget.ts";
import { type Growth } from "./adapter.ts";
import { aloraPolicy, checkAloraSchedule, roundSteps } from "./alora_policy.ts";
import { loraParts, loraPrepare } from "./lora.ts";
import { defineMethod } from "./method.ts";
import { checkRoomToGrow } from "./rank_policy.ts";
import { rateOptions, scaleBy, scalingOptions, withBRate } from "./shared_options.ts";

const options = z.strictObject({
  alpha: z.number().positive().default(16).describe(
    "Numerator of the scale alpha/r, r the initial rank",
  ),
  ...scalingOptions,
  ...rateOptions,
  K1: z.number().positive().default(1).describe("Epochs before the first round"),
  K2: z.number().positive().default(0.25).describe("Epochs between rounds"),
  N_A: z.int().nonnegative().default(8).describe("Rounds at most"),
  n_A: z.int().positive().nullable().default(null).describe(
    "Ranks dropped in a round; null for the number of adapted modules",
  ),
  examples: z.int().positive().default(32).describe(
    "Training examples that ranks are scored on; they are not trained on",
  ),
  newSlots: z.enum(["zero-B", "upstream"]).default("zero-B").describe(
    "zero-B starts new ranks without effect; upstream draws both factors, as the paper's text says",
  ),
});

/** New rows of A are drawn as at the start, those of B are zero as there, or random. */
function growthOf(
  newSlots: z.output<typeof options>["newSlots"],
): Readonly<Record<string, Growth>> {
  // AdaLoRA's deviation; the paper states none.
  return newSlots === "upstream" ? { B: () => ({ type: "normal", deviation: 0.02 }) } : {};
}

/** ALoRA. */
export const alora = defineMethod({
  name: "alora",
  title: "ALoRA",
  source: "arXiv 2403.16187",
  version: 1,
  options,
  budget: {
    keepsCap: () => true,
    meanFactor: () => 1,
    counts: (chosen, facts) => {
      const { modules, plan: { initial }, budget } = facts;
      if (isCapped(budget)) {
        return cappedCounts(facts, budget.value, 0);
      }
      const total = initial.reduce((sum, rank) => sum + rank, 0);
      const adapted = initial.filter((rank) => rank > 0).length;
      const moved = roundSteps(chosen, facts).length * (chosen.n_A ?? adapted);
      return countsOfMoves(facts, {
        modules: modules.map(({ inSize, outSize }, i) => {
          const rank = initial[i]!;
          const most = rank === 0 ? 0 : Math.min(inSize, outSize, rank + moved);
          return { least: 0, most };
        }),
        // What no module has room for is lost.
        total: { least: Math.max(0, total - moved), most: total },
        moved,
      });
    },
  },
  check: (chosen, { trainExamples, modules, plan, ...run }) => {
    if (chosen.N_A === 0) return;
    const total = plan === null ? null : plan.initial.reduce((sum, rank) => sum + rank, 0);
    const adapted = plan === null ? modules : modules.filter((_, i) => plan.initial[i]! > 0);
    checkAloraSchedule(chosen, run, adapted.length, total);
    if (chosen.examples >= trainExamples) {
      throw new RangeError(
        `Cannot hold out ${chosen.examples} examples to score ALoRA's ranks on: the run trains on ${trainExamples}, ` +
          `more are wanted; lower "examples"`,
      );
    }
    if (plan !== null) checkRoomToGrow("ALoRA", modules, plan.initial, null);
  },
  bind: (chosen) => ({
    adapter: {
      parts: withBRate(loraParts, chosen.bRate),
      prepare: loraPrepare,
      scale: scaleBy(chosen),
      // Rounds are few: doubling the room of the modules that outgrow it costs less than empty rows in each step.
      policy: chosen.N_A === 0 ? null : {
        rule: aloraPolicy(chosen),
        kind: "move",
        scores: { type: "removal", examples: chosen.examples },
        growth: growthOf(chosen.newSlots),
      },
    },
  }),
});
