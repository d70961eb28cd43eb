/**
 * `deno task report [STUDY]`: builds the report of what has been recorded so far.
 *
 * @module
 */
import { methodsText } from "../report/text_table.ts";
import { defaultStudy } from "./study_file.ts";
import { defaultResults, findResults, readStudyResults, writeReport } from "./study_results.ts";
import { outputColumns, readArguments, runCommand, say, UsageError } from "./terminal.ts";

const usage = `Usage: deno task report [STUDY or results folder] [--results DIR]`;

/** The command. */
export async function report(args: readonly string[]): Promise<number> {
  const parsed = readArguments(args, { strings: ["results"], flags: ["help", "trace"] });
  if (parsed.flag("help")) {
    await say(usage);
    return 0;
  }
  const [name = defaultStudy, ...rest] = parsed.positional;
  if (rest.length > 0) throw new UsageError(usage);
  const folder = await findResults(name, parsed.text("results") ?? defaultResults);
  const results = await readStudyResults(folder);
  await say(methodsText(results, outputColumns()));
  await say(`Report: ${await writeReport(folder, results)}`);
  return 0;
}

if (import.meta.main) await runCommand(report);
