/**
 * The thread behind a worker: trains or ablates the runs that it is sent, one after the other, with an executor of its own.
 *
 * @module
 */
import { answerThread } from "../../base/ask_thread.ts";
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
import { loadCustomCode } from "../method_modules.ts";
import type { PlannedRun } from "../plan/planned_run.ts";
import { ownTasksOf } from "../plan/planning.ts";
import { StopFlag } from "../events.ts";
import type { Port } from "./threads.ts";
import type { Metric } from "../../tasks/types.ts";

const reportMillis = 100;

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

async function answer(asked: ToWorker, say: (said: Progress) => void): Promise<unknown> {
  if (asked.kind === "start") {
    const { custom, trust } = asked.start;
    // Whoever started this thread has loaded it already, also what no hash covers.
    const code = await loadCustomCode(custom, ({ hash }) => trust.includes(hash));
    methods = code.methods;
    worker = await workerOf(asked.start, code.metrics);
    return;
  }
  if (worker === null) {
    throw new TypeError(`A worker was told to ${asked.kind} before it was started`);
  }
  if (asked.kind === "close") return await worker.close();
  /** Passes progress on, unless some was passed on just before. */
  const report = (progress: Progress): Promise<void> => {
    const now = performance.now();
    if (now - reportedAt >= reportMillis) {
      reportedAt = now;
      say(progress);
    }
    return Promise.resolve();
  };
  const planned = plannedOf(asked.planned);
  if (asked.kind === "ablate") {
    const share = (share: number) => report({ kind: "share", share });
    return await worker.ablate({ stored: asked.stored, planned }, share);
  }
  return await worker.run(planned, asked.attempt, {
    onStep: (progress) => report({ kind: "step", progress }),
    onAnew: (reason) => Promise.resolve(say({ kind: "anew", reason })),
  }, asked.pauseAt);
}

// A launcher says where the executor computes.
answerThread(answer, ({ port }: Port) => computeElsewhere(() => Promise.resolve(port)));
