/**
 * What a record says of whether a run learned anything: the majority's score, and the signs of a collapse.
 *
 * @module
 */
import { runFlags } from "../record/run_flags.ts";
import type { Happened, StepLine } from "../record/types.ts";
import { tasksOf } from "../study/sequences.ts";
import type { RunSpec } from "../study/types.ts";
import { majorityMetrics } from "../tasks/majority.ts";
import type { EvaluationSplit } from "../train/evaluate.ts";
import type { Snapshot } from "../train/run_types.ts";
import type { RunStage } from "../train/stages.ts";
import type { Inputs } from "./inputs.ts";

/** What a run has come to. */
export interface RunEnd {
  readonly run: RunSpec;
  readonly inputs: Inputs;
  readonly stages: readonly RunStage[];
  readonly splits: readonly EvaluationSplit[];
  /** The evaluation that counts. */
  readonly kept: Snapshot;
  readonly steps: readonly StepLine[];
  readonly isFinished: boolean;
}

/** The majority's metrics, and the flags of a finished run; a sequence has no majority of its own. */
export async function signsOf(end: RunEnd): Promise<Pick<Happened, "majority" | "flags">> {
  const { run, inputs, stages, splits, kept, steps, isFinished } = end;
  const last = tasksOf(run).at(-1)!;
  const task = inputs.taskOf(last);
  const trainTargets = await inputs.trainTargets(run, last);
  const [counted] = kept.evaluations;
  const majority = run.sequence === undefined
    ? majorityMetrics(task, trainTargets, splits[0]!.targets)
    : null;
  const { firstStep } = stages.at(-1)!;
  const flags = isFinished
    ? runFlags({
      task,
      trainTargets,
      losses: steps.filter(({ step }) => step > firstStep).map(({ loss }) => loss),
      targets: majority === null ? splits.flatMap(({ targets }) => targets) : splits[0]!.targets,
      predictions: counted!.predictions,
      scores: majority === null ? null : { own: counted!.metrics, majority },
    })
    : null;
  return {
    ...(majority === null ? {} : { majority }),
    ...(flags === null ? {} : { flags }),
  };
}
