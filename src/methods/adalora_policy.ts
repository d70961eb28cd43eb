/**
 * AdaLoRA's rank policy: entries of E are set to zero over all modules jointly until a shrinking
 * budget is met; they may come back until the last phase fixes the pattern.
 *
 * AdaLoRA (arXiv 2303.10512, section 3.3) and its authors' `loralib/loralib/adalora.py`. The
 * printed schedule has an extra −t_f in its numerator; the code's formula is used here.
 *
 * @module
 */
import { capOf, type CostCap, lostWithin } from "./keep_within.ts";
import type { RankDecision, SlotRef } from "./rank_actions.ts";
import {
  checkContext,
  compareSlots,
  rankSlots,
  resolveSteps,
  type ScoredPolicy,
  toRefs,
} from "./rank_policy.ts";

/** Options of {@linkcode adaloraPolicy}. */
export interface AdaloraPolicyOptions {
  /** Steps at the full budget at the start (t_i): a share of all steps when below 1, else steps. */
  readonly initWarmup: number;
  /** Steps at the final budget at the end (t_f): a share of all steps when below 1, else steps. */
  readonly finalWarmup: number;
  /** Masks are applied after steps that are multiples of this (ΔT): a share of all steps when below 1, else steps. */
  readonly interval: number;
  /**
   * `exact` orders slots by (score, module, slot) and masks exactly as many as are due; `upstream`
   * masks every slot at or below the threshold, so equal scores mask more.
   */
  readonly ties: "exact" | "upstream";
  /**
   * What happens after step T − t_f: `interval` masks where the step is a multiple of the interval, as the authors' code;
   * `forced` always masks and fixes the pattern, as peft's `update_and_allocate`. Default `interval`.
   */
  readonly lastMask?: "interval" | "forced" | undefined;
}

/** State of {@linkcode adaloraPolicy}. */
interface AdaloraState {
  readonly modules: readonly string[];
  /** Slots of each module, masked ones included; never changes. */
  readonly ranks: readonly number[];
  readonly initialTotal: number;
  readonly finalTotal: number;
  readonly totalSteps: number;
  readonly cap: CostCap | null;
  /** Masks decided so far. */
  readonly events: number;
  /** The pattern of the last phase, null before it. */
  readonly permanent: readonly SlotRef[] | null;
}

interface Bounds {
  readonly start: number;
  readonly end: number;
}

function bounds(options: AdaloraPolicyOptions, totalSteps: number): Bounds {
  return {
    start: resolveSteps(options.initWarmup, totalSteps, "initWarmup"),
    end: totalSteps - resolveSteps(options.finalWarmup, totalSteps, "finalWarmup"),
  };
}

/** Total rank allowed after `step`: b0, then a cubic fall that is truncated to integers, then bT. */
export function budgetAt(
  options: AdaloraPolicyOptions,
  totals: {
    readonly initialTotal: number;
    readonly finalTotal: number;
    readonly totalSteps: number;
  },
  step: number,
): number {
  const { start, end } = bounds(options, totals.totalSteps);
  if (step <= start) return totals.initialTotal;
  if (step > end) return totals.finalTotal;
  const rest = 1 - (step - start) / (end - start);
  return Math.trunc(
    totals.finalTotal + (totals.initialTotal - totals.finalTotal) * rest ** 3,
  );
}

/** Steps between masks; errors call the option as its method does. */
function intervalOf(
  { interval }: AdaloraPolicyOptions,
  totalSteps: number,
  name = "maskInterval",
): number {
  return Math.max(1, resolveSteps(interval, totalSteps, name));
}

/** Whether a mask is applied after `step`. */
function isMasked(options: AdaloraPolicyOptions, totalSteps: number, step: number): boolean {
  const { start, end } = bounds(options, totalSteps);
  const interval = intervalOf(options, totalSteps);
  const isForced = step === end && options.lastMask === "forced";
  return (step > start && step <= end && step % interval === 0) || step > end || isForced;
}

/** Ranks that are not masked, averaged over the steps of a run, as a multiple of the final ones. */
export function meanMasked(
  options: AdaloraPolicyOptions,
  initialFactor: number,
  totalSteps: number,
): number {
  // Large totals, so that truncation does not count.
  const finalTotal = 1e9;
  const totals = { initialTotal: initialFactor * finalTotal, finalTotal, totalSteps };
  let now = totals.initialTotal, sum = 0;
  for (let step = 0; step < totalSteps; step++) {
    sum += now;
    if (isMasked(options, totalSteps, step)) now = budgetAt(options, totals, step);
  }
  return sum / (totalSteps * finalTotal);
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
  const { start, end } = bounds(options, totalSteps);
  const interval = intervalOf(options, totalSteps, name);
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
  if (!isFinalReached) {
    throw new RangeError(
      `Cannot schedule AdaLoRA in ${totalSteps} steps: a "finalWarmup" of ${
        totalSteps - end
      } leaves ` +
        `no step at the final budget, at least 2 steps are wanted`,
    );
  }
}

/** The policy of AdaLoRA. */
export function adaloraPolicy(options: AdaloraPolicyOptions): ScoredPolicy<AdaloraState> {
  return {
    start(context) {
      checkContext(context);
      checkAdaloraSchedule(options, context.totalSteps);
      const initialTotal = context.ranks.reduce((sum, rank) => sum + rank, 0);
      if (
        !Number.isInteger(context.finalTotal) || context.finalTotal < 1 ||
        context.finalTotal > initialTotal
      ) {
        throw new RangeError(
          `Cannot start AdaLoRA with a final total rank of ${context.finalTotal}: ` +
            `an integer from 1 to the initial total of ${initialTotal} is wanted`,
        );
      }
      return {
        modules: context.modules.map(({ name }) => name),
        ranks: [...context.ranks],
        initialTotal,
        finalTotal: context.finalTotal,
        totalSteps: context.totalSteps,
        cap: capOf(context),
        events: 0,
        permanent: null,
      };
    },
    isDue: (state, step) => state.permanent === null && isMasked(options, state.totalSteps, step),
    // The first mask of the last phase stays, whatever the schedule says of later steps.
    lastEvent: ({ totalSteps }) =>
      bounds(options, totalSteps).end + (options.lastMask === "forced" ? 1 : 2),
    statisticsFrozen: (state, step) => step >= bounds(options, state.totalSteps).end,
    decide(state, step, scores) {
      if (!isMasked(options, state.totalSteps, step) || state.permanent !== null) {
        throw new RangeError(`Cannot mask ranks after step ${step}: no event is due`);
      }
      const slots = rankSlots(scores, state.modules, state.ranks).flat().sort(compareSlots);
      const budget = budgetAt(options, state, step);
      const lost = lostWithin(slots, budget, state.cap, budget / state.finalTotal);
      const last = lost.at(-1);
      const off = toRefs(
        last !== undefined && options.ties === "upstream"
          ? slots.filter(({ score }) => score <= last.score)
          : lost,
      );
      // Statistics are frozen from here on, so every later mask would be this one.
      const { end } = bounds(options, state.totalSteps);
      const permanent = step > end || (step === end && options.lastMask === "forced");
      const decision: RankDecision = {
        actions: [{ type: "mask", slots: off, isPermanent: permanent }],
        threshold: last?.score ?? null,
      };
      return {
        decision,
        state: { ...state, events: state.events + 1, permanent: permanent ? off : null },
      };
    },
  };
}
