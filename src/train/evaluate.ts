/**
 * Evaluation of a model on a whole split.
 *
 * @module
 */
import type { DeviceTensor, Session } from "../exec/executor.ts";
import type { HostTensor } from "../graph/mod.ts";
import {
  accuracy,
  averageAccuracyName,
  averageTaskAwareName,
  computeMetrics,
  taskAwareName,
} from "../tasks/metrics.ts";
import { wholeSequence } from "../tasks/sequence.ts";
import type { Batch, ClassRange, SequenceStage, Task } from "../tasks/types.ts";
import type { Assembly } from "./assemble.ts";
import { batchDims, inputFeeds, type KeptFeeds } from "./feeds.ts";

/** A split that is evaluated. */
export interface EvaluationSplit {
  /** `dev`, or another split of the task; in a sequence the task's name. */
  readonly name: string;
  /** Every example once, in any order; `Batch.rows` says which. */
  readonly batches: readonly Batch[];
  /** Target of each example, in file order. */
  readonly targets: readonly number[];
  /** Row number of each example in its file. */
  readonly ids: readonly number[];
}

/** What an evaluation found. */
export interface Evaluation {
  /** Name of the {@linkcode EvaluationSplit}. */
  readonly split: string;
  /** Mean over the examples. */
  readonly loss: number;
  /** Every metric of the task by name. */
  readonly metrics: Readonly<Record<string, number>>;
  /** A class index or a score for each example, in file order. */
  readonly predictions: readonly number[];
  /** The logits of the classes for each example, rounded by {@linkcode roundedLogits}; absent where numbers are predicted. */
  readonly logits?: readonly (readonly number[])[];
}

/** Digits of a logit that count, which is what single precision computes reliably. */
const logitDigits = 6;

/** Logits rounded to 6 significant digits: metrics of probabilities follow from these, so that they can be computed again from a file. */
function roundedLogits(logits: ArrayLike<number>): readonly number[] {
  return Array.from(logits, (logit) => Number(logit.toPrecision(logitDigits)));
}

/** The probabilities of classes, in double precision. */
export function softmaxOf(logits: ArrayLike<number>): readonly number[] {
  const all = Array.from(logits);
  const top = all.reduce((most, logit) => Math.max(most, logit), -Infinity);
  const weights = all.map((logit) => Math.exp(logit - top));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
}

/** The metrics of predictions; NaN where the loss says that outputs are no numbers, whatever class comes first among those. */
function metricsOf(
  task: Task,
  targets: readonly number[],
  { loss, predictions, logits = [] }: Pick<Evaluation, "loss" | "predictions" | "logits">,
): Evaluation["metrics"] {
  if (Number.isFinite(loss)) {
    return computeMetrics(task, targets, predictions, logits.map(softmaxOf));
  }
  return Object.fromEntries(task.metrics.map((name) => [name, NaN]));
}

/** −log of the softmax of `logits` at `label`, stable. */
function crossEntropyOf(logits: ArrayLike<number>, label: number): number {
  let top = -Infinity;
  for (let i = 0; i < logits.length; i++) top = Math.max(top, logits[i]!);
  let sum = 0;
  for (let i = 0; i < logits.length; i++) sum += Math.exp(logits[i]! - top);
  return Math.log(sum) - (logits[label]! - top);
}

/**
 * The loss of one example: cross entropy, or for a score the squared error.
 *
 * @param classes The classes that count, or null for all. Default null.
 */
export function exampleLoss(
  { output }: Pick<Task, "output">,
  outputs: Float32Array,
  target: number,
  classes: ClassRange | null = null,
): number {
  if (output.type === "regression") return (outputs[0]! - target) ** 2;
  if (classes === null) return crossEntropyOf(outputs, target);
  const { first, count } = classes;
  return crossEntropyOf(outputs.subarray(first, first + count), target - first);
}

function largest(values: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i;
  return best;
}

/** What evaluates: an assembly with its evaluation program loaded. */
interface Evaluator {
  readonly assembly: Assembly;
  readonly evaluate: Session;
  /** What the program is fed in every run, such as weights. Default: nothing. */
  readonly fed?: Readonly<Record<string, DeviceTensor>>;
  /** The feeds of earlier evaluations by the same program. Default: they are made anew. */
  readonly keptFeeds?: KeptFeeds;
}

/** A model's outputs on a split: those of each example, in file order, each `[outputs]`. */
type SplitOutputs = readonly Float32Array[];

/** Puts a batch's logits, `[batch, outputs]`, in the places of its examples. */
export function placeOutputs(
  placed: Float32Array[],
  { rows }: Pick<Batch, "rows">,
  logits: HostTensor,
): void {
  const [, outputs] = logits.shape as readonly [number, number];
  // A runtime may use the numbers' memory again.
  const own = Float32Array.from(logits.data as Float32Array);
  rows.forEach((row, i) => placed[row] = own.subarray(i * outputs, (i + 1) * outputs));
}

