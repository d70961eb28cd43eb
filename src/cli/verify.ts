/**
 * `deno task verify [STUDY]`: makes finished runs again from their records alone, and says whether they come out the same.
 *
 * @module
 */
import { readSurroundings } from "../record/provenance.ts";
import { makeFolder, writeWhole } from "../record/run_folder.ts";
import { recordSchemaVersion } from "../record/types.ts";
import { type RunVerification, type Verification } from "../record/verification.ts";
import { differenceText, verificationSentence } from "../report/tables/verification.ts";
import { commandOf } from "./command.ts";
import { deviceOption, movedFolders, resultsOption, sweptArgument } from "./command_parts.ts";
import { LaneStatus } from "./lane_status.ts";
import { isFinished, planRecorded, type RecordedRun } from "../runs/recorded_run.ts";
import { sampleByKind } from "../runs/sampling.ts";
import { StopFlag, StoppedError } from "../runs/stop_flag.ts";
import { listenForStop } from "./stop.ts";
import { defaultStudy } from "../runs/study_file.ts";
import {
  defaultResults,
  findResults,
  readStoredStudy,
  readStudyResults,
  readStudyRuns,
  writeReport,
} from "../runs/study_results.ts";
import { UsageError } from "../base/usage_error.ts";
import {
  clearStatus,
  outputColumns,
  runCommand,
  say,
  sayWrapped,
  wholeNumber,
} from "./terminal.ts";
import { groupsOf, verifyGroup } from "../runs/verify_group.ts";
import { askToWrite } from "./write_access.ts";
import { verificationMarkdown, verificationTable } from "./verification_text.ts";

const defaultSample = 3;
const defaultTolerance = 1e-4;

/** What a verification is told. */
export interface VerifyOptions {
  readonly data: string | null;
  readonly model: string | null;
  /** Null for the one of each record. */
  readonly device: string | null;
  /** Runs at a time, or null for the default of the device. */
  readonly jobs: number | null;
  /** Null for as many as each record says. */
  readonly threads: number | null;
  /** Runs to make again, or null for all. */
  readonly sample: number | null;
  readonly seed: number;
  readonly tolerance: number;
}

/**
 * Makes a sample of a study's finished runs again and writes `verify/verification.json` and `.md` into its results.
 *
 * @param stop Asks for a stop; signals raise it. Default: one of its own.
 *
 * @throws {StoppedError} If it was stopped before all were compared; nothing is written then.
 */
export async function verifyStudy(
  folder: string,
  options: VerifyOptions,
  stop: StopFlag = new StopFlag(),
): Promise<Verification> {
  const stored = await readStoredStudy(folder);
  const finished = (await readStudyRuns(folder, stored)).filter(isFinished);
  if (finished.length === 0) {
    throw new UsageError(
      `Cannot verify "${folder}": found no finished run, want at least one; run deno task sweep first`,
    );
  }
  const chosen = options.sample === null
    ? finished
    : sampleByKind(finished, options.sample, ({ record }) => record.asked.label, options.seed);
  const { plan, recorded } = await planRecorded(stored, chosen, options);
  const surroundings = await readSurroundings();
  const status = new LaneStatus("runs", recorded.length);
  const verified = new Map<RecordedRun, RunVerification>();
  const stopped = () =>
    `Stopped: ${verified.size} of ${recorded.length} runs were compared, above; nothing is written, and the same ` +
    "command starts again";
  const listener = listenForStop(stop, {
    onStop: () => "Stopping after this step. (Ctrl-C again ends at once.)",
    onExit: stopped,
  });
  try {
    for (const group of groupsOf(recorded, options)) {
      if (stop.isRaised) break;
      await verifyGroup(group, {
        title: `${stored.study.title ?? stored.study.name}: ${group.runs.length} runs again`,
        results: `${folder}/verify`,
        plan,
        jobs: options.jobs,
        surroundings,
        tolerance: options.tolerance,
        status,
        stop,
        onVerified: async (run, verification) => {
          verified.set(run, verification);
          const { title, verdict, firstBeyond } = verification;
          const where = firstBeyond === null ? "" : ` (${differenceText(firstBeyond)})`;
          status.done(title);
          await status.tell(title, `${verdict}${where}`);
        },
      });
    }
  } finally {
    await clearStatus();
    listener.dispose();
  }
  if (verified.size < recorded.length) throw new StoppedError(stopped());
  const runs = recorded.map((run) => verified.get(run)!);
  const verification: Verification = {
    schema: recordSchemaVersion,
    study: stored.study.name,
    verifiedAt: new Date().toISOString(),
    tolerance: options.tolerance,
    finishedRuns: finished.length,
    sampleSeed: options.sample === null ? null : options.seed,
    runs,
  };
  await makeFolder(`${folder}/verify`);
  await writeWhole(
    `${folder}/verify/verification.json`,
    `${JSON.stringify(verification, null, 2)}\n`,
  );
  await writeWhole(`${folder}/verify/verification.md`, verificationMarkdown(verification));
  return verification;
}

