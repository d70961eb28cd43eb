/**
 * `deno task ablate [STUDY]`: what adapters are worth, and what LoRA makes of the ranks that other methods end with.
 *
 * @module
 */
import { type AblateOptions, ablateStudy } from "../runs/ablate.ts";
import { defaultStudy } from "../runs/study_file.ts";
import { defaultResults, findResults } from "../runs/stored_study.ts";
import { readStudyResults } from "../runs/study_results.ts";
import { commandOf } from "./command.ts";
import {
  deviceOption,
  jobsOption,
  jsonOption,
  movedFolders,
  noReportOption,
  onlyOption,
  patienceOption,
  placeOf,
  resultsOption,
  sweptArgument,
  threadsOption,
} from "./command_parts.ts";
import { sayEndedJson, sayReport } from "./ended.ts";
import { stoppedExitCode, stoppedText } from "./stop.ts";
import { quietVulkan, runCommand, say, sayWrapped, wholeNumber } from "./terminal.ts";
import { ablateWords, TerminalWatch } from "./terminal_watch.ts";
import { trustOf, trustOption } from "./trust.ts";
import { askForPlaces, askToWrite, inputPlaces, resultsPlaces } from "./access.ts";

/** The command. */
export const ablate = commandOf({
  name: "ablate",
  summary:
    "Removes the adapter of each layer, module and part of finished runs in turn, and trains LoRA with the final " +
    "ranks of methods that choose them, with the same reversed in depth, and with uniform ones",
  takes: "[STUDY]",
  explained: [sweptArgument],
  options: [
    onlyOption,
    { name: "no-replay", text: "only remove adapters, train nothing" },
    {
      name: "sample",
      value: "N",
      text: "remove adapters from N runs only, some of each method (default: all)",
    },
    ...movedFolders,
    deviceOption("as the sweep"),
    jobsOption("ablated"),
    threadsOption,
    patienceOption,
    resultsOption,
    trustOption,
    noReportOption,
    jsonOption,
  ],
  examples: [
    { line: "deno task ablate", text: `the study ${defaultStudy}, after deno task sweep` },
    {
      line: "deno task ablate glue-minilm --only task=RTE --sample 4 --no-replay",
      text: "four runs of a task, without training any",
    },
  ],
}, async (parsed) => {
  const [name = defaultStudy] = parsed.positional;
  const results = parsed.text("results");
  await askForPlaces("ablate", [
    ...resultsPlaces(name, results),
    ...inputPlaces({ data: parsed.text("data"), model: parsed.text("model") }),
  ]);
  const folder = await findResults(name, results ?? defaultResults);
  await askToWrite("ablate", folder, "STUDY or --results");
  quietVulkan();
  const json = parsed.flag("json");
  const terminal = new TerminalWatch(ablateWords, { json });
  const options: AblateOptions = {
    ...placeOf(parsed),
    trust: await trustOf(parsed, name),
    sample: wholeNumber(parsed.text("sample"), "sample"),
    replay: !parsed.flag("no-replay"),
    only: parsed.list("only"),
  };
  const result = await terminal.during((watch) => ablateStudy(folder, options, watch));
  const { ablated, skipped, weightless, left, stopped, replay } = result;
  const hasFailed = (replay?.failed ?? 0) > 0;
  if (json) {
    await sayEndedJson(folder, result, { stopped, isReported: !parsed.flag("no-report") });
    return stopped ? stoppedExitCode : hasFailed ? 1 : 0;
  }
  const leftOut = weightless === 0 ? "" : `, ${weightless} left out for want of their weights`;
  await say(`${ablated} ablated, ${skipped} done before${leftOut}`);
  if (replay !== null) {
    await say(
      `Replay: ${replay.finished} finished, ${replay.failed} failed, ${
        replay.skipped + replay.elsewhere
      } done before or by other processes`,
    );
  }
  if (stopped) {
    await sayWrapped(
      replay === null
        ? `Stopped: ${left} runs are left to ablate; the same command goes on from here`
        : stoppedText(
          replay.finished + replay.failed + replay.skipped + replay.elsewhere,
          replay.total,
          replay.stoppedRuns,
        ),
    );
    return stoppedExitCode;
  }
  if (!parsed.flag("no-report")) {
    await sayReport(folder, await readStudyResults(folder));
  }
  return hasFailed ? 1 : 0;
});

if (import.meta.main) await runCommand(ablate);
