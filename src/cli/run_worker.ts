/**
 * A worker of a sweep: makes the runs that it is sent, one after the other, with an executor of its own.
 *
 * @module
 */
import { chooseExecutor } from "../exec/choose.ts";
import { findMethod, type MethodTable } from "../methods/table.ts";
import { Inputs } from "./inputs.ts";
import {
  type FromWorker,
  type LaneResult,
  OwnLane,
  StopFlag,
  type ToWorker,
  type WorkerStart,
} from "./lanes.ts";
import { loadOwnMethods } from "./method_modules.ts";
import { ownTasksOf } from "./planning.ts";

/** Milliseconds between reports of steps. */
const reportMillis = 100;

/** The part of a worker's global scope that is used; the types of this project are those of a window. */
interface WorkerScope {
  onmessage: ((event: MessageEvent<ToWorker>) => void) | null;
  postMessage(message: FromWorker): void;
}

const scope = self as unknown as WorkerScope;

let lane: OwnLane | null = null;
let methods: MethodTable = [];
let reportedAt = -Infinity;

async function laneOf(start: WorkerStart): Promise<OwnLane> {
  const { study, folders, models, surroundings, results, threads } = start;
  const { executor } = await chooseExecutor(start.executor, { threads });
  const inputs = new Inputs(folders, ownTasksOf(study), models);
  return new OwnLane({ executor, inputs, surroundings, results }, new StopFlag(start.stop));
}

async function answer(message: ToWorker): Promise<LaneResult | null> {
  if (message.kind === "start") {
    methods = await loadOwnMethods(message.start.ownMethods);
    lane = await laneOf(message.start);
    return null;
  }
  if (lane === null) {
    throw new TypeError(`A worker was told to ${message.kind} before it was started`);
  }
  if (message.kind === "close") {
    await lane.close();
    return null;
  }
  const { planned } = message;
  return await lane.run(
    { ...planned, method: findMethod(planned.run.method, methods) },
    (progress) => {
      const now = performance.now();
      if (now - reportedAt >= reportMillis) {
        reportedAt = now;
        scope.postMessage({ kind: "step", progress });
      }
      return Promise.resolve();
    },
  );
}

scope.onmessage = async ({ data }) => {
  try {
    scope.postMessage({ kind: "done", result: await answer(data) });
  } catch (error) {
    const { name, message } = error instanceof Error ? error : new Error(String(error));
    scope.postMessage({ kind: "error", name, message });
  }
};