/** The exit code of a verification. */
export function exitCodeOf({ runs }: Pick<Verification, "runs">): number {
  if (runs.some(({ verdict }) => verdict === "not reproduced")) return 1;
  return runs.some(({ verdict }) => verdict === "inputs differ") ? 3 : 0;
}

function toleranceOf(value: string | null): number {
  if (value === null) return defaultTolerance;
  const tolerance = Number(value);
  if (value.trim() !== "" && Number.isFinite(tolerance) && tolerance >= 0) return tolerance;
  throw new UsageError(`Option "--tolerance" is "${value}", want a number of at least 0`);
}

/** The command. */
export const verify = commandOf({
  name: "verify",
  summary:
    "Makes a sample of finished runs again from their records alone and compares them number by number",
  takes: "[STUDY]",
  explained: [sweptArgument],
  options: [
    {
      name: "sample",
      value: "N",
      text: `runs to make again, some of each method (default ${defaultSample})`,
    },
    { name: "all", text: "make all finished runs again" },
    { name: "seed", value: "S", text: "draws the sample (default 0)" },
    {
      name: "tolerance",
      value: "X",
      text: `largest relative difference that counts as agreement (default ${defaultTolerance})`,
    },
    ...movedFolders,
    deviceOption("the one of the record"),
    {
      name: "jobs",
      value: "N",
      text:
        "runs made at a time (default: on the native CPU as many as their threads leave room for)",
    },
    {
      name: "threads",
      value: "N",
      text: "threads of the CPU executors for each run (default: as in the record)",
    },
    resultsOption,
  ],
  examples: [
    { line: "deno task verify", text: `three runs of the study ${defaultStudy}` },
    { line: "deno task verify results/published/quickstart --all", text: "every run of a folder" },
  ],
  notes: [
    "Exit code: 0 if all were reproduced, 1 if one was not, 3 if inputs differ so that one could not be made again, 130 " +
    "if it was stopped.",
  ],
}, async (parsed) => {
  const [name = defaultStudy] = parsed.positional;
  const sample = wholeNumber(parsed.text("sample"), "sample");
  if (parsed.flag("all") && sample !== null) {
    throw new UsageError(`Options "--all" and "--sample" are both given, want one of them`);
  }
  const folder = await findResults(name, parsed.text("results") ?? defaultResults);
  await askToWrite("verify", folder, "STUDY or --results");
  const verification = await verifyStudy(folder, {
    data: parsed.text("data"),
    model: parsed.text("model"),
    device: parsed.text("device"),
    jobs: wholeNumber(parsed.text("jobs"), "jobs"),
    threads: wholeNumber(parsed.text("threads"), "threads"),
    sample: parsed.flag("all") ? null : sample ?? defaultSample,
    seed: wholeNumber(parsed.text("seed"), "seed", 0) ?? 0,
    tolerance: toleranceOf(parsed.text("tolerance")),
  });
  await say(`\n${verificationTable(verification, outputColumns())}`);
  await sayWrapped(`${verificationSentence(verification)}.`);
  await say(`Details: ${folder}/verify/verification.md`);
  await say(`Report: ${await writeReport(folder, await readStudyResults(folder))}`);
  return exitCodeOf(verification);
});

if (import.meta.main) await runCommand(verify);
