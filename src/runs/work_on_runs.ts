/**
 * The one loop of all work on runs: workers are opened, take jobs until none is left or a stop is asked for, and are closed.
 *
 * @module
 */
import { readEnvironment } from "../record/provenance.ts";
import type { RunWorker } from "./workers.ts";
import { kindOf, type Opening } from "./open_workers.ts";
import type { PlannedRun } from "./planning.ts";
import { WorkQueue, workSideBySide } from "./side_by_side.ts";
import type { StopFlag } from "./stop_flag.ts";

/** Work on runs; a job is a run with whatever belongs to it. */
export interface WorkOnRuns<T, R> {
  /** At least one. */
  readonly jobs: readonly T[];
  readonly plannedOf: (job: T) => PlannedRun;
  readonly stop: StopFlag;
  readonly openWorkers: (opening: Opening) => Promise<readonly RunWorker[]>;
  readonly work: (worker: RunWorker, job: T) => Promise<R>;
  /** Told of each result, one after the other; false if its worker is to take no more. */
  readonly onResult: (job: T, result: R) => Promise<boolean>;
  /** Whether an error in one worker stops what the others have begun. Default true. */
  readonly isStoppedByErrors?: boolean;
}

/** Does all jobs, or those that are begun before a stop; the first error is thrown when all workers have come to rest. */
export async function workOnRuns<T, R>(request: WorkOnRuns<T, R>): Promise<void> {
  const { jobs, plannedOf, stop, openWorkers, work, onResult, isStoppedByErrors = true } = request;
  const environment = await readEnvironment();
  const workers = await openWorkers({ stop, environment, jobCount: jobs.length });
  try {
    await workSideBySide(new WorkQueue(jobs, (job) => kindOf(plannedOf(job))), {
      workers: workers.map((worker) => (job: T) => work(worker, job)),
      onResult: async (job, result) => await onResult(job, result) && !stop.isRaised,
      onError: () => {
        if (isStoppedByErrors) stop.raise();
      },
    });
  } finally {
    for (const worker of workers) await worker.close();
  }
}
