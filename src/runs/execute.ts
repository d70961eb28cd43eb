/**
 * Executing one run: training with journals and checkpoints, until its record can be made.
 *
 * @module
 */
import { hashJson } from "../base/hash.ts";
import type { Json } from "../base/canonical_json.ts";
import { type Executor, ExecutorError } from "../exec/executor.ts";
import type { Environment } from "../record/provenance.ts";
import { newToken, StorageError } from "../record/durable.ts";
import { LostAttemptError, RunFolder } from "../record/run_folder.ts";
import { capOf } from "../study/rank_costs.ts";
import { runStages } from "../train/stages.ts";
import type { FailureCause, Outcome, RunRecord } from "../record/types.ts";
import type { EvaluationSplit } from "../train/evaluate.ts";
import type { ProgramCache } from "../train/programs.ts";
import { runData } from "../train/run_data.ts";
import { DivergenceError, type TrainingRequest } from "../train/run_types.ts";
import { Trainer } from "../train/trainer.ts";
import type { ModuleDirections } from "../train/vectors.ts";
import { type EstimatedRun, withEstimatedRanks } from "./estimated_ranks.ts";
import type { Inputs, ReadRun } from "./inputs.ts";
import type { PlannedRun } from "./planning.ts";
import { RunJournal } from "./run_journal.ts";
import { RanksError, withSourceRanks } from "./source_ranks.ts";
import { recordOf, type Timings, timingsBefore } from "./run_record.ts";

/** What all runs of a sweep share. */
export interface ExecutionContext {
  readonly executor: Executor;
  readonly programs: ProgramCache;
  readonly inputs: Inputs;
  readonly environment: Environment;
  /** The study's results folder. */
  readonly results: string;
  /** Runs that are made side by side, this one included: they share the machine, so that each is slower. */
  readonly jobs: number;
  /** The token of the claim that the run is made under. Default: one of its own. */
  readonly attempt?: string;
  /** Called where a run that had been begun cannot go on from what is there. Default: nobody is told. */
  readonly onAnew?: (reason: string) => Promise<void>;
  /** Called after each block of steps that was read; on executors that do not queue, after every step. */
  readonly onStep: (progress: RunProgress) => Promise<void>;
  /** Asked as often; true stops the run at a checkpoint. */
  readonly isStopping: () => boolean;
  /** Milliseconds between checkpoints. Default 20,000, or more where checkpoints would take more than 2 % of the time. */
  readonly checkpointMillis?: number;
}

/** Where a run stands. */
export interface RunProgress {
  /** Optimiser steps done. */
  readonly step: number;
  /** Optimiser steps of the whole run. */
  readonly totalSteps: number;
  /** Training loss of the latest step, without the regulariser. */
  readonly loss: number;
  /** Milliseconds of this run so far, and the part timings in the executor. */
  readonly millis: number;
  /** Steps up to the last checkpoint; 0 where there is none. */
  readonly checkpointStep: number;
}

/** How an execution ended. */
export type ExecutionResult =
  /**
   * With a record. `twice` is null, or where another process had finished the run meanwhile: what differs from its results, which
   * were kept.
   */
  | {
    readonly kind: "recorded";
    readonly record: RunRecord;
    readonly twice: readonly string[] | null;
  }
  /** Before its end because it was asked to stop; `step` is that of its last checkpoint, 0 where it has none. */
  | { readonly kind: "stopped"; readonly step: number }
  /** Before its end because another process took it over. */
  | { readonly kind: "lost" };

/** What a run asks the train room for, with all that it needs read first. */
export async function trainingRequest(
  planned: PlannedRun,
  context: Pick<ExecutionContext, "executor" | "programs" | "inputs">,
): Promise<TrainingRequest> {
  return requestOf(planned, await context.inputs.read(planned.run), context);
}

/**
 * What a run asks the train room for.
 *
 * @param directions What its method's estimate found for its modules to start with. Default: nothing.
 */
