/**
 * ElaLoRA's rank policy: single ranks move from modules where they matter little to modules whose
 * weakest ranks still matter, fewer and fewer of them.
 *
 * ElaLoRA (arXiv 2504.00254, section 3) and its authors' `loralib/loralib/elalora.py`; with the
 * default options the choice of slots is that of the code wherever scores are distinct. Its control moves as many ranks at the
 * same steps, but draws who loses and who gains ({@linkcode randomMoves}).
 *
 * @module
 */
import * as z from "zod";
import type { RandomStream } from "../base/random.ts";
import { total } from "../study/budget/costs.ts";
import { stepsOption } from "./options.ts";
import {
  compareSlots,
  growthIn,
  limitsOf,
  type RankedSlot,
  ranksAfter,
  rankSlots,
  type RankState,
  rankState,
  spareOf,
  toRefs,
} from "./ranked_slots.ts";
import { phaseOf } from "./schedule.ts";
import type { ScoredPolicy } from "./rank_policy.ts";

/** A whole number from `least`, or a share between 0 and 1. */
function countOrShare(least: number) {
  return z.number().min(0).refine(
    (value) => Number.isInteger(value) ? value >= least : value < 1,
    { error: `want a whole number from ${least}, or a share between 0 and 1` },
  );
}

/** The schedule of moves, and which ranks they choose, as options. */
export const moveOptions = {
  initWarmup: stepsOption.default(0.1).describe(
    "Steps before the first move: a share below 1, else steps",
  ),
  finalWarmup: stepsOption.default(0.3).describe(
    "Steps after the last move: a share below 1, else steps",
  ),
  maskInterval: countOrShare(1).default(10).describe(
    "Steps between moves: a share of all steps below 1, else steps",
  ),
  b: countOrShare(0).default(4).describe(
    "Ranks moved at first, over all modules: a share of all ranks below 1, else ranks",
  ),
  k: countOrShare(1).default(2).describe(
    "Weakest ranks that a module offers at most: a share of the average rank below 1, else ranks",
  ),
  decay: z.enum(["cubic", "none"]).default("cubic").describe(
    "How b falls over the adjustment phase",
  ),
  maxRank: z.int().positive().nullable().default(null).describe(
    "Highest rank of a module, or null",
  ),
  // No default: a resolved option would change the ids of all runs that were made before it existed.
  floor: z.enum(["absorbing", "open"]).optional().describe(
    "What becomes of a module of rank 1: absorbing takes no more part (if left out), open may grow again",
  ),
};

/** Switches of ElaLoRA's own; by default none of them is the authors'. */
interface MoveSwitches {
  readonly ties: "exact" | "upstream";
  readonly poolOverlap: "cut" | "upstream";
  readonly optimizer: "resize" | "upstream-reset";
}

/** Values of {@linkcode moveOptions}, with the switches. */
export type MoveOptions = z.output<z.ZodObject<typeof moveOptions>> & MoveSwitches;

/** A number of something: a share of `whole` when it lies in (0, 1), at least one; else as it is. */
function resolveShare(value: number, whole: number): number {
  return value > 0 && value < 1 ? Math.max(1, Math.round(value * whole)) : value;
}

/** Options of which none is a share any more. */
type Numbers = Pick<MoveOptions, "b" | "k" | "maskInterval">;

/**
 * Shares as numbers.
 *
 * @param ranks Initial rank of each module that has one.
 */
export function numbersOf(
  { b, k, maskInterval }: Numbers,
  ranks: readonly number[],
  totalSteps: number,
): Numbers {
  const all = total(ranks);
  return {
    b: resolveShare(b, all),
    k: resolveShare(k, all / Math.max(1, ranks.length)),
    maskInterval: resolveShare(maskInterval, totalSteps),
  };
}

/** State of {@linkcode movesPolicy}. */
interface MovesState extends RankState {
  /** Highest rank of each module, null where there is no bound. */
  readonly limits: readonly (number | null)[];
  readonly numbers: Numbers;
}

/** The nearest integer, halves to the even neighbour, as Python's `round`. */
export function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const fraction = value - floor;
  if (fraction !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}

/** Ranks that the schedule moves at an event after `step`; outside of the adjustment phase p is clipped. */
export function movedRanksAt(
  options: MoveOptions,
  totalSteps: number,
  step: number,
): number {
  if (options.decay === "none") return options.b;
  const { start, end } = phaseOf(options, totalSteps);
  const progress = Math.min(1, Math.max(0, (step - start) / (end - start)));
  return roundHalfEven(options.b * (1 - progress ** 3));
}

