/**
 * The metrics that tasks are evaluated by.
 *
 * Targets and predictions are class indices (classification) or scores (regression), as arrays of the
 * same length. Which way a metric is better is part of it: of one of a study's own, of its name.
 *
 * Where a figure is undefined, it is what a prediction without information deserves: 0 for Matthews
 * (as scikit-learn) and the correlations (SciPy gives NaN, which no record could hold) where either side is
 * constant, for F1 and average precision (as scikit-learn) where no row is positive, and for R² where targets are
 * constant and missed (as scikit-learn); 0.5 for AUROC where all rows are of one class. Macro-F1 leaves out a class
 * that is on neither side (as scikit-learn).
 *
 * @module
 */
import { correlation, meanOf, rankCorrelation } from "../stats/statistics.ts";
import { errorMessage } from "../base/input_error.ts";
import { unknownName } from "../base/suggest.ts";
import type { Metric, MetricName, Probabilities, Task, TaskOutput } from "./types.ts";

/** The share of rows that are right. */
export function accuracy(targets: ArrayLike<number>, predictions: ArrayLike<number>): number {
  const length = checkedLength("accuracy", targets, predictions);
  let right = 0;
  for (let i = 0; i < length; i++) if (targets[i] === predictions[i]) right++;
  return right / length;
}

