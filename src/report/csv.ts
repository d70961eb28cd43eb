/**
 * Tables as CSV: raw values, one header line.
 *
 * @module
 */
import { csvFormat } from "d3-dsv";
import { rowsOf } from "./facts.ts";
import type { ReportTable } from "./types.ts";

/** The raw columns of a table as CSV (RFC 4180 quoting); null and NaN become empty fields. */
export function csvOf(table: ReportTable): string {
  const names = table.table.columnNames();
  const rows = rowsOf(table.table).map((row) =>
    Object.fromEntries(names.map((name) => {
      const value = row[name];
      const isMissing = value === null || value === undefined || Number.isNaN(value);
      return [name, isMissing ? "" : String(value)];
    }))
  );
  return csvFormat(rows, names) + "\n";
}
