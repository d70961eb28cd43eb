/**
 * A worker behind a lane: makes or ablates the runs that it is sent, one after the other, with an executor of its own.
 *
 * @module
 */
import { chooseExecutor } from "../exec/choose.ts";
import { findMethod, type MethodTable } from "../methods/table.ts";
import { Inputs } from "./inputs.ts";
import {
  type Answer,
  OwnLane,
  type Progress,
  type RunMessage,
  type ToWorker,
  type WorkerStart,
} from "./lanes.ts";
import { loadOwnMethods } from "./method_modules.ts";
import { ownTasksOf, type PlannedRun } from "./planning.ts";
import { StopFlag } from "./stop_flag.ts";

/** Milliseconds between reports of progress. */
const reportMillis = 100;

/** The part of a worker's global scope that is used; the types of this project are those of a window. */
interface WorkerScope {
  onmessage: ((event: MessageEvent<ToWorker>) => void) | null;
  postMessage(message: Progress | Answer): void;
}

const scope = self as unknown as WorkerScope;

let lane: OwnLane | null = null;
let methods: MethodTable = [];
let reportedAt = -Infinity;

async function laneOf(start: WorkerStart): Promise<OwnLane> {
  const { study, folders, models, surroundings, results, jobs, threads } = start;
  const { executor } = await chooseExecutor(start.executor, { threads });
  const inputs = new Inputs(folders, ownTasksOf(study), models);
  return new OwnLane({ executor, inputs, surroundings, results, jobs }, new StopFlag(start.stop));
}

function plannedOf(message: RunMessage): PlannedRun {
  return { ...message, method: findMethod(message.run.method, methods) };
}

/** Passes progress on, unless some was passed on just before. */
function report(progress: Progress): Promise<void> {
  const now = performance.now();
  if (now - reportedAt >= reportMillis) {
    reportedAt = now;
    scope.postMessage(progress);
  }
  return Promise.resolve();
}

async function answer(message: ToWorker): Promise<Answer> {
  if (message.kind === "start") {
    methods = await loadOwnMethods(message.start.ownMethods);
    lane = await laneOf(message.start);
    return { kind: "started" };
  }
  if (lane === null) {
    throw new TypeError(`A worker was told to ${message.kind} before it was started`);
  }
  if (message.kind === "close") {
    await lane.close();
    return { kind: "closed" };
  }
  const planned = plannedOf(message.planned);
  if (message.kind === "run") {
    const made = await lane.run(planned, (progress) => report({ kind: "step", progress }));
    return { kind: "made", made };
  }
  const outcome = await lane.ablate(
    { stored: message.stored, planned },
    (share) => report({ kind: "share", share }),
  );
  return { kind: "ablation", outcome };
}

scope.onmessage = async ({ data }) => {
  try {
    scope.postMessage(await answer(data));
  } catch (error) {
    const { name, message } = error instanceof Error ? error : new Error(String(error));
    scope.postMessage({ kind: "error", name, message });
  }
};
