/**
 * `deno task sweep [STUDY]`: runs what a study asks for and has not finished yet, then reports.
 *
 * @module
 */
import { commandOf } from "./command.ts";
import { mostRunsOf, option, runOptions, studyArgument } from "./command_parts.ts";
import { sweptText } from "./work_status.ts";
import { planApart } from "./plan.ts";
import { defaultStudy, readStudyFile } from "../runs/plan/study_file.ts";
import { defaultResults } from "../runs/stored_study.ts";
import { type SweepOptions, sweepStudy } from "../runs/sweep.ts";
import { runsExitCode, sayEndedJson, sayResults } from "./ended.ts";
import { stoppedText } from "./stop.ts";
import { outputColumns, runCommand, say, sayWrapped } from "./terminal.ts";
import { sweepWords, TerminalWatch } from "./terminal_watch.ts";
import { sweepPlaces } from "./access.ts";

/** The command. */
export const sweep = commandOf({
  name: "sweep",
  summary:
    "Trains the runs of a study that are not finished yet, prints a table of methods × budgets and writes the report",
  takes: "[STUDY]",
  explained: [studyArgument],
  places: (parsed) => sweepPlaces(parsed, !parsed.flag("dry-run")),
  options: [
    ...option.inputs,
    option.device("auto"),
    option.only,
    option.set,
    option.mostRuns,
    option.jobs("trained"),
    option.threads,
    option.results,
    {
      name: "until-decided",
      text:
        "add seeds to the arms of claims, look by look, until each claim is decided or has decide.mostSeeds",
    },
    option.patience,
    { name: "retry-failed", text: "train failed runs again" },
    { name: "dry-run", text: "check the study and print its plan; train nothing" },
    option.noReport,
    option.json,
  ],
  examples: [
    {
      line: "deno task sweep",
      text: `the study ${defaultStudy}: 60 runs, some minutes on two cores`,
    },
    {
      line:
        "deno task sweep glue-minilm --data .cache/glue --model DIR --only task=RTE --only seed=1",
      text: "a part of a study on GLUE; the command without --only trains the rest",
    },
    {
      line: "deno task sweep my-study --until-decided",
      text: "the study, then further seeds for the claims that it has not decided",
    },
    {
      line: "deno task sweep --results /data/runs",
      text: "results in a folder of your own",
    },
  ],
  notes: [
    "Ctrl-C stops at a checkpoint, and the same command goes on from there; Ctrl-C again, a second later, ends at once. " +
    "Exit code: 0 if all runs finished, 1 if one failed, 130 if it was stopped, 2 for wrong arguments.",
  ],
}, async (parsed) => {
  const [name = defaultStudy] = parsed.positional;
  const given = runOptions(parsed);
  const options = {
    ...given,
    device: given.device ?? "auto",
    results: parsed.text("results") ?? defaultResults,
    retryFailed: parsed.flag("retry-failed"),
    untilDecided: parsed.flag("until-decided"),
    only: parsed.list("only"),
    set: parsed.list("set"),
    mostRuns: mostRunsOf(parsed),
  } satisfies SweepOptions;
  const json = parsed.flag("json");
  const isDry = parsed.flag("dry-run");
  if (isDry) {
    const text = await planApart(name, { ...options, json, width: outputColumns() });
    await (json ? say(text) : sayWrapped(text));
    return 0;
  }
  const file = await readStudyFile(name);
  const began = performance.now();
  const terminal = new TerminalWatch(sweepWords, { json });
  const result = await terminal.during((watch) => sweepStudy(file, options, watch));
  if (json) await sayEndedJson(parsed, result);
  else {
    await say(sweptText(result, performance.now() - began));
    if (result.stopped) await sayWrapped(stoppedText(result));
    else await sayResults(parsed, result.folder);
  }
  return runsExitCode(result);
});

if (import.meta.main) await runCommand(sweep);
