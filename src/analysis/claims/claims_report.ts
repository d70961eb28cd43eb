/**
 * A study's claims with their verdicts, as its report opens with them and its sweep ends with them.
 *
 * @module
 */
import { convergedCells, isInScope } from "../convergence.ts";
import { needsMoreSteps } from "../run_convergence.ts";
import { cellOf } from "../run_rows.ts";
import { cellTitle } from "../../study/grid/run_id.ts";
import { hasBracketedSettings, hasTunedSettings } from "../tuned_runs.ts";
import type { Basis } from "../basis.ts";
import { marginScale } from "./margin_scale.ts";
import { hasLearned } from "./no_evidence.ts";
import {
  isProven,
  type RegistrationProof,
  registrationProof,
  registrationText,
} from "./registration.ts";
import { type Stating, statingOf, statingText } from "./stated.ts";
import { intervalText, lineOf, plainLine, type VerdictLine } from "./text.ts";
import { specificationCurve } from "./specifications.ts";
import { type Answer, type ClaimState, type ClaimVerdict, verdictsOf } from "./verdict.ts";
import { counted, whole } from "../../base/format.ts";

/** The verdicts of a study with what is said of them. */
export interface ClaimsReport {
  /** When they were stated. */
  readonly stating: Stating;
  /** What is known of their registration; null where they were not registered. */
  readonly registered: RegistrationProof | null;
  /** Whether they stood before the first run. */
  readonly isBeforehand: boolean;
  /** When they were stated, as a heading. */
  readonly heading: string;
  /** One a claim. */
  readonly verdicts: readonly ClaimVerdict[];
  /** One a verdict. */
  readonly lines: readonly VerdictLine[];
}

/** The verdicts on a study's claims; null where it claims nothing. */
export function claimsReport(results: Basis): ClaimsReport | null {
  const { claims, runs } = results;
  if (claims === null) return null;
  const isTuned = hasTunedSettings(results.tuned);
  const verdicts = verdictsOf(claims.study, claims.planned, runs, {
    improving: (seen) => {
      const early = convergedCells({ ...results, runs: seen }, results.grid).filter(needsMoreSteps);
      const titles = new Map(seen.map(({ record }) => [
        early.find((cell) => isInScope(cell, cellOf(record))),
        cellTitle(record.asked),
      ]));
      return early.map((cell) => ({ title: titles.get(cell)!, isNoisy: cell.isNoisy }));
    },
    isBracketed: hasBracketedSettings(results),
    isTuned: isTuned === null ? null : ({ record }) => isTuned(record.asked),
    hasLearned,
    curveOf: (claim, level) => specificationCurve(results.tuned, claims, claim, level),
  });
  const stating = statingOf(claims, runs);
  const registered = registrationProof(claims, results.tuned, runs);
  return {
    stating,
    registered,
    ...beforehandOf(stating, registered),
    verdicts,
    lines: verdicts.map((verdict) => {
      const line = lineOf(verdict);
      const scale = marginScale(claims.study, verdict.claim, claims.planned, runs, verdict.unit);
      return { ...line, notes: [...line.notes, ...scale] };
    }),
  };
}

/** Whether claims stood before the first run, and how: a registration proves it, and the times of `study.json` say it. */
function beforehandOf(
  stating: Stating,
  registered: RegistrationProof | null,
): Pick<ClaimsReport, "isBeforehand" | "heading"> {
  const isBefore = stating.kind === "before" || stating.kind === "elsewhere";
  if (registered === null) {
    return { isBeforehand: isBefore, heading: `Claims, ${statingText(stating)}` };
  }
  const texts = isProven(registered)
    ? [registrationText(registered), ...isBefore ? [] : [statingText(stating)]]
    : [statingText(stating), registrationText(registered)];
  const isChanged = stating.kind === "changed" || stating.kind === "settings";
  return {
    isBeforehand: isProven(registered) && !isChanged,
    heading: `Claims, ${texts.join("; ")}`,
  };
}

/** The verdicts as lines for a terminal; none where a study claims nothing. */
export function claimsText(report: ClaimsReport | null): readonly string[] {
  return report === null
    ? []
    : [`${report.heading}:`, ...report.lines.map((line) => `  ${plainLine(line)}`)];
}

/** The verdicts as values for programs, one a claim; differences are in `unit`, and what is infinite is null. */
export function claimsJson(report: ClaimsReport | null): readonly object[] {
  if (report === null) return [];
  return report.verdicts.map((verdict, i) => {
    const { claim, answer, state, unit, more, differences, plan, task, tasksDiffer } = verdict;
    const scaled = (margins: number | null) =>
      margins === null || !Number.isFinite(margins) ? null : margins * unit.perMargin;
    return {
      kind: "verdict",
      claim: claim.name,
      says: claim.says,
      on: claim.on ?? "average",
      scope: report.lines[i]!.scope,
      answer,
      task,
      tasksDiffer,
      mean: scaled(state.mean),
      afterStopping: scaled(verdict.afterStopping),
      low95: scaled(state.usualLow),
      high95: scaled(state.usualHigh),
      level: state.level,
      low: scaled(state.low),
      high: scaled(state.high),
      innerLow: scaled(state.innerLow),
      innerHigh: scaled(state.innerHigh),
      margin: unit.perMargin,
      unit: unit.name,
      seeds: state.n,
      seedsSeen: differences.length,
      seedsWanted: more !== null && Number.isFinite(more.total) ? more.total : null,
      mostSeeds: plan.cap,
      stated: report.stating,
      ...(report.registered === null ? {} : { registered: report.registered }),
      notes: report.lines[i]!.notes,
    };
  });
}

/** A claim that is not decided, and the seeds until the next look. */
interface SeedsWanted {
  readonly verdict: ClaimVerdict;
  readonly seeds: number;
}

/** A claim that further seeds will not decide, and why. */
interface LeftOpen {
  readonly verdict: ClaimVerdict;
  readonly reason: string;
}

/** What is left to do for a study's claims; those that are decided are in neither list. */
interface Wanted {
  readonly more: readonly SeedsWanted[];
  readonly open: readonly LeftOpen[];
}

/** What is left to do once all runs of a study are made. */
export function seedsWanted(verdicts: readonly ClaimVerdict[]): Wanted {
  const more: SeedsWanted[] = [];
  const open: LeftOpen[] = [];
  for (const verdict of verdicts) {
    const reason = reasonAgainst(verdict);
    if (reason !== null) open.push({ verdict, reason });
    else if (isOpen(verdict)) {
      const { differences: { length }, plan: { looks, cap } } = verdict;
      more.push({ verdict, seeds: (looks.find((n) => n > length) ?? cap) - length });
    }
  }
  return { more, open };
}

const isOpen = ({ answer, closed }: ClaimVerdict): boolean =>
  answer === "undecided" || closed.length > 0;

/** Why further seeds are of no use to a claim that is open; null where they are, and where it is decided. */
function reasonAgainst(verdict: ClaimVerdict): string | null {
  const { closed, differences, plan: { cap, looks }, waiting } = verdict;
  const against = closed.map((gate) => gate.against).find((reason) => reason !== null);
  if (against !== undefined) return against;
  if (!isOpen(verdict)) return null;
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
function lostInARow({ leftOut, differences }: ClaimVerdict): number {
  const last = differences.at(-1)?.seed ?? -Infinity;
  return new Set(leftOut.map(({ seed }) => seed).filter((seed) => seed > last)).size;
}

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

function lookOf(verdict: ClaimVerdict, state: ClaimState, answer: Answer): ClaimLook {
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
