/**
 * Successive halving without waiting for each other (ASHA): which trial begins or goes on next.
 *
 * Li et al. 2020, "A System for Massively Parallel Hyperparameter Tuning", arXiv 1810.05934, algorithm 2. There, a decision depends
 * on which trials happen to be done. Here it depends on the scores of all but the last few jobs that were given out, so that the
 * same trials go on whatever runs side by side, and a tuning that was stopped goes on as it would have.
 *
 * @module
 */

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
export type HalvingScore = number | null | undefined;

/** The next job, `wait` until the score of an earlier one is known, or `done`. */
export type NextJob = HalvingJob | "wait" | "done";

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

/** The higher score first, failures last. */
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

/** The fewest steps of a run that has all its rungs. */
export function fewestSteps(rules: RungRules): number {
  return rules.reduction ** (rungCount(rules) - 1);
}

/** The fewest trials of which one is sure to be trained to its end, if none fails. */
export function fewestTrials(rules: RungRules): number {
  return rules.reduction ** (rungCount(rules) - 1);
}

/**
 * The steps after which trials are compared, ascending: the first rung and its multiples, and the end of the run.
 *
 * @param steps Steps of the whole run, at least {@linkcode fewestSteps}.
 */
export function rungSteps(steps: number, rules: RungRules): readonly number[] {
  const last = rungCount(rules) - 1;
  const first = Math.round(steps / rules.reduction ** last);
  return [...Array.from({ length: last }, (_, i) => first * rules.reduction ** i), steps];
}
