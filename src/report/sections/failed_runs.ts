/**
 * Runs that failed, with cause, step and message.
 *
 * @module
 */
import type { Analysis } from "../../analysis/analysis.ts";
import { budgetName } from "../../analysis/run_rows.ts";
import { counted, whole } from "../../base/format.ts";
import { noRuns, type Section, table } from "../section.ts";
import { number, type ReportTable, reportTable, text } from "../table.ts";
import { budgetColumn, methodColumn, taskColumn } from "../columns.ts";

/** The runs that failed, with cause, step and message. */
function failedTable(results: Analysis): ReportTable {
  const rows = results.runs.flatMap((
    { record: { id, asked, happened: { outcome } } },
  ) =>
    outcome.state === "finished" ? [] : [{
      id,
      task: asked.task,
      label: asked.label,
      budget: budgetName(asked.budget),
      seed: asked.seed,
      cause: outcome.cause,
      step: outcome.step,
      message: outcome.message,
    }]
  );
  const unrecorded = results.planned.length - results.runs.length - results.damaged.length;
  return reportTable(rows, {
    id: "failed",
    title: "Failed runs",
    note: (rows.length === 0
      ? "No run failed."
      : `${counted(rows.length, "run")} failed and ${
        rows.length === 1 ? "counts" : "count"
      } in no mean.`) +
      (unrecorded > 0
        ? ` ${
          counted(unrecorded, "planned run has", "planned runs have")
        } not been made yet: run the sweep again.`
        : ""),
    columns: [
      taskColumn,
      methodColumn,
      budgetColumn,
      number("seed", (row) =>
        String(row.seed)),
      text("cause", (row) => row.cause, () => "bad"),
      number("step", (row) => whole(row.step)),
      text("message", (row) => row.message),
    ],
  });
}

/** What failed. */
export const failedRuns: Section = {
  title: "Failed runs",
  id: "failed",
  empty: (analysis) => analysis.runs.length > 0 ? failedTable(analysis).note : noRuns(analysis),
  blocks: [table(failedTable)],
};
