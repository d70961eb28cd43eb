/**
 * Doing jobs side by side: which worker takes which job, and what an error in one means for the others.
 *
 * @module
 */

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

/** How workers work. */
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
  const tell = (job: T, result: R): Promise<boolean> => {
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
        if (!await tell(job, await work(job))) return;
      }
    } catch (error) {
      errors.push(error);
      if (errors.length === 1) onError();
    }
  }));
  if (errors.length > 0) throw errors[0];
}
