/**
 * Which claims want further seeds, and how many until their rule looks next.
 *
 * @module
 */
import { whole } from "../../base/format.ts";
import type { Verdict } from "./verdict.ts";

/** A claim that is not decided, and the seeds until the next look. */
export interface SeedsWanted {
  readonly verdict: Verdict;
  readonly seeds: number;
}

/** A claim that further seeds will not decide, and why. */
export interface LeftOpen {
  readonly verdict: Verdict;
  readonly reason: string;
}

/** What is left to do for a study's claims; those that are decided are in neither list. */
export interface Wanted {
  readonly more: readonly SeedsWanted[];
  readonly open: readonly LeftOpen[];
}

/** What is left to do once all runs of a study are made. */
export function seedsWanted(verdicts: readonly Verdict[]): Wanted {
  const more: SeedsWanted[] = [];
  const open: LeftOpen[] = [];
  for (const verdict of verdicts) {
    const reason = reasonAgainst(verdict);
    if (reason !== null) open.push({ verdict, reason });
    else if (verdict.answer === "undecided") {
      const { differences: { length }, plan: { looks, cap } } = verdict;
      more.push({ verdict, seeds: (looks.find((n) => n > length) ?? cap) - length });
    }
  }
  return { more, open };
}

/** Why further seeds are of no use to a claim that is open; null where they are, and where it is decided. */
function reasonAgainst(verdict: Verdict): string | null {
  const { answer, differences, plan: { cap, looks }, waiting } = verdict;
  if (answer === "more steps needed") return "its runs need more steps";
  if (answer === "not bracketed") return "its settings are tuned at the edge of their range";
  if (answer === "nothing learned") return "its runs learned nothing";
  if (answer === "runs failed") return "too many of its runs failed";
  if (answer !== "undecided") return null;
  if (differences.length >= cap) {
    return `${whole(cap)} seeds are the most that the study allows (decide.mostSeeds)`;
  }
  if (waiting.length > 0) {
    return `seed ${waiting[0]} has runs that are damaged or not there`;
  }
  const lost = lostInARow(verdict);
  return lost >= looks[0]! ? `the last ${whole(lost)} seeds have runs without a score` : null;
}

/** Seeds without a score after the last that has one. */
function lostInARow({ leftOut, differences }: Verdict): number {
  const last = differences.at(-1)?.seed ?? -Infinity;
  return new Set(leftOut.map(({ seed }) => seed).filter((seed) => seed > last)).size;
}
