/**
 * ElaLoRA's rank policy: single ranks move from modules where they matter little to modules whose
 * weakest ranks still matter, fewer and fewer of them.
 *
 * ElaLoRA (arXiv 2504.00254, section 3) and its authors' `loralib/loralib/elalora.py`; with the
 * default options the choice of slots is that of the code wherever scores are distinct.
 *
 * @module
 */
import type { RankDecision } from "./rank_actions.ts";
import {
  checkContext,
  compareSlots,
  type RankedSlot,
  rankSlots,
  resolveSteps,
  roundHalfEven,
  type ScoredPolicy,
  toRefs,
} from "./rank_policy.ts";

/** Options of {@linkcode elaloraPolicy}. */
export interface ElaloraPolicyOptions {
  /** Ranks moved by an event at first, over all modules (b of the paper). */
  readonly movedRanks: number;
  /** Weakest ranks that a module offers at most (k). */
  readonly perModule: number;
  /** Steps without events at the start: a share of all steps when below 1, else steps. */
  readonly initWarmup: number;
  /** Steps without events at the end: a share of all steps when below 1, else steps. */
  readonly finalWarmup: number;
  /** Steps between events. */
  readonly interval: number;
  /** How `movedRanks` falls: round(b·(1 − p³)) over the adjustment phase, or not at all. */
  readonly decay: "cubic" | "none";
  /**
   * `exact` orders slots by (score, module, slot) and moves exactly as many as are due; `upstream`
   * drops every offered slot at or below the threshold, so equal scores change the total rank.
   */
  readonly ties: "exact" | "upstream";
  /** Whether moves are cut to half the pool, or one entry may both be dropped and be a reason to grow. */
  readonly poolOverlap: "cut" | "allow";
  /** Highest rank of a module, or null for the module's size; `upstream` ties know no bound. */
  readonly maxRank: number | null;
  /** Whether each event forgets all optimiser moments and pins the learning rate, as the code does. */
  readonly resetOptimizer: boolean;
}

/** State of {@linkcode elaloraPolicy}. */
export interface ElaloraState {
  readonly modules: readonly string[];
  /** Present rank of each module. */
  readonly ranks: readonly number[];
  /** Highest rank of each module, null where there is no bound. */
  readonly limits: readonly (number | null)[];
  readonly totalSteps: number;
  /** Events so far. */
  readonly events: number;
  /** Ranks dropped so far. */
  readonly moved: number;
}

/** Ranks that the schedule moves at an event after `step`; outside of the adjustment phase p is clipped. */
export function movedRanksAt(
  options: ElaloraPolicyOptions,
  totalSteps: number,
  step: number,
): number {
  if (options.decay === "none") return options.movedRanks;
  const start = resolveSteps(options.initWarmup, totalSteps, "initWarmup");
  const end = totalSteps - resolveSteps(options.finalWarmup, totalSteps, "finalWarmup");
  const progress = Math.min(1, Math.max(0, (step - start) / (end - start)));
  return roundHalfEven(options.movedRanks * (1 - progress ** 3));
}

/** Whether an event follows `step`. */
function isEvent(options: ElaloraPolicyOptions, totalSteps: number, step: number): boolean {
  const start = resolveSteps(options.initWarmup, totalSteps, "initWarmup");
  const end = totalSteps - resolveSteps(options.finalWarmup, totalSteps, "finalWarmup");
  return step > start && step < end && (step - start) % options.interval === 0 &&
    movedRanksAt(options, totalSteps, step) > 0;
}

/** Ranks that the schedule moves over a whole run, at most. */
export function mostMoved(options: ElaloraPolicyOptions, totalSteps: number): number {
  let moved = 0;
  for (let step = 0; step < totalSteps; step++) {
    if (isEvent(options, totalSteps, step)) moved += movedRanksAt(options, totalSteps, step);
  }
  return moved;
}

/**
 * Checks that at least one event fits between the warm-ups (none is wanted where `movedRanks` is 0).
 *
 * @throws RangeError naming the options.
 */
export function checkElaloraSchedule(options: ElaloraPolicyOptions, totalSteps: number): void {
  if (options.movedRanks === 0) return;
  const start = resolveSteps(options.initWarmup, totalSteps, "initWarmup");
  const end = totalSteps - resolveSteps(options.finalWarmup, totalSteps, "finalWarmup");
  if (isEvent(options, totalSteps, start + options.interval)) return;
  throw new RangeError(
    `Cannot schedule ElaLoRA in ${totalSteps} steps: "initWarmup" takes ${start}, "finalWarmup" ` +
      `${
        totalSteps - end
      }, and no event fits between them with an "interval" of ${options.interval}; ` +
      `lower one of the three or train for more steps`,
  );
}

