/**
 * Verifying a study: finished runs are repeated from their records alone and compared number by number.
 *
 * @module
 */
import { type Environment, readEnvironment } from "../../record/provenance.ts";
import { outputFolder, readRun, wantWithin } from "../../record/results_reader.ts";
import { makeFolder, removeTree, writeWhole } from "../../record/durable.ts";
import { recordSchemaVersion } from "../../record/types.ts";
import { underWay } from "../../record/lease.ts";
import {
  changedInputs,
  comparePinned,
  pinnedBy,
  type RunVerification,
  type Verification,
  verifyRun,
} from "../../record/verification.ts";
import { verificationMarkdown } from "../../report/verification.ts";
import { followed, StoppedError, type Watch } from "../events.ts";
import { Pool, type PoolOptions, type PoolWork } from "../pool/pool.ts";
import {
  finishedRuns,
  noFinishedRun,
  type PlanAgain,
  planRecorded,
  type RecordedRun,
  sampleByKind,
} from "./recorded_run.ts";
import { readStoredStudy } from "../stored_study.ts";
import { removeAttempts } from "../../record/earlier_attempts.ts";
import { environmentOf } from "../run_record.ts";
import { lost, workOnRuns } from "../pool/work_on_runs.ts";

/** What a verification receives. */
export interface VerifyOptions extends PlanAgain, PoolOptions {
  /** Runs to repeat. Default, and null: all. */
  readonly sample?: number | null;
  /** Draws the sample; has no effect on the runs themselves. Default 0. */
  readonly seed?: number;
  /** Largest relative difference that counts as agreement, at least 0; 0 asks for equal bits. */
  readonly tolerance: number;
}

/**
 * Repeats a sample of a study's finished runs and writes `verify/verification.json` and `.md` into its results.
 *
 * @param results The study's folder, or its pack: then `verify/` goes into a folder of its name beside it.
 *
 * @throws {UntrustedCodeError} If the results name code that is not trusted; nothing has been done then.
 * @throws {StoppedError} If it was stopped before all were compared; nothing is written then.
 */
export async function verifyStudy(
  results: string,
  options: VerifyOptions,
  watch: Watch = {},
): Promise<Verification> {
  const { sample = null, seed = 0 } = options;
  const { stop, emit } = followed(watch);
  const folder = `${outputFolder(results)}/verify`;
  await wantWithin(outputFolder(results), `${folder}/${underWay}`);
  const stored = await readStoredStudy(results);
  const finished = await finishedRuns(results, stored, emit);
  if (finished.length === 0) throw noFinishedRun(`verify "${results}"`);
  const chosen = sample === null
    ? finished
    : sampleByKind(finished, sample, ({ record }) => record.asked.label, seed);
  const { plan, recorded } = await planRecorded(stored, chosen, options, emit, watch.fetching);
  const environment = await readEnvironment();
  const verified = new Map<RecordedRun, RunVerification>();
  await emit({ kind: "begun", noun: "runs", total: recorded.length, skipped: 0 });
  for (const group of groupsOf(recorded, options)) {
    if (stop.isRaised) break;
    const { device, threads } = group;
    await using pool = new Pool({ ...options, device, threads }, { stop, emit });
    await verifyGroup(group.runs, {
      pool,
      work: {
        title: `${stored.study.title ?? stored.study.name}: ${group.runs.length} runs again`,
        plan,
        results: folder,
      },
      environment,
      tolerance: options.tolerance,
      onVerified: async (run, verification) => {
        verified.set(run, verification);
        await emit({ kind: "verified", title: verification.title, verification });
      },
    });
  }
  if (verified.size < recorded.length) {
    throw new StoppedError(
      `Stopped: ${verified.size} of ${recorded.length} runs were compared; nothing is written, and the same ` +
        "command starts again",
    );
  }
  const runs = recorded.map((run) => verified.get(run)!);
  const verification: Verification = {
    schema: recordSchemaVersion,
    study: stored.study.name,
    verifiedAt: new Date().toISOString(),
    tolerance: options.tolerance,
    finishedRuns: finished.length,
    sampleSeed: sample === null ? null : seed,
    runs,
  };
  await makeFolder(folder);
  await writeWhole(`${folder}/verification.json`, `${JSON.stringify(verification, null, 2)}\n`);
  await writeWhole(`${folder}/verification.md`, verificationMarkdown(verification));
  return verification;
}

interface Group {
  readonly device: string;
  readonly threads: number;
  readonly runs: readonly RecordedRun[];
}

/**
 * Runs by the device and the threads that they are repeated with.
 *
 * @param options Device and threads of all; null for those of each record.
 */
function groupsOf(
  recorded: readonly RecordedRun[],
  options: Pick<PoolOptions, "device" | "threads">,
): readonly Group[] {
  const settingOf = ({ stored: { record: { where } } }: RecordedRun) => ({
    device: options.device ?? where.device.executor,
    threads: options.threads ?? Math.max(1, where.device.threads),
  });
  const groups = Map.groupBy(recorded, (run) => JSON.stringify(settingOf(run)));
  return [...groups.values()].map((runs) => ({ ...settingOf(runs[0]!), runs }));
}

interface Setting {
  readonly pool: Pool;
  readonly work: Omit<PoolWork, "studyRuns">;
  readonly environment: Environment;
  readonly tolerance: number;
  /** Told of each verification, one after the other. */
  readonly onVerified: (run: RecordedRun, verification: RunVerification) => Promise<void>;
}

async function verifyGroup(
  runs: readonly RecordedRun[],
  { pool, work, environment, tolerance, onVerified }: Setting,
): Promise<void> {
  const { results } = work;
  const { executor } = await pool.device();
  const requestOf = ({ stored, planned }: RecordedRun) => ({
    title: planned.title,
    wanted: stored,
    present: {
      where: environmentOf({ environment, executor }, planned),
      methodVersion: planned.method.version,
      seed: planned.run.seed,
    },
    tolerance,
  });
  const due: RecordedRun[] = [];
  for (const run of runs) {
    const request = requestOf(run);
    const pinned = comparePinned(pinnedBy(run.stored.record), request.present);
    if (changedInputs(pinned).length === 0) due.push(run);
    else await onVerified(run, verifyRun({ ...request, found: null }));
  }
  if (due.length === 0) return;
  await workOnRuns(pool, { ...work, studyRuns: due.length }, {
    jobs: due,
    plannedOf: ({ planned }) => planned,
    // What another verification finds is written when all of it is done: each makes its own runs.
    isDone: () => Promise.resolve(false),
    /** Null for a run that was stopped, on request or since another failed. */
    work: async (worker, run, attempt): Promise<RunVerification | typeof lost | null> => {
      const { planned } = run;
      const { title } = planned;
      const own = `${results}/${planned.folder}`;
      // What an earlier verification left must not be gone on from.
      await removeTree(own);
      await removeAttempts(results, planned.folder);
      const { result } = await worker.run(planned, attempt, {
        onStep: (progress) => pool.emit({ kind: "step", title, progress }),
        onAnew: () => Promise.resolve(),
      });
      if (result.kind !== "recorded") {
        await removeAttempts(results, planned.folder);
        return result.kind === "lost" ? lost : null;
      }
      const verification = verifyRun({ ...requestOf(run), found: await readRun(own) });
      if (verification.verdict !== "not reproduced") await removeTree(own);
      return verification;
    },
    onResult: async (run, verification) => {
      if (verification !== null) await onVerified(run, verification);
      return verification !== null;
    },
  });
}
