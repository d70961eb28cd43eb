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
import type { RandomStream } from "../base/random.ts";
import { total } from "../study/budget/costs.ts";
import {
  compareSlots,
  growthIn,
  limitsOf,
  phaseOf,
  type PhaseOptions,
  type RankedSlot,
  ranksAfter,
  rankSlots,
  type RankState,
  rankState,
  roundHalfEven,
  spareOf,
  toRefs,
} from "./policy_tools.ts";
import type { RankDecision, SlotScores } from "./rank_actions.ts";
import type { RankPolicy, RowView } from "./rank_policy.ts";

/** Options of {@linkcode movesPolicy}. */
export interface ElaloraPolicyOptions extends PhaseOptions {
  /** Ranks moved by an event at first, over all modules (b of the paper): a share of all ranks when below 1, else ranks. */
  readonly movedRanks: number;
  /** Weakest ranks that a module offers at most (k): a share of the average rank when below 1, else ranks. */
  readonly perModule: number;
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
  /**
   * What becomes of a module whose rank has come down to 1: `absorbing`, it takes no more part, as the code has it; `open`, its
   * rank competes for growth and is never dropped. Default `absorbing`.
   */
  readonly floor?: "absorbing" | "open" | undefined;
}

/** A number of something: a share of `whole` when it lies in (0, 1), at least one; else as it is. */
function resolveShare(value: number, whole: number): number {
  return value > 0 && value < 1 ? Math.max(1, Math.round(value * whole)) : value;
}

/**
 * The options with shares as numbers.
 *
 * @param ranks Initial rank of each module that has one.
 */
export function resolveMoves(
  options: ElaloraPolicyOptions,
  ranks: readonly number[],
  totalSteps: number,
): ElaloraPolicyOptions {
  const all = total(ranks);
  return {
    ...options,
    movedRanks: resolveShare(options.movedRanks, all),
    perModule: resolveShare(options.perModule, all / Math.max(1, ranks.length)),
    interval: resolveShare(options.interval, totalSteps),
  };
}

/** State of {@linkcode movesPolicy}. */
export interface ElaloraState extends Omit<RankState, "initialTotal" | "finalTotal"> {
  /** Highest rank of each module, null where there is no bound. */
  readonly limits: readonly (number | null)[];
  /** Options of which none is a share. */
  readonly resolved: Pick<ElaloraPolicyOptions, "movedRanks" | "perModule" | "interval">;
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
  const { start, end } = phaseOf(options, totalSteps);
  const progress = Math.min(1, Math.max(0, (step - start) / (end - start)));
  return roundHalfEven(options.movedRanks * (1 - progress ** 3));
}

function isEvent(options: ElaloraPolicyOptions, totalSteps: number, step: number): boolean {
  const { start, end } = phaseOf(options, totalSteps);
  return step > start && step < end && (step - start) % options.interval === 0 &&
    movedRanksAt(options, totalSteps, step) > 0;
}

/** Ranks that the schedule moves over a whole run, at most. */
export function mostMoved(options: ElaloraPolicyOptions, totalSteps: number): number {
  const steps = Array.from({ length: totalSteps }, (_, step) => step);
  return total(
    steps.filter((step) => isEvent(options, totalSteps, step))
      .map((step) => movedRanksAt(options, totalSteps, step)),
  );
}

/**
 * Checks that at least one event fits between the warm-ups (none is wanted where `movedRanks` is 0).
 *
 * @throws RangeError naming the options.
 */
