/**
 * Opening the workers of a command: on one device, with the cores shared out among them.
 *
 * @module
 */
import type { Choice } from "../../exec/choice.ts";
import type { Environment } from "../../record/provenance.ts";
import type { WorkEvent } from "../events.ts";
import { type Share, shareCores } from "./share_cores.ts";
import { LocalWorker, type RunWorker, ThreadWorker } from "./workers.ts";
import { customMethodsOf, loadedHashes } from "../method_modules.ts";
import type { PlannedRun, StudyPlan } from "../plan/planning.ts";
import type { StopFlag } from "./stop_flag.ts";

/** What is known of workers where their work begins. */
export interface Opening {
  /** What is to be trained or ablated; there are no more workers than that. */
  readonly due: readonly PlannedRun[];
  readonly environment: Environment;
  readonly stop: StopFlag;
}

/** What workers are opened for. */
export interface WorkersRequest extends Opening {
  /** What the work is, for instance `Tiny: 8 runs`. */
  readonly title: string;
  readonly tell: (event: WorkEvent) => Promise<void>;
  readonly device: Choice;
  /** Runs at a time, or null for the default of the device. */
  readonly jobs: number | null;
  /** Threads of each run, or null for an equal part of the cores. */
  readonly threads: number | null;
  /** Runs of the whole study, which decide how many threads a run has. */
  readonly studyRuns: number;
  readonly plan: StudyPlan;
  /** Milliseconds from one checkpoint of a run to the next. Default: as runs choose. */
  readonly checkpointMillis?: number;
  /** The results folder of the runs. */
  readonly results: string;
}

/** The kind of a run: those of a kind share their programs. */
export function kindOf({ run: { task, method, options, budget } }: PlannedRun): string {
  return JSON.stringify([task, method, options, budget]);
}

/** Workers on a device: this thread for one run at a time, else a thread each. */
export async function openWorkers(request: WorkersRequest): Promise<readonly RunWorker[]> {
  const { title, tell, due, device: { executor, description }, plan, results } = request;
  const { environment, stop } = request;
  const { jobs, threads } = shareCores({
    cores: navigator.hardwareConcurrency,
    executor: executor.kind,
    runs: request.studyRuns,
    jobs: request.jobs,
    threads: request.threads,
  });
  const workers = jobs === 1 ? 1 : Math.min(jobs, due.length);
  const { name } = executor;
  await tell({ kind: "device", work: title, name, description, jobs: workers, threads });
  if (jobs === 1) {
    const { inputs } = plan;
    const context = { executor, inputs, environment, results, jobs, ...checkpointsOf(request) };
    return [new LocalWorker(context, stop)];
  }
  return await openThreads(request, { jobs: workers, threads });
}

/** When checkpoints are taken, where somebody said so. */
function checkpointsOf({ checkpointMillis }: Pick<WorkersRequest, "checkpointMillis">) {
  return checkpointMillis === undefined ? {} : { checkpointMillis };
}

async function openThreads(
  request: WorkersRequest,
  { jobs, threads }: Share,
): Promise<readonly RunWorker[]> {
  const { device, plan: { study, runs, inputs }, results, environment, stop } = request;
  const customMethods = customMethodsOf(runs.map(({ method }) => method));
  await inputs.encodeFor(request.due.map(({ run }) => run));
  const start = {
    executor: device.executor.kind,
    threads,
    study,
    customMethods,
    trust: loadedHashes(customMethods),
    folders: inputs.folders,
    models: inputs.shareModels(),
    data: inputs.shareData(),
    environment,
    results,
    jobs,
    stop: stop.memory,
    ...checkpointsOf(request),
  };
  const opened = await Promise.allSettled(
    Array.from({ length: jobs }, () => ThreadWorker.open(start)),
  );
  const workers = opened.flatMap((worker) => worker.status === "fulfilled" ? [worker.value] : []);
  const failed = opened.find((worker) => worker.status === "rejected");
  if (failed === undefined) return workers;
  for (const worker of workers) await worker.close();
  throw failed.reason;
}
