/**
 * What quality costs: time, and parameters asked for, held and left to store.
 *
 * @module
 */
import { op } from "arquero";
import type { Analysis } from "../../analysis/analysis.ts";
import { type CostRow, costRows, isShared, storedOf } from "../../analysis/costs.ts";
import { budgetName, rowsOf, tableFrom } from "../../analysis/run_rows.ts";
import { majorityNote, orderOf } from "../../analysis/scores.ts";
import { duration, fixed, nothing, signed, significant, whole } from "../../base/format.ts";
import type { RunRecord } from "../../record/types.ts";
import { charts, finding, noRuns, type Section, titled } from "../section.ts";
import { number, type ReportTable, reportTable, text } from "../table.ts";
import {
  budgetColumn,
  majorityColumn,
  methodColumn,
  scoreWithMetric,
  taskColumn,
} from "../columns.ts";

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

/** Share of the budget beyond which a run is said to be off it. */
const offLimit = 0.01;

/** How far what a budget counts is off what it asked for, as a share of it; null where the record does not say. */
export function offBudget(record: RunRecord): number | null {
  const { asked: { budget: asked }, happened: { budget } } = record;
  if (asked === null || budget === null) return null;
  const { requested, peak, final, stored, meanTrained } = budget;
  const found = { rank: final, parameters: final, peak, stored, meanTrained }[asked.type];
  return found === undefined || requested === 0 ? null : found / requested - 1;
}

/** A mean, with the range where runs differ. */
function ranged(mean: number | null, low: number | null, high: number | null): string {
  const text = whole(mean);
  return low === high || text === nothing ? text : `${text} (${whole(low)}–${whole(high)})`;
}

/** The deviation that is furthest from the budget, of the runs of a cell. */
function furthest(low: number | null, high: number | null): number | null {
  if (typeof low !== "number" || typeof high !== "number") return null;
  return Math.abs(low) > Math.abs(high) ? low : high;
}

const isOff = ({ offBy }: BudgetRow) => offBy !== null && Math.abs(offBy) > offLimit;

/** Counts of the runs of a method at a budget. */
interface BudgetRow {
  readonly label: string;
  readonly budget: string;
  readonly n: number;
  readonly requested: number | null;
  readonly initial: number | null;
  readonly peak: number | null;
  readonly final: number | null;
  readonly finalLow: number | null;
  readonly finalHigh: number | null;
  readonly stored: number;
  readonly storedLow: number;
  readonly storedHigh: number;
  readonly storedRecorded: number;
  readonly meanTrained: number | null;
  readonly offBy: number | null;
  readonly trainable: number;
  readonly head: number;
}

function budgetRows({ runs, grid }: Analysis): readonly BudgetRow[] {
  const counts = runs
    .filter(({ record }) => record.happened.outcome.state === "finished")
    .map(({ record }) => {
      const { asked, happened: { budget, parameters } } = record;
      const stored = storedOf(record);
      return {
        label: asked.label,
        budget: budgetName(asked.budget),
        ...(budget ?? { requested: null, initial: null, peak: null, final: null }),
        meanTrained: budget?.meanTrained ?? null,
        stored: stored.count,
        storedRecorded: stored.isRecorded ? 1 : 0,
        offBy: offBudget(record),
        trainable: parameters.trainable,
        head: parameters.head,
      };
    });
  if (counts.length === 0) return [];
  const order = orderOf(grid);
  type Counted = BudgetRow & { readonly offLow: number | null; readonly offHigh: number | null };
  return rowsOf<Counted>(
    tableFrom(counts).groupby("label", "budget").rollup({
      n: op.count(),
      requested: op.mean("requested"),
      initial: op.mean("initial"),
      peak: op.max("peak"),
      final: op.mean("final"),
      finalLow: op.min("final"),
      finalHigh: op.max("final"),
      stored: op.mean("stored"),
      storedLow: op.min("stored"),
      storedHigh: op.max("stored"),
      storedRecorded: op.min("storedRecorded"),
      meanTrained: op.mean("meanTrained"),
      offLow: op.min("offBy"),
      offHigh: op.max("offBy"),
      trainable: op.max("trainable"),
      head: op.max("head"),
    }),
  ).map(({ offLow, offHigh, trainable, head, ...row }) => ({
    ...row,
    offBy: furthest(offLow, offHigh),
    trainable,
    head,
  })).toSorted((a, b) => order({ ...a, task: "" }) - order({ ...b, task: "" }));
}

/** Adapter parameters as requested and as they were, per method and budget. */
export function budgetsTable(results: Analysis): ReportTable {
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
    titled((analysis) => costTable(analysis, analysis.baseline)),
    titled(budgetsTable),
  ],
};
