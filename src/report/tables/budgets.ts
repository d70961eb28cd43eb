/**
 * How many parameters each budget asked for, and how many each method had, trained and leaves behind.
 *
 * @module
 */
import { op } from "arquero";
import type { RunRecord } from "../../record/types.ts";
import { budgetName, type Row, rowsOf, tableFrom } from "../../analysis/run_rows.ts";
import { nothing, signed, whole } from "../../base/format.ts";
import type { Analysis } from "../../analysis/analysis.ts";
import type { ReportTable } from "../types.ts";
import { budgetColumn, methodColumn } from "./columns.ts";
import { orderOf } from "../../analysis/scores.ts";

/** The parameters to store of a trained run, head excluded. */
export interface StoredCount {
  readonly count: number;
  /** Whether the record says it; else the final count stands for it. */
  readonly isRecorded: boolean;
}

/** What must be stored to deploy a run, without its head: as recorded, else the final count; without budget all that was trained. */
export function storedOf({ happened }: RunRecord): StoredCount {
  const { budget, parameters } = happened;
  if (budget === null) return { count: parameters.trainable - parameters.head, isRecorded: true };
  return { count: budget.stored ?? budget.final, isRecorded: budget.stored !== undefined };
}

const budgetNames = [
  "label",
  "budget",
  "n",
  "requested",
  "initial",
  "peak",
  "final",
  "finalLow",
  "finalHigh",
  "stored",
  "storedLow",
  "storedHigh",
  "storedRecorded",
  "meanTrained",
  "offBy",
  "trainable",
  "head",
];

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
function ranged(row: Row, name: string): string {
  const [low, high] = [row[`${name}Low`], row[`${name}High`]];
  const mean = whole(row[name]);
  return low === high || mean === nothing ? mean : `${mean} (${whole(low)}–${whole(high)})`;
}

/** The deviation that is furthest from the budget, of the runs of a cell. */
function furthest(row: Row): number | null {
  const [low, high] = [row["offLow"], row["offHigh"]];
  if (typeof low !== "number" || typeof high !== "number") return null;
  return Math.abs(low) > Math.abs(high) ? low : high;
}

function isOff(row: Row): boolean {
  return typeof row["offBy"] === "number" && Math.abs(row["offBy"]) > offLimit;
}

/** Adapter parameters as requested and as they were, per method and budget. */
export function budgetsTable(results: Analysis): ReportTable {
  const rows = results.runs
    .filter(({ record }) => record.happened.outcome.state === "finished")
    .map(({ record }): Row => {
      const { asked, happened } = record;
      const stored = storedOf(record);
      return {
        label: asked.label,
        budget: budgetName(asked.budget),
        ...(happened.budget ?? { requested: null, initial: null, peak: null, final: null }),
        stored: stored.count,
        storedRecorded: stored.isRecorded ? 1 : 0,
        offBy: offBudget(record),
        trainable: happened.parameters.trainable,
        head: happened.parameters.head,
      };
    });
  const grouped = tableFrom(rows, budgetNames).groupby("label", "budget").rollup({
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
  });
  const order = orderOf(results.grid);
  const sorted = rowsOf(grouped).map((row): Row => ({ ...row, offBy: furthest(row) })).toSorted((
    a,
    b,
  ) =>
    order({ task: "", label: String(a["label"]), budget: String(a["budget"]) }) -
    order({ task: "", label: String(b["label"]), budget: String(b["budget"]) })
  );
  const isOld = results.runs.some(({ record: { happened: { parameters, budget } } }) =>
    budget !== null && parameters.frozen === undefined
  );
  const isGuessed = sorted.some((row) => row["storedRecorded"] === 0);
  return {
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
    table: tableFrom(sorted, budgetNames),
    columns: [
      methodColumn,
      budgetColumn,
      { title: "n", align: "right", cell: (row) => whole(row["n"]) },
      { title: "requested", align: "right", cell: (row) => whole(row["requested"]) },
      { title: "initial", align: "right", cell: (row) => whole(row["initial"]) },
      { title: "peak", align: "right", cell: (row) => whole(row["peak"]) },
      { title: "final", align: "right", cell: (row) => ranged(row, "final") },
      {
        title: "stored",
        align: "right",
        cell: (row) => `${row["storedRecorded"] === 0 ? "≈ " : ""}${ranged(row, "stored")}`,
      },
      { title: "on average", align: "right", cell: (row) => whole(row["meanTrained"]) },
      {
        title: "off the budget",
        align: "right",
        cell: (row) => isOff(row) ? `${signed(Number(row["offBy"]) * 100, 1)} %` : nothing,
        tone: (row) => isOff(row) ? "bad" : "muted",
      },
      { title: "trainable", align: "right", cell: (row) => whole(row["trainable"]) },
      { title: "of these, head", align: "right", cell: (row) => whole(row["head"]) },
    ],
  };
}
