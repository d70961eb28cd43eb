/**
 * The verdicts on a study's claims, last of what a command prints.
 *
 * @module
 */
import { wrapped } from "../base/text_width.ts";
import { claimsText } from "../analysis/claims/claims_report.ts";
import type { Analysis } from "../analysis/analysis.ts";
import { outputColumns, say } from "./terminal.ts";

/** Columns by which lines that go on are moved in, below the name of their claim. */
const indent = 6;

/** Prints one line a claim after an empty one; nothing where a study claims nothing. */
export async function sayClaims(results: Analysis): Promise<void> {
  const lines = claimsText(results.claimsReport);
  if (lines.length === 0) return;
  const columns = outputColumns();
  const fitted = columns === null ? lines : lines.flatMap((line) => wrapped(line, columns, indent));
  await say(["", ...fitted].join("\n"));
}
