/**
 * The rank policy of DoRA with dynamic rank: components are set to zero over all modules jointly, on a cubic schedule, by the share that
 * each has in the norm of its module's update.
 *
 * Mao et al., arXiv 2405.17357, and the authors' `Src/Finetune_And_Benchmark/Finetune_Utils.py` (`prune_lora_scaler`). Scores are averaged in
 * the training graph (`dora_dynamic.ts`); they stand in the part `S`.
 *
 * @module
 */
import { capOf, type CostCap, lostWithin } from "./keep_within.ts";
import {
  checkContext,
  compareSlots,
  type RankPolicy,
  rankSlots,
  resolveSteps,
  toRefs,
} from "./rank_policy.ts";

/** Options of {@linkcode dynamicRankPolicy}. */
export interface DynamicRankOptions {
  /** Steps at the full rank at the start: a share of all steps when below 1, else steps. */
  readonly initWarmup: number;
  /** Steps at the final rank at the end: a share of all steps when below 1, else steps. */
  readonly finalWarmup: number;
  /** Steps between masks: a share of all steps when below 1, else steps. */
  readonly interval: number;
  /**
   * `exact` masks as many as are due by (score, module, slot), and none while none is due; `upstream` masks all at or below the
   * threshold, and one at least.
   */
  readonly ties: "exact" | "upstream";
}

/** State of {@linkcode dynamicRankPolicy}. */
interface DynamicRankState {
  readonly modules: readonly string[];
  /** Slots of each module, masked ones included; never changes. */
  readonly ranks: readonly number[];
  readonly initialTotal: number;
  readonly finalTotal: number;
  readonly totalSteps: number;
  readonly cap: CostCap | null;
}

/** Steps done before masking starts, and how many it takes. */
export function maskingPhase(
  { initWarmup, finalWarmup }: Pick<DynamicRankOptions, "initWarmup" | "finalWarmup">,
  totalSteps: number,
): { readonly start: number; readonly length: number } {
  const start = resolveSteps(initWarmup, totalSteps, "initWarmup");
  const end = totalSteps - resolveSteps(finalWarmup, totalSteps, "finalWarmup");
  return { start, length: end - start };
}

/** The place in the phase of a step that is counted from 0, when it is done: from 0 at its start to its length. */
function placeOf(options: DynamicRankOptions, totalSteps: number, step: number): number | null {
  const { start, length } = maskingPhase(options, totalSteps);
  const place = step + 1 - start;
  const interval = Math.max(1, resolveSteps(options.interval, totalSteps, "interval"));
  const least = options.ties === "upstream" ? 0 : 1;
  if (place < least || place > length) return null;
  return place % interval === 0 || place === length ? place : null;
}

/**
 * Checks that there is a step between the warm-ups.
 *
 * @throws {RangeError} Naming the options.
 */
export function checkDynamicRanks(options: DynamicRankOptions, totalSteps: number): void {
  if (maskingPhase(options, totalSteps).length > 0) return;
  throw new RangeError(
    `Cannot mask ranks in ${totalSteps} steps: found an "initWarmup" of ${options.initWarmup} and a "finalWarmup" of ` +
      `${options.finalWarmup}, want at least one step between them; lower one of them or train for more steps`,
  );
}

/** Ranks that are masked at a place of the phase: ⌊(N₀ − N)·(t/T)³⌋. */
export function maskedAt(
  { initialTotal, finalTotal }: Pick<DynamicRankState, "initialTotal" | "finalTotal">,
  place: number,
  length: number,
): number {
  return Math.floor((initialTotal - finalTotal) * (place / length) ** 3);
}

/** Ranks that are not masked, averaged over the steps of a run, as a multiple of the final ones. */
export function meanUnmasked(
  options: DynamicRankOptions,
  initialFactor: number,
  totalSteps: number,
): number {
  const { length } = maskingPhase(options, totalSteps);
  // Large totals, so that rounding down does not count.
  const finalTotal = 1e9;
  const initialTotal = initialFactor * finalTotal;
  let now = initialTotal, sum = 0;
  for (let step = 0; step < totalSteps; step++) {
    sum += now;
    const place = placeOf(options, totalSteps, step);
    if (place !== null) now = initialTotal - maskedAt({ initialTotal, finalTotal }, place, length);
  }
  return sum / (totalSteps * finalTotal);
}

/** The policy. */
export function dynamicRankPolicy(options: DynamicRankOptions): RankPolicy<DynamicRankState> {
  return {
    start: (context) => {
      checkContext(context);
      checkDynamicRanks(options, context.totalSteps);
      return {
        modules: context.modules.map(({ name }) => name),
        ranks: [...context.ranks],
        initialTotal: context.ranks.reduce((sum, rank) => sum + rank, 0),
        finalTotal: context.finalTotal,
        totalSteps: context.totalSteps,
        cap: capOf(context),
      };
    },
    isDue: ({ totalSteps }, step) => placeOf(options, totalSteps, step) !== null,
    decide: (state, step, _, seen) => {
      const { length } = maskingPhase(options, state.totalSteps);
      const place = placeOf(options, state.totalSteps, step);
      if (place === null) {
        throw new RangeError(`Cannot mask ranks after step ${step}: no event is due`);
      }
      const scores = state.modules.map((module) => ({
        module,
        scores: seen.rows(module, "S").map(([score]) => score!),
      }));
      const slots = rankSlots(scores, state.modules, state.ranks).flat().sort(compareSlots);
      const due = maskedAt(state, place, length);
      const left = slots.length - (options.ties === "upstream" ? Math.max(1, due) : due);
      const lost = lostWithin(slots, left, state.cap, left / state.finalTotal);
      const last = lost.at(-1);
      const off = options.ties === "upstream" && last !== undefined
        ? slots.filter(({ score }) => score <= last.score)
        : lost;
      return {
        decision: {
          actions: [{ type: "mask", slots: toRefs(off), isPermanent: place === length }],
          threshold: last?.score ?? null,
          scores,
        },
        state,
      };
    },
  };
}
