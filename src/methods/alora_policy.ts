/**
 * ALoRA's rank policy: in each round the ranks that matter least are dropped, and as many are handed to the modules that lost none.
 *
 * ALoRA, arXiv 2403.16187, section 3 and Algorithm 1. The scores are made by removal (`train/policy_view.ts`).
 *
 * @module
 */
import { capOf, type CostCap } from "./keep_within.ts";
import type { RankDecision } from "./rank_actions.ts";
import { checkContext, compareSlots, rankSlots, type ScoredPolicy, toRefs } from "./rank_policy.ts";

/** Options of {@linkcode aloraPolicy}, named as in the paper. */
export interface AloraPolicyOptions {
  /** Epochs before the first round. */
  readonly K1: number;
  /** Epochs between rounds. */
  readonly K2: number;
  /** Rounds at most. */
  readonly N_A: number;
  /** Ranks dropped in a round; null for the number of adapted modules. */
  readonly n_A: number | null;
}

/** State of {@linkcode aloraPolicy}. */
interface AloraState {
  readonly modules: readonly string[];
  /** Present rank of each module. */
  readonly ranks: readonly number[];
  /** Highest rank of each module: its smaller side. */
  readonly limits: readonly number[];
  readonly totalSteps: number;
  readonly stepsPerEpoch: number;
  readonly cap: CostCap | null;
  /** Ranks dropped so far, and ranks handed out. */
  readonly dropped: number;
  readonly grown: number;
}

/** The steps that rounds follow, counted from 0. */
export function roundSteps(
  { K1, K2, N_A }: Pick<AloraPolicyOptions, "K1" | "K2" | "N_A">,
  { totalSteps, stepsPerEpoch }: Pick<AloraState, "totalSteps" | "stepsPerEpoch">,
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
export function checkAloraSchedule(
  options: AloraPolicyOptions,
  run: Pick<AloraState, "totalSteps" | "stepsPerEpoch">,
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

/** What is left of the cap once slots are dropped, and what a rank of each module costs; null without a cap. */
function spareOf(
  { ranks, cap }: AloraState,
  drop: readonly { readonly moduleIndex: number }[],
): CostCap | null {
  if (cap === null) return null;
  const { costs, most } = cap;
  const spent = ranks.reduce((sum, rank, i) => sum + rank * costs[i]!, 0);
  const freed = drop.reduce((sum, { moduleIndex }) => sum + costs[moduleIndex]!, 0);
  return { costs, most: most - spent + freed };
}

/**
 * Modules that get a new rank each time that they are named, in the order of their turns.
 *
 * Turns go round, so that no module gets two more than another with room, and begin at the highest mean: 8 over 3 are 3, 3
 * and 2.
 *
 * @param open Modules that may grow, with their mean scores and the ranks that they have room for.
 * @param spare What the new ranks may cost; then turns go on until none can be paid for, whatever their number. Default null:
 * their number counts alone.
 */
export function handOut(
  count: number,
  open: readonly { readonly index: number; readonly mean: number; readonly room: number }[],
  spare: CostCap | null = null,
): readonly number[] {
  const turns = [...open].sort((a, b) => b.mean - a.mean || a.index - b.index);
  const room = new Map(turns.map((module) => [module.index, module.room]));
  const grow: number[] = [];
  const most = spare === null ? count : Infinity;
  let left = spare?.most ?? 0;
  for (let before = -1; before < grow.length && grow.length < most;) {
    before = grow.length;
    for (const { index } of turns) {
      const cost = spare?.costs[index] ?? 0;
      if (grow.length === most || room.get(index)! === 0 || cost > left) continue;
      room.set(index, room.get(index)! - 1);
      left -= cost;
      grow.push(index);
    }
  }
  return grow;
}

/** The policy of ALoRA. */
export function aloraPolicy(options: AloraPolicyOptions): ScoredPolicy<AloraState> {
  const isDue = (state: AloraState, step: number) =>
    roundSteps(options, state).includes(step) && state.ranks.some((rank) => rank > 0);
  return {
    start(context) {
      checkContext(context);
      const { totalSteps, stepsPerEpoch } = context;
      const total = context.ranks.reduce((sum, rank) => sum + rank, 0);
      checkAloraSchedule(options, context, context.modules.length, total);
      return {
        modules: context.modules.map(({ name }) => name),
        ranks: [...context.ranks],
        limits: context.modules.map(({ inSize, outSize }) => Math.min(inSize, outSize)),
        totalSteps,
        stepsPerEpoch,
        cap: capOf(context),
        dropped: 0,
        grown: 0,
      };
    },
    isDue,
    decide(state, step, scores) {
      if (!isDue(state, step)) {
        throw new RangeError(`Cannot move ranks after step ${step}: no round is due`);
      }
      const slots = rankSlots(scores, state.modules, state.ranks);
      const budget = options.n_A ?? state.modules.length;
      const drop = slots.flat().sort(compareSlots).slice(0, budget);
      const losers = new Set(drop.map(({ moduleIndex }) => moduleIndex));
      const open = slots.flatMap((own, index) => {
        if (losers.has(index)) return [];
        const sum = own.reduce((total, { score }) => total + score, 0);
        // A module without ranks has no mean and comes last.
        const mean = own.length === 0 ? -Infinity : sum / own.length;
        return [{ index, mean, room: state.limits[index]! - own.length }];
      });
      const grow = handOut(drop.length, open, spareOf(state, drop));
      const count = (indices: readonly number[], index: number) =>
        indices.filter((other) => other === index).length;
      const decision: RankDecision = {
        actions: [
          { type: "drop", slots: toRefs(drop) },
          {
            type: "grow",
            modules: [...grow].sort((a, b) => a - b).map((index) => state.modules[index]!),
          },
        ],
        threshold: drop.at(-1)?.score ?? null,
      };
      const dropped = drop.map(({ moduleIndex }) => moduleIndex);
      return {
        decision,
        state: {
          ...state,
          ranks: state.ranks.map((rank, i) => rank - count(dropped, i) + count(grow, i)),
          dropped: state.dropped + drop.length,
          grown: state.grown + grow.length,
        },
      };
    },
  };
}
