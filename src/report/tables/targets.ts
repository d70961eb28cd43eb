/**
 * Steps and seconds to a score, beside the score at the end.
 *
 * @module
 */
import { budgetName, keyOf } from "../../analysis/run_rows.ts";
import { duration, fixed, nothing, whole } from "../../base/format.ts";
import { reachedAt } from "../../analysis/learning.ts";
import { isHigherBetter, meritOf } from "../../tasks/metrics.ts";
import type { Analysis } from "../../analysis/analysis.ts";
import { number, type ReportTable, reportTable } from "../table.ts";
import { meanOf } from "../../stats/statistics.ts";
import { budgetColumn, methodColumn, metricColumn, scoreOf, taskColumn } from "./columns.ts";

/** The share of the best mean of a task that is its target where the study names none. */
const defaultTargetShare = 0.95;

/** When the runs of a cell reach the target of their task. */
interface TargetRow {
  readonly task: string;
  readonly metric: string;
  readonly label: string;
  readonly budget: string;
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
    ({ record: { asked } }) => keyOf(asked.task, asked.label, budgetName(asked.budget)),
  );
  return results.scores.flatMap((row): readonly TargetRow[] => {
    const { task, metric, label, budget, mean } = row;
    const target = targets.get(task);
    const runs = runsOf.get(keyOf(task, label, budget)) ?? [];
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

/** The table of {@linkcode targetRows}. */
export function targetsTable(results: Analysis): ReportTable {
  const rows = targetRows(results);
  const { targets = {} } = results.study;
  const isDefault = rows.some(({ task }) => targets[task] === undefined);
  const isShared = rows.some(({ jobs }) => (jobs ?? 1) > 1);
  return reportTable(rows, {
    id: "targets",
    title: "Steps and time to a target score",
    note:
      "The step and the time at which a run is first evaluated at the target or better. Means are over the seeds that reach it: compare " +
      "only rows in which the same number do. The time is that of the steps, without evaluations and rank events." +
      (isDefault ? " Where the study names no target, it is 95 % of the task’s best mean." : "") +
      (isDefault && rows.some(({ metric }) => !isHigherBetter(metric))
        ? " Where a lower score is better, it is the best mean divided by 0.95."
        : "") +
      (isShared
        ? " Runs that were trained side by side shared the machine, so their times are longer."
        : ""),
    columns: [
      taskColumn,
      metricColumn,
      number("target", (row) => scoreOf(row, row.target)),
      methodColumn,
      budgetColumn,
      number(
        "seeds that reach it",
        (row) =>
          row.reached === 0
            ? `not reached (0 of ${whole(row.runs)})`
            : `${whole(row.reached)} of ${whole(row.runs)}`,
        (row) => row.reached === 0 ? "muted" : "plain",
      ),
      number("steps", (row) => fixed(row.steps, 0)),
      number(
        "time",
        (row) => row.seconds === null ? nothing : duration(1000 * row.seconds),
      ),
      number("final score", (row) => scoreOf(row, row.final)),
    ],
  });
}
