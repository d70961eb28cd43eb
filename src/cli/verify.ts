/**
 * `deno task verify [STUDY]`: repeats finished runs from their records alone, and says whether they come out the same.
 *
 * @module
 */
import { sayEndedJson, sayReport } from "./ended.ts";
import { UsageError } from "../base/input_error.ts";
import { outputFolder } from "../record/results_reader.ts";
import type { Verification } from "../record/verification.ts";
import { tableText } from "../report/table.ts";
import { verificationSentence, verifiedTable } from "../report/verification.ts";
import { defaultStudy } from "../runs/plan/study_file.ts";
import { type VerifyOptions, verifyStudy } from "../runs/after/verify.ts";
import { commandOf } from "./command.ts";
import {
  option,
  runOptions,
  sweptArgument,
  sweptFolder,
  sweptPlaces,
  trustOf,
} from "./command_parts.ts";
import {
  numberFromZero,
  outputColumns,
  runCommand,
  say,
  sayWrapped,
  wholeNumber,
} from "./terminal.ts";
import { TerminalWatch, verifyWords } from "./terminal_watch.ts";

const defaultSample = 3;

const defaultTolerance = 1e-4;

function exitCodeOf({ runs }: Pick<Verification, "runs">): number {
  if (runs.some(({ verdict }) => verdict === "not reproduced")) return 1;
  return runs.some(({ verdict }) => verdict === "inputs differ") ? 3 : 0;
}

/** The command. */
export const verify = commandOf({
  name: "verify",
  summary:
    "Repeats a sample of finished runs from their records alone and compares them number by number",
  takes: "[STUDY]",
  explained: [sweptArgument],
  places: sweptPlaces,
  options: [
    {
      name: "sample",
      value: "N",
      text: `runs to repeat, some of each method (default ${defaultSample})`,
    },
    { name: "all", text: "repeat all finished runs" },
    { name: "seed", value: "S", text: "draws the sample (default 0)" },
    {
      name: "tolerance",
      value: "X",
      text: `largest relative difference that counts as agreement (default ${defaultTolerance})`,
    },
    ...option.movedFolders,
    option.device("the one of the record"),
    {
      name: "jobs",
      value: "N",
      text:
        "runs repeated at a time (default: on the native CPU as many as their threads leave room for)",
    },
    {
      name: "threads",
      value: "N",
      text: "threads of the CPU executors for each run (default: as in the record)",
    },
    option.patience,
    option.results,
    option.trust,
    option.noReport,
    option.json,
  ],
  examples: [
    { line: "deno task verify", text: `three runs of the study ${defaultStudy}` },
    { line: "deno task verify results/published/quickstart --all", text: "every run of a folder" },
  ],
  notes: [
    "Exit code: 0 if all were reproduced, 1 if one was not, 3 if one could not be repeated because its inputs differ, 130 " +
    "if it was stopped.",
  ],
}, async (parsed) => {
  const sample = wholeNumber(parsed.text("sample"), "sample");
  if (parsed.flag("all") && sample !== null) {
    throw new UsageError(`Options "--all" and "--sample" are both given, want one of them`);
  }
  const { name, folder } = await sweptFolder("verify", parsed);
  const options: VerifyOptions = {
    ...runOptions(parsed),
    trust: await trustOf(parsed, name),
    sample: parsed.flag("all") ? null : sample ?? defaultSample,
    seed: wholeNumber(parsed.text("seed"), "seed", 0) ?? 0,
    tolerance: numberFromZero(parsed.text("tolerance"), "tolerance") ?? defaultTolerance,
  };
  const json = parsed.flag("json");
  const terminal = new TerminalWatch(verifyWords, { json });
  const verification = await terminal.during((watch) => verifyStudy(folder, options, watch));
  if (json) await sayEndedJson(parsed, { ...verification, folder, stopped: false });
  else {
    await say(`\n${tableText(verifiedTable(verification.runs), outputColumns())}`);
    await sayWrapped(`${verificationSentence(verification)}.`);
    await say(`Details: ${outputFolder(folder)}/verify/verification.md`);
    await sayReport(parsed, folder);
  }
  return exitCodeOf(verification);
});

if (import.meta.main) await runCommand(verify);
