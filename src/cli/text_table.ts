/**
 * Plain tables for the terminal.
 *
 * @module
 */
import { fitTable } from "../base/text_table.ts";

/**
 * Rows under headings, columns as wide as their longest cell; numbers are aligned to the right.
 *
 * @param width Columns of the terminal, or null for no limit; see {@linkcode fitTable}. Default null.
 */
export function textTable(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
  width: number | null = null,
): string {
  const columns = headings.map((title, i) => {
    const isNumeric = rows.every((row) => /^[-\d]/.test(row[i]!));
    return { title, align: isNumeric ? "right" : "left", isName: !isNumeric } as const;
  });
  return fitTable(columns, rows, { width });
}
