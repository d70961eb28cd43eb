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
import { needsMoreSteps } from "../../analysis/run_convergence.ts";
import { targetRows } from "../../analysis/targets.ts";
import { duration, fixed, nothing, said, significant, whole } from "../../base/format.ts";
import { defaultConvergence } from "../../study/schema/study.ts";
import { isHigherBetter } from "../../tasks/metrics.ts";
import { budgetColumn, methodColumn, metricColumn, scoreOf, taskColumn } from "../columns.ts";
import { charts, type Section, table, titled } from "../section.ts";
import { number, type ReportTable, reportTable, text } from "../table.ts";

const shown = (change: ConvergedCell["gain"], digits: number): string =>
  change === null ? nothing : changeText(change, digits)!;

/** Said of a cell in place of its convergence: scores at chance do not change either. */
const nothingLearned = "nothing learned";

/** One row a task, method and budget. */
function convergenceTable(results: Analysis): ReportTable {
  const { lossShare, scoreGain } = { ...defaultConvergence, ...results.study.convergence };
  const cells = results.cells.filter(({ state }) => state !== "failed");
  const hasPlateaus = cells.some(({ atPlateau }) => atPlateau > 0);
  const inShares = cells.some(({ gainIn }) => gainIn === "%");
  return reportTable(cells, {
    id: "convergence",
    title: "Had training converged?",
    note:
      `The last fifth of the steps compared with the fifth before it, by evaluations of the held-out share, or else of the split that ` +
      `counts: the mean change over seeds, ± standard error. A cell (a task, method and budget) needs more steps if its score rises by more than ${
        significant(100 * scoreGain)
      } ${scoreGain === 0.01 ? "point" : "points"}${
        inShares ? `, or ${significant(100 * scoreGain)} % of a score without bound,` : ""
      } or its held-out loss falls by more than ${
        significant(100 * lossShare)
      } %, and if chance shows such a change in fewer than one in twenty cells. Such a cell gets no verdict. ` +
      "The training loss does not count." +
      (cells.some(({ isNoisy }) => isNoisy)
        ? " “May be noise”: the change is not significantly more than what is allowed, so more seeds may open the cell."
        : "") +
      (cells.some(learnedNothing)
        ? " “Nothing learned”: all runs collapsed or are no better than the majority class, so that convergence says nothing."
        : "") +
      (hasPlateaus ? " Runs that ended at their plateau have converged by that rule." : ""),
    csv: (cell) => {
      const { task, label, budget, runs, isNoisy, atPlateau, idle, steps, gain, fall } = cell;
      const state = learnedNothing(cell) ? nothingLearned : cell.state;
      return {
        ...{ task, label, budget, state, isNoisy, runs, atPlateau, idle, steps },
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
        (cell) =>
          learnedNothing(cell)
            ? nothingLearned
            : said(stateText(cell.state), cell.isNoisy && "may be noise").join(", "),
        (cell) => learnedNothing(cell) || needsMoreSteps(cell) ? "bad" : "muted",
      ),
      number("runs", (row) => whole(row.runs)),
      number("steps (mean)", (row) => fixed(row.steps, 0)),
      hasPlateaus ? number("ended by plateau", (row) => whole(row.atPlateau)) : null,
      number(
        inShares ? "score gains, points or %" : "score gains, points",
        ({ gain, gainIn }) => shown(gain, 2) + (gain !== null && gainIn === "%" ? " %" : ""),
      ),
      number("held-out loss falls, %", ({ fall }) => shown(fall, 1)),
    ],
  });
}

/** The table of {@linkcode targetRows}. */
function targetsTable(results: Analysis): ReportTable {
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