/** F1 of class 1: 2·TP / (2·TP + FP + FN); 0 where class 1 occurs on neither side. */
function f1(targets: ArrayLike<number>, predictions: ArrayLike<number>): number {
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
function macroF1(targets: ArrayLike<number>, predictions: ArrayLike<number>): number {
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
function matthews(targets: ArrayLike<number>, predictions: ArrayLike<number>): number {
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
function pearson(targets: ArrayLike<number>, predictions: ArrayLike<number>): number {
  checkedLength("pearson", targets, predictions);
  return correlation(Array.from(targets), Array.from(predictions)) ?? 0;
}

/** Spearman's rank correlation, equal values sharing their average rank; 0 where either side is constant. */
function spearman(targets: ArrayLike<number>, predictions: ArrayLike<number>): number {
  checkedLength("spearman", targets, predictions);
  return rankCorrelation(Array.from(targets), Array.from(predictions)) ?? 0;
}

/** The mean over rows of a number that follows from the row's probabilities and its target. */
function meanOfRows(
  metric: MetricName,
  targets: ArrayLike<number>,
  probabilities: Probabilities,
  of: (own: ArrayLike<number>, target: number) => number,
): number {
  checkedLength(metric, targets, probabilities);
  return meanOf(probabilities.map((own, row) => of(own, targets[row]!)));
}

/** The rows by falling probability of class 1, those of equal probability together: how many there are, and how many are of class 1. */
function tiedRows(
  metric: MetricName,
  targets: ArrayLike<number>,
  probabilities: Probabilities,
): readonly { readonly rows: number; readonly positives: number }[] {
  checkedLength(metric, targets, probabilities);
  const ofOne = Float64Array.from(probabilities, (own) => own[1]!);
  const order = Uint32Array.from(ofOne.keys()).sort((a, b) => ofOne[b]! - ofOne[a]!);
  const groups: { rows: number; positives: number }[] = [];
  let last = NaN;
  for (const row of order) {
    if (ofOne[row] !== last) groups.push({ rows: 0, positives: 0 });
    last = ofOne[row]!;
    const group = groups.at(-1)!;
    group.rows++;
    group.positives += Number(targets[row] === 1);
  }
  return groups;
}

/**
 * The area under the ROC curve of class 1: how often a row of class 1 gets a higher probability than one of class 0, where
 * equal ones count half; 0.5 where all rows are of one class.
 */
function auroc(
  targets: ArrayLike<number>,
  _predictions: ArrayLike<number>,
  probabilities: Probabilities,
): number {
  let [above, ordered, negativesInAll] = [0, 0, 0];
  for (const { rows, positives } of tiedRows("auroc", targets, probabilities)) {
    const negatives = rows - positives;
    ordered += negatives * (above + positives / 2);
    above += positives;
    negativesInAll += negatives;
  }
  return above === 0 || negativesInAll === 0 ? 0.5 : ordered / (above * negativesInAll);
}

/** The precision at each threshold on the probability of class 1, weighted by the recall that it gains; 0 without such rows. */
function averagePrecision(
  targets: ArrayLike<number>,
  _predictions: ArrayLike<number>,
  probabilities: Probabilities,
): number {
  let [seen, found, sum] = [0, 0, 0];
  for (const { rows, positives } of tiedRows("averagePrecision", targets, probabilities)) {
    seen += rows;
    found += positives;
    sum += positives * found / seen;
  }
  return found === 0 ? 0 : sum / found;
}

/** The mean of −log of the target's probability, in nats; a probability counts as no less than 2⁻⁵², as in scikit-learn. */
function logLoss(
  targets: ArrayLike<number>,
  _predictions: ArrayLike<number>,
  probabilities: Probabilities,
): number {
  return meanOfRows(
    "logLoss",
    targets,
    probabilities,
    (own, target) => -Math.log(Math.max(Number.EPSILON, own[target]!)),
  );
}

/** The mean squared distance of the probabilities from the target's 1 and the others' 0, halved for two classes, as in scikit-learn. */
function brier(
  targets: ArrayLike<number>,
  _predictions: ArrayLike<number>,
  probabilities: Probabilities,
): number {
  return meanOfRows("brier", targets, probabilities, (own, target) => {
    let sum = 0;
    for (let k = 0; k < own.length; k++) sum += (own[k]! - Number(k === target)) ** 2;
    return own.length === 2 ? sum / 2 : sum;
  });
}

/** Bins of the expected calibration error. */
const calibrationBins = 15;

/**
 * Expected calibration error: |accuracy − confidence| in 15 bins of equal width, each by its share of rows. A row's confidence
 * is its largest probability, and a bin holds its upper edge.
 *
 * Source: C. Guo et al., "On Calibration of Modern Neural Networks", ICML 2017, equation 3.
 */
function ece(
  targets: ArrayLike<number>,
  predictions: ArrayLike<number>,
  probabilities: Probabilities,
): number {
  const length = checkedLength("ece", targets, probabilities);
  const gaps = new Float64Array(calibrationBins);
  for (const [row, own] of probabilities.entries()) {
    let confidence = 0;
    for (let k = 0; k < own.length; k++) confidence = Math.max(confidence, own[k]!);
    const bin = Math.max(0, Math.ceil(confidence * calibrationBins) - 1);
    gaps[bin]! += Number(targets[row] === predictions[row]) - confidence;
  }
  return gaps.reduce((sum, gap) => sum + Math.abs(gap), 0) / length;
}

/** The mean of a function of the errors. */
function meanError(
  metric: MetricName,
  targets: ArrayLike<number>,
  predictions: ArrayLike<number>,
  of: (error: number) => number,
): number {
  checkedLength(metric, targets, predictions);
  return meanOf(Array.from(targets, (target, row) => of(target - predictions[row]!)));
}

function mae(targets: ArrayLike<number>, predictions: ArrayLike<number>): number {
  return meanError("mae", targets, predictions, Math.abs);
}

/** The root of the mean squared error. */
function rmse(targets: ArrayLike<number>, predictions: ArrayLike<number>): number {
  return Math.sqrt(meanError("rmse", targets, predictions, (error) => error ** 2));
}

/** The share of the targets' variance that the predictions explain; of constant targets 1 where all are met, else 0. */
function r2(targets: ArrayLike<number>, predictions: ArrayLike<number>): number {
  const left = meanError("r2", targets, predictions, (error) => error ** 2);
  const center = meanOf(Array.from(targets));
  const all = meanOf(Array.from(targets, (target) => (target - center) ** 2));
  return all === 0 ? Number(left === 0) : 1 - left / all;
}

/** The metrics that ranklab brings along, by name. */
export const metrics: Readonly<Record<MetricName, Metric>> = Object.fromEntries(
  ([
    ["matthews", "classification", "higher", false, matthews],
    ["accuracy", "classification", "higher", false, accuracy],
    ["f1", "classification", "higher", true, f1],
    ["macroF1", "classification", "higher", false, macroF1],
    ["auroc", "classification", "higher", true, auroc],
    ["averagePrecision", "classification", "higher", true, averagePrecision],
    ["logLoss", "classification", "lower", false, logLoss],
    ["brier", "classification", "lower", false, brier],
    ["ece", "classification", "lower", false, ece],
    ["pearson", "regression", "higher", false, pearson],
    ["spearman", "regression", "higher", false, spearman],
    ["mae", "regression", "lower", false, mae],
    ["rmse", "regression", "lower", false, rmse],
    ["r2", "regression", "higher", false, r2],
  ] as const).map(([name, output, better, binary, compute]) => [
    name,
    { name, output, better, binary, compute },
  ]),
) as Record<MetricName, Metric>;

/** What the name of a study's own metric ends with where lower is better, so that all who read a record know it. */
export const lowerMark = "↓";

/** What the name of a metric that was computed elsewhere ends with, before {@linkcode lowerMark}, where it is a share within [−1, 1]. */
export const shareMark = "%";

/** A metric's name without its marks, and whether it has that of a share. */
export function unmarked(name: string): { readonly title: string; readonly isShare: boolean } {
  const whole = name.endsWith(lowerMark) ? name.slice(0, -lowerMark.length) : name;
  const isShare = whole.endsWith(shareMark);
  return { title: isShare ? whole.slice(0, -shareMark.length) : whole, isShare };
}

/** Whether a higher value of a metric is better: ranklab's own says so, and any other's name. */
export function isHigherBetter(name: string): boolean {
  return Object.hasOwn(metrics, name)
    ? metrics[name as MetricName].better === "higher"
    : !name.endsWith(lowerMark);
}

/** Least and most values of the metrics for which they are not 0 and 1. */
const ranges: Readonly<Partial<Record<MetricName, readonly [number, number]>>> = {
  matthews: [-1, 1],
  pearson: [-1, 1],
  spearman: [-1, 1],
  brier: [0, 2],
  logLoss: [0, Infinity],
  mae: [0, Infinity],
  rmse: [0, Infinity],
  r2: [-Infinity, 1],
};

/** The least and the most that a metric can be; of one of a study's own nothing is known. */
export function rangeOf(name: string): readonly [number, number] {
  if (Object.hasOwn(metrics, name)) return ranges[name as MetricName] ?? [0, 1];
  if (name === averageAccuracyName) return [0, 1];
  return unmarked(name).isShare ? [-1, 1] : [-Infinity, Infinity];
}

/** Whether a metric's highest value is known, so that its values are those of a share or a correlation. */
export function hasBound(name: string): boolean {
  return Number.isFinite(rangeOf(name)[1]);
}

/**
 * What a gain of a score is counted in: 1 where the best score is that of a share or a correlation, else the size of the score,
 * since a log loss, an error in the units of its labels and a metric of a study's own have no scale in common.
 */
export function gainUnit(name: string, score: number): number {
  return hasBound(name) ? 1 : Math.abs(score) || 1;
}

/** A metric's value, turned over where lower is better: what is compared. */
export function meritOf(name: string, value: number): number {
  return isHigherBetter(name) ? value : -value;
}

/** The metric of a sequence as a whole: the mean of its tasks' accuracies among the classes seen so far. */
export const averageAccuracyName = "average_accuracy";

/** A task's accuracy among its own classes, as if it were known which task an example is of. */
export const taskAwareName = "task_aware_accuracy";

/** The mean of the tasks' {@linkcode taskAwareName}. */
export const averageTaskAwareName = "average_task_aware_accuracy";

/** The metric that a task is evaluated by: the first it declares, or a sequence's average accuracy. */
export function primaryMetric(task: Task): string {
  if (task.stages !== undefined) return averageAccuracyName;
  const [first] = task.metrics;
  if (first === undefined) {
    throw new Error(`The task "${task.name}" declares no metric, wanted one`);
  }
  return first;
}

/**
 * What is wrong with a task's list of metrics, each with its place; none where all fit.
 *
 * @param own Those that it may name beside ranklab's. Default: none.
 * @param isWhole Whether these are all; else one that is not known was checked before. Default true.
 */
export function misfits(
  names: readonly string[],
  output: TaskOutput,
  own: readonly Metric[] = [],
  isWhole = true,
): readonly (readonly [number, string])[] {
  const known = [...Object.values(metrics), ...own];
  return names.flatMap((name, index): readonly (readonly [number, string])[] => {
    if (names.indexOf(name) < index) return [[index, `found "${name}" a second time`]];
    const metric = known.find((one) => one.name === name);
    if (metric === undefined) {
      return isWhole ? [[index, unknownName("metric", name, known.map((one) => one.name))]] : [];
    }
    if (metric.output !== output.type) {
      const fitting = known.filter((one) => one.output === output.type);
      return [[
        index,
        `found "${name}", which evaluates ${metric.output}, yet the labels make the task a ${output.type}; ` +
        `choose among ${fitting.map((other) => `"${other.name}"`).join(", ")}`,
      ]];
    }
    return metric.binary && output.type === "classification" && output.labels.length !== 2
      ? [[index, `found "${name}", which wants 2 labels, yet there are ${output.labels.length}`]]
      : [];
  });
}

/**
 * All metrics of a task, in its order.
 *
 * @param targets Class indices or scores, one a row.
 * @param predictions The model's class indices or scores for the same rows.
 * @param probabilities Those of each row's classes. Default: none, for metrics that take none.
 * @throws {RangeError} If there are no rows, the lengths differ, or a value is no class of the task or not finite.
 * @throws {TypeError} If a metric of the study's own throws or gives no finite number.
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { glueTasks } from "./catalog.ts";
 * const mrpc = glueTasks.find((task) => task.name === "MRPC")!;
 * assertEquals(computeMetrics(mrpc, [1, 1, 0, 0], [1, 0, 0, 0]), { accuracy: 0.75, f1: 2 / 3 });
 * ```
 */
export function computeMetrics(
  task: Task,
  targets: ArrayLike<number>,
  predictions: ArrayLike<number>,
  probabilities: Probabilities = [],
): Readonly<Record<string, number>> {
  checkValues(task, "target", targets);
  checkValues(task, "prediction", predictions);
  return Object.fromEntries(task.metrics.map((name) => {
    const own = task.ownMetrics?.find((metric) => metric.name === name);
    const metric = own ?? (Object.hasOwn(metrics, name) ? metrics[name as MetricName] : null);
    const of = own?.origin === undefined ? "" : ` of "${own.origin.module}"`;
    const fail = (found: string, wanted: string, cause?: unknown): never => {
      throw new TypeError(
        `Cannot evaluate "${task.name}" by the metric "${name}"${of}: ${found}, want ${wanted}`,
        { cause },
      );
    };
    if (metric === null) return fail("found no function of that name", "one that was loaded");
    const rows = `${targets.length} rows`;
    const numbers = "a finite number, also where all predictions are of one class";
    let value: unknown;
    try {
      value = metric.compute(targets, predictions, probabilities);
    } catch (error) {
      if (own === undefined) throw error;
      fail(`its function threw "${errorMessage(error)}" for ${rows}`, numbers, error);
    }
    if (typeof value === "number" && (own === undefined || Number.isFinite(value))) {
      return [name, value];
    }
    return fail(`its function gave ${String(value)} for ${rows}`, numbers);
  }));
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
  predictions: ArrayLike<unknown>,
): number {
  if (targets.length === predictions.length && targets.length > 0) return targets.length;
  throw new RangeError(
    `Cannot compute "${metric}": found ${targets.length} targets and ${predictions.length} predictions, ` +
      "wanted the same number of both, at least one",
  );
}