export function requestOf(
  { run, method, plan, modules }: PlannedRun,
  read: ReadRun,
  context: Pick<ExecutionContext, "executor" | "programs">,
  directions?: ModuleDirections,
): TrainingRequest {
  const { model, task } = read;
  const bound = method.bind(run.options);
  const scores = bound.adapter?.policy?.scores;
  const data = runData(run, read, scores?.type === "removal" ? scores.examples : 0);
  const { dropout, beta1, beta2, epsilon, weightDecay, clipNorm, regressionBias } =
    run.settings.train;
  const train = {
    dropout,
    beta1,
    beta2,
    epsilon,
    weightDecay,
    clipNorm,
    ...(regressionBias === undefined ? {} : { regressionBias }),
  };
  const headRate = (run.settings.train.headLearningRate ?? null) === null
    ? {}
    : { hasHeadRate: true };
  const costs = method.costs(run.options);
  const ranks = plan === null
    ? []
    : modules.map((module, i) => ({ module, rank: plan.initial[i]! }));
  return {
    executor: context.executor,
    programs: context.programs,
    programKey: hashJson({
      weights: model.weightsHash,
      method: run.method,
      options: run.options,
      ranks: ranks.map(({ module, rank }) => [module.name, rank]),
      output: task.output as unknown as Json,
      stages: data.stages.length,
      train: train as unknown as Json,
      ...headRate,
    }),
    assembly: {
      encoder: model,
      output: task.output,
      stages: data.stages.length,
      method: bound,
      ranks,
      train,
      ...headRate,
    },
    task,
    settings: run.settings,
    seed: run.seed,
    finalTotal: plan?.finalTotal ?? 0,
    costs,
    cap: capOf(
      method,
      run,
      modules,
      runStages(run.settings, data.stages).reduce((sum, { steps }) => sum + steps, 0),
    ),
    ...(directions === undefined ? {} : { directions }),
    stages: data.stages,
    splits: data.splits,
  };
}

function causeOf(error: unknown): FailureCause {
  if (error instanceof DivergenceError) return "diverged";
  if (error instanceof RanksError) return "ranks";
  if (error instanceof ExecutorError) return error.outOfMemory ? "out-of-memory" : "executor";
  return "unknown";
}

/**
 * Runs one run to its end, or from its checkpoint on; a run that fails leaves a record with its cause.
 *
 * @throws {StorageError} If the results cannot be written: nothing can be recorded then.
 */
export async function execute(
  asked: PlannedRun,
  context: ExecutionContext,
): Promise<ExecutionResult> {
  try {
    return await executeAttempt(asked, context);
  } catch (error) {
    if (error instanceof LostAttemptError) return { kind: "lost" };
    throw error;
  }
}

async function executeAttempt(
  asked: PlannedRun,
  context: ExecutionContext,
): Promise<ExecutionResult> {
  const { folder, stored, anew, complete } = await RunFolder.open({
    results: context.results,
    folder: asked.folder,
    id: asked.id,
    attempt: context.attempt ?? newToken(),
  });
  if (complete !== null) return { kind: "recorded", ...await folder.putInPlace(complete) };
  if (anew !== null) await context.onAnew?.(anew);
  const before = stored === null ? null : { eventMillis: 0, ...stored.timings };
  const timings = timingsBefore(before, context.jobs);
  const kept: Kept = { step: stored?.checkpoint.step ?? 0 };
  const started: Started = {
    trainer: null,
    splits: [],
    run: { planned: asked, estimate: null },
  };
  try {
    const journal = await RunJournal.open(folder, stored !== null);
    const read = await context.inputs.read(asked.run);
    let outcome: Outcome = { state: "finished" };
    try {
      const order = stored?.checkpoint.order ?? null;
      const ranked = await withSourceRanks(asked, context);
      started.run = await withEstimatedRanks(ranked, read, context, order);
      const { planned, directions } = started.run;
      const request = requestOf(planned, read, context, directions);
      started.splits = request.splits;
      started.trainer = await Trainer.create(request, stored?.checkpoint ?? null);
      const isDone = await runToEnd(started.trainer, { folder, journal, context, timings, kept });
      if (!isDone) return { kind: "stopped", step: kept.step };
    } catch (error) {
      if (isOfStorage(error) || !(error instanceof Error)) throw error;
      // A process that ends at once takes the runtime away from runs in workers, which is no outcome of theirs.
      if (error instanceof ExecutorError && context.isStopping()) {
        return { kind: "stopped", step: kept.step };
      }
      const step = error instanceof DivergenceError ? error.step : started.trainer?.step ?? null;
      outcome = { state: "failed", cause: causeOf(error), message: error.message, step };
    }
    const { run, ...made } = started;
    const record = await recordOf({
      ...run,
      ...made,
      read,
      context,
      folder,
      journal,
      outcome,
      timings,
    });
    return { kind: "recorded", ...await folder.finish(record) };
  } finally {
    started.trainer?.dispose();
    folder.close();
  }
}

