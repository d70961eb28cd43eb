/**
 * The verdicts on a study's claims, last of what a command prints.
 *
 * @module
 */
import { claimsText } from "../report/claims/claims_report.ts";
import type { StudyResults } from "../report/types.ts";
import { say, sayWrapped } from "./terminal.ts";

/** Prints one line a claim after an empty one; nothing where a study claims nothing. */
export async function sayClaims(results: StudyResults): Promise<void> {
  const lines = claimsText(results);
  if (lines.length === 0) return;
  await say("");
  for (const line of lines) await sayWrapped(line);
}