/** The policy of ElaLoRA. */
export function elaloraPolicy(options: ElaloraPolicyOptions): ScoredPolicy<ElaloraState> {
  return {
    start(context) {
      checkContext(context);
      checkElaloraSchedule(options, context.totalSteps);
      const limits = context.modules.map(({ inSize, outSize }) =>
        options.ties === "upstream" ? null : Math.min(options.maxRank ?? Infinity, inSize, outSize)
      );
      return {
        modules: context.modules.map(({ name }) => name),
        ranks: [...context.ranks],
        limits,
        totalSteps: context.totalSteps,
        events: 0,
        moved: 0,
      };
    },
    isDue: (state, step) => isEvent(options, state.totalSteps, step),
    statisticsFrozen: (state, step) =>
      step >= state.totalSteps - resolveSteps(options.finalWarmup, state.totalSteps, "finalWarmup"),
    decide(state, step, scores) {
      if (!isEvent(options, state.totalSteps, step)) {
        throw new RangeError(`Cannot move ranks after step ${step}: no event is due`);
      }
      const budget = movedRanksAt(options, state.totalSteps, step);
      const pool = rankSlots(scores, state.modules, state.ranks)
        .flatMap((slots) => candidates(slots, options.perModule)).sort(compareSlots);
      const wanted = Math.min(
        budget,
        options.poolOverlap === "cut" ? Math.floor(pool.length / 2) : pool.length,
      );
      const { drop, grow, threshold } = options.ties === "upstream"
        ? selectUpstream(pool, wanted)
        : selectExact(pool, wanted, state);
      const change = (index: number) =>
        grow.filter((to) => to === index).length -
        drop.filter((slot) => slot.moduleIndex === index).length;
      const modules = [...grow].sort((a, b) => a - b).map((index) => state.modules[index]!);
      const decision: RankDecision = {
        actions: [
          { type: "drop", slots: toRefs(drop) },
          { type: "grow", modules },
          ...(options.resetOptimizer ? [{ type: "reset" } as const] : []),
        ],
        threshold,
      };
      return {
        decision,
        state: {
          ...state,
          ranks: state.ranks.map((rank, index) => rank + change(index)),
          events: state.events + 1,
          moved: state.moved + drop.length,
        },
      };
    },
  };
}

/** A module's weakest slots; a module of rank 1 offers none, so it neither shrinks nor grows. */
function candidates(slots: readonly RankedSlot[], perModule: number): RankedSlot[] {
  return [...slots].sort(compareSlots).slice(0, Math.min(perModule, slots.length - 1));
}

interface Selection {
  readonly drop: readonly RankedSlot[];
  /** Module indices, with repetition. */
  readonly grow: readonly number[];
  readonly threshold: number | null;
}

/** The lowest entries go, the owners of the highest grow; fewer move where limits leave no room. */
function selectExact(pool: readonly RankedSlot[], wanted: number, state: ElaloraState): Selection {
  for (let count = wanted; count > 0; count--) {
    const drop = pool.slice(0, count);
    const ranks = [...state.ranks];
    for (const slot of drop) ranks[slot.moduleIndex]! -= 1;
    const grow: number[] = [];
    for (let i = pool.length - 1; i >= 0 && grow.length < count; i--) {
      const index = pool[i]!.moduleIndex;
      if (ranks[index]! >= (state.limits[index] ?? Infinity)) continue;
      ranks[index]! += 1;
      grow.push(index);
    }
    if (grow.length === count) return { drop, grow, threshold: pool[count - 1]!.score };
  }
  return { drop: [], grow: [], threshold: null };
}

/** As the authors' code: owners of the lowest entries drop every offered slot up to the threshold. */
function selectUpstream(pool: readonly RankedSlot[], wanted: number): Selection {
  const last = pool[wanted - 1];
  if (last === undefined) return { drop: [], grow: [], threshold: null };
  const down = new Set(pool.slice(0, wanted).map(({ moduleIndex }) => moduleIndex));
  return {
    drop: pool.filter((slot) => down.has(slot.moduleIndex) && slot.score <= last.score),
    grow: pool.slice(-wanted).map(({ moduleIndex }) => moduleIndex),
    threshold: last.score,
  };
}
