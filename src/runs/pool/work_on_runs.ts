/**
 * The one loop of all work on runs: workers take jobs until none is left or a stop is asked for.
 *
 * @module
 */
import { Leases } from "../../record/leases.ts";
import { readEnvironment } from "../../record/provenance.ts";
import { type LeasedJob, LeasedWork } from "./leased_work.ts";
import type { RunWorker } from "./workers.ts";
import { kindOf, type Pool, type PoolWork } from "./pool.ts";
import type { PlannedRun } from "../plan/planning.ts";
import { type JobQueue, WorkQueue, workSideBySide } from "./side_by_side.ts";

/** What came of a job that another process took over. */
export const lost = Symbol("lost");

/** Work on runs; a job is a run with whatever belongs to it. */
export interface WorkOnRuns<T, R> {
  /** At least one. */
  readonly jobs: readonly T[];
  /** Gives out the jobs. Default: those of a kind one after the other. */
  readonly queue?: JobQueue<T>;
  readonly plannedOf: (job: T) => PlannedRun;
  /** Whether a job needs not be done, since another process did it meanwhile. */
  readonly isDone: (job: T) => Promise<boolean>;
  /** Told of a job that another process did. Default: nobody is. */
  readonly onElsewhere?: (job: T) => void | Promise<void>;
  /** Does a job; `attempt` is the token of its lease. Gives {@linkcode lost} where another process took the job over. */
  readonly work: (worker: RunWorker, job: T, attempt: string) => Promise<R | typeof lost>;
  /** Told of each result, one after the other; false if its worker is to take no more. */
  readonly onResult: (job: T, result: R) => Promise<boolean>;
  /** Whether an error in one worker stops what the others have begun. Default true. */
  readonly isStoppedByErrors?: boolean;
}

/**
 * Does all jobs in the workers of a pool, or those that are begun before a stop; the first error is thrown when all workers have
 * come to rest.
 *
 * Each job is leased before it is begun. Jobs that other processes have leased are waited for, and done here if they are given
 * up.
 */
export async function workOnRuns<T, R>(
  pool: Pool,
  work: PoolWork,
  request: WorkOnRuns<T, R>,
): Promise<void> {
  const environment = await readEnvironment();
  const leases = await Leases.in(work.results, pool.leases);
  try {
    const due = request.jobs.map(request.plannedOf);
    const workers = await pool.workersFor({ ...work, environment, due });
    await workUnderLeases(pool, request, leases, workers);
  } finally {
    await leases.close();
  }
}

async function workUnderLeases<T, R>(
  { stop, tell }: Pool,
  request: WorkOnRuns<T, R>,
  leases: Leases,
  workers: readonly RunWorker[],
): Promise<void> {
  const { jobs, plannedOf, work, onResult, isStoppedByErrors = true } = request;
  const titleOf = (job: T) => plannedOf(job).title;
  const leased = new LeasedWork<T>({
    queue: request.queue ?? new WorkQueue(jobs, (job) => kindOf(plannedOf(job))),
    lease: (job) => leases.take(plannedOf(job).folder),
    release: (lease) => leases.release(lease),
    isDone: request.isDone,
    onLeft: (job, by) => tell({ kind: "left", title: titleOf(job), by }),
    onElsewhere: async (job) => {
      await tell({ kind: "done elsewhere", title: titleOf(job) });
      await request.onElsewhere?.(job);
    },
    onTakenOver: (job, from) => tell({ kind: "taken over", title: titleOf(job), from }),
    stop,
  });
  await workSideBySide<LeasedJob<T>, R | typeof lost>(leased, {
    workers: workers.map((worker) => async ({ job, lease }: LeasedJob<T>) => {
      try {
        return await work(worker, job, lease.token);
      } finally {
        await leases.release(lease);
      }
    }),
    onResult: async ({ job }, result) => {
      if (result === lost) {
        leased.putBack(job);
        return !stop.isRaised;
      }
      return await onResult(job, result) && !stop.isRaised;
    },
    onError: () => {
      if (isStoppedByErrors) stop.raise();
    },
  });
}
