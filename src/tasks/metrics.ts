/**
 * The metrics that tasks are evaluated by.
 *
 * Targets and predictions are class indices (classification) or scores (regression), as arrays of the
 * same length. All metrics are better when higher and at most 1.
 *
 * Where a figure is undefined, it is 0, which is what a prediction without information deserves: Matthews
 * (as scikit-learn) and the correlations (SciPy gives NaN, which no record could hold) where either side is
 * constant, F1 (as scikit-learn) where no row is positive on either side. Macro-F1 leaves out a class that is on
 * neither side (as scikit-learn).
 *
 * @module
 */
import { correlation, rankCorrelation } from "../stats/correlation.ts";
import type { MetricName, Task, TaskOutput } from "./types.ts";

/** A metric as data. */
export interface Metric {
  /** Key in records, and in a task's `metrics`. */
  readonly name: MetricName;
  /** How tables and charts call it. */
  readonly title: string;
  /** The kind of task it evaluates. */
  readonly output: TaskOutput["type"];
  /** Whether it is defined for two classes only. */
  readonly binary: boolean;
  /** From class indices or scores of the same length; 0 where the metric is undefined. */
  readonly compute: (targets: ArrayLike<number>, predictions: ArrayLike<number>) => number;
}

/** The share of rows that are right. */
export function accuracy(targets: ArrayLike<number>, predictions: ArrayLike<number>): number {
  const length = checkedLength("accuracy", targets, predictions);
  let right = 0;
  for (let i = 0; i < length; i++) if (targets[i] === predictions[i]) right++;
  return right / length;
}

/** F1 of class 1: 2·TP / (2·TP + FP + FN); 0 where class 1 occurs on neither side. */
export function f1(targets: ArrayLike<number>, predictions: ArrayLike<number>): number {
  const length = checkedLength("f1", targets, predictions);
  let truePositives = 0;
  let positives = 0;
  for (let i = 0; i < length; i++) {
    const isTarget = targets[i] === 1;
    const isPredicted = predictions[i] === 1;
    if (isTarget && isPredicted) truePositives++;
    positives += Number(isTarget) + Number(isPredicted);
  }
  return positives === 0 ? 0 : (2 * truePositives) / positives;
}

/**
 * The mean of the F1 of each class, all of the same weight, over the classes that occur among targets or predictions.
 *
 * As scikit-learn's `f1_score(targets, predictions, average="macro")`: a class that is only predicted, or never, has 0.
 */
export function macroF1(targets: ArrayLike<number>, predictions: ArrayLike<number>): number {
  const length = checkedLength("macroF1", targets, predictions);
  const right = new Map<number, number>();
  const sides = new Map<number, number>();
  const count = (counts: Map<number, number>, label: number) =>
    counts.set(label, (counts.get(label) ?? 0) + 1);
  for (let i = 0; i < length; i++) {
    const target = targets[i]!;
    const prediction = predictions[i]!;
    if (target === prediction) count(right, target);
    count(sides, target);
    count(sides, prediction);
  }
  let sum = 0;
  for (const [label, both] of sides) sum += (2 * (right.get(label) ?? 0)) / both;
  return sum / sides.size;
}

/**
 * Matthews' correlation of class indices, in Gorodkin's form for any number of classes; 0 where either side is constant.
 *
 * Source: J. Gorodkin, "Comparing two K-category assignments by a K-category correlation coefficient",
 * Computational Biology and Chemistry 28 (2004), equation 8.
 */
export function matthews(targets: ArrayLike<number>, predictions: ArrayLike<number>): number {
  const length = checkedLength("matthews", targets, predictions);
  const perTarget = new Map<number, number>();
  const perPrediction = new Map<number, number>();
  let right = 0;
  for (let i = 0; i < length; i++) {
    const target = targets[i]!;
    const prediction = predictions[i]!;
    if (target === prediction) right++;
    perTarget.set(target, (perTarget.get(target) ?? 0) + 1);
    perPrediction.set(prediction, (perPrediction.get(prediction) ?? 0) + 1);
  }
  let agreement = 0;
  let targetSquares = 0;
  let predictionSquares = 0;
  for (const [label, count] of perTarget) {
    agreement += count * (perPrediction.get(label) ?? 0);
    targetSquares += count * count;
  }
  for (const count of perPrediction.values()) predictionSquares += count * count;
  const square = length * length;
  const spread = (square - targetSquares) * (square - predictionSquares);
  return spread === 0 ? 0 : (right * length - agreement) / Math.sqrt(spread);
}

