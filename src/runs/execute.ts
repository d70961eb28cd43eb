/**
 * Executing one run: training with journals and checkpoints, until its record can be made, a stop or a pause.
 *
 * @module
 */
import { scoreAt } from "./run_figures.ts";
import { type Executor, ExecutorError } from "../exec/executor.ts";
import type { Environment } from "../record/provenance.ts";
import { newToken, StorageError } from "../record/durable.ts";
import { readRecord } from "../record/results_reader.ts";
import { LostAttemptError, RunFolder } from "../record/run_folder.ts";
import { RunJournal, type Timings, timingsBefore, writeEndFiles } from "./run_files.ts";
import type { FailureCause, Outcome, RunRecord } from "../record/types.ts";
import type { EvaluationSplit } from "../train/evaluate.ts";
import type { ProgramCache } from "../train/programs.ts";
import { primaryMetric } from "../tasks/metrics.ts";
import { DivergenceError } from "../train/run_types.ts";
import { Trainer } from "../train/trainer.ts";
import type { Inputs, ReadRun } from "./inputs.ts";
import type { PlannedRun } from "./plan/planned_run.ts";
import { type RankedRun, RanksError, startingRanks } from "./plan/ranks.ts";
import { recordOf } from "./run_record.ts";
import { requestOf } from "./training_request.ts";
import type { RunProgress } from "./events.ts";

/** What all runs of a sweep share. */
export interface ExecutionContext extends LoopContext {
  readonly programs: ProgramCache;
  readonly inputs: Inputs;
  readonly environment: Environment;
  readonly results: string;
  /** Runs that are made side by side, this one included: they share the machine, so that each is slower. */
  readonly jobs: number;
  /** The token of the lease that the run is made under. Default: one of its own. */
  readonly attempt?: string;
  /** Called where a run that had been begun cannot go on from what is there. Default: nobody receives them. */
  readonly onAnew?: (reason: string) => Promise<void>;
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
  /** Before its end, at the step at which it was to pause or after it; the same run goes on from there. */
  | { readonly kind: "paused"; readonly paused: PausedRun }
  /** Before its end because another process took it over. */
  | { readonly kind: "lost" };

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
    const { pauseAt = Infinity } = context;
    const paused = (): ExecutionResult => ({
      kind: "paused",
      paused: pausedAt(pauseAt, { planned: asked, read, journal, timings }),
    });
    if (kept.step >= pauseAt) return paused();
    let outcome: Outcome = { state: "finished" };
    try {
      const order = stored?.checkpoint.order ?? null;
      started.run = await startingRanks(asked, read, {
        ...context,
        records: { folder: context.results, read: readRecord },
      }, order);
      const { planned, directions } = started.run;
      const request = requestOf(planned, read, context, directions);
      started.splits = request.splits;
      started.trainer = await Trainer.create(request, stored?.checkpoint ?? null);
      const end = await runToEnd(started.trainer, { folder, journal, context, timings, kept });
      if (end === "stopped") return { kind: "stopped", step: kept.step };
      if (end === "paused") return paused();
    } catch (error) {
      if (isOfStorage(error) || !(error instanceof Error)) throw error;
      // A process that ends at once takes the runtime away from runs in workers, which is no outcome of theirs.
      if (error instanceof ExecutorError && context.isStopping()) {
        return { kind: "stopped", step: kept.step };
      }
      const step = error instanceof DivergenceError ? error.step : started.trainer?.step ?? null;
      outcome = { state: "failed", cause: causeOf(error), message: error.message, step };
    }
    const { run, trainer, splits } = started;
    if (trainer !== null) await writeEndFiles(folder, run.planned, trainer, splits);
    const record = recordOf({ ...run, trainer, splits, read, context, journal, outcome, timings });
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

function pausedAt(
  step: number,
  { planned, read, journal, timings }: {
    readonly planned: PlannedRun;
    readonly read: ReadRun;
    readonly journal: RunJournal;
    readonly timings: Timings;
  },
): PausedRun {
  const metric = primaryMetric(read.task);
  const { keep } = planned.run.settings.train;
  const score = scoreAt(step, metric, journal.evaluations, keep);
  return { step, metric, score, wallMillis: timings.wallMillis };
}

interface Started {
  trainer: Trainer | null;
  splits: readonly EvaluationSplit[];
  run: RankedRun;
}

/** A run that was trained up to a step. */
export interface PausedRun {
  /** The step at which it was to pause. */
  readonly step: number;
  readonly metric: string;
  /** That metric if the run ended here; null where it was not evaluated. */
  readonly score: number | null;
  readonly wallMillis: number;
}

/** How a run is followed, stopped and saved. */
interface LoopContext {
  readonly executor: Executor;
  /** Called after each block of steps that was read; on executors that do not queue, after every step. */
  readonly onStep: (progress: RunProgress) => Promise<void>;
  /** Asked as often; true stops the run at a checkpoint. */
  readonly isStopping: () => boolean;
  /** Step at which the run pauses with a checkpoint, whose evaluation gives its score there. Default: it does not pause. */
  readonly pauseAt?: number;
  /** Milliseconds between checkpoints. Default 20,000, or more where checkpoints would take more than 2 % of the time. */
  readonly checkpointMillis?: number | undefined;
}

/** What is safe of a run. */
interface Kept {
  step: number;
}

interface Loop {
  readonly folder: RunFolder;
  readonly journal: RunJournal;
  readonly context: LoopContext;
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

/** Steps until the end, with journals and checkpoints, or until it is asked to stop or to pause before. */
async function runToEnd(
  trainer: Trainer,
  { folder, journal, context, timings, kept }: Loop,
): Promise<"done" | "stopped" | "paused"> {
  const { pauseAt = Infinity, executor } = context;
  const began = performance.now() - timings.wallMillis;
  let lastCheckpoint = performance.now();
  let pauseMillis = context.checkpointMillis ?? leastPauseMillis;
  while (!trainer.isDone) {
    const started = performance.now();
    const eventsBefore = trainer.eventMillis ?? 0;
    const events = await trainer.advance(
      Math.min(executor.runsAhead, pauseAt - trainer.step),
    );
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
    const isPausing = trainer.step >= pauseAt;
    const now = performance.now();
    if (isStopping || isPausing || now - lastCheckpoint > pauseMillis) {
      await folder.saveCheckpoint({ checkpoint: await trainer.checkpoint(), timings });
      kept.step = trainer.step;
      lastCheckpoint = performance.now();
      pauseMillis = context.checkpointMillis ?? pauseAfter(lastCheckpoint - now);
    }
    if (isPausing) return "paused";
    if (isStopping) return "stopped";
  }
  return "done";
}
