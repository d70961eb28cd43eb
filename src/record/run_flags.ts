/**
 * Signs that a run collapsed or learned nothing, in what it left behind.
 *
 * @module
 */
import { chanceLoss } from "../tasks/majority.ts";
import { computeMetrics, meritOf, primaryMetric } from "../tasks/metrics.ts";
import type { Probabilities, Task } from "../tasks/types.ts";
import { meanOf } from "../stats/mean.ts";
import type { Metrics, RunFlag } from "./types.ts";

/** What the flags of a finished run follow from. */
export interface EvaluatedRun {
  /** Of the last stage of a sequence, the task of that stage. */
  readonly task: Task;
  /** Targets of the training split of that task. */
  readonly trainTargets: readonly number[];
  /** Training losses of that task, step by step. */
  readonly losses: readonly number[];
  /** Targets and predictions of the evaluation that counts; of a sequence those of all its tasks. */
  readonly targets: readonly number[];
  readonly predictions: readonly number[];
  /** Metrics of that evaluation and of the majority's answer, or null for a sequence. */
  readonly scores: { readonly own: Metrics; readonly majority: Metrics } | null;
}

/** Steps at the end whose losses are averaged, at most; of a short run a quarter of its steps. */
const lastSteps = 50;

/**
 * How many times chance a training loss is that nothing explains but a collapse. Dropout alone brought regressions with a Pearson
 * correlation of 0.6 to 1.3 times chance, and a head without an adapter to 1.5.
 */
const lossFactor = 1.5;

/** Relative differences of predicted numbers that single precision makes. */
const rounding = 1e-6;

/** Whether all numbers are the same, but for rounding. */
function areAlike(values: readonly number[]): boolean {
  let [least, most, largest] = [Infinity, -Infinity, 0];
  for (const value of values) {
    least = Math.min(least, value);
    most = Math.max(most, value);
    largest = Math.max(largest, Math.abs(value));
  }
  return most - least <= rounding * largest;
}

/** Probabilities that leave nothing open; none of numbers. */
function sure({ output }: Task, targets: readonly number[]): Probabilities {
  return output.type === "regression"
    ? []
    : targets.map((target) => output.labels.map((_, label) => Number(label === target)));
}

/**
 * The signs, in the order of {@linkcode RunFlag}'s kinds; none where nothing is odd.
 *
 * - `one-class`: all predictions are the same, though the targets are not.
 * - `loss-above-chance`: the mean of the last losses (a quarter of the steps, 50 at most) is more than 1.5 times chance.
 * - `at-majority`: the primary metric is worse than the majority's, or equal to it where right predictions would do better.
 */
export function runFlags(run: EvaluatedRun): readonly RunFlag[] {
  const { task, trainTargets, losses, targets, predictions, scores } = run;
  const flags: RunFlag[] = [];
  const isOne = areAlike(predictions) && !areAlike(targets);
  if (isOne) flags.push({ kind: "one-class", prediction: predictions[0]! });
  const last = losses.slice(-Math.min(lastSteps, Math.ceil(losses.length / 4)));
  const loss = meanOf(last);
  const chance = chanceLoss(task.output, trainTargets);
  // Where training has one class only, chance is no loss at all.
  if (chance > 0 && loss > lossFactor * chance) {
    flags.push({ kind: "loss-above-chance", loss, chance });
  }
  if (scores !== null) {
    const metric = primaryMetric(task);
    const [score, majority] = [scores.own[metric]!, scores.majority[metric]!];
    const ahead = meritOf(metric, score) - meritOf(metric, majority);
    const best = score === majority
      ? computeMetrics(task, targets, targets, sure(task, targets))
      : null;
    if (ahead < 0 || (best !== null && best[metric] !== majority)) {
      flags.push({ kind: "at-majority", metric, score, majority });
    }
  }
  return flags;
}
