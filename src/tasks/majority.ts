/**
 * What can be had without looking at a text: always the same answer, or the shares of the training split.
 *
 * @module
 */
import { meanOf } from "../stats/statistics.ts";
import { computeMetrics, meritOf } from "./metrics.ts";
import type { Probabilities, Task, TaskOutput } from "./types.ts";

function countsOf(targets: readonly number[]): ReadonlyMap<number, number> {
  const counts = new Map<number, number>();
  for (const target of targets) counts.set(target, (counts.get(target) ?? 0) + 1);
  return counts;
}

/** The answers that are most frequent in training, in ascending order: of a regression its mean. */
function majorities({ type }: TaskOutput, targets: readonly number[]): readonly number[] {
  if (type === "regression") return [meanOf(targets)];
  const counts = countsOf(targets);
  const most = Math.max(...counts.values());
  return [...counts].filter(([, count]) => count === most).map(([label]) => label)
    .sort((a, b) => a - b);
}

/** The share of each class; null of numbers. */
function sharesOf(output: TaskOutput, targets: readonly number[]): readonly number[] | null {
  if (output.type === "regression") return null;
  const counts = countsOf(targets);
  return output.labels.map((_, label) => (counts.get(label) ?? 0) / targets.length);
}

/**
 * The metrics of a split where every text gets the training split's most frequent class, and its shares of classes as
 * probabilities, or of a regression its mean.
 *
 * Of classes that are equally frequent in training, the one counts that is worth most on the split, so that the baseline does
 * not depend on the order of labels.
 *
 * @param task A single task.
 * @param trainTargets Targets of the training split, at least one.
 * @param targets Those of the split that is evaluated, at least one.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { findTask } from "./catalog.ts";
 * assertEquals(majorityMetrics(findTask("RTE"), [0, 1, 1], [1, 0, 0, 1, 0]), { accuracy: 0.4 });
 * ```
 */
export function majorityMetrics(
  task: Task,
  trainTargets: readonly number[],
  targets: readonly number[],
): Readonly<Record<string, number>> {
  const [decisive] = task.metrics as [string, ...string[]];
  const shares = sharesOf(task.output, trainTargets);
  const probabilities = targets.flatMap(() => shares === null ? [] : [shares]);
  const all = majorities(task.output, trainTargets).map((answer) =>
    computeMetrics(task, targets, targets.map(() => answer), probabilities)
  );
  const merit = (own: Readonly<Record<string, number>>) => meritOf(decisive, own[decisive]!);
  return all.reduce((best, next) => merit(next) > merit(best) ? next : best);
}

/**
 * The training loss of always giving the training split's shares of classes, their entropy in nats; of a regression the
 * loss of always giving the mean, the variance.
 *
 * @param targets Targets of the training split, at least one.
 *
 * @example
 * ```ts
 * import { assertAlmostEquals } from "@std/assert";
 * const output = { type: "classification", labels: ["no", "yes"] } as const;
 * assertAlmostEquals(chanceLoss(output, [0, 1, 1, 0]), Math.LN2);
 * ```
 */
export function chanceLoss({ type }: TaskOutput, targets: readonly number[]): number {
  if (type === "regression") {
    const center = meanOf(targets);
    return meanOf(targets.map((target) => (target - center) ** 2));
  }
  const shares = [...countsOf(targets).values()].map((count) => count / targets.length);
  return shares.reduce((sum, share) => sum - share * Math.log(share), 0);
}

/** Probabilities that leave nothing open; none of numbers. */
export function sureOf({ output }: Task, targets: readonly number[]): Probabilities {
  return output.type === "regression"
    ? []
    : targets.map((target) => output.labels.map((_, label) => Number(label === target)));
}
