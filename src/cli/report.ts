/**
 * `deno task report [STUDY]`: builds the report of what has been recorded so far.
 *
 * @module
 */
import { tableText } from "../report/table.ts";
import { groupedTable } from "../report/grouped.ts";
import { methodsText } from "../report/methods_text.ts";
import { sayClaims, sayFoundJson } from "./ended.ts";
import { commandOf } from "./command.ts";
import { option, sweptArgument, sweptFolder, sweptPlaces } from "./command_parts.ts";
import { defaultStudy } from "../runs/plan/study_file.ts";
import { readStudyResults } from "../runs/study_results.ts";
import { writeReport } from "../runs/write_report.ts";
import { outputColumns, runCommand, say, sayWrapped } from "./terminal.ts";
import { damagedTexts } from "./event_text.ts";

/** The command. */
export const report = commandOf({
  name: "report",
  summary:
    "Prints a table, methods × budgets, of the runs recorded so far and writes the report into their folder",
  takes: "[STUDY]",
  explained: [sweptArgument],
  places: sweptPlaces,
  options: [
    {
      name: "by",
      value: "KEY",
      isList: true,
      text:
        "print scores by method, task, budget, seed or a setting such as train.learningRate or options.alpha in place of methods × " +
        "budgets; given several times, by all combinations",
    },
    {
      name: "aso",
      text: "add a table of the almost stochastic order of each method and LoRA",
    },
    option.results,
    option.json,
  ],
  examples: [
    { line: "deno task report", text: `the study ${defaultStudy}, after deno task sweep` },
    { line: "deno task report results/published/quickstart", text: "a study of the repository" },
    {
      line: "deno task report my-study --by train.learningRate --by method",
      text: "a table with a row for each learning rate of each method",
    },
  ],
}, async (parsed) => {
  const { folder } = await sweptFolder("report", parsed);
  const read = await readStudyResults(folder);
  const by = parsed.list("by");
  const hasStochasticOrder = parsed.flag("aso");
  if (parsed.flag("json")) {
    await sayFoundJson(read);
    const path = await writeReport(folder, read, { by, hasStochasticOrder });
    await say(JSON.stringify({ kind: "ended", folder, runs: read.runs.length, report: path }));
    return 0;
  }
  await say(
    by.length === 0
      ? methodsText(read, outputColumns())
      : tableText(groupedTable(read, by), outputColumns()),
  );
  for (const text of damagedTexts(read)) await sayWrapped(text);
  await say(`Report: ${await writeReport(folder, read, { by, hasStochasticOrder })}`);
  await sayClaims(read);
  return 0;
});

if (import.meta.main) await runCommand(report);
