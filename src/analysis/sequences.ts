/**
 * Runs through sequences as rows: what each came to, and its accuracy on each task after each stage.
 *
 * @module
 */
import { averageTaskAwareName } from "../tasks/metrics.ts";
import type { SequenceOutcome } from "../record/types.ts";
import { cellOf, rolledUp, selectedEvaluation } from "./run_rows.ts";
import { meanOf, summarise, type Summary } from "../stats/statistics.ts";
import type { StudyResults } from "./results.ts";

/** The cell of the grid that a row belongs to; `sequence` is the sequence's name. */
interface SequenceCell {
  readonly sequence: string;
  readonly label: string;
  readonly budget: string;
}

/** What the seeds of a cell came to, as summaries over seeds. */
export interface SequenceScores extends SequenceCell {
  readonly n: number;
  /** Average accuracy after the last stage: among all classes, and with the task known. */
  readonly average: Summary;
  readonly taskAware: Summary;
  readonly overTime: Summary;
  readonly forgetting: Summary;
}

/** A cell's accuracy on one task after one stage, as means over seeds. */
export interface StageAccuracy extends SequenceCell {
  readonly n: number;
  /** From 1. */
  readonly stage: number;
  /** The task that the stage trained on. */
  readonly after: string;
  /** The task that is evaluated, or {@linkcode allSeen}. */
  readonly task: string;
  readonly classIncremental: number;
  readonly taskAware: number;
}

/** Stands for the mean over the tasks seen so far. */
export const allSeen = "mean of tasks seen";

interface Finished extends SequenceCell {
  readonly outcome: SequenceOutcome;
  readonly taskAware: number;
}

const keys = ["sequence", "label", "budget"] as const;

function finishedSequences({ runs }: StudyResults): readonly Finished[] {
  return runs.flatMap(({ record }) => {
    const { task: sequence, ...cell } = cellOf(record);
    const { sequence: outcome } = record.happened;
    const taskAware = selectedEvaluation(record)?.metrics[averageTaskAwareName] ?? NaN;
    return outcome === undefined ? [] : [{ sequence, ...cell, outcome, taskAware }];
  });
}

/** One row for each sequence, label and budget that has a finished run. */
export function sequenceScores(results: StudyResults): readonly SequenceScores[] {
  return rolledUp(finishedSequences(results), keys, (runs) => {
    const over = (of: (run: Finished) => number) => summarise(runs.map(of));
    return {
      n: runs.length,
      average: over(({ outcome }) => outcome.averageAccuracy),
      taskAware: over(({ taskAware }) => taskAware),
      overTime: over(({ outcome }) => outcome.accuracyOverTime),
      forgetting: over(({ outcome }) => outcome.forgetting),
    };
  });
}

/** One row for each cell, stage, and task seen by then; the mean over these tasks comes last. */
export function stageAccuracies(results: StudyResults): readonly StageAccuracy[] {
  return rolledUp(finishedSequences(results), keys, (runs) => {
    const { stages } = runs[0]!.outcome;
    const mean = (of: (run: Finished) => number) => meanOf(runs.map(of));
    return {
      rows: stages.flatMap(({ task: after }, t) => {
        const row = (task: string, of: (accuracies: readonly number[]) => number) => ({
          ...{ n: runs.length, stage: t + 1, after, task },
          classIncremental: mean(({ outcome }) => of(outcome.classIncremental[t]!)),
          taskAware: mean(({ outcome }) => of(outcome.taskAware[t]!)),
        });
        return [
          ...stages.slice(0, t + 1).map(({ task }, j) => row(task, (values) => values[j]!)),
          row(allSeen, meanOf),
        ];
      }),
    };
  }).flatMap(({ rows, ...cell }) => rows.map((row) => ({ ...cell, ...row })));
}
