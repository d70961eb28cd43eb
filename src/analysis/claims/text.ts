/**
 * Verdicts in words: the lines that a report opens with and a sweep ends with.
 *
 * @module
 */
import {
  type Claim,
  type ClaimsOfStudy,
  claimText,
  decisionOf,
} from "../../study/schema/claims.ts";
import { centreOf } from "../../stats/stopping.ts";
import { counted, listed, said, signed, whole } from "../../base/format.ts";
import { idleText } from "./no_evidence.ts";
import { scopeText } from "./scope.ts";
import { skewText } from "./skewness.ts";
import type { DifferenceUnit } from "./unit.ts";
import type { Answer, ClaimVerdict } from "./verdict.ts";

/** What is said of one claim. */
export interface VerdictLine {
  /** Of the claim. */
  readonly name: string;
  /** The claim as a sentence. */
  readonly claim: string;
  /** What the verdict generalises over, for instance `over seeds, on this task and these dev texts`. */
  readonly scope: string;
  /** For instance `supported` or `undecided`. */
  readonly answer: Answer;
  /** What would decide it, for instance `about 9 more seeds`; empty where it is decided or nobody knows. */
  readonly wanted: string;
  /** The number that decides, for instance `+1.42 points`. */
  readonly number: string;
  /** What stands behind it, for instance `95% interval +0.31 to +2.53, 12 seeds`; empty where nothing does. */
  readonly basis: string;
  /** What a reader must know of it besides; empty mostly. */
  readonly notes: readonly string[];
}

/** A chance in percent without more decimals than it needs: `95`, `97.5`, `98.33`. */
const percent = (share: number): string => String(Number((100 * share).toFixed(2)));

/** Decimals with which differences of a unit are written. */
export function decimalsOf({ unit }: Pick<ClaimVerdict, "unit">): number {
  if (unit.name === "points" || unit.name === "margins") return 2;
  return Math.max(2, 2 - Math.floor(Math.log10(unit.perMargin)));
}

/** The margin in the unit of the differences, for instance `1 point` or `2 points`. */
export function marginText({ unit }: Pick<ClaimVerdict, "unit">): string {
  const size = Number(unit.perMargin.toPrecision(3));
  const isOne = size === 1 && (unit.name === "points" || unit.name === "margins");
  return `${size} ${isOne ? unit.name.slice(0, -1) : unit.name}`;
}

/** Ends of the interval that decides, in margins, and its level. */
export function decidingInterval(
  { state }: Pick<ClaimVerdict, "state">,
): { readonly low: number; readonly high: number; readonly level: number } {
  const { low, high, innerLow, innerHigh, level } = state;
  return state.verdict === "equivalent"
    ? { low: innerLow, high: innerHigh, level: 1 - 2 * level }
    : { low, high, level: 1 - level };
}

/** The line of a verdict. */
export function lineOf(verdict: ClaimVerdict): VerdictLine {
  return {
    name: verdict.claim.name,
    claim: saidText(verdict.claim),
    scope: scopeText(verdict),
    answer: verdict.answer,
    wanted: wantedText(verdict),
    ...numberText(verdict),
    notes: notesOf(verdict),
  };
}

/** What is claimed: beside a sentence of the study's own stands what is tested, since a sentence may say anything. */
function saidText(claim: Claim): string {
  const { text, ...tested } = claim;
  const made = claimText(tested);
  return text === undefined || text === made ? made : `${text} (tested: ${made})`;
}

/** A line as plain text: `ours: supported, +1.42 points (95% interval ...) – claimed: elalora is better than lora`. */
export function plainLine(line: VerdictLine): string {
  const { name, claim, scope, answer, wanted, number, basis, notes } = line;
  const verdict = wanted === "" ? answer : `${answer} (${wanted})`;
  const found = basis === "" ? number : `${number} (${basis})`;
  return [`${name}: ${verdict}, ${found} – claimed: ${claim}, ${scope}`, ...notes].join("; ");
}

