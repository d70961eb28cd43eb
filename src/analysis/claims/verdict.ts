/**
 * Verdicts: what a study's records say of its claims, by the rule that was stated beforehand.
 *
 * Functions of values alone, for the report, for sweeps and for whoever adds seeds until claims are decided.
 *
 * @module
 */
import { type ArmRun, claimPairs } from "../../study/compare/arms.ts";
import { type Claim, type ClaimsOfStudy, decisionOf } from "../../study/schema/claims.ts";
import {
  intervalsAt,
  planStopping,
  type StoppingOptions,
  type StoppingPlan,
  type StoppingState,
  stoppingState,
  type StoppingVerdict,
} from "../../stats/stopping.ts";
import { stoppedMean } from "../../stats/stopped_mean.ts";
import { verdictSplitName } from "../../tasks/run_examples.ts";
import { verdictEvaluation } from "../run_rows.ts";
import { type MoreSeeds, moreSeeds } from "./more_seeds.ts";
import {
  type ClosedAnswer,
  type ClosedGate,
  closedGates,
  type GatedLook,
  type RunChecks,
  withDefaults,
} from "./gates.ts";
import { chanceOfTasks, everyTask, seriesOfTasks } from "./each_task.ts";
import { notTunedOf, unequalSettings } from "./no_evidence.ts";
import { type ClaimNoise, claimNoise, withoutNoise } from "./example_noise.ts";
import { type ClaimSeries, claimSeries, type ScoredRun, type SeedDifference } from "./series.ts";
import { type DifferenceUnit, unitOf } from "./unit.ts";

/** What is said of a claim. */
export type Answer =
  /** As claimed. */
  | "supported"
  /** The opposite of what is claimed. */
  | "refuted"
  /** Better was claimed, and the arms differ by less than the margin. */
  | "equivalent"
  | "undecided"
  /** A gate is closed, so that there is no verdict. */
  | ClosedAnswer;

/** How the rule stands at a look of a claim. */
export interface ClaimState extends StoppingState {
  /** The level of the interval that decides better and worse is 1 − this, of that which decides equivalence 1 − 2 of it. */
  readonly level: number;
  /** Ends of the 95 % interval by the same rule; infinite where it has none. */
  readonly usualLow: number;
  /** See {@linkcode ClaimState.usualLow}. */
  readonly usualHigh: number;
}

/** The verdict on one claim; differences are in margins, above zero where arm a is better. */
export interface ClaimVerdict
  extends Omit<ClaimSeries<ScoredRun>, "runs" | "pairs" | "resolution"> {
  /** As the study states it. */
  readonly claim: Claim;
  /** What is said of it. */
  readonly answer: Answer;
  /** How the rule stands: at the look that decided, or the last so far. */
  readonly state: ClaimState;
  /** How it stood at each look up to that one. */
  readonly looks: readonly ClaimState[];
  /** As {@linkcode stoppedMean} gives it, for a claim whose rule has ended; null where there is none. */
  readonly afterStopping: number | null;
  /** The rule, with margin 1. */
  readonly plan: StoppingPlan;
  /** In which unit differences are shown. */
  readonly unit: DifferenceUnit;
  /** What is left to do where it is undecided, else null. */
  readonly more: MoreSeeds | null;
  /** The task that the state is of, for a claim about every task; null for one about their average. */
  readonly task: string | null;
  /** The chance of tasks as different as these where they do not differ; null for one task, and for too few seeds. */
  readonly tasksDiffer: number | null;
  /** What keeps it from a verdict; empty where nothing does. */
  readonly closed: readonly ClosedGate[];
  /** As {@linkcode unequalSettings} gives them. */
  readonly unequal: readonly string[];
  /** Labels of arms without tuned settings, where those of the other arm were tuned. */
  readonly notTuned: readonly string[];
  /** What other examples would change, for a claim over these too. */
  readonly noise: ClaimNoise;
  /** Whether it was decided on the half of the dev texts that was kept for verdicts. */
  readonly isHalved: boolean;
  /** Runs behind the differences, and how many of them learned nothing. */
  readonly idle: { readonly runs: number; readonly of: number };
}

/** Rules by what they were planned from: each takes a fifth of a second. */
const rules = new Map<string, StoppingPlan>();

/**
 * The stopping rule of a study's claims, in margins.
 *
 * @param among Parts of a claim that share its level. Default 1.
 */
export function ruleOf(study: ClaimsOfStudy, among = 1): StoppingPlan {
  return ruleAt(study, decisionOf(study).claimLevel / among);
}

function ruleAt(study: ClaimsOfStudy, level: number): StoppingPlan {
  const { rule, block, mostSeeds, betterThan } = decisionOf(study);
  const options: StoppingOptions = {
    block,
    cap: mostSeeds,
    margin: 1,
    betterThan: betterThan === "margin" ? 1 : 0,
    level,
    rule: rule === "fixed" ? "obrien-fleming" : rule,
  };
  const key = JSON.stringify(options);
  const known = rules.get(key) ?? planStopping(options);
  rules.set(key, known);
  return known;
}

/** Chance that the usual interval, of 95 %, misses the true difference. */
const usualLevel = 0.05;

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
 */
export function verdictsOf<R extends ScoredRun>(
  study: ClaimsOfStudy,
  planned: readonly ArmRun[],
  runs: readonly R[],
  checks: RunChecks<R> = {},
): readonly ClaimVerdict[] {
  const { claims = [] } = study;
  return claims.map((claim) => {
    const series = claimSeries(study, claim, planned, runs);
    const own = finishedAt(study, series.differences.length);
    const found = verdictOf(
      claim,
      series,
      { shared: (among) => ruleOf(own, among), usual: ruleAt(own, usualLevel) },
      unequalSettings(claim, claimPairs(claim, planned)),
      checks,
    );
    if (study.isFinished !== true || found.more === null) return found;
    // No plan says how many seeds there may be.
    return { ...found, more: { ...found.more, isWithinPlan: Number.isFinite(found.more.total) } };
  });
}

