/**
 * Training the runs that are not done yet in the workers of a pool, until they are done or a stop is asked for, and counting them.
 *
 * @module
 */
import { unlessDamaged } from "../../record/damage.ts";
import { namesIn, readIfThere } from "../../record/durable.ts";
import { readRunState } from "../../record/results_reader.ts";
import type { PlannedRun } from "../plan/planned_run.ts";
import type { Pool, PoolWork } from "./pool.ts";
import { readEach } from "../../record/read_bounded.ts";
import type { StoppedRun, Tell } from "../events.ts";
import { lost, type WorkOnRuns, workOnRuns } from "./work_on_runs.ts";
import type { ExecutionResult, PausedRun } from "../execute.ts";
import type { RunWorker } from "./workers.ts";

/** How the runs that were asked for ended. */
export interface RunsResult {
  /** Runs that were asked for. */
  readonly total: number;
  /** Runs that were recorded now with their results. */
  readonly finished: number;
  /** Runs that were recorded now with the cause of their failure. */
  readonly failed: number;
  /** Runs that had a record before, finished ones and, unless they are retried, failed ones. */
  readonly skipped: number;
  /** Runs that other processes made meanwhile. */
  readonly elsewhere: number;
  /** Whether it was stopped before all runs were done. */
  readonly stopped: boolean;
  /** Runs that were under way then. */
  readonly stoppedRuns: readonly StoppedRun[];
  /** Share of the wall time of the runs that was spent in the executor. */
  readonly executorShare: number;
}

/**
 * What two rounds of runs came to; the executor's share is weighted by the runs that they made.
 *
 * @param made Runs that each of them made. Default: those that finished or failed.
 */
export function summed(
  a: RunsResult,
  b: RunsResult,
  made: readonly [number, number] = [a.finished + a.failed, b.finished + b.failed],
): RunsResult {
  const [before, now] = made;
  return {
    executorShare: before + now === 0
      ? 1
      : (before * a.executorShare + now * b.executorShare) / (before + now),
    total: a.total + b.total,
    finished: a.finished + b.finished,
    failed: a.failed + b.failed,
    skipped: a.skipped + b.skipped,
    elsewhere: a.elsewhere + b.elsewhere,
    stopped: a.stopped || b.stopped,
    stoppedRuns: [...a.stoppedRuns, ...b.stoppedRuns],
  };
}

/** The runs without a record of their own, in the order of the plan. */
export async function unfinished(
  runs: readonly PlannedRun[],
  results: string,
  retryFailed: boolean,
): Promise<readonly PlannedRun[]> {
  const present = await namesIn(results);
  const isToRun = await readEach(
    runs,
    async (planned) =>
      !present.has(planned.folder) || await isUnfinished(planned, results, retryFailed),
  );
  return runs.filter((_, i) => isToRun[i]);
}

async function isUnfinished(
  { folder, id }: PlannedRun,
  results: string,
  retryFailed: boolean,
): Promise<boolean> {
  const state = await unlessDamaged(() => readRunState(`${results}/${folder}`));
  return state === null || state.id !== id ||
    (retryFailed && state.happened.outcome.state === "failed");
}

async function recordText({ folder }: PlannedRun, results: string): Promise<string> {
  const bytes = await readIfThere(`${results}/${folder}/record.json`);
  return new TextDecoder().decode(bytes ?? new Uint8Array());
}

async function recordsOf(
  runs: readonly PlannedRun[],
  results: string,
): Promise<ReadonlyMap<string, string>> {
  const texts = await readEach(runs, (run) => recordText(run, results));
  return new Map(runs.map((run, i) => [run.folder, texts[i]!] as const).filter(([, text]) => text));
}

/** Trains those of some runs of a plan that are not done yet, in the workers of a pool. */
export async function runAll(
  pool: Pool,
  work: PoolWork,
  runs: readonly PlannedRun[],
  retryFailed = false,
): Promise<RunsResult> {
  const { stop, emit } = pool;
  const pending = await unfinished(runs, work.results, retryFailed);
  const total = runs.length;
  const skipped = total - pending.length;
  const tally = new RunTally(emit);
  if (pending.length > 0 && !stop.isRaised) {
    await emit({ kind: "begun", noun: "runs", total, skipped });
    const jobsOf = await making(work.results, retryFailed, pending, tally);
    // Runs that take their ranks from others are made when those are done.
    for (const jobs of inRankOrder(pending)) {
      if (!stop.isRaised) await workOnRuns(pool, work, { ...jobsOf, jobs });
    }
  }
  const { finished, failed, elsewhere, stoppedRuns, executorShare } = tally;
  const isLeft = finished + failed + elsewhere < pending.length;
  const stopped = stoppedRuns.length > 0 || (stop.isRaised && isLeft);
  return { total, skipped, finished, failed, elsewhere, stopped, stoppedRuns, executorShare };
}

