/**
 * Slots with scores, in order: which of them go within a budget, and which modules get new ones.
 *
 * @module
 */
import { total } from "../study/budget/costs.ts";
import type { GrowAction, SlotRef, SlotScores } from "./rank_actions.ts";
import type { PolicyContext, PolicyModule, RowView } from "./rank_policy.ts";
import type { Totals } from "./schedule.ts";

/**
 * Checks that ranks can move at all: at least one module starts below its highest rank.
 *
 * @param ranks Initial rank of each module, in the modules' order; one that starts with none takes no part.
 * @param maxRank The option's value, or null; no module exceeds its smaller side either.
 * @throws {RangeError} Where every module starts at its cap.
 */
export function checkRoomToGrow(
  method: string,
  modules: readonly PolicyModule[],
  ranks: readonly number[],
  maxRank: number | null,
): void {
  const caps = modules.map(({ inSize, outSize }) => Math.min(maxRank ?? Infinity, inSize, outSize));
  if (ranks.some((rank, i) => rank > 0 && rank < caps[i]!)) return;
  const adapted = ranks.filter((rank) => rank > 0);
  const lowest = Math.min(...adapted), highest = Math.max(...adapted);
  const found = lowest === highest ? `rank ${lowest}` : `ranks from ${lowest} to ${highest}`;
  const isCapped = maxRank !== null && maxRank <= highest;
  throw new RangeError(
    `Cannot move ranks of ${method}: every module starts with ${found}, its highest, and none can grow; ` +
      (isCapped
        ? `raise "maxRank" of ${maxRank} above ${highest}, or lower the budget`
        : "lower the budget"),
  );
}

/** A slot with its score and the places that order ties. */
export interface RankedSlot extends SlotRef {
  readonly moduleIndex: number;
  readonly score: number;
}

/** Orders slots by (score, module, slot). */
export function compareSlots(a: RankedSlot, b: RankedSlot): number {
  return a.score - b.score || a.moduleIndex - b.moduleIndex || a.slot - b.slot;
}

/** Orders slots by (module, slot). */
function comparePlaces(a: RankedSlot, b: RankedSlot): number {
  return a.moduleIndex - b.moduleIndex || a.slot - b.slot;
}

/** The bare references of slots, in module and slot order. */
export function toRefs(slots: readonly RankedSlot[]): SlotRef[] {
  return [...slots].sort(comparePlaces).map(({ module, slot }) => ({ module, slot }));
}

/**
 * All slots, module by module, after checking the scores against the ranks that the policy holds.
 *
 * @throws RangeError where a module is missing or misplaced, has another rank, or a score is not finite.
 */
export function rankSlots(
  scores: SlotScores,
  modules: readonly string[],
  ranks: readonly number[],
): RankedSlot[][] {
  if (scores.length !== modules.length) {
    throw new RangeError(
      `Cannot decide about ranks: scores of ${scores.length} modules found, ${modules.length} wanted`,
    );
  }
  return scores.map((entry, moduleIndex) => {
    const name = modules[moduleIndex], rank = ranks[moduleIndex];
    if (entry.module !== name || entry.scores.length !== rank) {
      throw new RangeError(
        `Cannot decide about ranks: entry ${moduleIndex} has ${entry.scores.length} scores of "${entry.module}", ` +
          `${rank} of "${name}" wanted`,
      );
    }
    return entry.scores.map((score, slot) => {
      if (!Number.isFinite(score)) {
        throw new RangeError(
          `Cannot decide about ranks: score of slot ${slot} of "${name}" is ${score}, a finite number wanted`,
        );
      }
      return { module: entry.module, moduleIndex, slot, score };
    });
  });
}

/** What ranks of each module cost, and what all may cost together. */
interface CostCap {
  readonly costs: readonly number[];
  readonly most: number;
}

/** What most policies keep of their context. */
export interface RankState extends Totals {
  readonly modules: readonly string[];
  /** Present rank of each module; where slots are masked, all of them. */
  readonly ranks: readonly number[];
  readonly totalSteps: number;
  /** Null where only the number of ranks counts. */
  readonly cap: CostCap | null;
}

/**
 * The modules of a context, by name.
 *
 * @throws {RangeError} If there are none, or one has no rank.
 */
