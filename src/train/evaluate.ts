/**
 * Evaluation of a model on a whole split.
 *
 * @module
 */
import type { DeviceTensor, Session } from "../exec/executor.ts";
import type { HostTensor } from "../graph/mod.ts";
import { computeMetrics } from "../tasks/metrics.ts";
import type { Batch, Task } from "../tasks/types.ts";
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

function largest(values: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i;
  return best;
}

/** Evaluates parameters on a split. */
export async function evaluateSplit(
  programs: { readonly assembly: Assembly; readonly evaluate: Session },
  theta: DeviceTensor | HostTensor,
  task: Task,
  split: EvaluationSplit,
): Promise<Evaluation> {
  const { assembly, evaluate } = programs;
  const predictions = new Array<number>(split.targets.length);
  let lossSum = 0;
  for (const batch of split.batches) {
    const { read } = await evaluate.run({
      feeds: { theta, ...inputFeeds(assembly, batch) },
      dims: batchDims(batch),
      read: ["logits"],
    });
    const logits = read["logits"]!.data as Float32Array;
    batch.rows.forEach((row, i) => {
      const own = logits.subarray(i * assembly.outputs, (i + 1) * assembly.outputs);
      const target = split.targets[row]!;
      if (task.output.type === "classification") {
        predictions[row] = largest(own);
        lossSum += crossEntropyOf(own, target);
      } else {
        predictions[row] = own[0]!;
        lossSum += (own[0]! - target) ** 2;
      }
    });
  }
  return {
    split: split.name,
    loss: lossSum / split.targets.length,
    metrics: computeMetrics(task, split.targets, predictions),
    predictions,
  };
}
