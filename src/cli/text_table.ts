/**
 * Plain tables for the terminal.
 *
 * @module
 */

/** Rows under headings, columns as wide as their longest cell; numbers are aligned to the right. */
export function textTable(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const widths = headings.map((heading, i) =>
    Math.max(heading.length, ...rows.map((row) => row[i]!.length))
  );
  const isNumeric = headings.map((_, i) => rows.every((row) => /^[-\d]/.test(row[i]!)));
  const line = (cells: readonly string[]) =>
    cells.map((cell, i) => isNumeric[i] ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!))
      .join("  ").trimEnd();
  return [line(headings), ...rows.map(line)].map((text) => `${text}\n`).join("");
}
