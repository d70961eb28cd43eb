/**
 * A verification as the terminal shows it.
 *
 * @module
 */
import type { Verification } from "../record/verification.ts";
import { numbersText, pinnedText, remarkOf } from "../report/tables/verification.ts";
import { textTable } from "../base/text_table.ts";

/**
 * The table for the terminal.
 *
 * @param width Its columns, or null for no limit.
 */
export function verificationTable(verification: Verification, width: number | null): string {
  const rows = verification.runs.map((run) => [
    run.title,
    run.verdict,
    numbersText(run),
    pinnedText(run),
    remarkOf(run),
  ]);
  return textTable(
    ["run", "verdict", "numbers equal", "pinned items equal", "first difference"],
    rows,
    width,
  );
}
