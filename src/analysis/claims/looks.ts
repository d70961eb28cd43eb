/**
 * The looks of a claim, each reported once.
 *
 * @module
 */
import { counted } from "../../base/format.ts";
import type { StoppingState } from "../../stats/stopping.ts";
import { intervalText, lineOf } from "./text.ts";
import type { Answer, ClaimVerdict } from "./verdict.ts";

/** How a claim stood after some seeds; differences are in `unit`, above zero where arm a is better. */
export interface ClaimLook {
  /** Name of the claim. */
  readonly claim: string;
  /** After which it was looked at. */
  readonly seeds: number;
  /** What is said of it there. */
  readonly answer: Answer;
  /** Mean difference. */
  readonly mean: number;
  /** Ends of the interval that decides better and worse; infinite where the rule decides nothing at this look. */
  readonly low: number;
  /** See {@linkcode ClaimLook.low}. */
  readonly high: number;
  /** `points`, `margins` or the unit of a metric. */
  readonly unit: string;
  /** For instance `3 seeds: elalora-beats-lora +0.80 points (95% interval −0.40 to +2.00), undecided`. */
  readonly text: string;
}

/** All looks of a verdict so far, in their order; the last has the verdict's answer. */
export function looksOf(verdict: ClaimVerdict): readonly ClaimLook[] {
  return verdict.looks.map((state, i) =>
    lookOf(verdict, state, i === verdict.looks.length - 1 ? verdict.answer : "undecided")
  );
}

function lookOf(verdict: ClaimVerdict, state: StoppingState, answer: Answer): ClaimLook {
  const { claim: { name }, unit } = verdict;
  const { number } = lineOf({ ...verdict, state });
  const interval = intervalText({ ...verdict, state });
  const inUnit = (margins: number) => margins * unit.perMargin;
  return {
    claim: name,
    seeds: state.n,
    answer,
    mean: inUnit(state.mean!),
    low: inUnit(state.low),
    high: inUnit(state.high),
    unit: unit.name,
    text: `${counted(state.n, "seed")}: ${name} ${number} (${interval}), ${answer}`,
  };
}
