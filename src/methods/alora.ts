/**
 * ALoRA: ranks are scored by leaving them out and by keeping them alone; the worst go, and modules that lost none get as many.
 *
 * Liu et al., arXiv 2403.16187, sections 3 and 4: z = x A G B with gates G fixed at 1 (a rank that lives) or 0 (one that was
 * pruned). A gate that is 0 for good is a rank that is gone, so the adapter is LoRA's and ranks move. The scores, from one batch of examples that is held out of training, are made in
 * `train/policy_view.ts`.
 *
 * The paper's text draws both factors of a new rank at random, which changes what the network computes at once; by default B
 * starts at zero as LoRA's does, and `newSlots: "upstream"` follows the text. Not verified, since no code was found: how large the
 * random B is, and the scale, which is α over the average initial rank throughout here.
 *
 * @module
 */
import * as z from "zod";
import { total } from "../study/budget/costs.ts";
import { countsOfMoves } from "../study/budget/range.ts";
import type { RunFacts } from "../study/types.ts";
import type { Growth } from "./adapter.ts";
import { countsWithin } from "./allocation.ts";
import { loraForm } from "./lora_form.ts";
import { defineMethod } from "./method.ts";
import { updateOptions } from "./options.ts";
import {
  checkRoomToGrow,
  compareSlots,
  growthIn,
  handOut,
  limitsOf,
  ranksAfter,
  rankSlots,
  type RankState,
  rankState,
  spareOf,
  toRefs,
} from "./ranked_slots.ts";
import type { ScoredPolicy } from "./rank_policy.ts";
import { checkHeldOut } from "./slot_scores.ts";

const options = z.strictObject({
  ...updateOptions,
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

/** Options of {@linkcode aloraPolicy}, named as in the paper. */
export type AloraPolicyOptions = Pick<z.output<typeof options>, "K1" | "K2" | "N_A" | "n_A">;

interface AloraState extends RankState {
  readonly limits: readonly number[];
  readonly stepsPerEpoch: number;
}

/** The steps that rounds follow, counted from 0. */
export function roundSteps(
  { K1, K2, N_A }: Pick<AloraPolicyOptions, "K1" | "K2" | "N_A">,
  { totalSteps, stepsPerEpoch }: Pick<RunFacts, "totalSteps" | "stepsPerEpoch">,
): readonly number[] {
  const first = Math.max(1, Math.round(K1 * stepsPerEpoch));
  const interval = Math.max(1, Math.round(K2 * stepsPerEpoch));
  return Array.from({ length: N_A }, (_, round) => first + round * interval - 1)
    // After the last step no training is left for new ranks.
    .filter((step) => step < totalSteps - 1);
}

/**
 * Checks that a round fits and leaves ranks over.
 *
 * @param total Ranks at the start, or null where they are not known.
 * @throws {RangeError} Naming the options.
 */
function checkAloraSchedule(
  options: AloraPolicyOptions,
  run: Pick<RunFacts, "totalSteps" | "stepsPerEpoch">,
  modules: number,
  total: number | null,
): void {
  if (options.N_A === 0) return;
  if (roundSteps(options, run).length === 0) {
    throw new RangeError(
      `Cannot schedule ALoRA in ${run.totalSteps} steps: "K1" of ${options.K1} epochs takes ` +
        `${Math.max(1, Math.round(options.K1 * run.stepsPerEpoch))}, and a step is wanted after ` +
        `the first round; lower it or train for more steps`,
    );
  }
  const moved = options.n_A ?? modules;
  if (total !== null && moved >= total) {
    throw new RangeError(
      `Cannot drop ${moved} ranks a round with ALoRA: it starts with ${total} in ${modules} modules, ` +
        `fewer are wanted; set "n_A" below ${total} or raise the budget`,
    );
  }
}

/** The policy of ALoRA. */
export function aloraPolicy(options: AloraPolicyOptions): ScoredPolicy<AloraState> {
  const isDue = (state: AloraState, step: number) =>
    roundSteps(options, state).includes(step) && state.ranks.some((rank) => rank > 0);
  return {
    start(context) {
      const state = rankState(context);
      checkAloraSchedule(options, context, state.modules.length, state.initialTotal);
      return {
        ...state,
        limits: limitsOf(context),
        stepsPerEpoch: context.stepsPerEpoch,
      };
    },
    isDue,
    decide(state, _step, scores) {
      const slots = rankSlots(scores, state.modules, state.ranks);
      const budget = options.n_A ?? state.modules.length;
      const drop = slots.flat().sort(compareSlots).slice(0, budget);
      const losers = new Set(drop.map(({ moduleIndex }) => moduleIndex));
      const open = slots.flatMap((own, index) => {
        if (losers.has(index)) return [];
        // A module without ranks has no mean and comes last.
        const mean = own.length === 0
          ? -Infinity
          : total(own.map(({ score }) => score)) / own.length;
        return [{ index, mean, room: state.limits[index]! - own.length }];
      });
      const left = ranksAfter(state.ranks, drop);
      const grow = handOut(drop.length, open, spareOf(left, state.cap));
      return {
        decision: {
          actions: [{ type: "drop", slots: toRefs(drop) }, growthIn(state.modules, grow)],
          threshold: drop.at(-1)?.score ?? null,
        },
        state: {
          ...state,
          ranks: ranksAfter(left, [], grow),
        },
      };
    },
  };
}

/** New rows of A are drawn as at the start, those of B are zero as there, or random; AdaLoRA's deviation: the paper states none. */
function growthOf(
  newSlots: z.output<typeof options>["newSlots"],
): Readonly<Record<string, Growth>> {
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
    counts: (chosen, facts) =>
      countsWithin(facts, 0, () => {
        const { initial } = facts.plan;
        const adapted = initial.filter((rank) => rank > 0).length;
        const moved = roundSteps(chosen, facts).length * (chosen.n_A ?? adapted);
        const limits = limitsOf(facts);
        return countsOfMoves(facts, {
          modules: initial.map((rank, i) => ({
            least: 0,
            most: rank === 0 ? 0 : Math.min(limits[i]!, rank + moved),
          })),
          // What no module has room for is lost.
          total: { least: Math.max(0, total(initial) - moved), most: total(initial) },
          moved,
        });
      }),
  },
  check: (chosen, { trainExamples, modules, plan, ...run }) => {
    if (chosen.N_A === 0) return;
    const adapted = plan?.initial.filter((rank) => rank > 0) ?? modules;
    checkAloraSchedule(chosen, run, adapted.length, plan === null ? null : total(plan.initial));
    checkHeldOut(chosen.examples, trainExamples, "ALoRA's ranks");
    if (plan !== null) checkRoomToGrow("ALoRA", modules, plan.initial, null);
  },
  bind: (chosen) => ({
    adapter: {
      ...loraForm(chosen),
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
