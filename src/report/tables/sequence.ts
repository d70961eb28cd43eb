/**
 * Tables of sequences: what each method came to, and its accuracies after each stage.
 *
 * @module
 */
import { type Row, tableFrom } from "../../analysis/run_rows.ts";
import { fixed } from "../../base/format.ts";
import { sequenceScores, stageAccuracies } from "../../analysis/sequences.ts";
import type { Analysis } from "../../analysis/analysis.ts";
import type { ReportTable, TableColumn } from "../types.ts";
import { budgetColumn, methodColumn, taskColumn } from "./columns.ts";

const figures = [
  ["average", "average accuracy ↑"],
  ["taskAware", "task known ↑"],
  ["overTime", "average over time ↑"],
  ["forgetting", "forgetting ↓"],
] as const;

const cellColumns: readonly TableColumn[] = [
  { title: "sequence", align: "left", cell: (row) => String(row["sequence"]) },
  methodColumn,
  budgetColumn,
];

function percent(value: unknown): string {
  return fixed(typeof value === "number" ? 100 * value : value, 2);
}

/** Average accuracy and forgetting of each method on each sequence, mean ± standard deviation over seeds. */
export function sequencesTable(results: Analysis): ReportTable {
  const rows = sequenceScores(results).map(({ sequence, label, budget, n, ...summaries }): Row => ({
    sequence,
    label,
    budget,
    n,
    ...Object.fromEntries(figures.flatMap(([name]) => [
      [name, summaries[name].mean],
      [`${name}_sd`, summaries[name].sd],
    ])),
  }));
  const cellOf = (row: Row, name: string) => {
    const sd = row[`${name}_sd`];
    const spread = typeof sd === "number" ? ` ± ${percent(sd)}` : "";
    return `${percent(row[name])}${spread}`;
  };
  return {
    id: "sequences",
    title: "Sequences of tasks",
    note:
      "Mean ± sample standard deviation over n seeds, × 100. Average accuracy is the mean over tasks after the last " +
      "stage, where a class is chosen among those of all tasks; “task known” chooses among those of the example’s task. " +
      "“Average over time” is the mean over stages of the mean over the tasks seen by then. Forgetting is the best " +
      "accuracy on a task before the last stage minus the one after it, averaged over all tasks but the last.",
    table: tableFrom(rows, [
      "sequence",
      "label",
      "budget",
      "n",
      ...figures.flatMap(([name]) => [name, `${name}_sd`]),
    ]),
    columns: [
      ...cellColumns,
      ...figures.map(([name, title]): TableColumn => ({
        title,
        align: "right",
        cell: (row) => cellOf(row, name),
      })),
      { title: "n", align: "right", cell: (row) => String(row["n"]) },
    ],
  };
}

/** Accuracy on each task after each stage: the long form. */
export function stagesTable(results: Analysis): ReportTable {
  const names = [
    "sequence",
    "label",
    "budget",
    "n",
    "stage",
    "after",
    "task",
    "classIncremental",
    "taskAware",
  ];
  const rows = stageAccuracies(results);
  return {
    id: "sequence_accuracies",
    title: "Accuracy on each task after each stage",
    note:
      "Means over n seeds, × 100. “Accuracy” chooses a class among those of all tasks seen by then, “task known” among those of " +
      "the task alone.",
    table: tableFrom(rows, names),
    columns: [
      ...cellColumns,
      {
        title: "after",
        align: "left",
        cell: (row) => `${String(row["stage"])}. ${String(row["after"])}`,
      },
      taskColumn,
      { title: "accuracy ↑", align: "right", cell: (row) => percent(row["classIncremental"]) },
      { title: "task known ↑", align: "right", cell: (row) => percent(row["taskAware"]) },
      { title: "n", align: "right", cell: (row) => String(row["n"]) },
    ],
  };
}
