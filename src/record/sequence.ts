/**
 * What a sequence of tasks came to, read from the evaluations of its run.
 *
 * @module
 */
import { taskAwareName } from "../tasks/metrics.ts";
import { accuracyOverTime, averageAccuracy, forgetting } from "../tasks/sequence.ts";
import type { EvaluationLine, SequenceOutcome } from "./types.ts";

/**
 * The accuracies after each stage and what follows from them.
 *
 * @param stages At least two.
 * @param lines Evaluations of the run, those after other steps among them.
 *
 * @throws {RangeError} If a task was not evaluated after a stage.
 */
export function sequenceOutcome(
  stages: SequenceOutcome["stages"],
  lines: readonly EvaluationLine[],
): SequenceOutcome {
  const matrixOf = (metric: string) =>
    stages.map(({ firstStep, steps }, t) =>
      stages.slice(0, t + 1).map(({ task }) => {
        const step = firstStep + steps;
        const line = lines.find((line) => line.step === step && line.split === task);
        const value = line?.metrics[metric];
        if (value !== undefined) return value;
        throw new RangeError(
          `Cannot tell what the sequence came to: found no ${metric} of "${task}" after step ${step}`,
        );
      })
    );
  const classIncremental = matrixOf("accuracy");
  return {
    stages,
    classIncremental,
    taskAware: matrixOf(taskAwareName),
    averageAccuracy: averageAccuracy(classIncremental),
    accuracyOverTime: accuracyOverTime(classIncremental),
    forgetting: forgetting(classIncremental),
  };
}
