/**
 * The table of settings: what all runs share, then what differs.
 *
 * @module
 */
import { type Row, tableFrom } from "../../analysis/run_rows.ts";
import { settingRows, sharedBy } from "../settings.ts";
import type { Analysis } from "../../analysis/analysis.ts";
import type { ReportTable } from "../types.ts";

/** The settings of all recorded runs. */
export function settingsTable(results: Analysis): ReportTable {
  const rows = settingRows(results).map((row): Row => ({ ...row }));
  return {
    id: "settings",
    title: "Settings",
    note: "The axes of the study, what all runs share, then what differs and between which runs. " +
      "A setting that a method does not have is left out for it.",
    table: tableFrom(rows, ["differsBy", "setting", "value", "runs"]),
    columns: [
      { title: "scope", align: "left", cell: (row) => String(row["differsBy"]) },
      { title: "setting", align: "left", cell: (row) => String(row["setting"]) },
      { title: "value", align: "left", cell: (row) => String(row["value"]) },
      {
        title: "runs",
        align: "left",
        cell: (row) => row["differsBy"] === sharedBy ? "" : String(row["runs"]),
      },
    ],
  };
}
