/**
 * What a tuning prints at its end: the chosen settings, what they cost, what is not bracketed, and how a study uses them.
 *
 * @module
 */
import { relative } from "node:path";
import { fitTable } from "../base/text_table.ts";
import { wrapped } from "../base/text_width.ts";
import { rowsOf } from "../analysis/run_rows.ts";
import { listed } from "../base/format.ts";
import { choicesTable, edgeText, tunedForText } from "../report/tables/tuning.ts";
import type { TuneResult } from "../runs/tune/tune_study.ts";

/**
 * The end of a tuning as plain text.
 *
 * @param folder Of the study's file.
 * @param width Columns of the terminal, or null for no limit.
 */
export function tunedText(
  { file, path, untuned }: Pick<TuneResult, "file" | "path" | "untuned">,
  folder: string,
  width: number | null,
): string {
  const fitted = (text: string) => width === null ? [text] : wrapped(text, width);
  if (file === null || path === null) {
    return fitted(
      `No settings are written: no trial of ${
        listed(untuned)
      } came to its end with a score; where runs diverge, lower the ranges in tune.vary, then tune again`,
    ).join("\n");
  }
  const { table, columns, note } = choicesTable(file.tuned, null);
  const rows = rowsOf(table).map((row) => columns.map(({ cell }) => cell(row)));
  const edges = file.tuned.notBracketed.map((edge) =>
    `Not bracketed: ${tunedForText(edge)}, ${edgeText(edge)}`
  );
  return [
    ...fitted(note),
    "",
    fitTable(
      columns.map(({ title, align }) => ({ title, align, isName: align === "left" })),
      rows,
      { width, hasRule: true },
    ),
    ...[
      ...edges,
      `Settings: ${path}`,
      `A study beside this one has them by "extends": "${relative(folder, path)}"`,
    ].flatMap(fitted),
  ].join("\n");
}
