/**
 * How the metric went while the total rank changed: a run that gets sparser is a curve of sparsity against quality.
 *
 * @module
 */
import { meanOf, summarise } from "../stats/statistics.ts";
import type { Basis } from "./basis.ts";
import type { RunResults } from "./results.ts";
import { scorePoints } from "./learning.ts";
import { type Cell, cellKeys, cellOf, orderOf, rolledUp } from "./run_rows.ts";

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
