/**
 * Tables of a simulation beside those that a page of the documentation has.
 *
 * @module
 */
import { textTable } from "../src/base/text_table.ts";

type Row = readonly string[];

const cellsOf = (line: string): Row => line.split("|").slice(1, -1).map((cell) => cell.trim());

/** The rows of the page's table with these headings; none where there is no such table. */
function documentedRows(page: string, headings: Row): readonly Row[] {
  const lines = page.split("\n");
  const at = lines.findIndex((line) => cellsOf(line).join("|") === headings.join("|"));
  if (at < 0) return [];
  const rest = lines.slice(at + 2);
  const end = rest.findIndex((line) => !line.startsWith("|"));
  return rest.slice(0, end < 0 ? rest.length : end).map(cellsOf);
}

/**
 * A table for a terminal; beside each number stands the one that the page has in the same place, such as `14.1 % (14.3 %)`.
 *
 * @param keys Columns at the start that name a row.
 * @param page The text of the page.
 */
export function besideDocs(
  headings: Row,
  rows: readonly Row[],
  keys: number,
  page: string,
): string {
  const nameOf = (row: Row) => row.slice(0, keys).join("|");
  const documented = new Map(documentedRows(page, headings).map((row) => [nameOf(row), row]));
  return textTable(
    headings,
    rows.map((row) =>
      row.map((cell, i) => i < keys ? cell : `${cell} (${documented.get(nameOf(row))?.[i] ?? "–"})`)
    ),
  );
}
