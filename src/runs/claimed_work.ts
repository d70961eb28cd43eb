/**
 * Taking work that others may be doing: a job is claimed before it is begun, and what others have claimed is waited for.
 *
 * @module
 */
import type { Claim, Taking } from "../record/claims.ts";
import type { JobQueue } from "./side_by_side.ts";
import type { StopFlag } from "./stop_flag.ts";

/** A job with the claim that it is done under. */
export interface ClaimedJob<T> {
  readonly job: T;
  readonly claim: Claim;
}

/** What work is taken with. */
export interface ClaimedWorkSetting<T> {
  readonly queue: JobQueue<T>;
  /** Asks for the claim of a job. */
  readonly claim: (job: T) => Promise<Taking>;
  readonly release: (claim: Claim) => Promise<void>;
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

/** Work that several workers take from, each job under a claim. */
export class ClaimedWork<T> {
  readonly #setting: ClaimedWorkSetting<T>;
  readonly #left = new Set<T>();
  readonly #told = new Set<T>();
  #looking: Promise<unknown> = Promise.resolve();

  constructor(setting: ClaimedWorkSetting<T>) {
    this.#setting = setting;
  }

  /**
   * The next job of a worker; null if none is left, or a stop was asked for.
   *
   * Jobs that nobody has claimed come first. Then it waits for those of others, and takes what they leave undone, or what follows
   * from what they did.
   */
  async take(last: ClaimedJob<T> | null): Promise<ClaimedJob<T> | null> {
    const { queue, stop, pause = halfASecond } = this.#setting;
    while (!stop.isRaised) {
      const job = await queue.take(last?.job ?? null);
      if (job !== null) {
        const claimed = await this.#claim(job);
        if (claimed !== null) return claimed;
        continue;
      }
      if (this.#left.size === 0) break;
      // Workers of this process look one after the other.
      const looked = this.#looking.then(() => this.#look());
      this.#looking = looked.catch(() => {});
      const claimed = await looked;
      if (claimed !== null) return claimed;
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
  async #look(): Promise<ClaimedJob<T> | null> {
    for (const job of [...this.#left]) {
      if (this.#setting.stop.isRaised) return null;
      const claimed = await this.#claim(job);
      if (claimed !== null) return claimed;
    }
    return null;
  }

  async #claim(job: T): Promise<ClaimedJob<T> | null> {
    const { queue, claim, release, isDone, onLeft, onElsewhere, onTakenOver } = this.#setting;
    const taking = await claim(job);
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
    // Results appear before their claim is released, so that this look cannot miss them.
    if (await isDone(job)) {
      await release(taking.claim);
      await onElsewhere(job);
      return null;
    }
    queue.claimed?.(job);
    if (taking.claim.from !== null) await onTakenOver(job, taking.claim.from);
    return { job, claim: taking.claim };
  }
}
