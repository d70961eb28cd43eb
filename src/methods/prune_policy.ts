/**
 * Pruning policies: ranks leave for good, on AdaLoRA's cubic schedule while a run trains, or at once when it has trained.
 *
 * The schedule is that of AdaLoRA (arXiv 2303.10512, section 3.3) and its authors' code; there entries of E are masked and may come
 * back (`adalora_policy.ts`), here ranks are gone, so that any form can be pruned. Pruning after training follows PARA
 * (arXiv 2604.27796, of which only the abstract was read): across modules, by the singular values of what was trained.
 *
 * @module
 */
import { factoredUpdate } from "./factored_update.ts";
import { capOf, type CostCap, lostWithin } from "./keep_within.ts";
import type { RowEdit } from "./rank_actions.ts";
import {
  checkContext,
  type PolicyContext,
  type RankedSlot,
  type RankPolicy,
  rankSlots,
  resolveSteps,
  type ScoredPolicy,
  toRefs,
} from "./rank_policy.ts";

/** Options of {@linkcode prunePolicy}. */
export interface PruneOptions {
  /** Steps at the full budget at the start: a share of all steps when below 1, else steps. */
  readonly initWarmup: number;
  /** Steps at the final budget at the end: a share of all steps when below 1, else steps. */
  readonly finalWarmup: number;
  /** Steps between prunings: a share of all steps when below 1, else steps. */
  readonly interval: number;
}

/** State of both policies. */
interface PruneState {
  readonly modules: readonly string[];
  /** Present rank of each module. */
  readonly ranks: readonly number[];
  readonly initialTotal: number;
  readonly finalTotal: number;
  readonly totalSteps: number;
  readonly cap: CostCap | null;
  /** Ranks dropped so far. */
  readonly dropped: number;
}

/** The steps that prunings follow, the last one included, counted from 0. */
export function pruneSteps(options: PruneOptions, totalSteps: number): readonly number[] {
  const start = resolveSteps(options.initWarmup, totalSteps, "initWarmup");
  const end = totalSteps - 1 - resolveSteps(options.finalWarmup, totalSteps, "finalWarmup");
  const interval = Math.max(1, resolveSteps(options.interval, totalSteps, "interval"));
  const steps: number[] = [];
  for (let step = start + interval; step < end; step += interval) steps.push(step);
  return end > start ? [...steps, end] : steps;
}

/**
 * Checks that a pruning fits between the warm-ups.
 *
 * @throws {RangeError} Naming the options.
 */
export function checkPruneSchedule(options: PruneOptions, totalSteps: number): void {
  if (pruneSteps(options, totalSteps).length > 0) return;
  throw new RangeError(
    `Cannot prune in ${totalSteps} steps: found an "initWarmup" of ${options.initWarmup} and a "finalWarmup" of ` +
      `${options.finalWarmup}, want at least one step between them; lower one of them or train for more steps`,
  );
}

function startOf(context: PolicyContext): PruneState {
  checkContext(context);
  const initialTotal = context.ranks.reduce((sum, rank) => sum + rank, 0);
  return {
    modules: context.modules.map(({ name }) => name),
    ranks: [...context.ranks],
    initialTotal,
    finalTotal: context.finalTotal,
    totalSteps: context.totalSteps,
    cap: capOf(context),
    dropped: 0,
  };
}

/** Ranks that may be left after the pruning at an index of so many, in AdaLoRA's cubic fall. */
export function leftAfter(
  { initialTotal, finalTotal }: Pick<PruneState, "initialTotal" | "finalTotal">,
  index: number,
  count: number,
): number {
  const rest = 1 - (index + 1) / count;
  return Math.round(finalTotal + (initialTotal - finalTotal) * rest ** 3);
}

/** Ranks that are there, averaged over the steps of a run, as a multiple of the final ones. */
export function meanLeft(options: PruneOptions, initialFactor: number, totalSteps: number): number {
  const steps = pruneSteps(options, totalSteps);
  // Large totals, so that rounding does not count.
  const finalTotal = 1e9;
  const totals = { initialTotal: initialFactor * finalTotal, finalTotal };
  let now = totals.initialTotal, sum = 0;
  for (let step = 0; step < totalSteps; step++) {
    sum += now;
    const index = steps.indexOf(step);
    if (index >= 0) now = leftAfter(totals, index, steps.length);
  }
  return sum / (totalSteps * finalTotal);
}

function without(state: PruneState, lost: readonly RankedSlot[]): PruneState {
  const ranks = [...state.ranks];
  for (const { moduleIndex } of lost) ranks[moduleIndex]! -= 1;
  return { ...state, ranks, dropped: state.dropped + lost.length };
}

/** Ranks of the lowest scores leave, over all modules jointly, until the final budget is met. */
export function prunePolicy(options: PruneOptions): ScoredPolicy<PruneState> {
  const indexOf = ({ totalSteps }: PruneState, step: number) =>
    pruneSteps(options, totalSteps).indexOf(step);
  return {
    start: (context) => {
      checkPruneSchedule(options, context.totalSteps);
      return startOf(context);
    },
    isDue: (state, step) => indexOf(state, step) >= 0,
    statisticsFrozen: (state, step) => step > pruneSteps(options, state.totalSteps).at(-1)!,
    decide(state, step, scores) {
      const index = indexOf(state, step);
      if (index < 0) {
        throw new RangeError(`Cannot prune after step ${step}: no pruning is due`);
      }
      const slots = rankSlots(scores, state.modules, state.ranks).flat();
      const left = leftAfter(state, index, pruneSteps(options, state.totalSteps).length);
      const lost = lostWithin(slots, left, state.cap, left / state.finalTotal);
      return {
        decision: {
          actions: [{ type: "drop", slots: toRefs(lost) }],
          threshold: lost.length === 0 ? null : Math.max(...lost.map(({ score }) => score)),
        },
        state: without(state, lost),
      };
    },
  };
}

/**
 * Ranks leave once, after the last step: every module's update is factored anew by its singular values, and the smallest go.
 *
 * @param parts The adapter's parts that have a row a rank, A and B among them, and one of single numbers where there is one.
 */
export function pruneAfterTraining(parts: readonly string[]): RankPolicy<PruneState> {
  return {
    start: startOf,
    isDue: ({ totalSteps }, step) => step === totalSteps - 1,
    decide(state, step, _, seen) {
      if (step !== state.totalSteps - 1) {
        throw new RangeError(`Cannot prune after step ${step}: training has not ended`);
      }
      const factored = state.modules.map((module) => {
        const rows = Object.fromEntries(parts.map((part) => [part, seen.rows(module, part)]));
        return factoredUpdate(rows);
      });
      const slots = factored.flatMap(({ values }, moduleIndex) =>
        values.map((score, slot) => ({
          module: state.modules[moduleIndex]!,
          moduleIndex,
          slot,
          score,
        }))
      );
      const lost = lostWithin(slots, state.finalTotal, state.cap);
      const rows = factored.flatMap(({ rows }, moduleIndex) =>
        Object.entries(rows).flatMap(([part, own]) =>
          own.map((values, slot): RowEdit => ({
            module: state.modules[moduleIndex]!,
            slot,
            part,
            values,
            moments: "zero",
          }))
        )
      );
      return {
        decision: {
          actions: [{ type: "write", rows }, { type: "drop", slots: toRefs(lost) }],
          threshold: lost.length === 0 ? null : Math.max(...lost.map(({ score }) => score)),
          scores: state.modules.map((module, i) => ({ module, scores: [...factored[i]!.values] })),
        },
        state: without(state, lost),
      };
    },
  };
}
