/**
 * The one loop of all work on runs: workers take jobs until none is left or a stop is asked for.
 *
 * @module
 */
import { type Lease, Leases } from "../../record/leases.ts";
import { readEnvironment } from "../../record/provenance.ts";
import type { RunWorker } from "./workers.ts";
import { kindOf, type Pool, type PoolWork } from "./pool.ts";
import type { PlannedRun } from "../plan/planned_run.ts";

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
  const { stop } = pool;
  const { isStoppedByErrors = true } = request;
  const environment = await readEnvironment();
  const leases = await Leases.in(work.results, pool.leases);
  try {
    const due = request.jobs.map(request.plannedOf);
    const workers = await pool.workersFor({ ...work, environment, due });
    const leased = new LeasedWork(pool, leases, request);
    await workSideBySide<LeasedJob<T>, R | typeof lost>(leased, {
      workers: workers.map((worker) => async ({ job, lease }: LeasedJob<T>) => {
        try {
          return await request.work(worker, job, lease.token);
        } finally {
          await leases.release(lease);
        }
      }),
      onResult: async ({ job }, result) => {
        if (result === lost) {
          leased.putBack(job);
          return !stop.isRaised;
        }
        return await request.onResult(job, result) && !stop.isRaised;
      },
      onError: () => {
        if (isStoppedByErrors) stop.raise();
      },
    });
  } finally {
    await leases.close();
  }
}

interface LeasedJob<T> {
  readonly job: T;
  readonly lease: Lease;
}

type LeasedRequest<T> = Pick<
  WorkOnRuns<T, unknown>,
  "jobs" | "queue" | "plannedOf" | "isDone" | "onElsewhere"
>;

function halfASecond(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 500));
}

/** Work that several workers take from, each job under a lease. */
export class LeasedWork<T> {
  readonly #pool: Pick<Pool, "stop" | "emit">;
  readonly #leases: Pick<Leases, "take" | "release">;
  readonly #request: LeasedRequest<T>;
  readonly #queue: JobQueue<T>;
  readonly #pause: () => Promise<void>;
  readonly #left = new Set<T>();
  readonly #told = new Set<T>();
  #looking: Promise<unknown> = Promise.resolve();

  /** @param pause Waits before the next look at what others do. Default: half a second. */
  constructor(
    pool: Pick<Pool, "stop" | "emit">,
    leases: Pick<Leases, "take" | "release">,
    request: LeasedRequest<T>,
    pause: () => Promise<void> = halfASecond,
  ) {
    const { jobs, plannedOf } = request;
    this.#pool = pool;
    this.#leases = leases;
    this.#request = request;
    this.#queue = request.queue ?? new WorkQueue(jobs, (job) => kindOf(plannedOf(job)));
    this.#pause = pause;
  }

