/**
 * Each method beside the baseline over all tasks: chances for tasks like these.
 *
 * @module
 */
import { type Row, tableFrom } from "../../analysis/run_rows.ts";
import { fixed, nothing, whole } from "../../base/format.ts";
import type { Analysis } from "../../analysis/analysis.ts";
import type { ReportTable } from "../types.ts";
import { budgetColumn, methodColumn } from "./columns.ts";
import { oddsText, toneOf } from "./paired.ts";

const oddsNames = (name: string) =>
  ["better", "equal", "worse"].map((answer) => `${name}_${answer}`) as [string, string, string];

const names = [
  "label",
  "budget",
  "tasks",
  ...oddsNames("hierarchical"),
  ...oddsNames("next_task"),
  ...oddsNames("signed_rank"),
  "improvement",
  "improvement_low",
  "improvement_high",
  "verdict",
];

/** The table of {@linkcode overTasks}. */
export function overTasksTable(results: Analysis): ReportTable {
  const baseline = results.baseline ?? "the baseline";
  const all = results.overTasks;
  const rows = all.map((row): Row => ({
    ...row,
    ...oddsCells("hierarchical", row.hierarchical),
    ...oddsCells("next_task", row.nextTask),
    ...oddsCells("signed_rank", row.signedRank),
    improvement_low: row.improvementInterval?.low ?? null,
    improvement_high: row.improvementInterval?.high ?? null,
  }));
  const hasImprovement = all.some(({ improvement }) => improvement !== null);
  const percent = (row: Row, name: string) =>
    typeof row[name] === "number" ? fixed(100 * (row[name] as number), 0) : nothing;
  return {
    id: "over_tasks",
    title: `Over tasks like these, against ${baseline}`,
    note:
      "How likely it is, in percent, that on a further task like these the method is better by more than the margin / equal within it / " +
      "worse. One answer is that of a hierarchical model over tasks and seeds (it needs three seeds on each task), the other that of " +
      "the Bayesian signed-rank test over the tasks’ mean differences. With few tasks both are vague. The verdict is about these tasks only." +
      (hasImprovement
        ? ` Runs above ${baseline}: how often a run of the method scores higher than one of ${baseline} on the same task, with a 95% bootstrap interval over seeds; 50% is no difference.`
        : ""),
    table: tableFrom(rows, names),
    columns: [
      methodColumn,
      budgetColumn,
      { title: "tasks", align: "right", cell: (row) => whole(row["tasks"]) },
      {
        title: "hierarchical, %",
        align: "right",
        cell: (row) => oddsText(row, oddsNames("hierarchical")),
      },
      {
        title: "signed-rank, %",
        align: "right",
        cell: (row) => oddsText(row, oddsNames("signed_rank")),
      },
      ...(hasImprovement
        ? [{
          title: `runs above ${baseline}, %`,
          align: "right" as const,
          cell: (row: Row) =>
            row["improvement"] === null
              ? nothing
              : `${percent(row, "improvement")} [${percent(row, "improvement_low")}, ${
                percent(row, "improvement_high")
              }]`,
        }]
        : []),
      {
        title: "verdict",
        align: "left",
        cell: (row) => String(row["verdict"]),
        tone: (row) => toneOf(row["verdict"]),
      },
    ],
  };
}

function oddsCells(
  name: string,
  odds: { readonly better: number; readonly equal: number; readonly worse: number } | null,
): Row {
  return Object.fromEntries(
    (["better", "equal", "worse"] as const).map((
      answer,
    ) => [`${name}_${answer}`, odds?.[answer] ?? null]),
  );
}
