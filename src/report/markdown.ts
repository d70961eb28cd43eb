/**
 * Tables as Markdown.
 *
 * @module
 */
import { printable } from "../base/printable.ts";
import type { ReportTable } from "./table.ts";

/** Text that a Markdown table cell shows as it is. */
export function escapeMarkdown(text: string): string {
  return printable(text.replace(/\r?\n/g, " "))
    .replace(/[\\`*_[\]<>|~]/g, (character) => `\\${character}`);
}

/** A table as GitHub-flavoured Markdown, with its title and its note. */
export function markdownOf(table: ReportTable): string {
  const { columns } = table;
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const lines = [
    `## ${escapeMarkdown(table.title)}`,
    "",
    escapeMarkdown(table.note),
    "",
    line(columns.map((column) => escapeMarkdown(column.title))),
    line(columns.map((column) => column.align === "right" ? "---:" : "---")),
    ...table.rows.map((row) => line(columns.map((column) => escapeMarkdown(column.cell(row))))),
  ];
  return lines.join("\n") + "\n";
}
