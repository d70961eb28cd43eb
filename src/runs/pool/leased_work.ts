/**
 * Taking work that others may be doing: a job is leased before it is begun, and what others have leased is waited for.
 *
 * @module
 */
import type { Lease, Taking } from "../../record/leases.ts";
import type { JobQueue } from "./side_by_side.ts";
import type { StopFlag } from "./stop_flag.ts";

/** A job with the lease that it is done under. */
export interface LeasedJob<T> {
  readonly job: T;
  readonly lease: Lease;
}

/** What work is taken with. */
export interface LeasedWorkSetting<T> {
  readonly queue: JobQueue<T>;
  /** Asks for the lease of a job. */
  readonly lease: (job: T) => Promise<Taking>;
  readonly release: (lease: Lease) => Promise<void>;
  /** Whether a job needs not be done, since somebody else did it. */
  readonly isDone: (job: T) => Promise<boolean>;
  /** Told once of each job that another process is doing, with words for that process. */
  readonly onLeft: (job: T, by: string) => Promise<void>;
  /** Told of each job that another process did. */
  readonly onElsewhere: (job: T) => Promise<void>;
  /** Told of a job whose process was thought dead. */
  readonly onTakenOver: (job: T, from: string) => Promise<void>;
  readonly stop: Pick<StopFlag, "isRaised">;
  /** Waits before the next look at what others do. Default: half a second. */
  readonly pause?: () => Promise<void>;
}

function halfASecond(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 500));
}

/** Work that several workers take from, each job under a lease. */
export class LeasedWork<T> {
  readonly #setting: LeasedWorkSetting<T>;
  readonly #left = new Set<T>();
  readonly #told = new Set<T>();
  #looking: Promise<unknown> = Promise.resolve();

  constructor(setting: LeasedWorkSetting<T>) {
    this.#setting = setting;
  }

  /**
   * The next job of a worker; null if none is left, or a stop was asked for.
   *
   * Jobs that nobody has leased come first. Then it waits for those of others, and takes what they leave undone, or what follows
   * from what they did.
   */
  async take(last: LeasedJob<T> | null): Promise<LeasedJob<T> | null> {
    const { queue, stop, pause = halfASecond } = this.#setting;
    while (!stop.isRaised) {
      const job = await queue.take(last?.job ?? null);
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
      if (this.#left.size > 0) await pause();
    }
    return null;
  }

  /** Puts back a job that another process took over. */
  putBack(job: T): void {
    this.#left.add(job);
    this.#setting.queue.leave?.(job);
  }

  /** Looks at all that others do, until there is something to do. */
  async #look(): Promise<LeasedJob<T> | null> {
    for (const job of [...this.#left]) {
      if (this.#setting.stop.isRaised) return null;
      const leased = await this.#lease(job);
      if (leased !== null) return leased;
    }
    return null;
  }

  async #lease(job: T): Promise<LeasedJob<T> | null> {
    const { queue, lease, release, isDone, onLeft, onElsewhere, onTakenOver } = this.#setting;
    const taking = await lease(job);
    if (taking.kind === "held") {
      this.#left.add(job);
      queue.leave?.(job);
      if (!this.#told.has(job)) {
        this.#told.add(job);
        await onLeft(job, taking.by);
      }
      return null;
    }
    this.#left.delete(job);
    // Results appear before their lease is released, so that this look cannot miss them.
    if (await isDone(job)) {
      await release(taking.lease);
      await onElsewhere(job);
      return null;
    }
    queue.leased?.(job);
    if (taking.lease.from !== null) await onTakenOver(job, taking.lease.from);
    return { job, lease: taking.lease };
  }
}
