/**
 * Verdicts: what a study's records say of its claims, by the rule that was stated beforehand.
 *
 * Functions of values alone, for the report, for sweeps and for whoever adds seeds until claims are decided.
 *
 * @module
 */
import { type ArmRun, claimPairs } from "../../study/compare/arms.ts";
import { type Claim, type ClaimsOfStudy, decisionOf } from "../../study/schema/claims.ts";
import { cellTitle } from "../../study/grid/run_id.ts";
import {
  planStopping,
  type StoppingPlan,
  type StoppingState,
  stoppingState,
  type StoppingVerdict,
} from "../../stats/stopping.ts";
import { metricInfo } from "../metrics.ts";
import type { NoVerdict } from "../verdict.ts";
import { type MoreSeeds, moreSeeds } from "./more_seeds.ts";
import {
  type LostArm,
  lostArm,
  notTunedOf,
  unequalSettings,
  unlearnedTasks,
} from "./no_evidence.ts";
import { type ClaimSeries, claimSeries, type ScoredRun } from "./series.ts";

/** What is said of a claim. */
export type Answer =
  /** As claimed. */
  | "supported"
  /** The opposite of what is claimed. */
  | "refuted"
  /** Better was claimed, and the arms differ by less than the margin. */
  | "equivalent"
  | "undecided"
  | NoVerdict
  /** On one of its tasks no run learned anything, so that there is no verdict. */
  | "nothing learned"
  /** Too many runs of the arm that a verdict would favour have no score, so that there is none. */
  | "runs failed";

/** In which unit differences of a claim are shown. */
export interface DifferenceUnit {
  /** `points`, the unit of a metric, or `margins` where tasks have different ones. */
  readonly name: string;
  /** What one margin is in this unit. */
  readonly perMargin: number;
}

/** The verdict on one claim; differences are in margins, above zero where arm a is better. */
export interface ClaimVerdict extends Omit<ClaimSeries<ScoredRun>, "runs" | "resolution"> {
  /** As the study states it. */
  readonly claim: Claim;
  /** What is said of it. */
  readonly answer: Answer;
  /** How the rule stands: at the look that decided, or the last so far. */
  readonly state: StoppingState;
  /** How it stood at each look up to that one. */
  readonly looks: readonly StoppingState[];
  /** The rule, with margin 1. */
  readonly plan: StoppingPlan;
  /** In which unit differences are shown. */
  readonly unit: DifferenceUnit;
  /** What is left to do where it is undecided, else null. */
  readonly more: MoreSeeds | null;
  /** Task, label and budget of runs that had not converged, such as `RTE, elalora, r4`. */
  readonly notConverged: readonly string[];
  /** Labels of arms whose tuning ended at an edge. */
  readonly notBracketed: readonly string[];
  /** As {@linkcode unequalSettings} gives them. */
  readonly unequal: readonly string[];
  /** Labels of arms without tuned settings, where those of the other arm were tuned. */
  readonly notTuned: readonly string[];
  /** Tasks on which no run learned anything. */
  readonly notLearned: readonly string[];
  /** Runs behind the differences, and how many of them learned nothing. */
  readonly idle: { readonly runs: number; readonly of: number };
  /** The arm that lost too many runs for a verdict in its favour; null where none did. */
  readonly lost: LostArm | null;
}

/** What would make a verdict void. */
export interface RunChecks<R> {
  /** Whether the training of a run had converged. Default: it had. */
  readonly hasConverged?: (run: R) => boolean;
  /** Whether the settings of a run were tuned within their range, or not at all. Default: they were. */
  readonly isBracketed?: (run: R) => boolean;
  /** Whether a run has settings that were chosen for it; null where nothing was tuned. Default null. */
  readonly isTuned?: ((run: R) => boolean) | null;
  /** Whether a run learned anything. Default: it did. */
  readonly hasLearned?: (run: R) => boolean;
}

/** The stopping rule of a study's claims, in margins. It takes a fifth of a second, so that whoever needs it again hands it on. */
export function ruleOf(study: ClaimsOfStudy): StoppingPlan {
  const { rule, block, mostSeeds, betterThan, claimLevel } = decisionOf(study);
  return planStopping({
    block,
    cap: mostSeeds,
    margin: 1,
    betterThan: betterThan === "margin" ? 1 : 0,
    level: claimLevel,
    rule: rule === "fixed" ? "obrien-fleming" : rule,
  });
}

