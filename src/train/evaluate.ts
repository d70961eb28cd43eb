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
import { batchDims, inputFeeds } from "./feeds.ts";

/** A split that is evaluated. */
export interface EvaluationSplit {
  readonly name: string;
  readonly batches: readonly Batch[];
  /** Target of each example, in file order. */
  readonly targets: readonly number[];
  /** Row number of each example in its file. */
  readonly ids: readonly number[];
}

/** What an evaluation found. */
export interface Evaluation {
  readonly split: string;
  readonly loss: number;
  readonly metrics: Readonly<Record<string, number>>;
  /** A class index or a score for each example, in file order. */
  readonly predictions: readonly number[];
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
export interface Evaluator {
  readonly assembly: Assembly;
  readonly evaluate: Session;
  /** What the program is fed in every run, such as weights. Default: nothing. */
  readonly fed?: Readonly<Record<string, DeviceTensor>>;
}

/** Calls `visit` with each row of a split and its outputs, which are valid during the call. */
async function forEachRow(
  { assembly, evaluate, fed = {} }: Evaluator,
  theta: DeviceTensor | HostTensor,
  split: EvaluationSplit,
  visit: (row: number, outputs: Float32Array) => void,
): Promise<void> {
  for (const batch of split.batches) {
    const { read } = await evaluate.run({
      feeds: { theta, ...fed, ...inputFeeds(assembly, batch) },
      dims: batchDims(batch),
      read: ["logits"],
    });
    const logits = read["logits"]!.data as Float32Array;
    batch.rows.forEach((row, i) =>
      visit(row, logits.subarray(i * assembly.outputs, (i + 1) * assembly.outputs))
    );
  }
}

/** Evaluates parameters on a split. */
export async function evaluateSplit(
  programs: Evaluator,
  theta: DeviceTensor | HostTensor,
  task: Task,
  split: EvaluationSplit,
): Promise<Evaluation> {
  const predictions = new Array<number>(split.targets.length);
  let lossSum = 0;
  await forEachRow(programs, theta, split, (row, outputs) => {
    const target = split.targets[row]!;
    predictions[row] = task.output.type === "classification" ? largest(outputs) : outputs[0]!;
    lossSum += exampleLoss(task, outputs, target);
  });
  return {
    split: split.name,
    loss: lossSum / split.targets.length,
    metrics: computeMetrics(task, split.targets, predictions),
    predictions,
  };
}

/** Evaluates one task of a sequence: among the first `seen` classes, and among those of the task alone. */
async function evaluateStage(
  programs: Evaluator,
  theta: DeviceTensor | HostTensor,
  { split, stage, seen }: {
    readonly split: EvaluationSplit;
    readonly stage: SequenceStage;
    readonly seen: number;
  },
): Promise<Evaluation> {
  const count = split.targets.length;
  const predictions = new Array<number>(count);
  const taskAware = new Array<number>(count);
  let lossSum = 0;
  await forEachRow(programs, theta, split, (row, outputs) => {
    const { first, count } = stage.classes;
    predictions[row] = largest(outputs.subarray(0, seen));
    taskAware[row] = first + largest(outputs.subarray(first, first + count));
    lossSum += crossEntropyOf(outputs.subarray(0, seen), split.targets[row]!);
  });
  return {
    split: split.name,
    loss: lossSum / count,
    metrics: {
      accuracy: accuracy(split.targets, predictions),
      [taskAwareName]: accuracy(split.targets, taskAware),
    },
    predictions,
  };
}

/**
 * Evaluates parameters on the tasks of a sequence that have been seen.
 *
 * @param stages The stages up to the current one.
 * @param splits Their splits, in the same order; more are ignored.
 *
 * @returns The sequence as a whole first (means over its tasks, each of the same weight, and all predictions), then
 * each task.
 */
export async function evaluateSequence(
  programs: Evaluator,
  theta: DeviceTensor | HostTensor,
  stages: readonly SequenceStage[],
  splits: readonly EvaluationSplit[],
): Promise<readonly Evaluation[]> {
  const seen = stages.reduce((sum, { classes }) => sum + classes.count, 0);
  const tasks: Evaluation[] = [];
  for (const [i, stage] of stages.entries()) {
    tasks.push(await evaluateStage(programs, theta, { split: splits[i]!, stage, seen }));
  }
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

/** What a run is judged by. */
export interface Judged {
  readonly task: Task;
  /** Of a sequence, one for each task. */
  readonly splits: readonly EvaluationSplit[];
  /** Tasks of a sequence that have been seen. Default: all. */
  readonly seen?: number;
}

/** Evaluates parameters on everything that a run is judged by; the evaluation that counts comes first. */
export async function evaluateAll(
  programs: Evaluator,
  theta: DeviceTensor | HostTensor,
  { task, splits, seen }: Judged,
): Promise<readonly Evaluation[]> {
  if (task.stages !== undefined) {
    return await evaluateSequence(programs, theta, task.stages.slice(0, seen), splits);
  }
  const evaluations: Evaluation[] = [];
  for (const split of splits) evaluations.push(await evaluateSplit(programs, theta, task, split));
  return evaluations;
}