export function moduleNamesOf({ modules, ranks }: PolicyContext): readonly string[] {
  if (modules.length === 0 || modules.length !== ranks.length) {
    throw new RangeError(
      `Cannot start a rank policy: ${modules.length} modules and ${ranks.length} ranks found, ` +
        `one rank for each of at least one module wanted`,
    );
  }
  const wrong = ranks.findIndex((rank) => !Number.isInteger(rank) || rank < 1);
  if (wrong < 0) return modules.map(({ name }) => name);
  throw new RangeError(
    `Cannot start a rank policy: rank of "${modules[wrong]!.name}" is ${
      ranks[wrong]
    }, a positive integer wanted`,
  );
}

/** The state in which ranks begin; throws as {@linkcode moduleNamesOf}. */
export function rankState(context: PolicyContext): RankState {
  const { ranks, finalTotal, totalSteps, costs, cap = null } = context;
  return {
    modules: moduleNamesOf(context),
    ranks: [...ranks],
    initialTotal: total(ranks),
    finalTotal,
    totalSteps,
    cap: cap === null || costs === undefined ? null : { costs: [...costs], most: cap },
  };
}

/** Highest rank of each module: its smaller side. */
export function limitsOf({ modules }: Pick<PolicyContext, "modules">): readonly number[] {
  return modules.map(({ inSize, outSize }) => Math.min(inSize, outSize));
}

/**
 * The ranks that go, so that the others are at most `most`, or under a cap cost at most its share.
 *
 * Without a cap the lowest scores go. Under a cap ranks are kept from the highest score on while they can be paid for; one that is
 * too dear is passed over, so that what is spare pays for cheaper ones.
 *
 * @param most Ranks that may stay.
 * @param share The part of the cap that may be spent now, from 1 on. Default 1.
 */
export function lostWithin(
  slots: readonly RankedSlot[],
  most: number,
  cap: CostCap | null,
  share = 1,
): readonly RankedSlot[] {
  const ascending = [...slots].sort(compareSlots);
  if (cap === null) return ascending.slice(0, Math.max(0, slots.length - most));
  let left = cap.most * share;
  const lost: RankedSlot[] = [];
  for (const slot of ascending.toReversed()) {
    const cost = cap.costs[slot.moduleIndex]!;
    if (cost <= left) left -= cost;
    else lost.push(slot);
  }
  return lost.reverse();
}

/**
 * The slots to mask, and the highest score among those that had to go.
 *
 * @param ties `upstream` masks all whose score is not above that, so that equal scores mask more than are due.
 */
export function maskedWithin(
  slots: readonly RankedSlot[],
  most: number,
  { cap, finalTotal }: Pick<RankState, "cap" | "finalTotal">,
  ties: "exact" | "upstream",
): { readonly slots: readonly SlotRef[]; readonly threshold: number | null } {
  const lost = lostWithin(slots, most, cap, most / finalTotal);
  const last = lost.at(-1);
  const off = last !== undefined && ties === "upstream"
    ? slots.filter(({ score }) => score <= last.score)
    : lost;
  return { slots: toRefs(off), threshold: last?.score ?? null };
}

/** The ranks of modules once slots are dropped and modules have grown, by index. */
export function ranksAfter(
  ranks: readonly number[],
  drop: readonly Pick<RankedSlot, "moduleIndex">[],
  grow: readonly number[] = [],
): readonly number[] {
  const after = [...ranks];
  for (const { moduleIndex } of drop) after[moduleIndex]! -= 1;
  for (const index of grow) after[index]! += 1;
  return after;
}

/** What a share of the cap leaves besides some ranks, and what a rank of each module costs; null without a cap. */
export function spareOf(
  ranks: readonly number[],
  cap: CostCap | null,
  share = 1,
): CostCap | null {
  if (cap === null) return null;
  const { costs, most } = cap;
  return { costs, most: most * share - total(ranks.map((rank, i) => rank * costs[i]!)) };
}

/** The growth of modules that are named by index. */
export function growthIn(modules: readonly string[], grow: readonly number[]): GrowAction {
  return { type: "grow", modules: grow.toSorted((a, b) => a - b).map((index) => modules[index]!) };
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

/** Scores that are read off a part of single numbers. */
export function partScores(
  modules: readonly string[],
  { rows }: Pick<RowView, "rows">,
  part: string,
  scoreOf: (values: readonly number[]) => readonly number[] = (values) => values,
): SlotScores {
  return modules.map((module) => ({
    module,
    scores: scoreOf(rows(module, part).map(([value]) => value!)),
  }));
}
