/**
 * A policy that only adds ranks: a run starts with few, and modules whose ranks matter most get more until the budget is spent.
 *
 * The schedule is the mirror of AdaLoRA's (arXiv 2303.10512, section 3.3): from the initial to the final total, quickly at first. New
 * ranks go round among the modules in the order of their mean score, as ALoRA hands ranks out (arXiv 2403.16187, section 3).
 *
 * @module
 */
import { handOut } from "./alora_policy.ts";
import { capOf, type CostCap } from "./keep_within.ts";
import { leftAfter, type PruneOptions, pruneSteps } from "./prune_policy.ts";
import { checkContext, type RankPolicy, rankSlots, type RowView } from "./rank_policy.ts";
import type { RankDecision, SlotScores } from "./rank_actions.ts";

/** Options of {@linkcode growPolicy}. */
export interface GrowOptions extends PruneOptions {
  /** Modules that get a rank in one round, at most, as a share of all: the best of them. */
  readonly share: number;
}

/** State of {@linkcode growPolicy}. */
interface GrowState {
  readonly modules: readonly string[];
  /** Present rank of each module. */
  readonly ranks: readonly number[];
  /** Highest rank of each module: its smaller side. */
  readonly limits: readonly number[];
  readonly initialTotal: number;
  readonly finalTotal: number;
  readonly totalSteps: number;
  readonly cap: CostCap | null;
}

/**
 * The policy that adds ranks.
 *
 * @param isRandom Whether modules are drawn in place of their scores' order.
 */
export function growPolicy(options: GrowOptions, isRandom: boolean): RankPolicy<GrowState> {
  const indexOf = ({ totalSteps }: GrowState, step: number) =>
    pruneSteps(options, totalSteps).indexOf(step);
  return {
    start(context) {
      checkContext(context);
      return {
        modules: context.modules.map(({ name }) => name),
        ranks: [...context.ranks],
        limits: context.modules.map(({ inSize, outSize }) => Math.min(inSize, outSize)),
        initialTotal: context.ranks.reduce((sum, rank) => sum + rank, 0),
        finalTotal: context.finalTotal,
        totalSteps: context.totalSteps,
        cap: capOf(context),
      };
    },
    isDue: (state, step) => indexOf(state, step) >= 0,
    statisticsFrozen: (state, step) => step > pruneSteps(options, state.totalSteps).at(-1)!,
    decide(state, step, scores, seen) {
      const index = indexOf(state, step);
      if (index < 0) throw new RangeError(`Cannot grow ranks after step ${step}: no event is due`);
      const left = leftAfter(state, index, pruneSteps(options, state.totalSteps).length);
      const ranked = orderOf(state, scores, isRandom ? seen : null);
      const able = ranked.slice(0, Math.max(1, Math.ceil(options.share * ranked.length)));
      const total = state.ranks.reduce((sum, rank) => sum + rank, 0);
      const grow = handOut(
        left - total,
        openOf(state, able),
        spareOf(state, left / state.finalTotal),
      );
      const decision: RankDecision = {
        actions: [{
          type: "grow",
          modules: [...grow].sort((a, b) => a - b).map((i) => state.modules[i]!),
        }],
        ...(scores.length === 0 ? {} : { scores }),
        moved: grow.length,
      };
      return {
        decision,
        state: {
          ...state,
          ranks: state.ranks.map((rank, i) => rank + grow.filter((to) => to === i).length),
        },
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
    own.reduce((sum, { score }) => sum + score, 0) / own.length
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

/** What a share of the cap leaves for new ranks; null without a cap. */
function spareOf({ ranks, cap }: GrowState, share: number): CostCap | null {
  if (cap === null) return null;
  const { costs, most } = cap;
  const spent = ranks.reduce((sum, rank, i) => sum + rank * costs[i]!, 0);
  return { costs, most: most * share - spent };
}
