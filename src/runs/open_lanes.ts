/**
 * Opening the lanes of a command: on one device, with the cores shared out among them.
 *
 * @module
 */
import type { Choice } from "../exec/choose.ts";
import type { Surroundings } from "../record/provenance.ts";
import type { WorkEvent } from "./events.ts";
import { type Share, shareCores } from "./jobs.ts";
import { type Lane, OwnLane, WorkerLane } from "./lanes.ts";
import { ownMethodsOf } from "./method_modules.ts";
import type { PlannedRun, StudyPlan } from "./planning.ts";
import type { StopFlag } from "./stop_flag.ts";

/** What is known of lanes where their work begins. */
export interface Opening {
  /** Runs that are to be made or ablated; there are no more lanes. */
  readonly pieces: number;
  readonly surroundings: Surroundings;
  readonly stop: StopFlag;
}

/** What lanes are opened for. */
export interface LaneRequest extends Opening {
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
  /** The results folder of the runs. */
  readonly results: string;
}

/** The kind of a run: those of a kind share their programs. */
export function kindOf({ run: { task, label, budget } }: PlannedRun): string {
  return JSON.stringify([task, label, budget]);
}

/** Lanes on a device: this thread for one run at a time, else workers. */
export async function openLanes(request: LaneRequest): Promise<readonly Lane[]> {
  const { title, tell, pieces, device: { executor, description }, plan, results } = request;
  const { surroundings, stop } = request;
  const { jobs, threads } = shareCores({
    cores: navigator.hardwareConcurrency,
    executor: executor.kind,
    runs: request.studyRuns,
    jobs: request.jobs,
    threads: request.threads,
  });
  const lanes = jobs === 1 ? 1 : Math.min(jobs, pieces);
  const { name } = executor;
  await tell({ kind: "device", work: title, name, description, jobs: lanes, threads });
  if (jobs === 1) {
    return [new OwnLane({ executor, inputs: plan.inputs, surroundings, results, jobs }, stop)];
  }
  return await openWorkers(request, { jobs: lanes, threads });
}

async function openWorkers(
  { device, plan: { study, runs, inputs }, results, surroundings, stop }: LaneRequest,
  { jobs, threads }: Share,
): Promise<readonly Lane[]> {
  const start = {
    executor: device.executor.kind,
    threads,
    study,
    ownMethods: ownMethodsOf(runs.map(({ method }) => method)),
    folders: inputs.folders,
    models: inputs.shareModels(),
    surroundings,
    results,
    jobs,
    stop: stop.memory,
  };
  const opened = await Promise.allSettled(
    Array.from({ length: jobs }, () => WorkerLane.open(start)),
  );
  const lanes = opened.flatMap((lane) => lane.status === "fulfilled" ? [lane.value] : []);
  const failed = opened.find((lane) => lane.status === "rejected");
  if (failed === undefined) return lanes;
  for (const lane of lanes) await lane.close();
  throw failed.reason;
}