/** Two digits are enough of a number that rests on an estimated spread. */
export function roughly(seeds: number): number {
  const step = 10 ** Math.max(0, Math.floor(Math.log10(seeds)) - 1);
  return Math.ceil(seeds / step) * step;
}

function wantedText({ answer, more, differences, leftOut }: ClaimVerdict): string {
  if (answer !== "undecided" || more === null || !Number.isFinite(more.total)) return "";
  // Where no seed has a score so far, further ones would hardly have.
  if (differences.length === 0 && leftOut.length > 0) return "";
  const left = roughly(more.total - differences.length);
  return `${more.isKnown ? "about " : ""}${counted(left, "more seed")}`;
}

function numberText(verdict: ClaimVerdict): Pick<VerdictLine, "number" | "basis"> {
  const { state, differences, unit, plan, task } = verdict;
  const decimals = decimalsOf(verdict);
  const on = task === null ? "" : ` on ${task}`;
  const shown = (margins: number) => signed(margins * unit.perMargin, decimals);
  if (state.mean === null) {
    if (differences.length === 0) {
      return { number: "no seed yet", basis: "no seed has a score of both" };
    }
    const mean = centreOf(plan, differences.map(({ value }) => value));
    const seeds = counted(differences.length, "seed");
    return {
      number: `${shown(mean)} ${unit.name}`,
      basis: `${seeds}, and the first look is at ${whole(plan.looks[0])}`,
    };
  }
  return {
    number: `${shown(state.mean)} ${unit.name}${on}`,
    basis: said(stoppingText(verdict), intervalText(verdict), counted(state.n, "seed")).join(", "),
  };
}

/** Margins that an interval is wide at most to be shown by its ends. */
const mostMargins = 100;

/** Points by which scores can differ at most: correlations lie within ±100. */
const mostPoints = 200;

/** Why the ends of an interval, in margins, are not shown; null where they say something. */
export function hiddenInterval(unit: DifferenceUnit, low: number, high: number): string | null {
  if (!Number.isFinite(low)) return "no interval at this look";
  const most = mostPoints / unit.perMargin;
  if (unit.name === "points" && low < -most && high > most) {
    return "wider than any difference can be";
  }
  // Rules that spend little of their level on the first looks have intervals there that say nothing.
  return high - low > mostMargins ? `wider than ${mostMargins} margins` : null;
}

/**
 * The 95 % interval in words, with the one that decides where its level is another one:
 * `95% interval −0.31 to +0.53, decided by the 90% interval −0.20 to +0.42`.
 */
export function intervalText(verdict: Pick<ClaimVerdict, "state" | "unit">): string {
  const decimals = decimalsOf(verdict);
  const { unit, state: { usualLow, usualHigh } } = verdict;
  const shown = (margins: number) => signed(margins * unit.perMargin, decimals);
  const endsText = (low: number, high: number) =>
    hiddenInterval(unit, low, high) ?? `${shown(low)} to ${shown(high)}`;
  const { low, high, level } = decidingInterval(verdict);
  const isUsual = percent(level) === percent(usualShare);
  const usual = isUsual ? { low, high } : { low: usualLow, high: usualHigh };
  const name = `${percent(usualShare)}% interval`;
  if (!Number.isFinite(usual.low) && !Number.isFinite(low)) return endsText(low, high);
  const first = Number.isFinite(usual.low)
    ? `${name} ${endsText(usual.low, usual.high)}`
    : `no ${name} at this look`;
  if (isUsual || !Number.isFinite(low)) return first;
  return verdict.state.verdict === "undecided"
    ? `${first}, the ${percent(level)}% interval that decides ${endsText(low, high)}`
    : `${first}, decided by the ${percent(level)}% interval ${endsText(low, high)}`;
}

/** The level of the interval that is always shown. */
const usualShare = 0.95;

