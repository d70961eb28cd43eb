/**
 * What quality costs: time and parameters to store; and which cells nothing else beats.
 *
 * @module
 */
import { type CostRow, costRows, isShared } from "../../analysis/costs.ts";
import { duration, fixed, nothing, significant, whole } from "../../base/format.ts";
import { majorityNote } from "../../analysis/scores.ts";
import type { Analysis } from "../../analysis/analysis.ts";
import { number, type ReportTable, reportTable, text } from "../table.ts";
import {
  budgetColumn,
  majorityColumn,
  methodColumn,
  scoreWithMetric,
  taskColumn,
} from "./columns.ts";

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
export function costTable(results: Analysis, baseline: string | null): ReportTable {
  const rows = costRows(results, baseline);
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
