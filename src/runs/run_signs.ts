/**
 * What a record says of whether a run learned anything: the majority's score, and the signs of a collapse.
 *
 * @module
 */
import { runFlags } from "../record/run_flags.ts";
import type { Happened, StepLine } from "../record/types.ts";
import type { RunSpec } from "../study/types.ts";
import { trainableTargets } from "../tasks/run_examples.ts";
import { majorityMetrics } from "../tasks/majority.ts";
import type { EvaluationSplit } from "../train/evaluate.ts";
import type { ReadTasks } from "../train/run_data.ts";
import type { Snapshot } from "../train/run_types.ts";
import type { RunStage } from "../train/stages.ts";

/** What a run has come to. */
export interface RunEnd {
  readonly run: RunSpec;
  readonly read: ReadTasks;
  readonly stages: readonly RunStage[];
  readonly splits: readonly EvaluationSplit[];
  /** The evaluation that counts. */
  readonly kept: Snapshot;
  readonly steps: readonly StepLine[];
  readonly isFinished: boolean;
}

/** The majority's metrics, and the flags of a finished run; a sequence has no majority of its own. */
export function signsOf(end: RunEnd): Pick<Happened, "majority" | "flags"> {
  const { run, read, stages, splits, kept, steps, isFinished } = end;
  const last = read.parts.at(-1)!;
  const { task } = last;
  const trainTargets = trainableTargets(run, last);
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
