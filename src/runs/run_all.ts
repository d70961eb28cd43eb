/**
 * Making the runs that are not done yet, in as many lanes as are opened, until they are done or a signal stops them.
 *
 * @module
 */
import { readSurroundings } from "../record/provenance.ts";
import { namesIn, readRunState } from "../record/run_folder.ts";
import { LaneStatus, runProgress, summaryOf } from "../cli/lane_status.ts";
import type { Lane } from "./lanes.ts";
import { kindOf, type Opening } from "./open_lanes.ts";
import type { PlannedRun } from "./planning.ts";
import { mapConcurrently, WorkQueue, workSideBySide } from "./side_by_side.ts";
import { StopFlag, type StoppedRun } from "./stop_flag.ts";
import { keptLines, listenForStop } from "../cli/stop.ts";
import { clearStatus } from "../cli/terminal.ts";

/** How the runs that were asked for ended. */
export interface RunsResult {
  /** Runs that were asked for. */
  readonly total: number;
  readonly finished: number;
  readonly failed: number;
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

/** The runs without a record of their own, in the order of the plan. */
export async function unfinished(
  runs: readonly PlannedRun[],
  results: string,
  retryFailed: boolean,
): Promise<readonly PlannedRun[]> {
  const present = await namesIn(results);
  const isToRun = await mapConcurrently(runs, readersOfRecords, async ({ folder, id }) => {
    const state = present.has(folder) ? await readRunState(`${results}/${folder}`) : null;
    return state === null || state.id !== id ||
      (retryFailed && state.happened.outcome.state === "failed");
  });
  return runs.filter((_, i) => isToRun[i]);
}

/** Where and how planned runs are made. */
export interface RunSetting {
  readonly runs: readonly PlannedRun[];
  /** The study's results folder. */
  readonly results: string;
  readonly retryFailed: boolean;
  /** Asks for a stop; signals raise it. Default: one of its own. */
  readonly stop?: StopFlag;
  /** Called if there is anything to do. */
  readonly openLanes: (opening: Opening) => Promise<readonly Lane[]>;
}

/** Makes the runs that are not done yet, in as many lanes as are opened. */
export async function runAll(setting: RunSetting): Promise<RunsResult> {
  const { runs, results, retryFailed, openLanes, stop = new StopFlag() } = setting;
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
  const surroundings = await readSurroundings();
  const lanes = await openLanes({ stop, surroundings, pieces: pending.length });
  const status = new LaneStatus("runs", runs.length, skipped);
  /** Steps of the runs under way that are safe, by title. */
  const checkpoints = new Map<string, number>();
  const listener = listenForStop(stop, {
    onStop: () => {
      const done = skipped + counts.finished + counts.failed;
      return `Stopping after this step. Done and kept: ${done} of ${runs.length} runs; those under way\n` +
        "are kept up to a checkpoint. (Ctrl-C again ends at once.)";
    },
    onExit: () =>
      [
        "Ended at once. Done runs are kept, those under way up to these checkpoints or later:",
        ...keptLines([...checkpoints].map(([title, step]) => ({ title, step }))),
      ].join("\n"),
  });
  let runMillis = 0;
  let busyMillis = 0;
  const makeIn = (lane: Lane) => async (planned: PlannedRun) => {
    const started = performance.now();
    const made = await lane.run(planned, (progress) => {
      checkpoints.set(planned.title, progress.checkpointStep);
      return status.report(planned.title, runProgress(progress));
    });
    runMillis += performance.now() - started;
    busyMillis += made.busyMillis;
    return made.result;
  };
  try {
    await workSideBySide(new WorkQueue(pending, kindOf), {
      lanes: lanes.map(makeIn),
      onResult: async ({ title }, result) => {
        checkpoints.delete(title);
        if (result.kind === "stopped") {
          counts.stopped = true;
          stoppedRuns.push({ title, step: result.step });
          return false;
        }
        status.done(title);
        counts[result.record.happened.outcome.state]++;
        await status.tell(title, summaryOf(result.record));
        if (stop.isRaised && counts.finished + counts.failed < pending.length) {
          counts.stopped = true;
        }
        return !stop.isRaised;
      },
      onError: () => stop.raise(),
    });
  } finally {
    await clearStatus();
    listener.dispose();
    for (const lane of lanes) await lane.close();
  }
  return { ...counts, executorShare: busyMillis / runMillis };
}
