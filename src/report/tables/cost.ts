/**
 * What quality costs (time, memory), and how many parameters each budget really held.
 *
 * @module
 */
import { op } from "arquero";
import { budgetName, factOf, gridOf, keyOf, rowsOf, tableFrom } from "../facts.ts";
import { bytes, duration, fixed, nothing, significant, whole } from "../format.ts";
import { metricInfo, metricTitle } from "../metrics.ts";
import type { ReportTable, Row, StudyResults } from "../types.ts";
import { orderOf } from "./scores.ts";

/** A method's quality and cost on one task at one budget. */
export interface CostRow {
  readonly task: string;
  readonly metric: string;
  readonly label: string;
  readonly budget: string;
  readonly n: number;
  readonly score: number | null;
  readonly stepMillis: number;
  /** Step time over the baseline's at the same task and budget, null without one. */
  readonly stepRatio: number | null;
  readonly tokensPerSecond: number;
  readonly peakBytes: number | null;
  readonly wallMillis: number;
}

const costNames = [
  "task",
  "metric",
  "label",
  "budget",
  "n",
  "score",
  "stepMillis",
  "stepRatio",
  "tokensPerSecond",
  "peakBytes",
  "wallMillis",
];

/** Quality beside cost for each task, method and budget, over finished runs: medians, the peak of memory. */
export function costRows(results: StudyResults, baseline: string | null): readonly CostRow[] {
  const finite = (value: number | null) => value !== null && Number.isFinite(value) ? value : null;
  const facts = results.runs
    .filter(({ record }) => record.happened.outcome.state === "finished")
    .map(({ record }): Row => ({
      ...factOf(record),
      stepMillis: finite(record.happened.time.medianStepMillis),
      tokensPerSecond: finite(record.happened.time.tokensPerSecond),
      wallMillis: record.happened.time.wallMillis,
      peakBytes: record.happened.peakMemoryBytes,
    }));
  const rows = rowsOf<Omit<CostRow, "stepRatio">>(
    tableFrom(facts, costNames).groupby("task", "label", "budget").rollup({
      metric: op.any("metric"),
      n: op.count(),
      score: op.mean("score"),
      stepMillis: op.median("stepMillis"),
      tokensPerSecond: op.median("tokensPerSecond"),
      peakBytes: op.max("peakBytes"),
      wallMillis: op.median("wallMillis"),
    }),
  );
  const baselines = new Map(
    rows.filter((row) => row.label === baseline)
      .map((row) => [keyOf(row.task, row.budget), row.stepMillis]),
  );
  const order = orderOf(gridOf(results));
  return rows.map((row) => {
    const ours = baselines.get(keyOf(row.task, row.budget));
    return { ...row, stepRatio: ours === undefined ? null : row.stepMillis / ours };
  }).sort((a, b) => order(a) - order(b));
}

/** The table of {@linkcode costRows}. */
export function costTable(results: StudyResults, baseline: string | null): ReportTable {
  return {
    id: "cost",
    title: "Quality and cost",
    note:
      "Medians over the finished runs of a cell, the highest peak of memory. Step times depend on the task's text lengths" +
      (baseline === null ? "." : `; the ratio is to ${baseline} on the same task and budget.`),
    table: tableFrom(costRows(results, baseline) as unknown as readonly Row[], costNames),
    columns: [
      { title: "task", align: "left", cell: (row) => String(row["task"]) },
      { title: "method", align: "left", cell: (row) => String(row["label"]) },
      { title: "budget", align: "left", cell: (row) => String(row["budget"]) },
      { title: "n", align: "right", cell: (row) => whole(row["n"]) },
      {
        title: "quality",
        align: "right",
        cell: (row) =>
          typeof row["score"] === "number"
            ? `${fixed(row["score"] * metricInfo(String(row["metric"])).scale, 2)} ${
              metricTitle(String(row["metric"]))
            }`
            : nothing,
      },
      { title: "ms a step ↓", align: "right", cell: (row) => significant(row["stepMillis"]) },
      {
        title: "× baseline ↓",
        align: "right",
        cell: (row) => fixed(row["stepRatio"], 2),
      },
      { title: "tokens/s ↑", align: "right", cell: (row) => whole(row["tokensPerSecond"]) },
      { title: "peak memory ↓", align: "right", cell: (row) => bytes(row["peakBytes"]) },
      { title: "run time ↓", align: "right", cell: (row) => duration(row["wallMillis"]) },
    ],
  };
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
  "trainable",
  "head",
];

/** Adapter parameters as requested and as they were, per method and budget. */
export function budgetsTable(results: StudyResults): ReportTable {
  const rows = results.runs
    .filter(({ record }) => record.happened.outcome.state === "finished")
    .map(({ record: { asked, happened } }): Row => ({
      label: asked.label,
      budget: budgetName(asked.budget),
      ...(happened.budget ?? { requested: null, initial: null, peak: null, final: null }),
      trainable: happened.parameters.trainable,
      head: happened.parameters.head,
    }));
  const grouped = tableFrom(rows, budgetNames).groupby("label", "budget").rollup({
    n: op.count(),
    requested: op.mean("requested"),
    initial: op.mean("initial"),
    peak: op.max("peak"),
    final: op.mean("final"),
    finalLow: op.min("final"),
    finalHigh: op.max("final"),
    trainable: op.max("trainable"),
    head: op.max("head"),
  });
  const order = orderOf(gridOf(results));
  const sorted = rowsOf(grouped).toSorted((a, b) =>
    order({ task: "", label: String(a["label"]), budget: String(a["budget"]) }) -
    order({ task: "", label: String(b["label"]), budget: String(b["budget"]) })
  );
  return {
    id: "budgets",
    title: "Budgets",
    note:
      "Active adapter parameters, heads and biases excluded: requested, at the start, at most, and at the end (mean over runs; " +
      "the range where runs differ). Trainable counts all numbers the optimiser updated, spare capacity and heads included.",
    table: tableFrom(sorted, budgetNames),
    columns: [
      { title: "method", align: "left", cell: (row) => String(row["label"]) },
      { title: "budget", align: "left", cell: (row) => String(row["budget"]) },
      { title: "n", align: "right", cell: (row) => whole(row["n"]) },
      { title: "requested", align: "right", cell: (row) => whole(row["requested"]) },
      { title: "initial", align: "right", cell: (row) => whole(row["initial"]) },
      { title: "peak", align: "right", cell: (row) => whole(row["peak"]) },
      {
        title: "final",
        align: "right",
        cell: (row) =>
          row["finalLow"] === row["finalHigh"]
            ? whole(row["final"])
            : `${whole(row["final"])} (${whole(row["finalLow"])}–${whole(row["finalHigh"])})`,
      },
      { title: "trainable", align: "right", cell: (row) => whole(row["trainable"]) },
      { title: "of these, head", align: "right", cell: (row) => whole(row["head"]) },
    ],
  };
}
