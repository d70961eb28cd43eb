/**
 * What commands that work on a study's results end with: the scores, the report, the verdicts on claims, and for programs one
 * line of JSON.
 *
 * @module
 */
import { isReadOnly } from "../record/durable.ts";
import { budgetEquivalenceJson } from "../analysis/budget_equivalence.ts";
import { claimsJson, claimsText } from "../analysis/claims/claims_report.ts";
import { methodsText } from "../report/methods_text.ts";
import type { Analysis } from "../analysis/analysis.ts";
import { readStudyResults } from "../runs/study_results.ts";
import { writeReport } from "../runs/write_report.ts";
import { type Arguments, outputColumns, say, sayWrapped, stoppedExitCode } from "./terminal.ts";
import { damagedTexts } from "./event_text.ts";
import { wrapped } from "../base/text_width.ts";

/**
 * The exit code of a command that makes runs: 0 if nothing failed, 1 if something did, 130 if it was stopped.
 *
 * @param failed Runs that failed; of a tuning, what it could choose nothing for.
 */
export function runsExitCode(
  { stopped, failed }: { readonly stopped: boolean; readonly failed: number },
): number {
  if (stopped) return stoppedExitCode;
  return failed > 0 ? 1 : 0;
}

/** Writes the report; in a folder that nobody may write to there is none, and why. */
async function reportOf(
  folder: string,
  results: Analysis,
): Promise<{ readonly path: string | null; readonly reason?: string }> {
  try {
    return { path: await writeReport(folder, results) };
  } catch (error) {
    if (!isReadOnly(error)) throw error;
    return { path: null, reason: error.message };
  }
}

/**
 * Writes the report, unless `--no-report` is given, and prints where it lies, or why there is none.
 *
 * @param read What was read of the folder. Default: it is read.
 */
export async function sayReport(
  parsed: Arguments,
  folder: string,
  read: Analysis | null = null,
): Promise<void> {
  if (parsed.flag("no-report")) return;
  const { path, reason } = await reportOf(folder, read ?? await readStudyResults(folder));
  await sayWrapped(path === null ? `The report is not written: ${reason}` : `Report: ${path}`);
}

/** Prints what a study came to: methods × budgets, what could not be read, the report's path, and last its claims. */
export async function sayResults(parsed: Arguments, folder: string): Promise<void> {
  const results = await readStudyResults(folder);
  await say(`\n${methodsText(results, outputColumns())}`);
  for (const text of damagedTexts(results)) await sayWrapped(text);
  await sayReport(parsed, folder, results);
  await sayClaims(results);
}

/**
 * Prints what came of the work as lines of JSON: what was found where it went to its end, then `ended` with the report's
 * path.
 *
 * @param result What the work came to; its keys are those of the line. Where it was stopped before its end, there is no report.
 */
export async function sayEndedJson(
  parsed: Arguments,
  result: { readonly folder: string; readonly stopped: boolean },
): Promise<void> {
  const { folder, stopped } = result;
  const results = stopped ? null : await readStudyResults(folder);
  if (results !== null) await sayFoundJson(results);
  const isReported = results !== null && !parsed.flag("no-report");
  const report = isReported ? await reportOf(folder, results) : null;
  await say(JSON.stringify({ kind: "ended", ...result, report }));
}

/** Prints what results say as lines of JSON: the verdicts on claims, and which budgets of the baseline methods are worth. */
export async function sayFoundJson(results: Analysis): Promise<void> {
  const lines = [
    ...claimsJson(results.claimsReport),
    ...budgetEquivalenceJson(results.budgetEquivalences),
  ];
  for (const line of lines) await say(JSON.stringify(line));
}

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
