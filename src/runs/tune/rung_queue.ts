/**
 * Runs of several ladders as workers take them: what may be trained next follows from the scores of those before.
 *
 * @module
 */
import type { PlannedRun } from "../plan/planning.ts";
import type { JobQueue } from "../pool/side_by_side.ts";
import type { StopFlag } from "../pool/stop_flag.ts";
import type { Ladder, RungRun } from "./ladder.ts";
import type { RunOutcome } from "./trials.ts";

/** What a queue is made of. */
export interface RungQueueSetting {
  readonly ladders: readonly Ladder[];
  /** Names the kind of a run: those of a kind need the same programs. */
  readonly kindOf: (planned: PlannedRun) => string;
  /** What is known of a run that was trained so far before, or null. */
  readonly knownOf: (run: RungRun) => RunOutcome | null;
  readonly stop: Pick<StopFlag, "isRaised">;
  /** Milliseconds between two looks at the stop flag. Default 200. */
  readonly pauseMillis?: number;
}

/** The queue of all ladders. */
export class RungQueue implements JobQueue<RungRun> {
  readonly #setting: RungQueueSetting;
  readonly #pending: RungRun[] = [];
  /** Runs that were given out and have no outcome. */
  readonly #open = new Set<RungRun>();
  readonly #left = new Set<RungRun>();
  #changed = Promise.withResolvers<void>();
  #known = 0;

  constructor(setting: RungQueueSetting) {
    this.#setting = setting;
  }

  /** Runs that were not given out since they had been trained so far before. */
  get known(): number {
    return this.#known;
  }

  /** The runs that may be trained now. */
  waiting(): readonly RungRun[] {
    this.#fill();
    return this.#pending;
  }

  /** The next run of a worker; waits while it hangs on the scores of others. */
  async take(last: RungRun | null): Promise<RungRun | null> {
    const { stop, kindOf } = this.#setting;
    while (!stop.isRaised) {
      this.#fill();
      const kind = last === null ? null : kindOf(last.planned);
      const near = this.#pending.findIndex(({ planned }) => kindOf(planned) === kind);
      const [run] = this.#pending.splice(Math.max(0, near), 1);
      if (run !== undefined) {
        this.#open.add(run);
        return run;
      }
      // What others do is waited for elsewhere.
      if (this.#open.size === this.#left.size) return null;
      await this.#change();
    }
    return null;
  }

  /** Asks all ladders for what may go on, until they wait or have nothing left. */
  #fill(): void {
    for (const ladder of this.#setting.ladders) {
      for (let runs = ladder.next(); runs.length > 0; runs = ladder.next()) {
        for (const run of runs) {
          const known = this.#setting.knownOf(run);
          if (known === null) this.#pending.push(run);
          else {
            ladder.settle(run, known);
            this.#known++;
          }
        }
      }
    }
  }

  /** Waits for an outcome, and no longer than until the stop flag is looked at again. */
  async #change(): Promise<void> {
    const { pauseMillis = 200 } = this.#setting;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const pause = new Promise<void>((resolve) => timer = setTimeout(resolve, pauseMillis));
    await Promise.race([this.#changed.promise, pause]);
    clearTimeout(timer);
  }

  /** Keeps what came of a run, which may let others go on. */
  settle(run: RungRun, outcome: RunOutcome): void {
    this.#open.delete(run);
    this.#left.delete(run);
    run.ladder.settle(run, outcome);
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  leave(run: RungRun): void {
    this.#left.add(run);
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  leased(run: RungRun): void {
    this.#left.delete(run);
  }
}
