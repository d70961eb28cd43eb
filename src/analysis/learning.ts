/**
 * Scores over training: the mean curve of each cell, when each run reaches a score, and how the score went while the total rank
 * changed.
 *
 * @module
 */
import { meritOf } from "../tasks/metrics.ts";
import { type Cell, cellKeys, cellOf, orderOf, rolledUp } from "./run_rows.ts";
import { meanOf, summarise } from "../stats/statistics.ts";
import type { Basis } from "./basis.ts";
import type { RunResults, StudyResults } from "./results.ts";

/** A score and the steps done when it was found. */
interface ScorePoint {
  readonly step: number;
  readonly score: number;
}

/** The scores of a finished run on the split that counts, in the order of its steps; those that are no number are left out. */
function scorePoints(
  { record: { happened }, evaluations }: RunResults,
): readonly ScorePoint[] {
  const split = happened.last?.split;
  if (happened.outcome.state !== "finished") return [];
  return evaluations.filter((line) => line.split === split)
    .map(({ step, metrics }) => ({ step, score: metrics[happened.primaryMetric] ?? NaN }))
    .filter(({ score }) => Number.isFinite(score));
}

/** The mean score of a cell's runs after each step at which one of them was evaluated. */
interface LearningCurve extends Cell {
  readonly metric: string;
  readonly points: readonly ScorePoint[];
}

/**
 * The curves of all cells. A run keeps its last score after its end, so that the mean of runs that end at different steps is always
 * of the same runs; it begins where every run has been evaluated.
 */
export function learningCurves({ runs }: StudyResults): readonly LearningCurve[] {
  const scored = runs.map((run) => ({
    ...cellOf(run.record),
    metric: run.record.happened.primaryMetric,
    points: scorePoints(run),
  })).filter(({ points }) => points.length > 0);
  return rolledUp(scored, cellKeys, (own) => {
    const steps = [...new Set(own.flatMap(({ points }) => points.map(({ step }) => step)))]
      .sort((a, b) => a - b);
    const points = steps.flatMap((step) => {
      const scores = own.flatMap(({ points }) =>
        points.findLast((point) => point.step <= step)?.score ?? []
      );
      return scores.length < own.length ? [] : [{ step, score: meanOf(scores) }];
    });
    return { metric: own[0]!.metric, points };
  });
}

/** When a run reached a score. */
interface Reached {
  /** Steps done before the first evaluation that has it. */
  readonly step: number;
  /** Seconds of these steps, evaluations and rank events left out; null where the journal of steps was not kept. */
  readonly seconds: number | null;
}

/** When a run reached a score for the first time; null where it never did. */
export function reachedAt(run: RunResults, target: number): Reached | null {
  const { primaryMetric } = run.record.happened;
  const first = scorePoints(run).find(({ score }) => meritOf(primaryMetric, score - target) >= 0);
  if (first === undefined) return null;
  const { step } = first;
  const millis = millisUntil(run, step);
  return { step, seconds: millis === null ? null : millis / 1000 };
}

/** The time of a run's steps until an evaluation; null where the journal of steps was not kept. */
export function millisUntil(
  { record: { thinned }, steps }: Pick<RunResults, "record" | "steps">,
  step: number,
): number | null {
  if (thinned !== undefined) return thinned.millis[step] ?? null;
  const own = steps.filter((line) => line.step <= step);
  return own.length < step ? null : own.reduce((sum, { stepMillis }) => sum + stepMillis, 0);
}

/** The runs of a cell at one evaluation. */
export interface RankMetricRow extends Cell {
  /** The metric's name, as records have it. */
  readonly metric: string;
  /** Steps done at the evaluation. */
  readonly step: number;
  /** Runs. */
  readonly n: number;
  /** Total rank, the mean over runs. */
  readonly rank: number;
  /** The share of the initial total rank that is held, the mean over runs. */
  readonly held: number;
  /** The metric as recorded, the mean over runs. */
  readonly mean: number;
  /** Its deviation over runs; null for one. */
  readonly sd: number | null;
}

/** Total rank and metric at each evaluation of a run on the split that counts; none of a sequence, whose metric is of ever more classes. */
function pointsOf(run: RunResults) {
  const { initialRanks, sequence } = run.record.happened;
  if (initialRanks === null || sequence !== undefined) return [];
  const initial = Object.values(initialRanks).reduce((sum, rank) => sum + rank, 0);
  return scorePoints(run).map(({ step, score }) => {
    const rank = run.ranks.findLast((line) => line.step <= step)?.budget ?? initial;
    return { step, score, rank, held: rank / initial };
  });
}

/** A row an evaluation of each cell in which the total rank differs between evaluations, in the grid's order. */
export function rankMetricRows(results: Basis): readonly RankMetricRow[] {
  const runs = results.runs.map((run) => ({ ...cellOf(run.record), run }));
  const rows = rolledUp(runs, cellKeys, (own) => {
    const metric = own[0]!.run.record.happened.primaryMetric;
    const byRun = own.map(({ run }) => pointsOf(run));
    const changes = byRun.some((points) => points.some(({ rank }) => rank !== points[0]!.rank));
    return { metric, points: changes ? byRun.flat() : [] };
  }).flatMap(({ task, metric, label, budget, points }) =>
    rolledUp(points, ["step"], (at) => {
      const { n, mean, sd } = summarise(at.map(({ score }) => score));
      return {
        ...{ n, mean: mean!, sd },
        rank: meanOf(at.map(({ rank }) => rank)),
        held: meanOf(at.map(({ held }) => held)),
      };
    }).map(({ step, n, rank, held, mean, sd }): RankMetricRow => ({
      ...{ task, metric, label, budget, step, n, rank, held, mean, sd },
    }))
  );
  const order = orderOf(results.grid);
  return rows.toSorted((a, b) => order(a) - order(b) || a.step - b.step);
}
