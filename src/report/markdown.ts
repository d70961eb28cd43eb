/**
 * Tables as Markdown.
 *
 * @module
 */
import { printable } from "../base/text_width.ts";
import type { LabelMeanings } from "./glossary.ts";
import { cellsOf, type Column, type ReportTable } from "./table.ts";

/** Text that a Markdown table cell shows as it is. */
export function escapeMarkdown(text: string): string {
  return printable(text.replace(/\r?\n/g, " "))
    .replace(/[\\`*_[\]<>|~]/g, (character) => `\\${character}`);
}

/** Rows under headings as a GitHub-flavoured Markdown table, without a line end at its end. */
export function markdownRows(
  columns: readonly Pick<Column<never>, "title" | "align">[],
  rows: readonly (readonly string[])[],
): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [
    line(columns.map(({ title }) => escapeMarkdown(title))),
    line(columns.map(({ align }) => align === "right" ? "---:" : "---")),
    ...rows.map((row) => line(row.map(escapeMarkdown))),
  ].join("\n");
}

/**
 * A table as Markdown, with its title and its note.
 *
 * @param labels Labels of the study; those in the table are explained below it. Default: none.
 */
export function markdownOf(table: ReportTable, labels: LabelMeanings = new Map()): string {
  const { title, note, columns } = table;
  const cells = cellsOf(table);
  const shown = new Set(cells.flat());
  const meanings = [...labels].filter(([label]) => shown.has(label))
    .flatMap(([label, meaning]) => ["", escapeMarkdown(`“${label}” is ${meaning}.`)]);
  return [
    `## ${escapeMarkdown(title)}`,
    "",
    escapeMarkdown(note),
    "",
    markdownRows(columns, cells),
    ...meanings,
    "",
  ].join("\n");
}
