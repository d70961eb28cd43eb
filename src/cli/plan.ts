/**
 * `deno task plan [STUDY]`: checks a study and prints what it would run.
 *
 * @module
 */
import { planText } from "./plan_text.ts";
import { onlyUsage } from "./selection.ts";
import { defaultStudy, readStudyFile } from "./study_file.ts";
import { defaultResults } from "./study_results.ts";
import { outputColumns, readArguments, runCommand, say, UsageError } from "./terminal.ts";

const usage = `Usage: deno task plan [STUDY] [--data DIR] [--model DIR] [--results DIR]
  ${onlyUsage}`;

/** The command. */
export async function plan(args: readonly string[]): Promise<number> {
  const parsed = readArguments(args, {
    strings: ["data", "model", "results"],
    lists: ["only"],
    flags: ["help", "trace"],
  });
  if (parsed.flag("help")) {
    await say(usage);
    return 0;
  }
  const [name = defaultStudy, ...rest] = parsed.positional;
  if (rest.length > 0) throw new UsageError(usage);
  const options = {
    data: parsed.text("data"),
    model: parsed.text("model"),
    results: parsed.text("results") ?? defaultResults,
    only: parsed.list("only"),
    width: outputColumns(),
  };
  await say(await planText(await readStudyFile(name), options));
  return 0;
}

if (import.meta.main) await runCommand(plan);