/** The rule as it is applied to a claim. */
export function planOf(rule: StoppingPlan, { says }: Claim, resolution: number): StoppingPlan {
  return {
    ...rule,
    resolution,
    // Only a difference beyond the margin contradicts equivalence.
    betterThan: says === "equivalent" ? rule.margin : rule.betterThan,
    question: says === "not worse" ? "not worse" : "difference",
  };
}

/**
 * The verdicts on a study's claims, in its order.
 *
 * Each seed gives one number a claim: the mean over tasks of (a − b) / margin, so that a point on one task weighs as much as what
 * the study calls a point on another. These numbers, in the order of the seeds, are what {@linkcode stoppingState} decides by.
 *
 * @param study Its claims, margins, rule and seeds.
 * @param planned All runs of the study, in the form that its plan has them.
 * @param runs What was recorded of them.
 * @param rule As {@linkcode ruleOf} gives it, where it is known already.
 */
export function verdictsOf<R extends ScoredRun>(
  study: ClaimsOfStudy,
  planned: readonly ArmRun[],
  runs: readonly R[],
  checks: RunChecks<R> = {},
  rule: StoppingPlan | null = null,
): readonly ClaimVerdict[] {
  const { claims = [] } = study;
  if (claims.length === 0) return [];
  const known = rule ?? ruleOf(study);
  return claims.map((claim) =>
    verdictOf(
      claim,
      claimSeries(study, claim, planned, runs),
      known,
      unequalSettings(claim, claimPairs(claim, planned)),
      checks,
    )
  );
}

function verdictOf<R extends ScoredRun>(
  claim: Claim,
  { runs, resolution, ...series }: ClaimSeries<R>,
  rule: StoppingPlan,
  unequal: readonly string[],
  {
    hasConverged = () => true,
    isBracketed = () => true,
    isTuned = null,
    hasLearned = () => true,
  }: RunChecks<R>,
): ClaimVerdict {
  const plan = planOf(rule, claim, resolution);
  const values = series.differences.map(({ value }) => value);
  const state = stoppingState(values, plan);
  const looks = plan.looks.filter((n) => n <= state.n)
    .map((n) => stoppingState(values.slice(0, n), plan));
  const notConverged = [
    ...new Set(
      runs.filter((run) => !hasConverged(run)).map(({ record }) => cellTitle(record.asked)),
    ),
  ];
  const notBracketed = [
    ...new Set(runs.filter((run) => !isBracketed(run)).map(({ record }) => record.asked.label)),
  ];
  const lost = lostArm(series, state);
  // A few runs may be unlucky: before the first look there are too few to tell.
  const notLearned = state.n === 0 ? [] : unlearnedTasks(runs, hasLearned);
  const answer = notBracketed.length > 0
    ? "not bracketed"
    : notConverged.length > 0
    ? "more steps needed"
    : notLearned.length > 0
    ? "nothing learned"
    : lost !== null
    ? "runs failed"
    : answerOf(claim, state.verdict);
  return {
    claim,
    answer,
    state,
    looks,
    plan,
    unit: unitOf(series),
    more: state.verdict === "undecided" ? moreSeeds(values, plan) : null,
    notConverged,
    notBracketed,
    unequal,
    notTuned: isTuned === null ? [] : notTunedOf(runs, isTuned, ({ record }) => record.asked),
    notLearned,
    idle: { runs: runs.filter((run) => !hasLearned(run)).length, of: runs.length },
    lost,
    ...series,
  };
}

function answerOf({ says }: Claim, verdict: StoppingVerdict): Answer {
  if (verdict === "undecided") return "undecided";
  if (verdict === says) return "supported";
  return verdict === "equivalent" ? "equivalent" : "refuted";
}

/** The unit that all tasks share, or margins. */
export function unitOf({ differences }: Pick<ClaimVerdict, "differences">): DifferenceUnit {
  const tasks = differences.flatMap((seed) => seed.tasks);
  const first = tasks[0];
  const margins: DifferenceUnit = { name: "margins", perMargin: 1 };
  if (first === undefined) return margins;
  const { scale, title } = metricInfo(first.metric);
  const isShared = tasks.every(({ metric, margin }) =>
    margin === first.margin && metricInfo(metric).scale === scale &&
    (scale === 100 || metric === first.metric)
  );
  if (!isShared) return margins;
  return { name: scale === 100 ? "points" : title, perMargin: first.margin * scale };
}
