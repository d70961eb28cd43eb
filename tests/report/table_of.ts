/** The tables of a report as its sections make them. */
import type { Analysis } from "../../src/analysis/analysis.ts";
import type { ReportOptions } from "../../src/report/section.ts";
import { sectionsOf } from "../../src/report/sections.ts";
import { csvRows, type ReportTable } from "../../src/report/table.ts";

/** The table of that name, which is that of its files. */
export function tableOf(results: Analysis, id: string, options: ReportOptions = {}): ReportTable {
  for (const block of sectionsOf(results).flatMap(({ blocks }) => blocks.flat())) {
    if (block.kind !== "table") continue;
    const table = block.of(results, options);
    if (table?.id === id) return table;
  }
  throw new Error(`The report has no table "${id}"`);
}

/** The rows of the table of settings. */
export function settingRows(
  results: Analysis,
): readonly Readonly<Record<"differsBy" | "setting" | "value" | "runs", string>>[] {
  return csvRows(tableOf(results, "settings")).map(({ differsBy, setting, value, runs }) => ({
    ...{ differsBy: String(differsBy), setting: String(setting) },
    ...{ value: String(value), runs: String(runs) },
  }));
}
