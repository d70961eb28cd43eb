/**
 * The plain table that a sweep prints at its end.
 *
 * @module
 */
import { rowsOf } from "./facts.ts";
import { methodsTable } from "./tables/scores.ts";
import type { ReportTable, StudyResults } from "./types.ts";

/**
 * A table in plain text: columns padded, a rule under the header.
 *
 * @param hasBlocks Whether a blank line parts rows whose first column differs; default false.
 */
export function textOf(table: ReportTable, hasBlocks = false): string {
  const rows = rowsOf(table.table).map((row) => table.columns.map((column) => column.cell(row)));
  const header = table.columns.map((column) => column.title);
  const lengthOf = (text: string) => [...text].length;
  const widths = header.map((title, i) =>
    Math.max(lengthOf(title), ...rows.map((row) => lengthOf(row[i] ?? "")))
  );
  const line = (cells: readonly string[]) =>
    cells.map((cell, i) => {
      const space = " ".repeat((widths[i] ?? 0) - lengthOf(cell));
      return table.columns[i]?.align === "right" ? space + cell : cell + space;
    }).join("  ").trimEnd();
  const body = rows.flatMap((row, i) => {
    const isNewBlock = hasBlocks && i > 0 && row[0] !== rows[i - 1]?.[0];
    return isNewBlock ? ["", line(row)] : [line(row)];
  });
  return [line(header), widths.map((width) => "─".repeat(width)).join("  "), ...body].join("\n") +
    "\n";
}

/** Methods × budgets with mean ± spread and n, as plain text. */
export function methodsText(results: StudyResults): string {
  return textOf(methodsTable(results), true);
}
