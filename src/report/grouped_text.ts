/**
 * The plain table of scores by groups that a report prints.
 *
 * @module
 */
import { fitTable } from "../base/text_table.ts";
import { wrapped } from "../base/text_width.ts";
import { groupedTable } from "./tables/grouped.ts";
import type { Analysis } from "../analysis/analysis.ts";

/**
 * Scores by groups as plain text.
 *
 * @param by Keys as {@linkcode groupedTable} takes them.
 * @param width Columns of the terminal, or null for no limit. Default null.
 */
export function groupedText(
  results: Analysis,
  by: readonly string[],
  width: number | null = null,
): string {
  const { note, rows, columns } = groupedTable(results, by);
  const cells = rows.map((row) => columns.map(({ cell }) => cell(row)));
  const heads = columns.map(({ title, align }) => ({ title, align, isName: align === "left" }));
  return [
    ...(width === null ? [note] : wrapped(note, width, 0)),
    "",
    fitTable(heads, cells, { width, hasRule: true }),
  ].join("\n");
}
