/**
 * Training the runs that are not done yet, in as many workers as are opened, until they are done or a stop is asked for.
 *
 * @module
 */
import { isDamage } from "../record/damage.ts";
import { namesIn, newToken } from "../record/durable.ts";
import { readRunState } from "../record/run_folder.ts";
import type { RunState } from "../record/types.ts";
import type { WorkEvent } from "./events.ts";
import type { RunWorker } from "./workers.ts";
import type { Opening } from "./open_workers.ts";
import type { PlannedRun } from "./planning.ts";
import { mapConcurrently } from "./side_by_side.ts";
import type { StopFlag, StoppedRun } from "./stop_flag.ts";
import { workOnRuns } from "./work_on_runs.ts";

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
  /** Whether it was stopped before all runs were done. */
  readonly stopped: boolean;
  /** Runs that were under way then. */
  readonly stoppedRuns: readonly StoppedRun[];
  /** Share of the wall time of the runs that was spent in the executor. */
  readonly executorShare: number;
}

/** Records that are read at a time when a sweep looks for what is done. */
const readersOfRecords = 32;

/** What a run's record says of its state; null where there is none, or nothing that can be read. */
async function stateOf(folder: string): Promise<RunState | null> {
  try {
    return await readRunState(folder);
  } catch (error) {
    if (isDamage(error)) return null;
    throw error;
  }
}

/** The runs without a record of their own, in the order of the plan. */
export async function unfinished(
  runs: readonly PlannedRun[],
  results: string,
  retryFailed: boolean,
): Promise<readonly PlannedRun[]> {
  const present = await namesIn(results);
  const isToRun = await mapConcurrently(runs, readersOfRecords, async ({ folder, id }) => {
    const state = present.has(folder) ? await stateOf(`${results}/${folder}`) : null;
    return state === null || state.id !== id ||
      (retryFailed && state.happened.outcome.state === "failed");
  });
  return runs.filter((_, i) => isToRun[i]);
}

/** Where and how planned runs are trained. */
export interface RunSetting {
  readonly runs: readonly PlannedRun[];
  /** The study's results folder. */
  readonly results: string;
  readonly retryFailed: boolean;
  readonly stop: StopFlag;
  readonly tell: (event: WorkEvent) => Promise<void>;
  /** Called if there is anything to do. */
  readonly openWorkers: (opening: Opening) => Promise<readonly RunWorker[]>;
}

/** Trains the runs that are not done yet, in as many workers as are opened. */
export async function runAll(setting: RunSetting): Promise<RunsResult> {
  const { runs, results, retryFailed, stop, tell, openWorkers } = setting;
  const pending = await unfinished(runs, results, retryFailed);
  const skipped = runs.length - pending.length;
  const stoppedRuns: StoppedRun[] = [];
  const counts = {
    total: runs.length,
    finished: 0,
    failed: 0,
    skipped,
    stopped: false,
    stoppedRuns,
  };
  if (pending.length === 0) return { ...counts, executorShare: 1 };
  if (stop.isRaised) return { ...counts, stopped: true, executorShare: 1 };
  await tell({ kind: "begun", noun: "runs", total: runs.length, skipped });
  let runMillis = 0;
  let busyMillis = 0;
  await workOnRuns({
    jobs: pending,
    plannedOf: (planned) => planned,
    stop,
    openWorkers,
    work: async (worker, planned) => {
      const { title } = planned;
      const started = performance.now();
      const made = await worker.run(planned, newToken(), {
        onStep: (progress) => tell({ kind: "step", title, progress }),
        onAnew: (reason) => tell({ kind: "anew", title, reason }),
      });
      runMillis += performance.now() - started;
      busyMillis += made.busyMillis;
      return made.result;
    },
    onResult: async ({ title }, result) => {
      if (result.kind === "stopped") {
        counts.stopped = true;
        stoppedRuns.push({ title, step: result.step });
        await tell({ kind: "stopped", title, step: result.step });
        return false;
      }
      if (result.kind === "lost") return true;
      const { record, twice } = result;
      if (twice !== null) await tell({ kind: "made twice", title, differences: twice });
      counts[record.happened.outcome.state]++;
      await tell({ kind: "recorded", title, record });
      if (stop.isRaised && counts.finished + counts.failed < pending.length) counts.stopped = true;
      return true;
    },
  });
  return { ...counts, executorShare: runMillis === 0 ? 1 : busyMillis / runMillis };
}
