/**
 * Builds a whole report from a study's results.
 *
 * @module
 */
import type { Analysis } from "../analysis/analysis.ts";
import { chartsOf } from "./charts.ts";
import { csvOf } from "./csv.ts";
import { answerOf } from "./findings/answer.ts";
import { findingsOf } from "./findings/findings.ts";
import { labelMeanings } from "./glossary.ts";
import { markdownOf } from "./markdown.ts";
import { pageOf } from "./page.ts";
import { type Picture, renderChart } from "./render.ts";
import { filled, type ReportOptions, type ReportParts } from "./section.ts";
import { sectionsOf } from "./sections.ts";
import type { ReportTable } from "./table.ts";
import { groupedTable } from "./grouped.ts";
import type { ReportFiles } from "./types.ts";

export type { ReportOptions } from "./section.ts";

function partsOf(analysis: Analysis): ReportParts {
  return {
    analysis,
    labels: labelMeanings(analysis),
    charts: chartsOf(analysis),
    answer: answerOf(analysis),
    findings: findingsOf(analysis),
  };
}

/** All tables of a report; those without rows are among them. */
export function tablesOf(results: Analysis): readonly ReportTable[] {
  return sectionsOf(results).flatMap(({ blocks }) => blocks.flat()).flatMap((block) =>
    block.kind === "table" ? block.of(results, {}) ?? [] : []
  );
}

/**
 * Builds the report: `report.html`, `charts/*.svg` with their specifications in `charts/*.vl.json`, `tables/*.md` and `tables/*.csv` (tables without rows are left out).
 *
 * The same results give the same bytes.
 *
 * @throws {Error} If a chart cannot be drawn; the message names it.
 * @throws {UsageError} If there is nothing of a name to group by.
 */
export async function buildReport(
  results: Analysis,
  options: ReportOptions = {},
): Promise<ReportFiles> {
  const parts = partsOf(results);
  const filledSections = sectionsOf(results).map((section) => filled(section, parts, options));
  const blocks = filledSections.flatMap((section) => section.blocks.flat());
  const tables = blocks.flatMap((block) => block.kind === "table" ? [block.table] : []);
  const pictures = new Map<string, Picture>();
  for (const chart of blocks.flatMap((block) => block.kind === "charts" ? block.charts : [])) {
    pictures.set(chart.id, await renderChart(chart));
  }
  const page = pageOf(
    parts,
    filledSections,
    new Map([...pictures].map(([id, { page }]) => [id, page])),
  );
  const { by = [] } = options;
  const grouped = by.length === 0 ? [] : [groupedTable(results, by)];
  const withRows = [...tables, ...grouped].filter((table) => table.rows.length > 0);
  return {
    files: Object.fromEntries([
      ["report.html", page],
      ...[...pictures].flatMap(([id, { file, specification }]) => [
        [`charts/${id}.svg`, file + "\n"],
        [`charts/${id}.vl.json`, specification],
      ]),
      ...withRows.flatMap((table) => [
        [`tables/${table.id}.md`, markdownOf(table, parts.labels)],
        [`tables/${table.id}.csv`, csvOf(table)],
      ]),
    ]),
  };
}
