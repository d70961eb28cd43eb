/**
 * Snapshots of a run: its parameters with what they achieve, and which of them are kept as the best.
 *
 * @module
 */
import { meritOf, primaryMetric } from "../tasks/metrics.ts";
import type { Task } from "../tasks/types.ts";
import type { DeviceRun } from "./device_run.ts";
import { evaluateAll } from "./evaluate.ts";
import {
  DivergenceError,
  type RunState,
  type Snapshot,
  type TrainingRequest,
} from "./run_types.ts";
import { epochsAt, type RunStage, stageOf } from "./stages.ts";

/**
 * Evaluates a run as it stands.
 *
 * @throws {DivergenceError} If a loss is not finite.
 */
export async function takeSnapshot(
  { task, splits }: Pick<TrainingRequest, "task" | "splits">,
  stages: readonly RunStage[],
  { step, order, off, history }: RunState,
  device: DeviceRun,
): Promise<Snapshot> {
  const epoch = epochsAt(stages, step);
  const seen = stageOf(stages, step - 1).index + 1;
  const evaluator = { ...device.programs, fed: device.fedWeights };
  const evaluations = await evaluateAll(evaluator, device.theta, { task, splits, seen });
  const wrong = evaluations.findLast(({ loss }) => !Number.isFinite(loss));
  if (wrong !== undefined) {
    throw new DivergenceError(step, wrong.loss, `loss on "${wrong.split}"`);
  }
  const { theta } = await device.download(["theta"]);
  return { step, epoch, evaluations, theta: theta!, order, off, merged: history.length };
}

/** The better of the best so far and the latest by the task's primary metric on the first split; the earlier one of equals. */
export function bestOf(task: Task, best: Snapshot | null, latest: Snapshot): Snapshot | null {
  const metric = primaryMetric(task);
  const meritAt = (of: Snapshot | null) => {
    const value = of?.evaluations[0]?.metrics[metric];
    return value === undefined ? -Infinity : meritOf(metric, value);
  };
  // Evaluations of a sequence are of ever more classes: none but the last is of all.
  const isBest = task.stages !== undefined || meritAt(latest) > meritAt(best);
  return isBest ? latest : best;
}