function isEvent(options: MoveOptions, totalSteps: number, step: number): boolean {
  const { start, end } = phaseOf(options, totalSteps);
  return step > start && step < end && (step - start) % options.maskInterval === 0 &&
    movedRanksAt(options, totalSteps, step) > 0;
}

/** Ranks that the schedule moves over a whole run, at most. */
export function mostMoved(options: MoveOptions, totalSteps: number): number {
  const steps = Array.from({ length: totalSteps }, (_, step) => step);
  return total(
    steps.filter((step) => isEvent(options, totalSteps, step))
      .map((step) => movedRanksAt(options, totalSteps, step)),
  );
}

/**
 * Checks that at least one event fits between the warm-ups (none is wanted where `b` is 0).
 *
 * @throws RangeError naming the options.
 */
export function checkElaloraSchedule(options: MoveOptions, totalSteps: number): void {
  if (options.b === 0) return;
  const { start, end } = phaseOf(options, totalSteps);
  if (isEvent(options, totalSteps, start + options.maskInterval)) return;
  throw new RangeError(
    `Cannot schedule ElaLoRA in ${totalSteps} steps: "initWarmup" takes ${start}, "finalWarmup" ` +
      `${
        totalSteps - end
      }, and no event fits between them with a "maskInterval" of ${options.maskInterval}; ` +
      `lower one of the three or train for more steps`,
  );
}

/** Who loses ranks and who gains them. */
interface Moves {
  readonly drop: readonly RankedSlot[];
  /** Module indices, with repetition. */
  readonly grow: readonly number[];
  /** Highest score among the slots that lost, or null. */
  readonly threshold: number | null;
}

/** Chooses at most `wanted` slots to move. */
type ChooseMoves = (
  slots: readonly (readonly RankedSlot[])[],
  wanted: number,
  state: MovesState,
  options: MoveOptions,
  /** The event's own random numbers, where the policy has been given a view of the rows. */
  stream: RandomStream | null,
) => Moves;

/**
 * The policy of ElaLoRA.
 *
 * @param choose Who loses and who gains. Default: as ElaLoRA.
 */
export function movesPolicy(
  given: MoveOptions,
  choose: ChooseMoves = movesByScore,
): ScoredPolicy<MovesState> {
  const optionsOf = ({ numbers: { b, k, maskInterval } }: MovesState) => ({
    ...given,
    b,
    k,
    maskInterval,
  });
  return {
    start(context) {
      const state = rankState(context);
      const numbers = numbersOf(given, state.ranks, state.totalSteps);
      checkElaloraSchedule({ ...given, ...numbers }, state.totalSteps);
      const limits = limitsOf(context).map((limit) =>
        given.ties === "upstream" ? null : Math.min(given.maxRank ?? Infinity, limit)
      );
      return { ...state, limits, numbers };
    },
    isDue: (state, step) => isEvent(optionsOf(state), state.totalSteps, step),
    statisticsFrozen: (state, step) => step >= phaseOf(given, state.totalSteps).end,
    decide(state, step, scores, seen) {
      const options = optionsOf(state);
      const slots = rankSlots(scores, state.modules, state.ranks);
      const wanted = movedRanksAt(options, state.totalSteps, step);
      const { drop, grow, threshold } = choose(slots, wanted, state, options, seen?.stream ?? null);
      const reset = options.optimizer === "upstream-reset" ? [{ type: "reset" } as const] : [];
      return {
        decision: {
          actions: [
            { type: "drop", slots: toRefs(drop) },
            growthIn(state.modules, grow),
            ...reset,
          ],
          threshold,
        },
        state: { ...state, ranks: ranksAfter(state.ranks, drop, grow) },
      };
    },
  };
}

/** A module's weakest slots that may be dropped; of a module of rank 1 none may. */
function candidates(slots: readonly RankedSlot[], k: number): RankedSlot[] {
  return [...slots].sort(compareSlots).slice(0, Math.min(k, slots.length - 1));
}

/** Slots moved at most: half of those that modules offer, unless one may both be dropped and be a reason to grow. */
function mostOf(offered: number, wanted: number, { poolOverlap }: MoveOptions): number {
  return Math.min(wanted, poolOverlap === "cut" ? Math.floor(offered / 2) : offered);
}

/** ElaLoRA's choice: the lowest of the slots that modules offer go, and the owners of the highest grow. */
export const movesByScore: ChooseMoves = (slots, budget, state, options) => {
  const offered = slots.flatMap((own) => candidates(own, options.k)).sort(compareSlots);
  const wanted = mostOf(offered.length, budget, options);
  if (options.ties === "upstream") return movesOfUpstream(offered, wanted);
  const alone = options.floor === "open" ? slots.flatMap((own) => own.length === 1 ? own : []) : [];
  const reasons = alone.length === 0 ? offered : [...offered, ...alone].sort(compareSlots);
  return exactMoves(offered, reasons, wanted, state);
};

