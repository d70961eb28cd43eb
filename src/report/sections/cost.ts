/**
 * What quality costs: time, and parameters asked for, held and left to store.
 *
 * @module
 */
import type { Analysis } from "../../analysis/analysis.ts";
import { BudgetRow, budgetRows, type CostRow, isShared } from "../../analysis/costs.ts";
import { majorityNote } from "../../analysis/scores.ts";
import { duration, fixed, nothing, signed, significant, whole } from "../../base/format.ts";
import {
  budgetColumn,
  majorityColumn,
  methodColumn,
  scoreWithMetric,
  taskColumn,
} from "../columns.ts";
import { charts, finding, noRuns, type Section, titled } from "../section.ts";
import { number, type ReportTable, reportTable, text } from "../table.ts";

/** Which fronts a row is on, in words. */
function frontText(row: CostRow): string {
  const fronts = [
    ...(row.isOnTimeFront ? ["time"] : []),
    ...(row.isOnSizeFront ? ["size"] : []),
  ];
  return fronts.length === 0 ? nothing : fronts.join(", ");
}

/** What a reader must know of times of runs that were made side by side. */
function sharingText(rows: readonly CostRow[]): string {
  const some = rows.some(isShared)
    ? "Runs that were made several at a time shared the machine: their times are longer than those of a run alone, and " +
      "they are left out of ratios and of the front of times. "
    : "";
  return rows.some(({ jobs }) => jobs === null)
    ? `${some}Older records do not say how many runs were trained at a time; with several, times and ratios cannot be compared. `
    : some;
}

/** The table of {@linkcode costRows}. */
function costTable(results: Analysis): ReportTable {
  const { costs: rows, baseline } = results;
  const hasEvents = rows.some((row) => row.eventMillis !== null);
  return reportTable(rows, {
    id: "cost",
    title: "Quality and cost",
    note: "Times are medians over the finished runs of a task, method and budget. " +
      (baseline === null
        ? ""
        : `The ratio compares the time of a step with ${baseline}’s on the same task and budget. `) +
      sharingText(rows) +
      "Training time is that of the steps and of the work outside steps: rank events, merges, rounds of scoring and an estimate of ranks " +
      "before training. Evaluations are left out. Parameters to store include the head. " +
      "On the Pareto front: no other row of the task has as good a mean for less training time (time) or for fewer parameters to store " +
      "(size). Differences between the means may not be significant." +
      majorityNote(results.majority),
    csv: ({ task, metric, label, budget, n, score, jobs, stepMillis, stepRatio, ...row }) => ({
      ...{ task, metric, label, budget, n, score, jobs, stepMillis, stepRatio },
      ...row,
    }),
    columns: [
      taskColumn,
      methodColumn,
      budgetColumn,
      number("n", (row) => whole(row.n)),
      number("quality", (row) => scoreWithMetric(row, row.score)),
      majorityColumn(results),
      number(
        "runs at a time",
        (row) => row.jobs === null ? "not known" : whole(row.jobs),
        (row) => row.jobs === 1 ? "plain" : "muted",
      ),
      number("ms a step ↓", (row) => significant(row.stepMillis)),
      number(
        baseline === null ? "× baseline ↓" : `× ${baseline} ↓`,
        (row) => fixed(row.stepRatio, 2),
      ),
      number("tokens/s ↑", (row) => whole(row.tokensPerSecond)),
      number("training time ↓", (row) => duration(row.trainMillis)),
      hasEvents ? number("outside steps", (row) => duration(row.eventMillis)) : null,
      number("run time ↓", (row) => duration(row.wallMillis)),
      number("parameters to store ↓", (row) => whole(row.parameters)),
      text(
        "on the Pareto front",
        frontText,
        (row) => frontText(row) === nothing ? "muted" : "good",
      ),
    ],
  });
}

/** Share of the budget beyond which a run is said to be off it. */
const offLimit = 0.01;

/** A mean, with the range where runs differ. */
function ranged(mean: number | null, low: number | null, high: number | null): string {
  const text = whole(mean);
  return low === high || text === nothing ? text : `${text} (${whole(low)}–${whole(high)})`;
}

const isOff = ({ offBy }: BudgetRow) => offBy !== null && Math.abs(offBy) > offLimit;

/** Adapter parameters as requested and as they were, per method and budget. */
function budgetsTable(results: Analysis): ReportTable {
  const rows = budgetRows(results);
  const isOld = results.runs.some(({ record: { happened: { parameters, budget } } }) =>
    budget !== null && parameters.frozen === undefined
  );
  const isGuessed = rows.some((row) => row.storedRecorded === 0);
  return reportTable(rows, {
    id: "budgets",
    title: "Budgets",
    note:
      "Adapter parameters in use, without heads, biases and spare capacity: requested, at the start, at most and at the end (mean over runs, " +
      "with the range where runs differ). Stored are the parameters that deploying the run needs besides its head" +
      (isGuessed ? "; where records do not say (≈), the final count stands for it" : "") +
      ". On average is the mean over the steps of those that were trained. Off the budget is the largest difference of a run from what was requested, " +
      "where it is above 1 %; it is that of the final number, unless the budget names another. A method without a budget stores everything it trained. " +
      "Trainable are all parameters that the optimiser updates, with spare capacity and heads" +
      (isOld
        ? "; records of earlier versions count parts of an adapter that are never trained too."
        : "."),
    columns: [
      methodColumn,
      budgetColumn,
      number("n", (row) => whole(row.n)),
      number("requested", (row) => whole(row.requested)),
      number("initial", (row) => whole(row.initial)),
      number("peak", (row) => whole(row.peak)),
      number("final", (row) => ranged(row.final, row.finalLow, row.finalHigh)),
      number(
        "stored",
        ({ stored, storedLow, storedHigh, storedRecorded }) =>
          `${storedRecorded === 0 ? "≈ " : ""}${ranged(stored, storedLow, storedHigh)}`,
      ),
      number("on average", (row) => whole(row.meanTrained)),
      number(
        "off the budget",
        (row) => isOff(row) ? `${signed(row.offBy! * 100, 1)} %` : nothing,
        (row) => isOff(row) ? "bad" : "muted",
      ),
      number("trainable", (row) => whole(row.trainable)),
      number("of these, head", (row) => whole(row.head)),
    ],
  });
}

/** Quality beside its price. */
export const cost: Section = {
  title: "Cost",
  empty: noRuns,
  blocks: [
    charts(({ charts }) => charts.cost, { says: finding("Quality for its cost") }),
    titled(costTable),
    titled(budgetsTable),
  ],
};