/** A model's outputs on a split. */
export async function outputsOf(
  { assembly, evaluate, fed = {}, keptFeeds }: Evaluator,
  theta: DeviceTensor | HostTensor,
  split: EvaluationSplit,
): Promise<SplitOutputs> {
  const placed = new Array<Float32Array>(split.targets.length);
  const names = [...assembly.evaluationProgram.inputs.keys()];
  for (const batch of split.batches) {
    const make = () => inputFeeds(assembly, batch, names);
    const { read } = await evaluate.run({
      feeds: { theta, ...fed, ...(keptFeeds?.of(batch, make) ?? make()) },
      dims: batchDims(batch),
      read: ["logits"],
    });
    placeOutputs(placed, batch, read["logits"]!);
  }
  return placed;
}

/** The mean of a number over a split's examples, summed in the order of the batches. */
function meanOver({ batches, targets }: EvaluationSplit, of: (row: number) => number): number {
  let sum = 0;
  for (const { rows } of batches) for (const row of rows) sum += of(row);
  return sum / targets.length;
}

/** Evaluates parameters on a split. */
export async function evaluateSplit(
  programs: Evaluator,
  theta: DeviceTensor | HostTensor,
  task: Task,
  split: EvaluationSplit,
): Promise<Evaluation> {
  return splitEvaluation(task, split, await outputsOf(programs, theta, split));
}

/** What a model's outputs on a split are worth. */
function splitEvaluation(task: Task, split: EvaluationSplit, outputs: SplitOutputs): Evaluation {
  const predictions = outputs.map((own) =>
    task.output.type === "classification" ? largest(own) : own[0]!
  );
  const loss = meanOver(split, (row) => exampleLoss(task, outputs[row]!, split.targets[row]!));
  const found = {
    loss,
    predictions,
    ...(task.output.type === "regression" ? {} : { logits: outputs.map(roundedLogits) }),
  };
  return { split: split.name, metrics: metricsOf(task, split.targets, found), ...found };
}

/** What a model's outputs on one task of a sequence are worth: among the first `seen` classes, and among those of the task alone. */
function stageEvaluation(
  { classes: { first, count } }: SequenceStage,
  seen: number,
  split: EvaluationSplit,
  outputs: SplitOutputs,
): Evaluation {
  const predictions = outputs.map((own) => largest(own.subarray(0, seen)));
  const taskAware = outputs.map((own) => first + largest(own.subarray(first, first + count)));
  return {
    split: split.name,
    loss: meanOver(
      split,
      (row) => crossEntropyOf(outputs[row]!.subarray(0, seen), split.targets[row]!),
    ),
    metrics: {
      accuracy: accuracy(split.targets, predictions),
      [taskAwareName]: accuracy(split.targets, taskAware),
    },
    predictions,
    logits: outputs.map((own) => roundedLogits(own.subarray(0, seen))),
  };
}

/**
 * What a model's outputs on the tasks of a sequence that have been seen are worth.
 *
 * @param stages The stages up to the current one.
 * @param splits Their splits, in the same order; more are ignored.
 *
 * @returns The sequence as a whole first (means over its tasks, each of the same weight, and all predictions), then
 * each task.
 */
function sequenceEvaluations(
  stages: readonly SequenceStage[],
  splits: readonly EvaluationSplit[],
  outputs: readonly SplitOutputs[],
): readonly Evaluation[] {
  const seen = stages.reduce((sum, { classes }) => sum + classes.count, 0);
  const tasks = stages.map((stage, i) => stageEvaluation(stage, seen, splits[i]!, outputs[i]!));
  const mean = (of: (evaluation: Evaluation) => number) =>
    tasks.reduce((sum, evaluation) => sum + of(evaluation), 0) / tasks.length;
  const whole: Evaluation = {
    split: wholeSequence,
    loss: mean(({ loss }) => loss),
    metrics: {
      [averageAccuracyName]: mean(({ metrics }) => metrics["accuracy"]!),
      [averageTaskAwareName]: mean(({ metrics }) => metrics[taskAwareName]!),
    },
    predictions: tasks.flatMap(({ predictions }) => predictions),
  };
  return [whole, ...tasks];
}

interface Evaluated {
  readonly task: Task;
  /** Of a sequence, one for each task. */
  readonly splits: readonly EvaluationSplit[];
  /** Tasks of a sequence that have been seen. Default: all. */
  readonly seen?: number;
}

/** Evaluates parameters on every split that a run is evaluated on; the selected evaluation comes first. */
export async function evaluateAll(
  programs: Evaluator,
  theta: DeviceTensor | HostTensor,
  evaluated: Evaluated,
): Promise<readonly Evaluation[]> {
  const { task: { stages }, splits, seen } = evaluated;
  const outputs: SplitOutputs[] = [];
  for (const split of stages === undefined ? splits : splits.slice(0, seen ?? stages.length)) {
    outputs.push(await outputsOf(programs, theta, split));
  }
  return evaluationsOf(evaluated, outputs);
}

/**
 * The evaluations of a model's outputs on every split that a run is evaluated on; the selected evaluation comes first.
 *
 * @param outputs Those on each split; of a sequence, on each task that has been seen.
 */
export function evaluationsOf(
  { task, splits, seen }: Evaluated,
  outputs: readonly SplitOutputs[],
): readonly Evaluation[] {
  return task.stages === undefined
    ? splits.map((split, i) => splitEvaluation(task, split, outputs[i]!))
    : sequenceEvaluations(task.stages.slice(0, seen), splits, outputs);
}
