/**
 * Pruning policies: ranks leave for good, on AdaLoRA's cubic schedule while a run trains, or at once when it has trained.
 *
 * The schedule is that of AdaLoRA (arXiv 2303.10512, section 3.3) and its authors' code; there entries of E are masked and may come
 * back (`adalora.ts`), here ranks are gone, so that any form can be pruned. Pruning after training follows PARA
 * (arXiv 2604.27796, of which only the abstract was read): across modules, by the singular values of what was trained.
 *
 * @module
 */
import { type Allocation, fallingCounts, type Form } from "./allocation.ts";
import { factoredUpdate } from "./update_spectrum.ts";
import {
  lostWithin,
  type RankedSlot,
  ranksAfter,
  rankSlots,
  type RankState,
  rankState,
  toRefs,
} from "./ranked_slots.ts";
import { intervalOf, meanRanks, phaseOf, type PhaseOptions, type Totals } from "./schedule.ts";
import type { RowEdit } from "./rank_actions.ts";
import type { RankPolicy, ScoredPolicy } from "./rank_policy.ts";
import { scored, type ScoreOptions } from "./slot_scores.ts";

/** The steps that prunings follow, the last one included, counted from 0. */
export function pruneSteps(options: PhaseOptions, totalSteps: number): readonly number[] {
  const { start, end: done } = phaseOf(options, totalSteps);
  const end = done - 1;
  const interval = intervalOf(options.interval, totalSteps);
  const steps: number[] = [];
  for (let step = start + interval; step < end; step += interval) steps.push(step);
  return end > start ? [...steps, end] : steps;
}

/**
 * Checks that a pruning fits between the warm-ups.
 *
 * @throws {RangeError} Naming the options.
 */
export function checkPruneSchedule(options: PhaseOptions, totalSteps: number): void {
  if (pruneSteps(options, totalSteps).length > 0) return;
  throw new RangeError(
    `Cannot prune in ${totalSteps} steps: found an "initWarmup" of ${options.initWarmup} and a "finalWarmup" of ` +
      `${options.finalWarmup}, want at least one step between them; lower one of them or train for more steps`,
  );
}

/** Ranks that may be left after the pruning at an index of so many, in AdaLoRA's cubic fall. */
export function leftAfter(
  { initialTotal, finalTotal }: Totals,
  index: number,
  count: number,
): number {
  const rest = 1 - (index + 1) / count;
  return Math.round(finalTotal + (initialTotal - finalTotal) * rest ** 3);
}

/** Ranks that are there, averaged over the steps of a run, as a multiple of the final ones. */
export function meanLeft(
  options: PhaseOptions,
  initialFactor: number,
  totalSteps: number,
): number {
  const steps = pruneSteps(options, totalSteps);
  return meanRanks(initialFactor, totalSteps, (step, totals) => {
    const index = steps.indexOf(step);
    return index < 0 ? null : leftAfter(totals, index, steps.length);
  });
}

function without(state: RankState, lost: readonly RankedSlot[]): RankState {
  return { ...state, ranks: ranksAfter(state.ranks, lost) };
}

function highestOf(lost: readonly RankedSlot[]): number | null {
  return lost.length === 0 ? null : Math.max(...lost.map(({ score }) => score));
}

/** Ranks of the lowest scores leave, over all modules jointly, until the final budget is met. */
export function prunePolicy(options: PhaseOptions): ScoredPolicy<RankState> {
  const stepsOf = ({ totalSteps }: RankState) => pruneSteps(options, totalSteps);
  return {
    start: (context) => {
      checkPruneSchedule(options, context.totalSteps);
      return rankState(context);
    },
    isDue: (state, step) => stepsOf(state).includes(step),
    statisticsFrozen: (state, step) => step > stepsOf(state).at(-1)!,
    decide(state, step, scores) {
      const steps = stepsOf(state);
      const index = steps.indexOf(step);
      const slots = rankSlots(scores, state.modules, state.ranks).flat();
      const left = leftAfter(state, index, steps.length);
      const lost = lostWithin(slots, left, state.cap, left / state.finalTotal);
      return {
        decision: {
          actions: [{ type: "drop", slots: toRefs(lost) }],
          threshold: highestOf(lost),
        },
        state: without(state, lost),
      };
    },
  };
}

/** Pruning while a run trains, by any score. */
export function prunes(
  options: PhaseOptions & ScoreOptions & { readonly initialFactor: number },
  form: Form,
): Allocation {
  const { initialFactor } = options;
  return {
    policy: { ...scored(options, prunePolicy(options), form), kind: "move" },
    initialFactor,
    keepsCap: true,
    meanFactor: (totalSteps) => meanLeft(options, initialFactor, totalSteps),
    counts: fallingCounts,
    check: ({ totalSteps }) => checkPruneSchedule(options, totalSteps),
  };
}

/**
 * Ranks leave once, after the last step: every module's update is factored anew by its singular values, and the smallest go.
 *
 * @param parts The adapter's parts that have a row a rank, A and B among them, and one of single numbers where there is one.
 */
function pruneAfterTraining(parts: readonly string[]): RankPolicy<RankState> {
  return {
    start: rankState,
    isDue: ({ totalSteps }, step) => step === totalSteps - 1,
    decide(state, _step, _scores, seen) {
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
          threshold: highestOf(lost),
          scores: state.modules.map((module, i) => ({ module, scores: [...factored[i]!.values] })),
        },
        state: without(state, lost),
      };
    },
  };
}

/** Pruning once a run has trained. */
export function prunesAfter(
  { initialFactor }: { readonly initialFactor: number },
  { parts }: Form,
): Allocation {
  return {
    policy: { rule: pruneAfterTraining(parts.map(({ name }) => name)), kind: "move" },
    initialFactor,
    keepsCap: true,
    meanFactor: () => initialFactor,
    counts: fallingCounts,
  };
}
