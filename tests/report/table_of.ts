/** The tables of a report as its sections make them. */
import type { Analysis } from "../../src/analysis/analysis.ts";
import type { ReportOptions } from "../../src/report/section.ts";
import { sections } from "../../src/report/sections.ts";
import type { ReportTable } from "../../src/report/table.ts";

/** The table of that name, which is that of its files. */
export function tableOf(results: Analysis, id: string, options: ReportOptions = {}): ReportTable {
  for (const block of sections.flatMap(({ blocks }) => blocks.flat())) {
    if (block.kind !== "table") continue;
    const table = block.of(results, options);
    if (table?.id === id) return table;
  }
  throw new Error(`The report has no table "${id}"`);
}
