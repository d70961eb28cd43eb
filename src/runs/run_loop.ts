/**
 * The loop of a run: steps with journals and checkpoints, until its end, a stop or a pause.
 *
 * @module
 */
import type { Executor } from "../exec/executor.ts";
import type { RunFolder } from "../record/run_folder.ts";
import type { Trainer } from "../train/trainer.ts";
import type { RunJournal } from "./run_files.ts";

/** Where a run stands. */
export interface RunProgress {
  /** Optimiser steps done. */
  readonly step: number;
  /** Optimiser steps of the whole run. */
  readonly totalSteps: number;
  /** Training loss of the latest step, without the regulariser. */
  readonly loss: number;
  /** Wall time of the run so far, its earlier sittings included, in milliseconds. */
  readonly millis: number;
  /** Steps up to the last checkpoint; 0 where there is none. */
  readonly checkpointStep: number;
}

/** How a run is followed, stopped and saved. */
export interface LoopContext {
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
export interface Kept {
  step: number;
}

/** What a run's loop writes to, and what it keeps count of. */
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
export async function runToEnd(
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

/** Where the time of a run went, its earlier sittings included; it grows while the run is under way. */
export interface Timings {
  trainMillis: number;
  evaluateMillis: number;
  eventMillis: number;
  wallMillis: number;
  startedAt: string;
  /** The most runs that were made side by side in a sitting; absent where that is not known of one of them. */
  jobs?: number;
}

/**
 * The timings that a sitting of a run starts from.
 *
 * @param before Those of its earlier sittings, or null for a run that begins.
 * @param jobs Runs that are made side by side now, this one included.
 */
export function timingsBefore(before: Timings | null, jobs: number): Timings {
  if (before !== null) {
    const { jobs: most, ...timings } = before;
    return most === undefined ? timings : { ...timings, jobs: Math.max(most, jobs) };
  }
  return {
    trainMillis: 0,
    evaluateMillis: 0,
    eventMillis: 0,
    wallMillis: 0,
    startedAt: new Date().toISOString(),
    jobs,
  };
}