/** What is left of a difference once its early stopping is allowed for, for instance `after stopping +1.9`; false where nothing is to be said. */
function stoppingText(verdict: ClaimVerdict): string | false {
  const { afterStopping, unit } = verdict;
  return afterStopping !== null && verdict.closed.length === 0 &&
    `after stopping ${signed(afterStopping * unit.perMargin, decimalsOf(verdict))}`;
}

function notesOf(verdict: ClaimVerdict): readonly string[] {
  const { answer, state, more, leftOut, differences, closed, notTuned, unequal, idle } = verdict;
  const left = new Set(leftOut.map(({ seed }) => seed)).size;
  const isOpen = answer === "undecided";
  return said(
    ...closed.map(({ note }) => note),
    verdict.unmeasured,
    unequal.length > 0 && `the arms differ in ${listed(unequal)}`,
    notTuned.length > 0 &&
      `the settings of ${listed(notTuned)} were not tuned, those of the other arm were`,
    idle.runs > 0 && closed.every(({ answer }) => answer !== "nothing learned") &&
      idleText(idle.runs, idle.of),
    left > 0 &&
      `${whole(left)} of ${counted(left + differences.length, "seed")} left out: ${
        listed(leftOut.map(({ run, reason }) => `"${run}" ${reason}`))
      }`,
    state.verdict !== "undecided" && differences.length > state.n &&
      `decided by the first ${whole(state.n)} of ${counted(differences.length, "seed")}`,
    skewText(verdict),
    isOpen && more !== null && !more.isWithinPlan && beyondText(verdict),
    isOpen && excludedText(verdict),
  );
}

function beyondText({ more, plan }: ClaimVerdict): string {
  const { total, isKnown } = more!;
  if (Number.isFinite(total)) {
    return `about ${whole(roughly(total))} seeds are wanted in all, and the plan allows ${
      whole(plan.cap)
    }`;
  }
  return isKnown
    ? "no number of seeds would decide a difference that lies where it does now"
    : "every seed has the same difference, so its spread is not known";
}

/** What an undecided interval excludes all the same. */
function excludedText(verdict: ClaimVerdict): string | false {
  const { state: { low, high }, plan } = verdict;
  if (plan.question === "not worse") return false;
  const than = `of ${marginText(verdict)} or more`;
  return high < 1
    ? `an advantage ${than} is excluded`
    : low > -1 && `a disadvantage ${than} is excluded`;
}

/** How claims are decided, in a sentence or two. */
export function ruleText(study: ClaimsOfStudy): string {
  const { claims = [] } = study;
  const { rule, block, mostSeeds, level, betterThan, claimLevel } = decisionOf(study);
  const looks = rule === "fixed"
    ? `once, at ${whole(mostSeeds)} seeds`
    : `after every ${whole(block)} seeds, up to ${whole(mostSeeds)} (rule ${rule})`;
  // Better is false there on one side, half of the level, and equivalent with all of it.
  const atMargin = claims.some(({ says }) =>
    says === "equivalent" || says === "better" && betterThan === "margin"
  );
  const each = claims.length === 1
    ? `a false verdict is at most ${percent(level)}%`
    : `any false verdict is at most ${percent(level)}%, and ${percent(claimLevel)}% for each claim`;
  const over = rule === "fixed" ? "" : ", over all looks together";
  const more = `${percent(1.5 * level)}% where a true difference is exactly the margin`;
  const chance = `the chance of ${each}${over}${
    atMargin ? ` (${more}: neither better nor equivalent is true there)` : ""
  }`;
  const difference = rule === "sign" ? "median difference" : "difference";
  const bar = `Better and worse mean a ${difference} of ${
    betterThan === "margin" ? "more than the margin" : "any size"
  }.`;
  const every = claims.some(({ on }) => on === "every task")
    ? " A claim on every task has one for each task, and holds once all of them show it."
    : "";
  return `A seed gives one difference for each claim: the mean over the tasks of the claim, in units of their margins.${every} Claims are tested ${looks}; ${chance}. ${bar}`;
}
