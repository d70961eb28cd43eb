/**
 * Successive halving without waiting for each other (ASHA): which trial begins or goes on next.
 *
 * Li et al. 2020, "A System for Massively Parallel Hyperparameter Tuning", arXiv 1810.05934, algorithm 2. There, a decision depends
 * on which trials happen to be done. Here it depends on the scores of all but the last few jobs that were given out, so that the
 * same trials go on whatever runs side by side, and a tuning that was stopped goes on as it would have.
 *
 * @module
 */
import { type Problem, StudyError } from "../../study/check/problems.ts";
import { overlaySettings } from "../../study/schema/settings.ts";
import { totalSteps } from "../../study/grid/steps.ts";
import { type AshaRules, type Tune, tuneDefaults } from "../../study/schema/tune.ts";
import type { GridRun } from "../../study/types.ts";
import { planWith } from "../plan/planning.ts";
import { type Combination, combinationTitle } from "./combinations.ts";
import type { TrialPlanning } from "./trials.ts";

/** A trial that is trained up to a rung; rung 0 is the first. */
export interface HalvingJob {
  readonly trial: number;
  readonly rung: number;
}

/** How trials are halved. */
export interface HalvingRules {
  /** One of so many goes on. */
  readonly reduction: number;
  /** Rungs, the last one being the end of the run; at least 1. */
  readonly rungs: number;
  /** Jobs that are given out at most without the score of the first of them. */
  readonly atOnce: number;
}

/** What came of a job: its score, null where the trial failed, undefined while that is not known. */
type HalvingScore = number | null | undefined;

/** The next job, `wait` until the score of an earlier one is known, or `done`. */
type NextJob = HalvingJob | "wait" | "done";

/**
 * The job that follows those given out so far.
 *
 * @param trials Trials that may begin.
 * @param jobs Those that were given out, in order.
 * @param scores Of each job, the higher the better.
 */
export function nextJob(
  trials: number,
  jobs: readonly HalvingJob[],
  scores: readonly HalvingScore[],
  rules: HalvingRules,
): NextJob {
  const least = Math.max(0, jobs.length - rules.atOnce + 1);
  for (let known = least; known <= jobs.length; known++) {
    if (known > 0 && scores[known - 1] === undefined) return "wait";
    if (known === least && scores.slice(0, known).includes(undefined)) return "wait";
    const promoted = promotable(jobs, scores, known, rules);
    if (promoted !== null) return promoted;
    const begun = jobs.filter(({ rung }) => rung === 0).length;
    if (begun < trials) return { trial: begun, rung: 0 };
  }
  return "done";
}

/** The best trial that may go on by the scores of the first jobs: from the highest rung down. */
function promotable(
  jobs: readonly HalvingJob[],
  scores: readonly HalvingScore[],
  known: number,
  { reduction, rungs }: HalvingRules,
): HalvingJob | null {
  const seen = jobs.slice(0, known).map((job, i) => ({ ...job, score: scores[i] ?? null }));
  for (let rung = rungs - 2; rung >= 0; rung--) {
    const own = seen.filter((job) => job.rung === rung);
    const best = own.toSorted((a, b) => byScore(a.score, b.score) || a.trial - b.trial)
      .slice(0, Math.floor(own.length / reduction))
      .filter(({ score }) => score !== null);
    const gone = new Set(jobs.filter((job) => job.rung === rung + 1).map(({ trial }) => trial));
    const next = best.find(({ trial }) => !gone.has(trial));
    if (next !== undefined) return { trial: next.trial, rung: rung + 1 };
  }
  return null;
}

function byScore(a: number | null, b: number | null): number {
  return (b ?? -Infinity) === (a ?? -Infinity) ? 0 : (b ?? -Infinity) > (a ?? -Infinity) ? 1 : -1;
}

/** How far apart rungs are, and where the first one is. */
export interface RungRules {
  /** How many times as long each further rung is. */
  readonly reduction: number;
  /** Share of a run's steps that the first rung lies near. */
  readonly leastShare: number;
}

/** How many rungs there are, the end of the run included: at least 2. */
export function rungCount({ reduction, leastShare }: RungRules): number {
  return 1 + Math.max(1, Math.round(Math.log(1 / leastShare) / Math.log(reduction)));
}

/** The fewest steps of a run that has all its rungs; and the fewest trials of which one is trained to its end, if none fails. */
export function fewest(rules: RungRules): number {
  return rules.reduction ** (rungCount(rules) - 1);
}

/**
 * The steps after which trials are compared, ascending: the first rung and its multiples, and the end of the run.
 *
 * @param steps Steps of the whole run, at least {@linkcode fewest}.
 */
export function rungSteps(steps: number, rules: RungRules): readonly number[] {
  const last = rungCount(rules) - 1;
  const first = Math.round(steps / rules.reduction ** last);
  return [...Array.from({ length: last }, (_, i) => first * rules.reduction ** i), steps];
}

/** How trials are halved, or null where all are trained to their end. */
export function rungRulesOf({ search, asha }: Tune): Required<AshaRules> | null {
  return search === "asha" ? { ...tuneDefaults.asha, ...asha } : null;
}

/** What is wrong with runs of so many steps that are to have rungs; null where nothing is. */
export function problemOfSteps(
  steps: number,
  rules: Required<AshaRules>,
  { of }: Pick<Combination, "of">,
): Problem | null {
  const { reduction, leastShare } = rules;
  return steps >= fewest(rules) ? null : {
    where: `tune.asha, ${combinationTitle(of)}`,
    message: `found runs of ${steps} steps, wanted at least ${fewest(rules)} for a reduction of ` +
      `${reduction} from a share of ${leastShare}; raise leastShare or the steps`,
  };
}

/**
 * Combinations whose runs evaluate at their rungs.
 *
 * @throws {StudyError} If a run has too few steps for them, is a sequence, or cannot start.
 */
export async function withRungs(
  combinations: readonly Combination[],
  rules: Required<AshaRules>,
  { study, inputs, methods }: Omit<TrialPlanning, "present">,
): Promise<readonly Combination[]> {
  // Reads the data, whose size decides about steps.
  await planWith(inputs, study, combinations.flatMap(({ runs }) => runs), methods);
  const problems: Problem[] = [];
  const evaluated = (run: GridRun, combination: Combination): GridRun => {
    const where = `tune.asha, ${combinationTitle(combination.of)}`;
    if (run.sequence !== undefined) {
      const message =
        "found a sequence of tasks, wanted another search: its scores before the end are of fewer classes";
      problems.push({ where, message });
      return run;
    }
    const steps = totalSteps(run.settings, inputs.examplesOf(run.task));
    const problem = problemOfSteps(steps, rules, combination);
    if (problem !== null) {
      problems.push(problem);
      return run;
    }
    const [evaluateEvery] = rungSteps(steps, rules);
    return {
      ...run,
      settings: overlaySettings(run.settings, { train: { evaluateEvery: evaluateEvery! } }),
    };
  };
  const own = combinations.map((combination) => ({
    ...combination,
    runs: combination.runs.map((run) => evaluated(run, combination)),
  }));
  if (problems.length > 0) throw new StudyError(`Cannot tune study "${study.name}"`, problems);
  return own;
}