/** Pearson's correlation; 0 where either side is constant. */
export function pearson(targets: ArrayLike<number>, predictions: ArrayLike<number>): number {
  checkedLength("pearson", targets, predictions);
  return correlation(Array.from(targets), Array.from(predictions)) ?? 0;
}

/** Spearman's rank correlation, equal values sharing their average rank; 0 where either side is constant. */
export function spearman(targets: ArrayLike<number>, predictions: ArrayLike<number>): number {
  checkedLength("spearman", targets, predictions);
  return rankCorrelation(Array.from(targets), Array.from(predictions)) ?? 0;
}

/** All metrics by name. */
export const metrics: Readonly<Record<MetricName, Metric>> = {
  matthews: {
    name: "matthews",
    title: "Matthews correlation",
    output: "classification",
    binary: false,
    compute: matthews,
  },
  accuracy: {
    name: "accuracy",
    title: "Accuracy",
    output: "classification",
    binary: false,
    compute: accuracy,
  },
  f1: {
    name: "f1",
    title: "F1",
    output: "classification",
    binary: true,
    compute: f1,
  },
  macroF1: {
    name: "macroF1",
    title: "Macro-F1",
    output: "classification",
    binary: false,
    compute: macroF1,
  },
  pearson: {
    name: "pearson",
    title: "Pearson correlation",
    output: "regression",
    binary: false,
    compute: pearson,
  },
  spearman: {
    name: "spearman",
    title: "Spearman correlation",
    output: "regression",
    binary: false,
    compute: spearman,
  },
};

/** The metric of a sequence as a whole: the mean of its tasks' accuracies among the classes seen so far. */
export const averageAccuracyName = "average_accuracy";

/** A task's accuracy among its own classes, as if it were known which task an example is of. */
export const taskAwareName = "task_aware_accuracy";

/** The mean of the tasks' {@linkcode taskAwareName}. */
export const averageTaskAwareName = "average_task_aware_accuracy";

/** A metric that a run is evaluated by. */
export type HeadlineMetric = MetricName | typeof averageAccuracyName;

/** The metric that a task is evaluated by: the first it declares, or a sequence's average accuracy. */
export function primaryMetric(task: Task): HeadlineMetric {
  if (task.stages !== undefined) return averageAccuracyName;
  const [first] = task.metrics;
  if (first === undefined) {
    throw new Error(`The task "${task.name}" declares no metric, wanted one`);
  }
  return first;
}

/**
 * All metrics of a task, in its order.
 *
 * @param targets Class indices or scores, one a row.
 * @param predictions The model's class indices or scores for the same rows.
 * @throws {RangeError} If there are no rows, the lengths differ, or a value is no class of the task or not finite.
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { glueTasks } from "./glue.ts";
 * const mrpc = glueTasks.find((task) => task.name === "MRPC")!;
 * assertEquals(computeMetrics(mrpc, [1, 1, 0, 0], [1, 0, 0, 0]), { accuracy: 0.75, f1: 2 / 3 });
 * ```
 */
export function computeMetrics(
  task: Task,
  targets: ArrayLike<number>,
  predictions: ArrayLike<number>,
): Readonly<Record<string, number>> {
  checkValues(task, "target", targets);
  checkValues(task, "prediction", predictions);
  return Object.fromEntries(
    task.metrics.map((name) => [name, metrics[name].compute(targets, predictions)]),
  );
}

function checkValues(task: Task, what: string, values: ArrayLike<number>): void {
  const output = task.output;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    const isFine = output.type === "regression"
      ? Number.isFinite(value)
      : Number.isInteger(value) && value >= 0 && value < output.labels.length;
    if (isFine) continue;
    throw new RangeError(
      `Cannot compute metrics of "${task.name}": the ${what} of row ${i} is ${value}, wanted ` +
        (output.type === "regression"
          ? "a finite number"
          : `a class from 0 to ${output.labels.length - 1}`),
    );
  }
}

function checkedLength(
  metric: MetricName,
  targets: ArrayLike<number>,
  predictions: ArrayLike<number>,
): number {
  if (targets.length === predictions.length && targets.length > 0) return targets.length;
  throw new RangeError(
    `Cannot compute "${metric}": found ${targets.length} targets and ${predictions.length} predictions, ` +
      "wanted equally many and at least one",
  );
}
