/**
 * Columns that many tables have.
 *
 * @module
 */
import { metricInfo, metricTitle } from "../../analysis/metrics.ts";
import { type Row } from "../../analysis/run_rows.ts";
import { fixed } from "../../base/format.ts";
import { majorityLabel } from "../../analysis/scores.ts";
import type { Analysis } from "../../analysis/analysis.ts";
import type { TableColumn } from "../types.ts";

/** A column of names as they stand in the rows. */
function nameColumn(title: string, key: string): TableColumn {
  return { title, align: "left", cell: (row) => String(row[key]) };
}

/** The task. */
export const taskColumn: TableColumn = nameColumn("task", "task");

/** How reports call the method with its options. */
export const methodColumn: TableColumn = nameColumn("method", "label");

/** The budget's name. */
export const budgetColumn: TableColumn = nameColumn("budget", "budget");

/** The metric with its direction. */
export const metricColumn: TableColumn = {
  title: "metric",
  align: "left",
  cell: (row) => metricTitle(String(row["metric"])),
};

/** A column with the majority's score of each row's task, or its own (`majority`); none where no record has one. */
export function majorityColumn(results: Analysis): readonly TableColumn[] {
  const { majority: scores } = results;
  if (scores.size === 0) return [];
  return [{
    title: majorityLabel,
    align: "right",
    cell: (row) => {
      const own = row["majority"];
      return shownMajority(typeof own === "number" ? own : scores.get(String(row["task"])), row);
    },
    tone: () => "muted",
  }];
}

function shownMajority(score: number | undefined, row: Row): string {
  return fixed(
    score === undefined ? null : score * metricInfo(String(row["metric"])).scale,
    2,
  );
}
