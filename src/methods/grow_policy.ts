/**
 * A policy that only adds ranks: a run starts with few, and modules whose ranks matter most get more until the budget is spent.
 *
 * The schedule is the mirror of AdaLoRA's (arXiv 2303.10512, section 3.3): from the initial to the final total, quickly at first. New
 * ranks go round among the modules in the order of their mean score, as ALoRA hands ranks out (arXiv 2403.16187, section 3).
 *
 * @module
 */
import { total } from "../study/budget/costs.ts";
import { exactly } from "../study/budget/range.ts";
import { type Allocation, countsWithin, type Form } from "./allocation.ts";
import {
  growthIn,
  handOut,
  limitsOf,
  ranksAfter,
  rankSlots,
  type RankState,
  rankState,
  spareOf,
} from "./ranked_slots.ts";
import { type PhaseOptions } from "./schedule.ts";
import { checkPruneSchedule, leftAfter, meanLeft, pruneSteps } from "./prune_policy.ts";
import type { SlotScores } from "./rank_actions.ts";
import type { RankPolicy, RowView } from "./rank_policy.ts";
import { scored, type ScoreOptions } from "./slot_scores.ts";

/** Options of {@linkcode growPolicy}. */
export interface GrowOptions extends PhaseOptions {
  /** Modules that get a rank in one round, at most, as a share of all: the best of them. */
  readonly share: number;
}

interface GrowState extends RankState {
  readonly limits: readonly number[];
}

/**
 * The policy that adds ranks.
 *
 * @param isRandom Whether modules are drawn in place of their scores' order.
 */
export function growPolicy(options: GrowOptions, isRandom: boolean): RankPolicy<GrowState> {
  const stepsOf = ({ totalSteps }: GrowState) => pruneSteps(options, totalSteps);
  return {
    start: (context) => ({ ...rankState(context), limits: limitsOf(context) }),
    isDue: (state, step) => stepsOf(state).includes(step),
    statisticsFrozen: (state, step) => step > stepsOf(state).at(-1)!,
    decide(state, step, scores, seen) {
      const steps = stepsOf(state);
      const index = steps.indexOf(step);
      const left = leftAfter(state, index, steps.length);
      const ranked = orderOf(state, scores, isRandom ? seen : null);
      const able = ranked.slice(0, Math.max(1, Math.ceil(options.share * ranked.length)));
      const grow = handOut(
        left - total(state.ranks),
        openOf(state, able),
        spareOf(state.ranks, state.cap, left / state.finalTotal),
      );
      return {
        decision: {
          actions: [growthIn(state.modules, grow)],
          ...(scores.length === 0 ? {} : { scores }),
          moved: grow.length,
        },
        state: { ...state, ranks: ranksAfter(state.ranks, [], grow) },
      };
    },
  };
}

/** Modules from the highest mean score down, or drawn. */
function orderOf(
  state: GrowState,
  scores: SlotScores,
  seen: Pick<RowView, "stream"> | null,
): readonly number[] {
  if (seen !== null) return seen.stream.fork("modules").permutation(state.modules.length);
  const means = rankSlots(scores, state.modules, state.ranks).map((own) =>
    total(own.map(({ score }) => score)) / own.length
  );
  return [...means.keys()].sort((a, b) => means[b]! - means[a]! || a - b);
}

/** Modules in an order as {@linkcode handOut} takes them, with the room that they have. */
function openOf(state: GrowState, order: readonly number[]) {
  return order.map((index, place) => ({
    index,
    mean: -place,
    room: state.limits[index]! - state.ranks[index]!,
  }));
}

/** Growth while a run trains, by any score or drawn. */
export function grows(
  options: GrowOptions & ScoreOptions & { readonly start: number },
  form: Form,
): Allocation {
  const { start, score } = options;
  return {
    policy: {
      ...scored(options, growPolicy(options, score === "random"), form),
      kind: "move",
      ...(form.growth === undefined ? {} : { growth: form.growth }),
      capacity: (rank) => Math.ceil(rank / start),
    },
    initialFactor: start,
    keepsCap: true,
    meanFactor: (totalSteps) => meanLeft(options, start, totalSteps),
    counts: (facts) =>
      countsWithin(
        facts,
        1,
        () => ({ initial: exactly(facts.plan.initialParameters), peak: null, final: null }),
      ),
    check: ({ totalSteps }) => checkPruneSchedule(options, totalSteps),
  };
}
