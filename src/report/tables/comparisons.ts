/**
 * The table of the comparisons that the study asks for: any two arms, paired by seed, with what each of them trained.
 *
 * @module
 */
import { trainedText } from "../../analysis/comparison_rows.ts";
import { type Row, tableFrom } from "../../analysis/run_rows.ts";
import { fixed, nothing } from "../../base/format.ts";
import { metricTitle } from "../../analysis/metrics.ts";
import type { Analysis } from "../../analysis/analysis.ts";
import type { ReportTable } from "../types.ts";
import { taskColumn } from "./columns.ts";
import { contrastCells, contrastColumns, contrastNames, contrastNote, scaled } from "./paired.ts";

const names = [
  "task",
  "metric",
  "a",
  "b",
  "mean_a",
  "mean_b",
  ...contrastNames,
  "trained_a",
  "peak_a",
  "trained_b",
  "peak_b",
];

/** The count of a side as its cell says it. */
function countText(row: Row, side: "a" | "b"): string {
  const count = (name: string) => {
    const value = row[`${name}_${side}`];
    return typeof value === "number" ? value : null;
  };
  return trainedText({ trained: count("trained"), peak: count("peak") });
}

/** The table of {@linkcode comparisonRows}. */
export function comparisonsTable(results: Analysis): ReportTable {
  const compared = results.tests.comparisons;
  const rows = compared.map(({ a, b, ...row }): Row => ({
    ...row,
    ...contrastCells(row),
    a: a.arm,
    b: b.arm,
    mean_a: a.mean,
    mean_b: b.mean,
    trained_a: a.trained,
    peak_a: a.peak,
    trained_b: b.trained,
    peak_b: b.peak,
  }));
  const score = (row: Row, name: string) => fixed(scaled(row, name), 2);
  return {
    id: "comparisons",
    title: "Comparisons asked for",
    note: "The difference is the score of A minus that of B with the same seed. " +
      contrastNote(results.tests.family, compared) +
      " Trained are adapter parameters at the end without heads, and the most at any step where that is another, averaged " +
      "over runs: arms of different budgets do not cost the same.",
    table: tableFrom(rows, names),
    columns: [
      { title: "A", align: "left", cell: (row) => String(row["a"]) },
      { title: "B", align: "left", cell: (row) => String(row["b"]) },
      taskColumn,
      {
        title: "metric",
        align: "left",
        cell: (row) => row["metric"] === "" ? nothing : metricTitle(String(row["metric"])),
      },
      { title: "score of A", align: "right", cell: (row) => score(row, "mean_a") },
      { title: "score of B", align: "right", cell: (row) => score(row, "mean_b") },
      ...contrastColumns,
      { title: "trained by A", align: "right", cell: (row) => countText(row, "a") },
      { title: "trained by B", align: "right", cell: (row) => countText(row, "b") },
    ],
  };
}
