/**
 * AdaLoRA: start above the budget and set the least important singular values to zero, over all modules jointly.
 *
 * Zhang et al., arXiv 2303.10512. The adapter and its regulariser are in `svd_form.ts`, the choice of ranks in
 * `adalora_policy.ts`. Importance (equations 8 to 11) is averaged in the training graph.
 *
 * @module
 */
import * as z from "zod";
import { countsOfMasks } from "../study/budget/range.ts";
import { adaloraPolicy, checkAdaloraSchedule, meanMasked } from "./adalora_policy.ts";
import { defineMethod } from "./method.ts";
import { svdAdapter, svdOptions } from "./svd_form.ts";

const steps = z.number().nonnegative();

const options = z.strictObject({
  ...svdOptions,
  initialFactor: z.number().min(1).default(1.5).describe("Initial over final rank (b0/bT)"),
  initWarmup: steps.default(0.1).describe(
    "Steps at the initial budget (t_i): a share below 1, else steps",
  ),
  finalWarmup: steps.default(0.3).describe(
    "Steps at the final budget (t_f): a share below 1, else steps",
  ),
  maskInterval: z.int().positive().default(10).describe("Steps between masks (delta T)"),
  ties: z.enum(["exact", "upstream"]).default("exact").describe(
    "exact masks as many as are due; upstream masks all at or below the threshold",
  ),
  // No default: a resolved option would change the ids of all runs that were made before it existed.
  lastMask: z.enum(["interval", "forced"]).optional().describe(
    "forced masks after step T - t_f whatever the interval, as peft; interval (if left out) as the authors' code",
  ),
});

function policyOptions(
  { initWarmup, finalWarmup, maskInterval, ties, lastMask }: z.output<typeof options>,
) {
  return { initWarmup, finalWarmup, interval: maskInterval, ties, lastMask };
}

/** AdaLoRA. */
export const adalora = defineMethod({
  name: "adalora",
  title: "AdaLoRA",
  source: "arXiv 2303.10512",
  version: 2,
  options,
  budget: {
    initialFactor: ({ initialFactor }) => initialFactor,
    // Equal scores mask more than are due in the authors' code.
    keepsCap: ({ ties }) => ties === "exact",
    meanFactor: (chosen, totalSteps) =>
      meanMasked(policyOptions(chosen), chosen.initialFactor, totalSteps),
    counts: ({ ties }, facts) => {
      const { initial, finalTotal } = facts.plan;
      const all = initial.reduce((sum, rank) => sum + rank, 0);
      // The best evaluation may come before the last mask; equal scores may mask more than are due.
      return countsOfMasks(facts, {
        least: ties === "upstream" ? 0 : finalTotal,
        most: facts.keep === "best" ? all : finalTotal,
      });
    },
  },
  check: (chosen, { totalSteps }) => checkAdaloraSchedule(policyOptions(chosen), totalSteps),
  bind: (chosen) => ({
    adapter: {
      ...svdAdapter(chosen),
      policy: {
        rule: adaloraPolicy(policyOptions(chosen)),
        kind: "mask",
        scores: { type: "importance", beta1: chosen.beta1, beta2: chosen.beta2 },
      },
    },
  }),
});