export function checkElaloraSchedule(options: ElaloraPolicyOptions, totalSteps: number): void {
  if (options.movedRanks === 0) return;
  const { start, end } = phaseOf(options, totalSteps);
  if (isEvent(options, totalSteps, start + options.interval)) return;
  throw new RangeError(
    `Cannot schedule ElaLoRA in ${totalSteps} steps: "initWarmup" takes ${start}, "finalWarmup" ` +
      `${
        totalSteps - end
      }, and no event fits between them with a "maskInterval" of ${options.interval}; ` +
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
  state: ElaloraState,
  options: ElaloraPolicyOptions,
  /** The event's own random numbers, where the policy has been given a view of the rows. */
  stream: RandomStream | null,
) => Moves;

/** A policy that moves ranks; one that draws nothing needs no view of the rows. */
interface MovesPolicy extends Omit<RankPolicy<ElaloraState>, "decide"> {
  readonly decide: (
    state: ElaloraState,
    step: number,
    scores: SlotScores,
    seen?: RowView,
  ) => { readonly decision: RankDecision; readonly state: ElaloraState };
}

/**
 * The policy of ElaLoRA.
 *
 * @param choose Who loses and who gains. Default: as ElaLoRA.
 */
export function movesPolicy(
  given: ElaloraPolicyOptions,
  choose: ChooseMoves = movesByScore,
): MovesPolicy {
  const optionsOf = ({ resolved }: Pick<ElaloraState, "resolved">) => ({ ...given, ...resolved });
  return {
    start(context) {
      const { initialTotal: _, finalTotal: __, ...state } = rankState(context);
      const options = resolveMoves(given, state.ranks, state.totalSteps);
      checkElaloraSchedule(options, state.totalSteps);
      const { movedRanks, perModule, interval } = options;
      return {
        ...state,
        limits: limitsOf(context).map((limit) =>
          options.ties === "upstream" ? null : Math.min(options.maxRank ?? Infinity, limit)
        ),
        resolved: { movedRanks, perModule, interval },
        events: 0,
        moved: 0,
      };
    },
    isDue: (state, step) => isEvent(optionsOf(state), state.totalSteps, step),
    statisticsFrozen: (state, step) => step >= phaseOf(given, state.totalSteps).end,
    decide(state, step, scores, seen) {
      const options = optionsOf(state);
      if (!isEvent(options, state.totalSteps, step)) {
        throw new RangeError(`Cannot move ranks after step ${step}: no event is due`);
      }
      const { drop, grow, threshold } = choose(
        rankSlots(scores, state.modules, state.ranks),
        movedRanksAt(options, state.totalSteps, step),
        state,
        options,
        seen?.stream ?? null,
      );
      const decision: RankDecision = {
        actions: [
          { type: "drop", slots: toRefs(drop) },
          growthIn(state.modules, grow),
          ...(options.resetOptimizer ? [{ type: "reset" } as const] : []),
        ],
        threshold,
      };
      return {
        decision,
        state: {
          ...state,
          ranks: ranksAfter(state.ranks, drop, grow),
          events: state.events + 1,
          moved: state.moved + drop.length,
        },
      };
    },
  };
}

/** A module's weakest slots that may be dropped; of a module of rank 1 none may. */
function candidates(slots: readonly RankedSlot[], perModule: number): RankedSlot[] {
  return [...slots].sort(compareSlots).slice(0, Math.min(perModule, slots.length - 1));
}

/** Slots moved at most: half of those that modules offer, unless one may both be dropped and be a reason to grow. */
function mostOf(offered: number, wanted: number, { poolOverlap }: ElaloraPolicyOptions): number {
  return Math.min(wanted, poolOverlap === "cut" ? Math.floor(offered / 2) : offered);
}

/** ElaLoRA's choice: the lowest of the slots that modules offer go, and the owners of the highest grow. */
export const movesByScore: ChooseMoves = (slots, budget, state, options) => {
  const offered = slots.flatMap((own) => candidates(own, options.perModule)).sort(compareSlots);
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
  state: ElaloraState,
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
  { ranks: before, limits, cap }: Pick<ElaloraState, "ranks" | "limits" | "cap">,
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
  state: Pick<ElaloraState, "ranks" | "limits" | "cap">,
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
    (sum, own) => sum + Math.max(0, Math.min(options.perModule, own.length - 1)),
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
