/**
 * Making recorded runs again on one device and comparing them.
 *
 * @module
 */
import type { Environment } from "../../record/provenance.ts";
import { readRun } from "../../record/read_study.ts";
import { removeTree } from "../../record/durable.ts";
import { removeAttempts } from "../../record/earlier_attempts.ts";
import {
  changedInputs,
  comparePinned,
  pinnedBy,
  type RunVerification,
  verifyRun,
} from "../../record/verification.ts";
import type { Pool, PoolOptions, PoolWork } from "../pool/pool.ts";
import type { RecordedRun } from "./recorded_run.ts";
import { whereOf } from "../run_record.ts";
import { lost, workOnRuns } from "../pool/work_on_runs.ts";

/** Recorded runs that are repeated on one device with as many threads each. */
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
export function groupsOf(
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

/** How runs are repeated. */
interface Setting {
  readonly pool: Pool;
  readonly work: Omit<PoolWork, "studyRuns">;
  readonly environment: Environment;
  readonly tolerance: number;
  /** Told of each verification, one after the other. */
  readonly onVerified: (run: RecordedRun, verification: RunVerification) => Promise<void>;
}

/** Repeats the runs of a group, those whose inputs did not change, and compares. */
export async function verifyGroup(
  runs: readonly RecordedRun[],
  { pool, work, environment, tolerance, onVerified }: Setting,
): Promise<void> {
  const { results } = work;
  const { executor } = await pool.device();
  const requestOf = ({ stored, planned }: RecordedRun) => ({
    title: planned.title,
    wanted: stored,
    present: {
      where: whereOf({ environment, executor }, planned),
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
        onStep: (progress) => pool.tell({ kind: "step", title, progress }),
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
