/**
 * What commands that work on a study's results end with: the report, and for programs one line of JSON.
 *
 * @module
 */
import { isReadOnly } from "../record/durable.ts";
import { claimsJson } from "../report/claims/claims_report.ts";
import type { StudyResults } from "../report/types.ts";
import { readStudyResults } from "../runs/study_results.ts";
import { writeReport } from "../runs/write_report.ts";
import { say, sayWrapped } from "./terminal.ts";

/** Writes the report; in a folder that nobody may write to there is none, and why. */
async function reportOf(
  folder: string,
  results: StudyResults,
): Promise<{ readonly path: string | null; readonly reason?: string }> {
  try {
    return { path: await writeReport(folder, results) };
  } catch (error) {
    if (!isReadOnly(error)) throw error;
    return { path: null, reason: error.message };
  }
}

/** Writes the report and prints where it lies, or why there is none. */
export async function sayReport(folder: string, results: StudyResults): Promise<void> {
  const { path, reason } = await reportOf(folder, results);
  await sayWrapped(path === null ? `The report is not written: ${reason}` : `Report: ${path}`);
}

/**
 * Prints what came of the work as lines of JSON: the verdicts on claims where it went to its end, then `ended` with the report's
 * path.
 *
 * @param result What the work came to; its keys are those of the line.
 * @param stopped Whether it was stopped before its end, so that there is no report.
 * @param isReported Whether a report is wanted.
 */
export async function sayEndedJson(
  folder: string,
  result: object,
  { stopped, isReported }: { readonly stopped: boolean; readonly isReported: boolean },
): Promise<void> {
  const results = stopped ? null : await readStudyResults(folder);
  for (const verdict of results === null ? [] : claimsJson(results)) {
    await say(JSON.stringify(verdict));
  }
  const report = results === null || !isReported ? null : await reportOf(folder, results);
  await say(JSON.stringify({ kind: "ended", ...result, report }));
}
