/**
 * `deno task verify [STUDY]`: makes finished runs again from their records alone, and says whether they come out the same.
 *
 * @module
 */
import { chooseExecutor } from "../exec/choose.ts";
import { readSurroundings, type Surroundings } from "../record/provenance.ts";
import { readRun } from "../record/read_study.ts";
import { makeFolder, removeTree, writeWhole } from "../record/run_folder.ts";
import { recordSchemaVersion } from "../record/types.ts";
import {
  changedInputs,
  comparePinned,
  pinnedBy,
  type RunVerification,
  type Verification,
  verifyRun,
} from "../record/verification.ts";
import { commandOf } from "./command.ts";
import { deviceOption, movedFolders, resultsOption, sweptArgument } from "./command_parts.ts";
import { LaneStatus, runProgress } from "./lane_status.ts";
import type { Lane } from "./lanes.ts";
import { kindOf, openLanes } from "./open_lanes.ts";
import type { StudyPlan } from "./planning.ts";
import { isFinished, planRecorded, type RecordedRun } from "./recorded_run.ts";
import { whereOf } from "./run_record.ts";
import { sampleByKind } from "./sampling.ts";
import { WorkQueue, workSideBySide } from "./side_by_side.ts";
import { listenForStop, StopFlag, StoppedError } from "./stop.ts";
import { defaultStudy } from "./study_file.ts";
import { defaultResults, findResults, readStoredStudy, readStudyRuns } from "./study_results.ts";
import {
  clearStatus,
  outputColumns,
  quietVulkan,
  runCommand,
  say,
  UsageError,
  wholeNumber,
} from "./terminal.ts";
import { askToWrite } from "./write_access.ts";
import {
  differenceText,
  summaryText,
  verificationMarkdown,
  verificationTable,
} from "./verification_text.ts";

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

/** Recorded runs that are made again on one device with as many threads each. */
interface Group {
  readonly device: string;
  readonly threads: number;
  readonly runs: readonly RecordedRun[];
}

function groupsOf(
  recorded: readonly RecordedRun[],
  options: Pick<VerifyOptions, "device" | "threads">,
): readonly Group[] {
  const settingOf = ({ stored: { record: { where } } }: RecordedRun) => ({
    device: options.device ?? where.device.executor,
    threads: options.threads ?? Math.max(1, where.device.threads),
  });
  const groups = Map.groupBy(recorded, (run) => JSON.stringify(settingOf(run)));
  return [...groups.values()].map((runs) => ({ ...settingOf(runs[0]!), runs }));
}

interface Setting {
  readonly title: string;
  /** Where runs are made again. */
  readonly results: string;
  readonly plan: StudyPlan;
  readonly jobs: number | null;
  readonly surroundings: Surroundings;
  readonly tolerance: number;
  readonly status: LaneStatus;
  readonly stop: StopFlag;
  /** Told of each verification, one after the other. */
  readonly onVerified: (run: RecordedRun, verification: RunVerification) => Promise<void>;
}

/** Makes the runs of a group again, those whose inputs did not change, and compares. */
async function verifyGroup(group: Group, setting: Setting): Promise<void> {
  const { title, results, plan, jobs, surroundings, tolerance, status, stop, onVerified } = setting;
  const { threads } = group;
  quietVulkan();
  const device = await chooseExecutor(group.device, { threads });
  const requestOf = ({ stored, planned }: RecordedRun) => ({
    title: planned.title,
    wanted: stored,
    present: {
      where: whereOf({ surroundings, executor: device.executor }, planned),
      methodVersion: planned.method.version,
      seed: planned.run.seed,
    },
    tolerance,
  });
  const due: RecordedRun[] = [];
  for (const run of group.runs) {
    const request = requestOf(run);
    const pinned = comparePinned(pinnedBy(run.stored.record), request.present);
    if (changedInputs(pinned).length === 0) due.push(run);
    else await onVerified(run, verifyRun({ ...request, found: null }));
  }
  if (due.length === 0) return;
  const lanes = await openLanes({
    title,
    pieces: due.length,
    device,
    jobs,
    threads,
    studyRuns: due.length,
    plan,
    results,
    surroundings,
    stop,
  });
  /** Null for a run that was stopped, by a signal or since another failed. */
  const verifyIn = (lane: Lane) => async (run: RecordedRun): Promise<RunVerification | null> => {
    const { planned } = run;
    const own = `${results}/${planned.folder}`;
    // What an earlier verification left must not be gone on from.
    await removeTree(own);
    const { result } = await lane.run(
      planned,
      (progress) => status.report(planned.title, runProgress(progress)),
    );
    if (result.kind === "stopped") {
      await removeTree(own);
      return null;
    }
    const verification = verifyRun({ ...requestOf(run), found: await readRun(own) });
    if (verification.verdict !== "not reproduced") await removeTree(own);
    return verification;
  };
  try {
    await workSideBySide(new WorkQueue(due, ({ planned }) => kindOf(planned)), {
      lanes: lanes.map(verifyIn),
      onResult: async (run, verification) => {
        if (verification !== null) await onVerified(run, verification);
        return verification !== null && !stop.isRaised;
      },
      onError: () => stop.raise(),
    });
  } finally {
    for (const lane of lanes) await lane.close();
  }
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
  await say(`${summaryText(verification)}\nReport: ${folder}/verify/verification.md`);
  return exitCodeOf(verification);
});

if (import.meta.main) await runCommand(verify);
