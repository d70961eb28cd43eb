/**
 * The stages of a run: one for each task of a sequence, and one for the whole run of a single task.
 *
 * A stage is a run within the run: it has batches, a warm-up, a schedule and a fresh optimiser of its own, as if it were
 * trained separately; what it starts from is what the stage before has learned.
 *
 * @module
 */
import type { HostTensor } from "../graph/mod.ts";
import { evaluationSteps, totalSteps } from "../study/grid/steps.ts";
import type { Settings } from "../study/schema/settings.ts";
import type { BatchStream } from "../tasks/batches.ts";
import type { ClassRange } from "../tasks/types.ts";
import type { EvaluationSplit } from "./evaluate.ts";

/** What a stage is trained on. */
export interface StageData {
  /** Name of its task. */
  readonly task: string;
  /** Endless; an epoch ends after `batchesPerEpoch` of them. */
  readonly batches: BatchStream;
  /** Examples of the whole training split, before the limit and with those that are held out. */
  readonly trainExamples: number;
  /** The classes that its loss is over, or null for all outputs. */
  readonly classes: ClassRange | null;
  /** Training examples that are scored on and not trained on, for methods that score ranks by removal. Default: none. */
  readonly scoring?: EvaluationSplit;
}

/** A stage and the steps that it takes. */
export interface RunStage extends StageData {
  /** Its place among the stages, from 0. */
  readonly index: number;
  /** Its first step, from 0. */
  readonly firstStep: number;
  /** Optimiser steps that it takes. */
  readonly steps: number;
  /** Passes over training data before it. */
  readonly epochsBefore: number;
}

/** A request with other batches in every stage, for tests and benches. */
export function withBatches<Request extends { readonly stages: readonly StageData[] }>(
  request: Request,
  batches: BatchStream,
): Request {
  return { ...request, stages: request.stages.map((stage) => ({ ...stage, batches })) };
}

/** Lays stages out one after the other. */
export function runStages(settings: Settings, stages: readonly StageData[]): readonly RunStage[] {
  let firstStep = 0;
  let epochsBefore = 0;
  return stages.map((data, index) => {
    const steps = totalSteps(settings, data.trainExamples);
    const stage = { ...data, index, firstStep, steps, epochsBefore };
    firstStep += steps;
    epochsBefore += steps / data.batches.batchesPerEpoch;
    return stage;
  });
}

/** The stage that a step belongs to, counted from 0; after the last step, the last stage. */
export function stageOf(stages: readonly RunStage[], step: number): RunStage {
  return stages.findLast(({ firstStep }) => firstStep <= step)!;
}

/** Passes over training data when `done` steps are done. */
export function epochsAt(stages: readonly RunStage[], done: number): number {
  const { firstStep, epochsBefore, batches } = stageOf(stages, Math.max(0, done - 1));
  return epochsBefore + (done - firstStep) / batches.batchesPerEpoch;
}

/** The steps after which a run evaluates, counted from 1: each stage's own, and so always its last. */
export function evaluationsOf(settings: Settings, stages: readonly RunStage[]): readonly number[] {
  return stages.flatMap(({ firstStep, trainExamples }) =>
    evaluationSteps(settings, trainExamples).map((step) => firstStep + step)
  );
}

/** Whether `done` steps end a stage that another one follows. */
export function isBoundary(stages: readonly RunStage[], done: number): boolean {
  return stages.some(({ index, firstStep }) => index > 0 && firstStep === done);
}

/** What is added to the logits of other stages' classes: no softmax in single precision sees them then. */
const farBelow = -1e9;

/**
 * What is added to the logits of a stage, `[outputs]`: 0 for its classes, far below for all others, so that their
 * probabilities and hence their gradients are exactly zero.
 */
export function classMask(outputs: number, classes: ClassRange | null): HostTensor {
  const data = new Float32Array(outputs);
  if (classes !== null) {
    data.fill(farBelow).fill(0, classes.first, classes.first + classes.count);
  }
  return { type: "f32", shape: [outputs], data };
}
