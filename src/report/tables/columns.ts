/**
 * Columns that many tables have.
 *
 * @module
 */
import { metricTitle } from "../metrics.ts";
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
