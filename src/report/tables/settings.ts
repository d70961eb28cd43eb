/**
 * The table of settings: what all runs share, then what differs.
 *
 * @module
 */
import { settingRows, sharedBy } from "../settings.ts";
import type { Analysis } from "../../analysis/analysis.ts";
import { type ReportTable, reportTable, text } from "../table.ts";

/** The settings of all recorded runs. */
export function settingsTable(results: Analysis): ReportTable {
  const rows = settingRows(results);
  return reportTable(rows, {
    id: "settings",
    title: "Settings",
    note: "The axes of the study, what all runs share, then what differs and between which runs. " +
      "A setting that a method does not have is left out for it.",
    columns: [
      text("scope", (row) => row.differsBy),
      text("setting", (row) => row.setting),
      text("value", (row) => row.value),
      text("runs", (row) => row.differsBy === sharedBy ? "" : String(row.runs)),
    ],
  });
}
