/**
 * `deno task sweep [STUDY]`: runs what a study asks for and has not finished yet, then reports.
 *
 * @module
 */
import { commandOf } from "./command.ts";
import {
  deviceOption,
  jobsOption,
  jsonOption,
  mostRunsOf,
  mostRunsOption,
  noReportOption,
  onlyOption,
  patienceOption,
  placeOf,
  setOption,
  studyArgument,
  threadsOption,
} from "./command_parts.ts";
import { methodsText } from "../report/methods_text.ts";
import { sweptText } from "./work_status.ts";
import { planApart } from "./plan_apart.ts";
import { defaultStudy, readStudyFile } from "../runs/study_file.ts";
import { defaultResults } from "../runs/stored_study.ts";
import { readStudyResults } from "../runs/study_results.ts";
import { type SweepOptions, sweepStudy } from "../runs/sweep.ts";
import { sayClaims } from "./claims.ts";
import { sayEndedJson, sayReport } from "./ended.ts";
import { stoppedExitCode, stoppedText } from "./stop.ts";
import { outputColumns, quietVulkan, runCommand, say, sayWrapped } from "./terminal.ts";
import { damagedTexts, sweepWords, TerminalWatch } from "./terminal_watch.ts";
import { askForPlaces, inputPlaces, studyPlaces } from "./access.ts";

/** The command. */
export const sweep = commandOf({
  name: "sweep",
  summary:
    "Trains the runs of a study that are not finished yet, prints methods × budgets and writes the report",
  takes: "[STUDY]",
  explained: [studyArgument],
  options: [
    { name: "data", value: "DIR", text: "folder with GLUE tasks (DIR/RTE/train.tsv ...)" },
    {
      name: "model",
      value: "DIR",
      text: 'Hugging Face folder, .whl file or hub:OWNER/NAME for studies whose model is "folder"',
    },
    deviceOption("auto"),
    onlyOption,
    setOption,
    mostRunsOption,
    jobsOption("trained"),
    threadsOption,
    {
      name: "results",
      value: "DIR",
      text:
        `where results go (default ${defaultResults}); for another folder Deno asks whether it may be used, ` +
        "and where it cannot ask, the error has the command line that allows it",
    },
    {
      name: "until-decided",
      text:
        "add seeds to the arms of claims, look by look, until each claim is decided or has decide.mostSeeds",
    },
    patienceOption,
    { name: "retry-failed", text: "train failed runs again" },
    { name: "dry-run", text: "check the study and print its plan, run nothing" },
    noReportOption,
    jsonOption,
  ],
  examples: [
    { line: "deno task sweep", text: `the study ${defaultStudy}: a minute or two on two cores` },
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
      line:
        "deno run -q -P=sweep --allow-read=.,/data/runs --allow-write=/data/runs src/cli/sweep.ts --results /data/runs",
      text: "results in a folder of your own, without a question",
    },
  ],
  notes: [
    "Ctrl-C stops at a checkpoint, and the same command goes on from there; Ctrl-C again, a second later, ends at once. " +
    "Exit code: 0 if all runs finished, 1 if one failed, 130 if it was stopped, 2 for wrong arguments.",
  ],
}, async (parsed) => {
  const [name = defaultStudy] = parsed.positional;
  const place = placeOf(parsed);
  const options = {
    ...place,
    device: place.device ?? "auto",
    results: parsed.text("results") ?? defaultResults,
    retryFailed: parsed.flag("retry-failed"),
    untilDecided: parsed.flag("until-decided"),
    only: parsed.list("only"),
    set: parsed.list("set"),
    mostRuns: mostRunsOf(parsed),
  } satisfies SweepOptions;
  const json = parsed.flag("json");
  const isDry = parsed.flag("dry-run");
  await askForPlaces("sweep", [
    ...studyPlaces(name, "STUDY"),
    ...inputPlaces(options),
    { path: options.results, option: "--results", isWritten: !isDry },
  ]);
  if (isDry) {
    const text = await planApart(name, { ...options, json, width: outputColumns() });
    await (json ? say(text) : sayWrapped(text));
    return 0;
  }
  const file = await readStudyFile(name);
  quietVulkan();
  const began = performance.now();
  const terminal = new TerminalWatch(sweepWords, { json });
  const result = await terminal.during((watch) => sweepStudy(file, options, watch));
  const { finished, failed, skipped, elsewhere, stopped, folder } = result;
  if (json) {
    await sayEndedJson(folder, result, { stopped, isReported: !parsed.flag("no-report") });
    return stopped ? stoppedExitCode : failed > 0 ? 1 : 0;
  }
  await say(sweptText(result, performance.now() - began));
  if (stopped) {
    await sayWrapped(
      stoppedText(finished + failed + skipped + elsewhere, result.total, result.stoppedRuns),
    );
    return stoppedExitCode;
  }
  const results = await readStudyResults(folder);
  await say(`\n${methodsText(results, outputColumns())}`);
  for (const text of damagedTexts(results)) await sayWrapped(text);
  if (!parsed.flag("no-report")) await sayReport(folder, results);
  await sayClaims(results);
  return failed > 0 ? 1 : 0;
});

if (import.meta.main) await runCommand(sweep);
