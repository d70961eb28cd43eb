/**
 * Steps and seconds to a score, beside the score at the end.
 *
 * @module
 */
import { meanOf } from "../stats/statistics.ts";
import { isHigherBetter, meritOf } from "../tasks/metrics.ts";
import type { Analysis } from "./analysis.ts";
import { reachedAt } from "./learning.ts";
import { type Cell, cellKey, cellOf } from "./run_rows.ts";

/** The share of the best mean of a task that is its target where the study names none. */
const defaultTargetShare = 0.95;

/** When the runs of a cell reach the target of their task. */
interface TargetRow extends Cell {
  readonly metric: string;
  readonly target: number;
  /** Runs that finished, and those of them that reach it. */
  readonly runs: number;
  readonly reached: number;
  /** Means over the runs that reach it; null where none does, and seconds where a journal was not kept. */
  readonly steps: number | null;
  readonly seconds: number | null;
  /** The most runs that were trained at a time with one of these; null where that is not known. */
  readonly jobs: number | null;
  /** The mean of the cell at the end. */
  readonly final: number | null;
}

/** The target of each task: the study's, else a share of the best mean; none where that is not above zero. */
export function targetsOf(results: Analysis): ReadonlyMap<string, number> {
  const { targets = {} } = results.study;
  const rows = results.scores;
  return new Map(
    results.grid.tasks.flatMap((task): readonly [string, number][] => {
      const stated = targets[task];
      if (stated !== undefined) return [[task, stated]];
      const own = rows.filter((row) => row.task === task && row.mean !== null);
      if (own.length === 0) return [];
      const { metric } = own[0]!;
      const best = meritOf(metric, Math.max(...own.map(({ mean }) => meritOf(metric, mean!))));
      const share = isHigherBetter(metric) ? defaultTargetShare : 1 / defaultTargetShare;
      return best > 0 ? [[task, share * best]] : [];
    }),
  );
}

/** One row a cell, in the order of the grid. */
export function targetRows(results: Analysis): readonly TargetRow[] {
  const targets = targetsOf(results);
  const runsOf = Map.groupBy(
    results.runs.filter(({ record }) => record.happened.outcome.state === "finished"),
    ({ record }) => cellKey(cellOf(record)),
  );
  return results.scores.flatMap((row): readonly TargetRow[] => {
    const { task, metric, label, budget, mean } = row;
    const target = targets.get(task);
    const runs = runsOf.get(cellKey(row)) ?? [];
    if (target === undefined || runs.every(({ evaluations }) => evaluations.length === 0)) {
      return [];
    }
    const reached = runs.flatMap((run) => reachedAt(run, target) ?? []);
    const seconds = reached.flatMap(({ seconds }) => seconds === null ? [] : [seconds]);
    const jobs = runs.flatMap(({ record: { happened: { time } } }) => time.jobs ?? []);
    return [{
      task,
      metric,
      label,
      budget,
      target,
      runs: runs.length,
      reached: reached.length,
      steps: reached.length === 0 ? null : meanOf(reached.map(({ step }) => step)),
      seconds: seconds.length < reached.length || seconds.length === 0 ? null : meanOf(seconds),
      jobs: jobs.length === 0 ? null : Math.max(...jobs),
      final: mean,
    }];
  });
}
