/**
 * What a record says of a run by its journals: what its steps and a sequence came to, and whether it learned anything.
 *
 * @module
 */
import { selectedOf } from "../study/grid/steps.ts";
import type { TrainSettings } from "../study/schema/settings.ts";
import { median } from "simple-statistics";
import type {
  EvaluationLine,
  Metrics,
  RecordedResult,
  RunFlag,
  SequenceOutcome,
  StepLine,
} from "../record/types.ts";
import { chanceLoss, sureOf } from "../tasks/majority.ts";
import { computeMetrics, meritOf, primaryMetric, taskAwareName } from "../tasks/metrics.ts";
import type { Task } from "../tasks/types.ts";
import { meanOf } from "../stats/statistics.ts";
import { accuracyOverTime, averageAccuracy, forgetting } from "../tasks/sequence.ts";

interface EvaluatedRun {
  /** Of the last stage of a sequence, the task of that stage. */
  readonly task: Task;
  /** Targets of the training split of that task. */
  readonly trainTargets: readonly number[];
  /** Training losses of that task, step by step. */
  readonly losses: readonly number[];
  /** Targets and predictions of the selected evaluation; of a sequence those of all its tasks. */
  readonly targets: readonly number[];
  readonly predictions: readonly number[];
  /** Metrics of that evaluation and of the majority's answer, or null for a sequence. */
  readonly scores: { readonly own: Metrics; readonly majority: Metrics } | null;
}

/** Steps at the end whose losses are averaged, at most. */
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
      ? computeMetrics(task, targets, targets, sureOf(task, targets))
      : null;
    if (ahead < 0 || (best !== null && best[metric] !== majority)) {
      flags.push({ kind: "at-majority", metric, score, majority });
    }
  }
  return flags;
}

type StepFigures =
  & Pick<RecordedResult, "epochs" | "finalTrainLoss">
  & Pick<RecordedResult["time"], "medianStepMillis" | "tokensPerSecond">;

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/**
 * Sums up steps, in the order in which they were made.
 *
 * @returns `finalTrainLoss` is the mean of the last 50 losses, null without a step; `tokensPerSecond` counts the time of
 * steps alone.
 */
export function stepFigures(steps: readonly StepLine[]): StepFigures {
  const recent = steps.slice(-lastSteps).map(({ loss }) => loss);
  const millis = steps.map(({ stepMillis }) => stepMillis);
  return {
    epochs: steps.at(-1)?.epoch ?? 0,
    finalTrainLoss: recent.length === 0 ? null : sum(recent) / recent.length,
    medianStepMillis: millis.length === 0 ? 0 : median(millis),
    tokensPerSecond: steps.length === 0
      ? 0
      : sum(steps.map(({ tokens }) => tokens)) / sum(millis) * 1000,
  };
}

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

/**
 * A metric of a run as if it had ended after a step: of the last evaluation until then, or the best one.
 *
 * @param evaluations Its journal.
 * @param keep Which evaluation counts.
 * @returns null where there was none, or it is no number.
 */
export function scoreAt(
  step: number,
  metric: string,
  evaluations: readonly EvaluationLine[],
  keep: TrainSettings["keep"],
): number | null {
  // Of the lines of a step, the first is that of the split that counts.
  const scores = [...Map.groupBy(evaluations, (line) => line.step).values()]
    .filter(([line]) => line!.step <= step)
    .map(([line]) => line!.metrics[metric] ?? NaN);
  const merits = scores.flatMap((score) => Number.isNaN(score) ? [] : [meritOf(metric, score)]);
  const best = meritOf(metric, Math.max(...merits));
  const score = selectedOf(keep, { best, last: scores.at(-1) ?? NaN });
  return Number.isFinite(score) ? score : null;
}
