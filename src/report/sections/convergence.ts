/**
 * Whether training had converged, and how long it takes to a score.
 *
 * @module
 */
import type { Analysis } from "../../analysis/analysis.ts";
import {
  changeText,
  type ConvergedCell,
  learnedNothing,
  stateText,
} from "../../analysis/convergence.ts";
import { reachedAt } from "../../analysis/learning.ts";
import { needsMoreSteps } from "../../analysis/run_convergence.ts";
import { budgetName, keyOf } from "../../analysis/run_rows.ts";
import { duration, fixed, nothing, significant, whole } from "../../base/format.ts";
import { meanOf } from "../../stats/statistics.ts";
import { defaultConvergence } from "../../study/schema/study.ts";
import { isHigherBetter, meritOf } from "../../tasks/metrics.ts";
import { charts, type Section, table, titled } from "../section.ts";
import { number, type ReportTable, reportTable, text } from "../table.ts";
import { budgetColumn, methodColumn, metricColumn, scoreOf, taskColumn } from "../columns.ts";

const shown = (change: ConvergedCell["gain"], digits: number): string =>
  change === null ? nothing : changeText(change, digits)!;

/** Said of a cell in place of its convergence: scores at chance do not change either. */
const nothingLearned = "nothing learned";

/** One row a task, method and budget. */
export function convergenceTable(results: Analysis): ReportTable {
  const { lossShare, scoreGain } = { ...defaultConvergence, ...results.study.convergence };
  const cells = results.cells.filter(({ state }) => state !== "failed");
  const hasPlateaus = cells.some(({ atPlateau }) => atPlateau > 0);
  const inShares = cells.some(({ gainIn }) => gainIn === "%");
  return reportTable(cells, {
    id: "convergence",
    title: "Had training converged?",
    note:
      `The last fifth of the steps compared with the fifth before it: the mean change over seeds, ± standard error. A cell (a task, ` +
      `method and budget) needs more steps if its score rises by more than ${
        significant(100 * scoreGain)
      } ${scoreGain === 0.01 ? "point" : "points"}${
        inShares ? `, or ${significant(100 * scoreGain)} % of a score without bound,` : ""
      } or its task loss falls by more than ${
        significant(100 * lossShare)
      } %, and if this change also exceeds 2.33 standard errors. ` +
      `It needs more, too, if more than one in five of its runs do. Such a cell gets no verdict.` +
      (cells.some(learnedNothing)
        ? " “Nothing learned”: all runs collapsed or are no better than the majority class, so that convergence says nothing."
        : "") +
      (hasPlateaus ? " Runs that ended at their plateau have converged by that rule." : ""),
    csv: (cell) => {
      const { task, label, budget, runs, early, atPlateau, idle, steps, gain, fall } = cell;
      const state = learnedNothing(cell) ? nothingLearned : cell.state;
      return {
        ...{ task, label, budget, state, runs, early, atPlateau, idle, steps },
        ...{ gain: gain?.change, gainError: gain?.error },
        ...{ fall: fall?.change, fallError: fall?.error },
      };
    },
    columns: [
      taskColumn,
      methodColumn,
      budgetColumn,
      text(
        "converged?",
        (cell) => learnedNothing(cell) ? nothingLearned : stateText(cell.state),
        (cell) => learnedNothing(cell) || needsMoreSteps(cell) ? "bad" : "muted",
      ),
      number("runs that need more", (row) => `${whole(row.early)} of ${whole(row.runs)}`),
      number("steps (mean)", (row) => fixed(row.steps, 0)),
      hasPlateaus ? number("ended by plateau", (row) => whole(row.atPlateau)) : null,
      number(
        inShares ? "score gains, points or %" : "score gains, points",
        ({ gain, gainIn }) => shown(gain, 2) + (gain !== null && gainIn === "%" ? " %" : ""),
      ),
      number("loss falls, %", ({ fall }) => shown(fall, 1)),
    ],
  });
}

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

/** Learning curves, the cells that had converged, and the way to a score. */
export const convergence: Section = {
  title: "Convergence",
  empty: () =>
    "Learning curves need evaluations before the end: set train.evaluateEvery or train.evaluateEpochs.",
  blocks: [
    charts(({ charts }) => charts.learning),
    table(convergenceTable),
    titled(targetsTable),
  ],
};
