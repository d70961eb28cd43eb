/**
 * The thread behind a worker: trains or ablates the runs that it is sent, one after the other, with an executor of its own.
 *
 * @module
 */
import { chooseExecutor } from "../../exec/choose.ts";
import { computeElsewhere } from "../../exec/native.ts";
import { findMethod, type MethodTable } from "../../methods/table.ts";
import { Inputs } from "../inputs.ts";
import {
  LocalWorker,
  type Progress,
  type RunMessage,
  type ToWorker,
  type WorkerStart,
} from "./workers.ts";
import { type Answer, answerOf } from "../plan/apart.ts";
import { loadCustomCode } from "../method_modules.ts";
import type { PlannedRun } from "../plan/planned_run.ts";
import { ownTasksOf } from "../plan/planning.ts";
import { StopFlag } from "../events.ts";
import type { Metric } from "../../tasks/types.ts";

const reportMillis = 100;

/** The part of a worker's global scope that is used; the types of this project are those of a window. */
interface WorkerScope {
  onmessage: ((event: MessageEvent<ToWorker>) => void) | null;
  postMessage(message: Progress | Answer<unknown>): void;
}

const scope = self as unknown as WorkerScope;

let worker: LocalWorker | null = null;
let methods: MethodTable = [];
let reportedAt = -Infinity;

async function workerOf(
  { executor: kind, threads, study, folders, models, data, stop, context }: WorkerStart,
  metrics: readonly Metric[],
): Promise<LocalWorker> {
  const { executor } = await chooseExecutor(kind, { threads });
  const inputs = new Inputs(folders, ownTasksOf(study, metrics, false), models);
  if (data !== undefined) inputs.giveData(data);
  return new LocalWorker({ ...context, executor, inputs }, new StopFlag(stop));
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

async function done(message: Exclude<ToWorker, { kind: "computing" }>): Promise<unknown> {
  if (message.kind === "start") {
    const { custom, trust } = message.start;
    // Whoever started this thread has loaded it already, also what no hash covers.
    const code = await loadCustomCode(custom, ({ hash }) => trust.includes(hash));
    methods = code.methods;
    worker = await workerOf(message.start, code.metrics);
    return;
  }
  if (worker === null) {
    throw new TypeError(`A worker was told to ${message.kind} before it was started`);
  }
  if (message.kind === "close") return await worker.close();
  const planned = plannedOf(message.planned);
  if (message.kind === "ablate") {
    const share = (share: number) => report({ kind: "share", share });
    return await worker.ablate({ stored: message.stored, planned }, share);
  }
  return await worker.run(planned, message.attempt, {
    onStep: (progress) => report({ kind: "step", progress }),
    onAnew: (reason) => Promise.resolve(scope.postMessage({ kind: "anew", reason })),
  }, message.pauseAt);
}

scope.onmessage = async ({ data }) => {
  if (data.kind === "computing") return computeElsewhere(() => Promise.resolve(data.port));
  scope.postMessage(await answerOf(() => done(data)));
};
