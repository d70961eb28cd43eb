/**
 * `deno task tune [STUDY]`: chooses the settings that a study leaves open, and writes them as a file that a study extends.
 *
 * @module
 */
import { readStudyFile } from "../runs/plan/study_file.ts";
import { defaultResults } from "../runs/stored_study.ts";
import type { TuneOptions } from "../runs/tune/trial_maker.ts";
import { type TuneResult, tuneStudy } from "../runs/tune/tune_study.ts";
import { sweepPlaces } from "./access.ts";
import { commandOf } from "./command.ts";
import { mostRunsOf, option, runOptions } from "./command_parts.ts";
import { runsExitCode } from "./ended.ts";
import { stoppedText } from "./stop.ts";
import { outputColumns, runCommand, say, sayWrapped } from "./terminal.ts";
import { sweepWords, TerminalWatch } from "./terminal_watch.ts";
import { sweptText } from "./work_status.ts";
import { relative } from "node:path";
import { tableText } from "../report/table.ts";
import { wrapped } from "../base/text_width.ts";
import { listed } from "../base/format.ts";
import { choicesTable, edgeText, tunedForText } from "../report/sections/tuning.ts";

/** The command. */
export const tune = commandOf({
  name: "tune",
  summary:
    "Chooses the settings that a study's tune block leaves open, on a held-out share of training, and writes them as a file",
  takes: "STUDY",
  least: 1,
  places: (parsed) => sweepPlaces(parsed, true),
  explained: [{
    name: "STUDY",
    text: "a .json or .ts file with a tune block, or the name of a study in experiments/",
  }],
  options: [
    ...option.inputs,
    option.device("auto"),
    option.mostRuns,
    option.jobs("trained"),
    option.threads,
    option.results,
    option.patience,
    option.json,
  ],
  examples: [
    {
      line: "deno task tune tune-embedded",
      text: "writes results/tune-embedded/tuning/tuned.json",
    },
  ],
  notes: [
    'A study that "extends" the file has the chosen settings, and its report says what they were chosen from and what that cost.',
    "Trials that are done are not made again: raise trials or widen limits, and start the same command again. Ctrl-C stops as in a " +
    "sweep. Exit code: 0 if settings were chosen, 1 if every trial of a method failed, 130 if it was stopped, 2 for wrong arguments.",
  ],
}, async (parsed) => {
  const name = parsed.positional[0]!;
  const options = {
    ...runOptions(parsed),
    device: parsed.text("device") ?? "auto",
    results: parsed.text("results") ?? defaultResults,
    mostRuns: mostRunsOf(parsed),
  } satisfies TuneOptions;
  const json = parsed.flag("json");
  const study = await readStudyFile(name, options.results);
  const began = performance.now();
  const terminal = new TerminalWatch(sweepWords, { json });
  const result = await terminal.during((watch) => tuneStudy(study, options, watch));
  if (json) await say(JSON.stringify({ kind: "ended", ...result }));
  else {
    await say(sweptText(result, performance.now() - began));
    if (result.stopped) await sayWrapped(stoppedText(result));
    else await say(`\n${tunedText(result, study.folder, outputColumns())}`);
  }
  return runsExitCode({ stopped: result.stopped, failed: result.untuned.length });
});

/**
 * The end of a tuning as plain text.
 *
 * @param folder Of the study's file.
 * @param width Columns of the terminal, or null for no limit.
 */
function tunedText(
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
  const edges = file.tuned.notBracketed.map((edge) =>
    `Not bracketed: ${tunedForText(edge)}, ${edgeText(edge)}`
  );
  return [
    tableText(choicesTable(file.tuned, null), width),
    ...[
      ...edges,
      `Settings: ${path}`,
      `A study beside this one has them by "extends": "${relative(folder, path)}"`,
    ].flatMap(fitted),
  ].join("\n");
}

if (import.meta.main) await runCommand(tune);
