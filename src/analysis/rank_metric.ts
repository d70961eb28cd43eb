/**
 * How the metric went while the total rank changed: a run that gets sparser is a curve of sparsity against quality.
 *
 * @module
 */
import { meanOf, summarise } from "../stats/statistics.ts";
import type { Basis } from "./basis.ts";
import type { RunResults } from "./results.ts";
import { cellKeys, cellOf, rolledUp } from "./run_rows.ts";
import { orderOf } from "./scores.ts";

/** The runs of a cell at one evaluation. */
export interface RankMetricRow {
  readonly task: string;
  readonly metric: string;
  readonly label: string;
  readonly budget: string;
  readonly step: number;
  readonly n: number;
  /** Total rank, the mean over runs. */
  readonly rank: number;
  /** The share of the initial total rank that is held, the mean over runs. */
  readonly held: number;
  /** The metric as recorded, and its deviation over runs. */
  readonly mean: number;
  readonly sd: number | null;
}

interface Point {
  readonly step: number;
  readonly rank: number;
  readonly held: number;
  readonly score: number;
}

/** Total rank and metric at each evaluation of a run on the split that counts; none of a sequence, whose metric is of ever more classes. */
function pointsOf({ record, ranks, evaluations }: RunResults): readonly Point[] {
  const { initialRanks, last, outcome, primaryMetric, sequence } = record.happened;
  if (sequence !== undefined) return [];
  if (initialRanks === null || last === null || outcome.state !== "finished") return [];
  const initial = Object.values(initialRanks).reduce((sum, rank) => sum + rank, 0);
  return evaluations.filter(({ split }) => split === last.split).map(({ step, metrics }) => {
    const rank = ranks.findLast((line) => line.step <= step)?.budget ?? initial;
    return { step, rank, held: rank / initial, score: metrics[primaryMetric] ?? NaN };
  }).filter(({ score }) => Number.isFinite(score));
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
