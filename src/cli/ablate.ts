/**
 * `deno task ablate [STUDY]`: what adapters are worth, and what LoRA makes of the ranks that other methods end with.
 *
 * @module
 */
import { type AblateOptions, type AblateResult, ablateStudy } from "../runs/after/ablate.ts";
import { defaultStudy } from "../runs/plan/study_file.ts";
import { commandOf } from "./command.ts";
import {
  option,
  runOptions,
  sweptArgument,
  sweptFolder,
  sweptPlaces,
  trustOf,
} from "./command_parts.ts";
import { runsExitCode, sayEndedJson, sayReport } from "./ended.ts";
import { stoppedText } from "./stop.ts";
import { runCommand, sayWrapped, wholeNumber } from "./terminal.ts";
import { ablateWords, TerminalWatch } from "./terminal_watch.ts";

function ablatedText(
  { ablated, skipped, weightless, left, stopped, replay }: AblateResult,
): string {
  const leftOut = weightless === 0 ? "" : `, ${weightless} left out for want of their weights`;
  const lines = [`${ablated} ablated, ${skipped} done before${leftOut}`];
  if (replay === null) {
    if (stopped) {
      lines.push(`Stopped: ${left} runs are left to ablate; the same command goes on from here`);
    }
    return lines.join("\n");
  }
  const before = replay.skipped + replay.elsewhere;
  lines.push(
    `Replay: ${replay.finished} finished, ${replay.failed} failed, ${before} done before or by other processes`,
  );
  if (stopped) lines.push(stoppedText(replay));
  return lines.join("\n");
}

/** The command. */
export const ablate = commandOf({
  name: "ablate",
  summary:
    "Removes the adapter of each layer, module and part of finished runs in turn, and trains LoRA with the final " +
    "ranks of methods that choose them, with the same reversed in depth, and with uniform ones",
  takes: "[STUDY]",
  explained: [sweptArgument],
  places: sweptPlaces,
  options: [
    option.only,
    { name: "no-replay", text: "only remove adapters, train nothing" },
    {
      name: "sample",
      value: "N",
      text: "remove adapters from N runs only, some of each method (default: all)",
    },
    ...option.movedFolders,
    option.device("as the sweep"),
    option.jobs("ablated"),
    option.threads,
    option.patience,
    option.results,
    option.trust,
    option.noReport,
    option.json,
  ],
  examples: [
    { line: "deno task ablate", text: `the study ${defaultStudy}, after deno task sweep` },
    {
      line: "deno task ablate glue-minilm --only task=RTE --sample 4 --no-replay",
      text: "four runs of a task, without training any",
    },
  ],
}, async (parsed) => {
  const { name, folder } = await sweptFolder("ablate", parsed);
  const json = parsed.flag("json");
  const terminal = new TerminalWatch(ablateWords, { json });
  const options: AblateOptions = {
    ...runOptions(parsed),
    trust: await trustOf(parsed, name),
    sample: wholeNumber(parsed.text("sample"), "sample"),
    replay: !parsed.flag("no-replay"),
    only: parsed.list("only"),
  };
  const result = await terminal.during((watch) => ablateStudy(folder, options, watch));
  const { stopped, replay } = result;
  if (json) await sayEndedJson(parsed, { ...result, folder });
  else {
    await sayWrapped(ablatedText(result));
    if (!stopped) await sayReport(parsed, folder);
  }
  return runsExitCode({ stopped, failed: replay?.failed ?? 0 });
});

if (import.meta.main) await runCommand(ablate);
