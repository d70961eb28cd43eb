/**
 * ElaLoRA: a fixed total rank, of which single ranks move from modules where they matter least to modules whose weakest
 * ranks still matter.
 *
 * Chang et al., arXiv 2504.00254, and the authors' `loralib/loralib/elalora.py`. The adapter and its regulariser are AdaLoRA's
 * (`svd_form.ts`); which ranks move is decided in `elalora_policy.ts`; new rows come from `directions.ts`. Where the code departs
 * from what it means to do, the sound behaviour is the default here and `upstream` the option.
 *
 * @module
 */
import * as z from "zod";
import { countsOfMoves } from "../study/rank_range.ts";
import { eraseState } from "./adapter.ts";
import { checkElaloraSchedule, elaloraPolicy, mostMoved } from "./elalora_policy.ts";
import { defineMethod } from "./method.ts";
import { checkRoomToGrow } from "./rank_policy.ts";
import { svdAdapter, svdOptions } from "./svd_form.ts";

const steps = z.number().nonnegative();

const options = z.strictObject({
  ...svdOptions,
  initWarmup: steps.default(0.1).describe(
    "Steps before the first move: a share below 1, else steps",
  ),
  finalWarmup: steps.default(0.3).describe(
    "Steps after the last move: a share below 1, else steps",
  ),
  maskInterval: z.int().positive().default(10).describe("Steps between moves"),
  b: z.int().nonnegative().default(4).describe("Ranks moved at first, over all modules"),
  k: z.int().positive().default(2).describe("Weakest ranks that a module offers at most"),
  decay: z.enum(["cubic", "none"]).default("cubic").describe(
    "How b falls over the adjustment phase",
  ),
  ties: z.enum(["exact", "upstream"]).default("exact").describe(
    "exact moves as many as are due; upstream drops all at or below the threshold, so the budget may drift",
  ),
  directions: z.enum(["orthonormal", "upstream"]).default("orthonormal").describe(
    "orthonormal makes new rows orthogonal to the old; upstream projects as if the old rows were orthonormal",
  ),
  optimizer: z.enum(["resize", "upstream-reset"]).default("resize").describe(
    "resize keeps the moments of surviving ranks; upstream-reset forgets all moments and pins the learning rate at its peak",
  ),
  poolOverlap: z.enum(["cut", "upstream"]).default("cut").describe(
    "cut moves at most half the pool; upstream lets a rank be both dropped and a reason to grow",
  ),
  maxRank: z.int().positive().nullable().default(null).describe(
    "Highest rank of a module, or null",
  ),
});

function policyOptions(chosen: z.output<typeof options>) {
  return {
    movedRanks: chosen.b,
    perModule: chosen.k,
    initWarmup: chosen.initWarmup,
    finalWarmup: chosen.finalWarmup,
    interval: chosen.maskInterval,
    decay: chosen.decay,
    ties: chosen.ties,
    poolOverlap: chosen.poolOverlap === "cut" ? "cut" : "allow",
    maxRank: chosen.maxRank,
    resetOptimizer: chosen.optimizer === "upstream-reset",
  } as const;
}

/** ElaLoRA. */
export const elalora = defineMethod({
  name: "elalora",
  title: "ElaLoRA",
  source: "arXiv 2504.00254",
  version: 2,
  options,
  budget: {
    counts: (chosen, facts) => {
      const { modules, plan: { initial }, totalSteps } = facts;
      const total = initial.reduce((sum, rank) => sum + rank, 0);
      const moved = mostMoved(policyOptions(chosen), totalSteps);
      const isExact = chosen.ties === "exact";
      return countsOfMoves(facts, {
        // A module's last rank stays; upstream's ties know no bound, and drop more than they grow where scores are equal.
        modules: modules.map(({ inSize, outSize }, i) => {
          const rank = initial[i]!;
          if (rank === 0) return { least: 0, most: 0 };
          const limit = Math.max(rank, Math.min(chosen.maxRank ?? Infinity, inSize, outSize));
          return { least: 1, most: isExact ? Math.min(limit, rank + moved) : rank + moved };
        }),
        total: { least: isExact ? total : 0, most: total },
        moved: isExact ? moved : Infinity,
      });
    },
  },
  check: (chosen, { totalSteps, modules, plan }) => {
    checkElaloraSchedule(policyOptions(chosen), totalSteps);
    // The authors' code knows no bound.
    if (chosen.b === 0 || chosen.ties === "upstream" || plan === null) return;
    checkRoomToGrow("ElaLoRA", modules, plan.initial, chosen.maxRank);
  },
  bind: (chosen) => ({
    adapter: {
      ...svdAdapter(chosen),
      policy: {
        rule: eraseState(elaloraPolicy(policyOptions(chosen))),
        kind: "move",
        scores: { type: "importance", beta1: chosen.beta1, beta2: chosen.beta2 },
        growth: { A: chosen.directions, E: "scale", B: chosen.directions },
        capacity: (rank) => rank + Math.max(2 * chosen.k, Math.ceil(rank / 2)),
      },
    },
  }),
});
