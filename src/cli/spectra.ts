/**
 * `deno task spectra [STUDY]`: how many of their ranks the updates of finished runs use, and whether seeds agree.
 *
 * @module
 */
import { spectraOf, type SpectraOptions } from "../runs/after/spectra.ts";
import { defaultStudy } from "../runs/plan/study_file.ts";
import { commandOf } from "./command.ts";
import { option, sweptArgument, sweptFolder, sweptPlaces, trustOf } from "./command_parts.ts";
import { sayReport } from "./ended.ts";
import { runCommand, say, sayWrapped, stoppedExitCode } from "./terminal.ts";
import { spectraWords, TerminalWatch } from "./terminal_watch.ts";

/** The command. */
export const spectra = commandOf({
  name: "spectra",
  summary:
    "Reads the singular values of what finished runs added to each weight: effective ranks, intruder dimensions, " +
    "overlap between seeds",
  takes: "[STUDY]",
  explained: [sweptArgument],
  places: sweptPlaces,
  options: [
    option.only,
    {
      name: "no-intruders",
      text: "do not look for intruder dimensions, which take most of the time",
    },
    option.movedModel,
    option.results,
    option.trust,
    option.noReport,
  ],
  examples: [
    { line: "deno task spectra", text: `the study ${defaultStudy}, after deno task sweep` },
    {
      line: "deno task spectra glue-minilm --only task=RTE --no-intruders",
      text: "the runs of one task, in seconds",
    },
  ],
}, async (parsed) => {
  const { name, folder } = await sweptFolder("spectra", parsed);
  const terminal = new TerminalWatch(spectraWords);
  const options: SpectraOptions = {
    model: parsed.text("model"),
    trust: await trustOf(parsed, name),
    intruders: !parsed.flag("no-intruders"),
    only: parsed.list("only"),
  };
  const { out, read, left, spectra: { leftOut } } = await terminal.during((watch) =>
    spectraOf(folder, options, watch)
  );
  await say(`${read} read, ${leftOut.length} left out`);
  if (left > 0) {
    await sayWrapped(`Stopped: ${left} runs are left; the same command starts again`);
    return stoppedExitCode;
  }
  await say(`Spectra: ${out}`);
  await sayReport(parsed, folder);
  return 0;
});

if (import.meta.main) await runCommand(spectra);