async function making(
  results: string,
  retryFailed: boolean,
  pending: readonly PlannedRun[],
  tally: RunTally,
): Promise<Omit<WorkOnRuns<PlannedRun, MadeRun>, "jobs">> {
  const failedBefore = retryFailed ? await recordsOf(pending, results) : new Map<string, string>();
  return {
    plannedOf: (planned) => planned,
    isDone: async (planned) => {
      if (await isUnfinished(planned, results, false)) return false;
      // A failed run that is to be made again is done if another process has made it again.
      const before = failedBefore.get(planned.folder);
      return before === undefined || before !== await recordText(planned, results);
    },
    onElsewhere: () => {
      tally.elsewhere++;
    },
    work: (worker, planned, attempt) => tally.make(worker, planned, attempt),
    onResult: (planned, result) => {
      if (result.kind !== "paused") return tally.end(planned, result);
      const { step } = result.paused;
      throw new TypeError(`Run "${planned.title}" paused at step ${step}, want its end`);
    },
  };
}

/** What came of a run that no other process took over. */
export type MadeRun = Exclude<ExecutionResult, { readonly kind: "lost" }>;

/** What runs that are made side by side have come to so far. */
export class RunTally {
  finished = 0;
  failed = 0;
  /** Times that a run was trained up to a step at which it pauses. */
  paused = 0;
  elsewhere = 0;
  readonly stoppedRuns: StoppedRun[] = [];
  readonly #emit: Tell;
  #runMillis = 0;
  #busyMillis = 0;

  /** @param emit Receives the steps and the end of each run. */
  constructor(emit: Tell) {
    this.#emit = emit;
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
      onStep: (progress) => this.#emit({ kind: "step", title, progress }),
      onAnew: (reason) => this.#emit({ kind: "anew", title, reason }),
    }, pauseAt);
    this.#runMillis += performance.now() - began;
    this.#busyMillis += busyMillis;
    return result.kind === "lost" ? lost : result;
  }

  /** Counts and emits a run that was trained up to where it pauses; true, since its worker may take more. */
  async pause({ title }: PlannedRun, { step, metric, score }: PausedRun): Promise<true> {
    this.paused++;
    await this.#emit({ kind: "paused", title, step, metric, score });
    return true;
  }

  /** Counts and emits the end of a run; false for one that was stopped, whose worker is to take no more. */
  async end(
    { title }: PlannedRun,
    result: Exclude<MadeRun, { readonly kind: "paused" }>,
  ): Promise<boolean> {
    if (result.kind === "stopped") {
      const { step } = result;
      this.stoppedRuns.push({ title, step });
      await this.#emit({ kind: "stopped", title, step });
      return false;
    }
    const { record, twice } = result;
    if (twice !== null) await this.#emit({ kind: "done twice", title, differences: twice });
    this[record.happened.outcome.state]++;
    await this.#emit({ kind: "recorded", title, record });
    return true;
  }
}

/**
 * Runs in groups that can be made one after the other: no run takes its ranks from one of its own group or of a later one.
 *
 * @param runs Those that are to be made; sources that are not among them are there already.
 */
function inRankOrder(runs: readonly PlannedRun[]): readonly (readonly PlannedRun[])[] {
  const byId = new Map(runs.map((planned) => [planned.id, planned]));
  const depths = new Map<string, number>();
  const depthOf = ({ id, run: { ranksFrom } }: PlannedRun): number => {
    const source = ranksFrom === undefined ? undefined : byId.get(ranksFrom.run);
    const depth = depths.get(id) ?? (source === undefined ? 0 : depthOf(source) + 1);
    depths.set(id, depth);
    return depth;
  };
  const groups = Map.groupBy(runs, depthOf);
  return [...groups.keys()].sort((a, b) => a - b).map((depth) => groups.get(depth)!);
}
