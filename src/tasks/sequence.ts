/**
 * A sequence of tasks as one task: the classes of all of them, one task's after the other's.
 *
 * @module
 */
import { meanOf } from "../stats/statistics.ts";
import type { SequenceStage, Task } from "./types.ts";

/**
 * The task that stands for a sequence. A class is called `task: label`, since two tasks may have a label in common.
 *
 * @param tasks In the order in which they are learned.
 * @throws {RangeError} If there are fewer than two, one comes twice, or one is no classification.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { findTask } from "./catalog.ts";
 * const sequence = sequenceTask("Both", [findTask("Genre"), findTask("Acceptability")]);
 * assertEquals(sequence.stages?.map(({ classes }) => classes.first), [0, 3]);
 * ```
 */
export function sequenceTask(name: string, tasks: readonly Task[]): Task {
  const refuse = (problem: string): never => {
    throw new RangeError(`Cannot make the sequence "${name}": ${problem}`);
  };
  if (tasks.length < 2) refuse(`found ${tasks.length} tasks, wanted at least 2`);
  const stages: SequenceStage[] = [];
  const labels: string[] = [];
  for (const { name: task, output } of tasks) {
    if (stages.some((stage) => stage.task === task)) refuse(`found "${task}" twice`);
    if (output.type !== "classification") {
      return refuse(`found the regression "${task}", wanted classifications`);
    }
    if (output.perChoice === true) {
      return refuse(`found "${task}", which scores choices, wanted tasks with classes`);
    }
    stages.push({ task, classes: { first: labels.length, count: output.labels.length } });
    labels.push(...output.labels.map((label) => `${task}: ${label}`));
  }
  return {
    name,
    title: tasks.map(({ title }) => title).join("; then: "),
    output: { type: "classification", labels },
    metrics: ["accuracy"],
    stages,
    splits: {},
    source: "sequence",
  };
}

/** What the evaluation of a sequence as a whole is called, beside those of its tasks; no task has a space in its name. */
export const wholeSequence = "all tasks";

/**
 * Accuracies after each stage, `matrix[t][j]` that on task j after stage t, both from 0: row t has t + 1 entries, since
 * later tasks have not been seen.
 */
type AccuracyMatrix = readonly (readonly number[])[];

/**
 * The average accuracy A after the last stage: the mean over tasks, each of the same weight.
 *
 * Source: D. Lopez-Paz and M. Ranzato, "Gradient Episodic Memory for Continual Learning", NeurIPS 2017
 * (arXiv 1706.08840), the metric called ACC.
 */
export function averageAccuracy(matrix: AccuracyMatrix): number {
  return meanOf(matrix.at(-1)!);
}

/**
 * The mean of the average accuracies after each stage: the "average over time" of class-incremental papers, SD-LoRA
 * (arXiv 2501.13198) among them.
 */
export function accuracyOverTime(matrix: AccuracyMatrix): number {
  return meanOf(matrix.map(meanOf));
}

/**
 * How much was forgotten: for each task but the last, its best accuracy before the last stage less the one after it;
 * their mean. Negative where later stages helped.
 *
 * Source: A. Chaudhry et al., "Riemannian Walk for Incremental Learning: Understanding Forgetting and Intransigence",
 * ECCV 2018 (arXiv 1801.10112), "Forgetting measure".
 *
 * @param matrix At least two stages.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * // Task 0 falls from 0.75 to 0.5, task 1 rises from 0.25 to 0.5.
 * assertEquals(forgetting([[0.75], [0.5, 0.25], [0.5, 0.5, 1]]), 0);
 * ```
 */
export function forgetting(matrix: AccuracyMatrix): number {
  const last = matrix.at(-1)!;
  const before = matrix.slice(0, -1);
  return meanOf(
    last.slice(0, -1).map((accuracy, task) =>
      Math.max(...before.slice(task).map((row) => row[task]!)) - accuracy
    ),
  );
}
