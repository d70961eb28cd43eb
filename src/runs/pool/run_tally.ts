/**
 * Making runs in workers, and counting what comes of them.
 *
 * @module
 */
import type { WorkEvent } from "../events.ts";
import type { ExecutionResult } from "../execute.ts";
import type { PausedRun } from "../paused_run.ts";
import type { PlannedRun } from "../plan/planning.ts";
import type { StoppedRun } from "./stop_flag.ts";
import { lost } from "./work_on_runs.ts";
import type { RunWorker } from "./workers.ts";

/** What came of a run that no other process took over. */
export type MadeRun = Exclude<ExecutionResult, { readonly kind: "lost" }>;

/** What runs that are made side by side have come to so far. */
export class RunTally {
  /** Runs that were recorded with their results. */
  finished = 0;
  /** Runs that were recorded with the cause of their failure. */
  failed = 0;
  /** Times that a run was trained up to a step at which it pauses. */
  paused = 0;
  /** Runs that other processes made. */
  elsewhere = 0;
  /** Runs that were under way when they were stopped. */
  readonly stoppedRuns: StoppedRun[] = [];
  readonly #tell: (event: WorkEvent) => Promise<void>;
  #runMillis = 0;
  #busyMillis = 0;

  /** @param tell Told of the steps and the end of each run. */
  constructor(tell: (event: WorkEvent) => Promise<void>) {
    this.#tell = tell;
  }

  /** Share of the wall time of the runs that was spent in the executor; 1 where there are none. */
  get executorShare(): number {
    return this.#runMillis === 0 ? 1 : this.#busyMillis / this.#runMillis;
  }

  /**
   * Trains a run in a worker.
   *
   * @param attempt The token of the lease that it is trained under.
   * @param pauseAt Step at which it pauses. Default: it does not.
   * @returns What came of it, or {@linkcode lost} where another process took it over.
   */
  async make(
    worker: RunWorker,
    planned: PlannedRun,
    attempt: string,
    pauseAt?: number,
  ): Promise<MadeRun | typeof lost> {
    const { title } = planned;
    const began = performance.now();
    const { result, busyMillis } = await worker.run(planned, attempt, {
      onStep: (progress) => this.#tell({ kind: "step", title, progress }),
      onAnew: (reason) => this.#tell({ kind: "anew", title, reason }),
    }, pauseAt);
    this.#runMillis += performance.now() - began;
    this.#busyMillis += busyMillis;
    return result.kind === "lost" ? lost : result;
  }

  /** Counts and tells a run that was trained up to where it pauses; true, since its worker may take more. */
  async pause({ title }: PlannedRun, { step, metric, score }: PausedRun): Promise<true> {
    this.paused++;
    await this.#tell({ kind: "paused", title, step, metric, score });
    return true;
  }

  /** Counts and tells the end of a run; false for one that was stopped, whose worker is to take no more. */
  async end(
    { title }: PlannedRun,
    result: Exclude<MadeRun, { readonly kind: "paused" }>,
  ): Promise<boolean> {
    if (result.kind === "stopped") {
      const { step } = result;
      this.stoppedRuns.push({ title, step });
      await this.#tell({ kind: "stopped", title, step });
      return false;
    }
    const { record, twice } = result;
    if (twice !== null) await this.#tell({ kind: "done twice", title, differences: twice });
    this[record.happened.outcome.state]++;
    await this.#tell({ kind: "recorded", title, record });
    return true;
  }
}
