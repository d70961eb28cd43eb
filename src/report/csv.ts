/**
 * Tables as CSV: raw values, one header line.
 *
 * @module
 */
import { csvFormat } from "d3-dsv";
import { printable } from "../base/text_width.ts";
import { csvRows, type ReportTable } from "./table.ts";

/** Beginnings of text that spreadsheets take for a formula. */
const formula = /^[=+\-@\t\r]/;

/**
 * Text that a spreadsheet shows as it is: an apostrophe goes before what it would run as a formula, as OWASP advises
 * (CSV injection). Numbers stay numbers.
 */
function asText(raw: string): string {
  const text = printable(raw);
  return formula.test(text) && !Number.isFinite(Number(text)) ? `'${text}` : text;
}

/** The raw columns of a table as CSV (RFC 4180 quoting); null and NaN become empty fields, no text is a formula, and control characters stand as their numbers. */
export function csvOf(table: ReportTable): string {
  const raw = csvRows(table);
  const names = [...new Set(raw.flatMap(Object.keys))];
  const rows = raw.map((row) =>
    Object.fromEntries(names.map((name) => {
      const value = row[name];
      const isMissing = value === null || value === undefined || Number.isNaN(value);
      return [asText(name), isMissing ? "" : asText(String(value))];
    }))
  );
  return csvFormat(rows, names.map(asText)) + "\n";
}
