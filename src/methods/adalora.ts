/**
 * AdaLoRA: start above the budget and set the least important singular values to zero, over all modules jointly.
 *
 * Zhang et al., arXiv 2303.10512, section 3.3, and its authors' `loralib/loralib/adalora.py`. The adapter and its regulariser are in
 * `svd_form.ts`. Entries of E are set to zero until a shrinking budget is met; they may come back until the last phase fixes the
 * pattern. Importance (equations 8 to 11) is averaged in the training graph. The printed schedule has an extra −t_f in its numerator;
 * the code's formula is used here.
 *
 * @module
 */
import * as z from "zod";
import { type Allocation, compose, fallingCounts, type Form } from "./allocation.ts";
import { stepsOption } from "./options.ts";
import {
  compareSlots,
  maskedWithin,
  rankSlots,
  type RankState,
  rankState,
} from "./ranked_slots.ts";
import { intervalOf, meanRanks, phaseOf, type Totals } from "./schedule.ts";
import type { SlotRef } from "./rank_actions.ts";
import type { ScoredPolicy } from "./rank_policy.ts";
import { scored, type ScoreOptions } from "./slot_scores.ts";
import { svdForm, svdOptions } from "./svd_form.ts";

const options = z.strictObject({
  ...svdOptions,
  initialFactor: z.number().min(1).default(1.5).describe("Initial over final rank (b0/bT)"),
  initWarmup: stepsOption.default(0.1).describe(
    "Steps at the initial budget (t_i): a share below 1, else steps",
  ),
  finalWarmup: stepsOption.default(0.3).describe(
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

/** Options of {@linkcode adaloraPolicy}; the interval may be a share of all steps too. */
export type AdaloraPolicyOptions = Pick<
  z.output<typeof options>,
  "initWarmup" | "finalWarmup" | "maskInterval" | "ties" | "lastMask"
>;

/** State of {@linkcode adaloraPolicy}; its ranks never change. */
interface AdaloraState extends RankState {
  /** The pattern of the last phase, null before it. */
  readonly permanent: readonly SlotRef[] | null;
}

/** Total rank allowed after `step`: b0, then a cubic fall that is truncated to integers, then bT. */
export function budgetAt(
  options: AdaloraPolicyOptions,
  { initialTotal, finalTotal, totalSteps }: Totals & { readonly totalSteps: number },
  step: number,
): number {
  const { start, end } = phaseOf(options, totalSteps);
  if (step <= start) return initialTotal;
  if (step > end) return finalTotal;
  const rest = 1 - (step - start) / (end - start);
  return Math.trunc(finalTotal + (initialTotal - finalTotal) * rest ** 3);
}

/** Whether a mask is applied after `step`. */
function isMasked(options: AdaloraPolicyOptions, totalSteps: number, step: number): boolean {
  const { start, end } = phaseOf(options, totalSteps);
  const interval = intervalOf(options.maskInterval, totalSteps);
  const isForced = step === end && options.lastMask === "forced";
  return (step > start && step <= end && step % interval === 0) || step > end || isForced;
}

/**
 * Checks that a mask falls between the warm-ups and that the last one has the final budget.
 *
 * @param name What the method calls the steps between masks. Default `maskInterval`.
 * @throws RangeError naming the options.
 */
export function checkAdaloraSchedule(
  options: AdaloraPolicyOptions,
  totalSteps: number,
  name = "maskInterval",
): void {
  const { start, end } = phaseOf(options, totalSteps);
  const interval = intervalOf(options.maskInterval, totalSteps, name);
  const first = (Math.floor(start / interval) + 1) * interval;
  const isForced = options.lastMask === "forced";
  if (start >= end || (first > end && !isForced)) {
    throw new RangeError(
      `Cannot schedule AdaLoRA in ${totalSteps} steps: "initWarmup" takes ${start}, "finalWarmup" ` +
        `${totalSteps - end}, and no multiple of the "${name}" of ${interval} lies between ` +
        `them; lower one of the three or train for more steps`,
    );
  }
  const isFinalReached = totalSteps - 1 > end ||
    (end <= totalSteps - 1 && (end % interval === 0 || isForced));
  if (isFinalReached) return;
  throw new RangeError(
    `Cannot schedule AdaLoRA in ${totalSteps} steps: a "finalWarmup" of ${
      totalSteps - end
    } leaves ` +
      `no step at the final budget, at least 2 steps are wanted`,
  );
}

/** The policy of AdaLoRA. */
export function adaloraPolicy(options: AdaloraPolicyOptions): ScoredPolicy<AdaloraState> {
  return {
    start(context) {
      const state = rankState(context);
      checkAdaloraSchedule(options, context.totalSteps);
      const { initialTotal, finalTotal } = state;
      if (!Number.isInteger(finalTotal) || finalTotal < 1 || finalTotal > initialTotal) {
        throw new RangeError(
          `Cannot start AdaLoRA with a final total rank of ${finalTotal}: ` +
            `an integer from 1 to the initial total of ${initialTotal} is wanted`,
        );
      }
      return { ...state, permanent: null };
    },
    isDue: (state, step) => state.permanent === null && isMasked(options, state.totalSteps, step),
    // The first mask of the last phase stays, whatever the schedule says of later steps.
    lastEvent: ({ totalSteps }) =>
      phaseOf(options, totalSteps).end + (options.lastMask === "forced" ? 1 : 2),
    statisticsFrozen: (state, step) => step >= phaseOf(options, state.totalSteps).end,
    decide(state, step, scores) {
      const all = rankSlots(scores, state.modules, state.ranks).flat().sort(compareSlots);
      const { slots, threshold } = maskedWithin(
        all,
        budgetAt(options, state, step),
        state,
        options.ties,
      );
      // Statistics are frozen from here on, so every later mask would be this one.
      const { end } = phaseOf(options, state.totalSteps);
      const isPermanent = step > end || (step === end && options.lastMask === "forced");
      return {
        decision: { actions: [{ type: "mask", slots, isPermanent }], threshold },
        state: { ...state, permanent: isPermanent ? slots : null },
      };
    },
  };
}

/** What a method says of masks. */
interface MaskOptions extends AdaloraPolicyOptions, ScoreOptions {
  readonly initialFactor: number;
  /** What it calls the steps between masks. */
  readonly intervalName: string;
}

/** Masks on AdaLoRA's schedule, by any score. */
export function masks(options: MaskOptions, form: Form): Allocation {
  const { initialFactor, ties, intervalName } = options;
  return {
    policy: { ...scored(options, adaloraPolicy(options), form), kind: "mask" },
    initialFactor,
    // Equal scores mask more than are due in the authors' code.
    keepsCap: ties === "exact",
    meanFactor: (totalSteps) =>
      meanRanks(
        initialFactor,
        totalSteps,
        (step, totals) =>
          isMasked(options, totalSteps, step)
            ? budgetAt(options, { ...totals, totalSteps }, step)
            : null,
      ),
    counts: (facts) => fallingCounts(facts, ties),
    check: ({ totalSteps }) => checkAdaloraSchedule(options, totalSteps, intervalName),
  };
}

/** AdaLoRA. */
export const adalora = compose({
  name: "adalora",
  title: "AdaLoRA",
  source: "arXiv 2303.10512",
  version: 2,
  options,
  form: svdForm,
  allocation: (chosen, form) =>
    masks({ ...chosen, score: "importance", intervalName: "maskInterval" }, form),
});