/** Whether an error is no outcome of a run, since nothing of it can be kept. */
function isOfStorage(error: unknown): boolean {
  return error instanceof StorageError || error instanceof LostAttemptError;
}

/** A run, its trainer and what it is evaluated by, once they have been made. */
interface Started {
  trainer: Trainer | null;
  splits: readonly EvaluationSplit[];
  run: EstimatedRun;
}

/** What is safe of a run. */
interface Kept {
  /** Steps up to the last checkpoint. */
  step: number;
}

interface Loop {
  readonly folder: RunFolder;
  readonly journal: RunJournal;
  readonly context: ExecutionContext;
  readonly timings: Timings;
  readonly kept: Kept;
}

/** Milliseconds between checkpoints where these are quick. */
const leastPauseMillis = 20_000;

/** Share of the time that checkpoints may take: those of a whole encoder's parameters and moments are large. */
const checkpointShare = 0.02;

/** Milliseconds until the next checkpoint, after one that took `millis`. */
export function pauseAfter(millis: number): number {
  return Math.max(leastPauseMillis, millis / checkpointShare);
}

/** Steps until the end, with journals and checkpoints; false if it was asked to stop before. */
async function runToEnd(
  trainer: Trainer,
  { folder, journal, context, timings, kept }: Loop,
): Promise<boolean> {
  const began = performance.now() - timings.wallMillis;
  let lastCheckpoint = performance.now();
  let pauseMillis = context.checkpointMillis ?? leastPauseMillis;
  while (!trainer.isDone) {
    const started = performance.now();
    const eventsBefore = trainer.eventMillis ?? 0;
    const events = await trainer.advance();
    const took = performance.now() - started;
    const eventMillis = (trainer.eventMillis ?? 0) - eventsBefore;
    const steps = events.filter((event) => event.kind === "step");
    const stepMillis = steps.reduce((sum, step) => sum + step.stepMillis, 0);
    timings.trainMillis += stepMillis;
    timings.eventMillis += eventMillis;
    if (events.some(({ kind }) => kind === "evaluation")) {
      timings.evaluateMillis += took - stepMillis - eventMillis;
    }
    timings.wallMillis = performance.now() - began;
    for (const event of events) journal.add(event);
    await context.onStep({
      step: trainer.step,
      totalSteps: trainer.totalSteps,
      loss: steps[steps.length - 1]?.loss ?? NaN,
      millis: timings.wallMillis,
      checkpointStep: kept.step,
    });
    if (trainer.isDone) break;
    const isStopping = context.isStopping();
    const now = performance.now();
    if (isStopping || now - lastCheckpoint > pauseMillis) {
      await folder.saveCheckpoint({ checkpoint: await trainer.checkpoint(), timings });
      kept.step = trainer.step;
      lastCheckpoint = performance.now();
      pauseMillis = context.checkpointMillis ?? pauseAfter(lastCheckpoint - now);
    }
    if (isStopping) return false;
  }
  return true;
}