/** A study that gets no more seeds, whose fixed rule looks at those that a claim has; any other as it is. */
function finishedAt(study: ClaimsOfStudy, seeds: number): ClaimsOfStudy {
  if (study.isFinished !== true || decisionOf(study).rule !== "fixed") return study;
  return { ...study, decide: { ...study.decide, mostSeeds: Math.max(3, seeds) } };
}

/** The rules of a claim: with its level shared among so many parts, and at 5 %. */
interface Rules {
  readonly shared: (among: number) => StoppingPlan;
  readonly usual: StoppingPlan;
}

function verdictOf<R extends ScoredRun>(
  claim: Claim,
  { runs, pairs, resolution, ...series }: ClaimSeries<R>,
  { shared: rule, usual }: Rules,
  unequal: readonly string[],
  given: RunChecks<R>,
): ClaimVerdict {
  const plan = planOf(rule(1), claim, resolution);
  const checks = withDefaults(given);
  const noise = claimNoise(claim, { pairs, differences: series.differences });
  const { values, state, task, by } = decidedBy(
    claim,
    series.differences,
    plan,
    (among) => planOf(rule(among), claim, resolution),
    noise,
  );
  const isOpen = state.verdict === "undecided";
  const whole = planOf(usual, claim, resolution);
  const withUsual = (state: StoppingState, { level }: StoppingPlan): ClaimState => {
    const { low, high } = state.n === 0
      ? state
      : intervalsAt(values.slice(0, state.n), whole, noise(state.n, task));
    return { ...state, level, usualLow: low, usualHigh: high };
  };
  const looks = plan.looks.filter((n) => n <= values.length);
  const seenBy = (n: number): GatedLook<R> => {
    const differences = series.differences.slice(0, n);
    const last = differences.at(-1)?.seed ?? -Infinity;
    const isSeen = (seed: number) => seed <= last;
    return {
      claim,
      plan,
      verdict: state.verdict,
      differences,
      leftOut: series.leftOut.filter(({ seed }) => isSeen(seed)),
      runs: runs.filter(({ record }) => isSeen(record.asked.seed)),
      isLook: state.n > 0,
      noise,
      checks,
    };
  };
  // From the look that decided on, the first with all gates open: what comes after it changes nothing.
  const candidates = (isOpen ? [values.length] : looks.filter((n) => n >= state.n)).map(seenBy);
  const opened = candidates.find((look) => closedGates(look).length === 0);
  const look = opened ?? candidates.at(-1)!;
  const closed = opened === undefined ? closedGates(look) : [];
  return {
    claim,
    answer: closed[0]?.answer ?? answerOf(claim, state.verdict),
    state: withUsual(state, by),
    looks: looks.filter((n) => n <= state.n)
      .map((n) => withUsual(stoppingState(values.slice(0, n), by, (n) => noise(n, task)), by)),
    afterStopping: afterStopping(claim, values, state, by),
    plan,
    task,
    tasksDiffer: chanceOfTasks(look.differences, noise),
    unit: unitOf(series, task),
    more: isOpen ? moreSeeds(values, plan, noise(values.length, task)) : null,
    closed,
    unequal,
    notTuned: checks.isTuned === null
      ? []
      : notTunedOf(look.runs, checks.isTuned, ({ record }) => record.asked),
    noise,
    isHalved: look.runs.some(({ record }) => verdictEvaluation(record)?.split === verdictSplitName),
    idle: {
      runs: look.runs.filter((run) => !checks.hasLearned(run)).length,
      of: look.runs.length,
    },
    ...series,
  };
}

/**
 * The median-unbiased mean of a claim whose rule has ended. Null for one about other examples, whose looks end elsewhere than the
 * seeds' spread says, and for one about every task, whose shown task is chosen by its result.
 */
function afterStopping(
  { on, over }: Claim,
  values: readonly number[],
  { n, verdict }: StoppingState,
  plan: StoppingPlan,
): number | null {
  if (n === 0 || on === "every task" || over?.includes("examples")) return null;
  return stoppedMean(values.slice(0, n), plan, verdict);
}

/** How the rule stands, and the differences that it stands by: of the average, or of the task that decides. */
export function decidedBy(
  claim: Claim,
  differences: readonly SeedDifference[],
  plan: StoppingPlan,
  shared: (among: number) => StoppingPlan,
  noise: ClaimNoise = withoutNoise,
): {
  readonly values: readonly number[];
  readonly state: StoppingState;
  readonly task: string | null;
  /** The rule at the level that decides. */
  readonly by: StoppingPlan;
} {
  const tasks = claim.on === "every task" ? seriesOfTasks(differences) : [];
  if (tasks.length < 2) {
    const values = differences.map(({ value }) => value);
    return {
      values,
      state: stoppingState(values, plan, (n) => noise(n, null)),
      task: null,
      by: plan,
    };
  }
  const { series: { task, values }, state, by } = everyTask(
    tasks,
    claim.says,
    plan,
    shared(tasks.length),
    noise,
  );
  return { values, state, task, by };
}

function answerOf({ says }: Claim, verdict: StoppingVerdict): Answer {
  if (verdict === "undecided") return "undecided";
  if (verdict === says) return "supported";
  return verdict === "equivalent" ? "equivalent" : "refuted";
}