  /**
   * The next job of a worker; null if none is left, or a stop was asked for.
   *
   * Jobs that nobody has leased come first. Then it waits for those of others, and takes what they leave undone, or what follows
   * from what they did.
   */
  async take(last: LeasedJob<T> | null): Promise<LeasedJob<T> | null> {
    while (!this.#pool.stop.isRaised) {
      const job = await this.#queue.take(last?.job ?? null);
      if (job !== null) {
        const leased = await this.#lease(job);
        if (leased !== null) return leased;
        continue;
      }
      if (this.#left.size === 0) break;
      // Workers of this process look one after the other.
      const looked = this.#looking.then(() => this.#look());
      this.#looking = looked.catch(() => {});
      const leased = await looked;
      if (leased !== null) return leased;
      if (this.#left.size > 0) await this.#pause();
    }
    return null;
  }

  /** Puts back a job that another process took over. */
  putBack(job: T): void {
    this.#left.add(job);
    this.#queue.leave?.(job);
  }

  /** Looks at all that others do, until there is something to do. */
  async #look(): Promise<LeasedJob<T> | null> {
    for (const job of [...this.#left]) {
      if (this.#pool.stop.isRaised) return null;
      const leased = await this.#lease(job);
      if (leased !== null) return leased;
    }
    return null;
  }

  async #lease(job: T): Promise<LeasedJob<T> | null> {
    const { emit } = this.#pool;
    const { folder, title } = this.#request.plannedOf(job);
    const taking = await this.#leases.take(folder);
    if (taking.kind === "held") {
      this.#left.add(job);
      this.#queue.leave?.(job);
      if (!this.#told.has(job)) {
        this.#told.add(job);
        await emit({ kind: "left", title, by: taking.by });
      }
      return null;
    }
    this.#left.delete(job);
    // Results appear before their lease is released, so that this look cannot miss them.
    if (await this.#request.isDone(job)) {
      await this.#leases.release(taking.lease);
      await emit({ kind: "done elsewhere", title });
      await this.#request.onElsewhere?.(job);
      return null;
    }
    this.#queue.leased?.(job);
    const { from } = taking.lease;
    if (from !== null) await emit({ kind: "taken over", title, from });
    return { job, lease: taking.lease };
  }
}

/**
 * Work that several workers take from.
 *
 * A worker stays with jobs of the kind that it did last, for which it has loaded what they need; then it takes the first
 * job of a kind that no worker has begun, and where there is none, one of the kind with most left. A single worker takes
 * jobs in their order if those of a kind follow one another.
 */
export class WorkQueue<T> {
  readonly #kinds = new Map<string, T[]>();
  readonly #begun = new Set<string>();
  readonly #kindOf: (job: T) => string;

  /** @param kindOf Names the kind of a job: jobs of a kind need the same things loaded. */
  constructor(jobs: readonly T[], kindOf: (job: T) => string) {
    this.#kindOf = kindOf;
    for (const [kind, own] of Map.groupBy(jobs, kindOf)) this.#kinds.set(kind, own);
  }

  /** The next job of a worker, or null if none is left. */
  take(last: T | null): T | null {
    const kind = this.#kindAfter(last === null ? null : this.#kindOf(last));
    if (kind === null) return null;
    const own = this.#kinds.get(kind)!;
    const job = own.shift()!;
    this.#begun.add(kind);
    if (own.length === 0) this.#kinds.delete(kind);
    return job;
  }

  #kindAfter(last: string | null): string | null {
    if (last !== null && this.#kinds.has(last)) return last;
    let fullest: string | null = null;
    for (const [kind, { length }] of this.#kinds) {
      if (!this.#begun.has(kind)) return kind;
      if (fullest === null || length > this.#kinds.get(fullest)!.length) fullest = kind;
    }
    return fullest;
  }
}

/** Where workers take their jobs from. */
export interface JobQueue<T> {
  /**
   * The next job of a worker; null where there is none, or none until a job that was {@linkcode JobQueue.leave left} is done. May
   * wait for jobs that follow from what others come to.
   */
  take(last: T | null): T | null | Promise<T | null>;
  /** Told of a job that another process is doing. */
  leave?(job: T): void;
  /** Told of a job that was left and is done here after all. */
  leased?(job: T): void;
}

interface SideBySide<T, R> {
  /** One function a worker; each is called again when it has ended. */
  readonly workers: readonly ((job: T) => Promise<R>)[];
  /** Told of each result in the order of completion, one after the other; false if its worker is to take no more. */
  readonly onResult: (job: T, result: R) => Promise<boolean>;
  /** Told once, when a worker or `onResult` throws: the other workers should end what they do early. */
  readonly onError: () => void;
}

/**
 * Lets every worker take jobs until none is left.
 *
 * A job that fails in a way that counts gives a result that says so; an error that is thrown ends the whole: no worker
 * takes a further job, and when all have come to rest the first error is thrown on.
 */
export async function workSideBySide<T, R>(
  queue: { take(last: T | null): T | null | Promise<T | null> },
  { workers, onResult, onError }: SideBySide<T, R>,
): Promise<void> {
  const errors: unknown[] = [];
  let telling: Promise<unknown> = Promise.resolve();
  const emit = (job: T, result: R): Promise<boolean> => {
    const told = telling.then(() => onResult(job, result));
    // The next result waits for this one; an error of it reaches the worker that awaits `told`.
    telling = told.catch(() => {});
    return told;
  };
  await Promise.all(workers.map(async (work) => {
    let last: T | null = null;
    try {
      while (errors.length === 0) {
        const taking = queue.take(last);
        const job = taking instanceof Promise ? await taking : taking;
        // Another worker may have met an error while this one waited.
        if (job === null || errors.length > 0) return;
        last = job;
        if (!await emit(job, await work(job))) return;
      }
    } catch (error) {
      errors.push(error);
      if (errors.length === 1) onError();
    }
  }));
  if (errors.length > 0) throw errors[0];
}
