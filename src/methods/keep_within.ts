/**
 * Which ranks stay where there is room for fewer: the best ones, by number or by what they cost.
 *
 * @module
 */
import { compareSlots, type RankedSlot } from "./rank_policy.ts";

/** What ranks of each module cost, and what all may cost together. */
export interface CostCap {
  readonly costs: readonly number[];
  readonly most: number;
}

/** The cap of a run, or null where only the number of ranks counts. */
export function capOf(
  { costs, cap = null }: { readonly costs?: readonly number[]; readonly cap?: number | null },
): CostCap | null {
  return cap === null || costs === undefined ? null : { costs: [...costs], most: cap };
}

/**
 * The ranks that go, so that the others are at most `total`, or under a cap cost at most its share.
 *
 * Without a cap the lowest scores go. Under a cap ranks are kept from the highest score on while they can be paid for; one that is
 * too dear is passed over, so that what is spare pays for cheaper ones.
 *
 * @param total Ranks that may stay.
 * @param share The part of the cap that may be spent now, from 1 on. Default 1.
 */
export function lostWithin(
  slots: readonly RankedSlot[],
  total: number,
  cap: CostCap | null,
  share = 1,
): readonly RankedSlot[] {
  const ascending = [...slots].sort(compareSlots);
  if (cap === null) return ascending.slice(0, Math.max(0, slots.length - total));
  let left = cap.most * share;
  const lost: RankedSlot[] = [];
  for (const slot of ascending.toReversed()) {
    const cost = cap.costs[slot.moduleIndex]!;
    if (cost <= left) left -= cost;
    else lost.push(slot);
  }
  return lost.reverse();
}