/** The lowest entries go, the owners of the highest grow; fewer move where limits leave no room. */
function exactMoves(
  offered: readonly RankedSlot[],
  reasons: readonly RankedSlot[],
  wanted: number,
  state: MovesState,
): Moves {
  const order = reasons.map(({ moduleIndex }) => moduleIndex).reverse();
  for (let count = wanted; count > 0; count--) {
    const drop = offered.slice(0, count);
    const grow = grownWithin(state, drop, order, count);
    if (state.cap === null ? grow.length === count : grow.length > 0) {
      return { drop, grow, threshold: offered[count - 1]!.score };
    }
  }
  return { drop: [], grow: [], threshold: null };
}

/** The room that modules have for ranks. */
interface Room {
  readonly has: (index: number) => boolean;
  readonly take: (index: number) => void;
}

/** The room once slots are dropped: below each module's highest rank, and what is left of the cap. */
function roomAfter(
  { ranks: before, limits, cap }: Pick<MovesState, "ranks" | "limits" | "cap">,
  drop: readonly RankedSlot[],
): Room {
  const ranks = [...ranksAfter(before, drop)];
  const costOf = (index: number) => cap?.costs[index] ?? 0;
  let left = spareOf(ranks, cap)?.most ?? 0;
  return {
    has: (index) =>
      ranks[index]! < (limits[index] ?? Infinity) && (cap === null || costOf(index) <= left),
    take: (index) => {
      ranks[index]! += 1;
      left -= costOf(index);
    },
  };
}

/**
 * Modules that grow once slots are dropped: `count` of them in the given order, without those that have no room or cannot be paid for.
 *
 * Under a cap ranks may be dearer than those that went, so that fewer grow; what is spare in the end buys further ranks in the same
 * order.
 */
function grownWithin(
  state: Pick<MovesState, "ranks" | "limits" | "cap">,
  drop: readonly RankedSlot[],
  order: readonly number[],
  count: number,
): readonly number[] {
  const room = roomAfter(state, drop);
  const grow: number[] = [];
  const growAlong = (most: number) => {
    for (const index of order) {
      if (grow.length >= most) return;
      if (!room.has(index)) continue;
      room.take(index);
      grow.push(index);
    }
  };
  growAlong(count);
  for (let grown = -1; state.cap !== null && grown < grow.length;) {
    grown = grow.length;
    growAlong(Infinity);
  }
  return grow;
}

/** As the authors' code: owners of the lowest entries drop every offered slot up to the threshold. */
function movesOfUpstream(offered: readonly RankedSlot[], wanted: number): Moves {
  const last = offered[wanted - 1];
  if (last === undefined) return { drop: [], grow: [], threshold: null };
  const down = new Set(offered.slice(0, wanted).map(({ moduleIndex }) => moduleIndex));
  return {
    drop: offered.filter((slot) => down.has(slot.moduleIndex) && slot.score <= last.score),
    grow: offered.slice(-wanted).map(({ moduleIndex }) => moduleIndex),
    threshold: last.score,
  };
}

/**
 * The control of ElaLoRA's choice: as many ranks as it would move, each from a module drawn uniformly among those above rank 1, and
 * there any of its slots, to a module drawn uniformly among those with room.
 */
export const randomMoves: ChooseMoves = (slots, budget, state, options, stream) => {
  if (stream === null) {
    throw new TypeError("Cannot draw moves: found no random numbers, want a view of the rows");
  }
  const offered = slots.reduce(
    (sum, own) => sum + Math.max(0, Math.min(options.k, own.length - 1)),
    0,
  );
  const count = mostOf(offered, budget, options);
  const left = slots.map((own) => [...own]);
  const drop: RankedSlot[] = [];
  while (drop.length < count) {
    const able = left.filter((own) => own.length > 1);
    if (able.length === 0) break;
    const own = able[stream.int(able.length)]!;
    drop.push(...own.splice(stream.int(own.length), 1));
  }
  const room = roomAfter(state, drop);
  const grow: number[] = [];
  while (grow.length < drop.length || state.cap !== null) {
    const able = [...slots.keys()].filter((index) => room.has(index));
    if (able.length === 0) break;
    const index = able[stream.int(able.length)]!;
    room.take(index);
    grow.push(index);
  }
  // What nothing replaces stays, where only the number of ranks counts.
  const kept = state.cap === null ? drop.slice(0, grow.length) : grow.length === 0 ? [] : drop;
  return { drop: kept, grow, threshold: null };
};
