/**
 * The steps of a run: how many there are, which of them evaluate, which evaluation counts, and the learning rate of each.
 *
 * @module
 */
import type { Settings, TrainSettings } from "../schema/settings.ts";
import type { RunSpec } from "../types.ts";

/**
 * Examples of the training split that are held out to evaluate on.
 *
 * @param examples Examples of the whole split.
 */
export function heldOutExamples({ train }: Settings, examples: number): number {
  return Math.round((heldOutShare(train) ?? 0) * examples);
}

/**
 * Examples of the training split that a run trains on.
 *
 * @param settings Its `trainLimit` and `heldOut` count.
 * @param examples Examples of the training split, before the limit and with those that are held out.
 * @throws {RangeError} If there is no example to train on.
 */
export function trainedExamples(settings: Settings, examples: number): number {
  const { trainLimit } = settings.train;
  if (!Number.isInteger(examples) || examples < 1) {
    throw new RangeError(
      `Cannot count the steps of an epoch: found ${examples} training examples, wanted at least 1`,
    );
  }
  const heldOut = heldOutExamples(settings, examples);
  const trained = examples - heldOut;
  const key = settings.train.heldOut === null ? "until.plateau.heldOut" : "heldOut";
  if (trained < 1) {
    throw new RangeError(
      `Cannot count the steps of an epoch: train.${key} leaves ${trained} of ${examples} training examples, ` +
        "wanted at least 1; lower it",
    );
  }
  if (heldOut < 1 && heldOutShare(settings.train) !== null) {
    throw new RangeError(
      `Cannot hold out training examples: train.${key} is a share of 0 of ${examples} training examples, wanted at least 1; raise it`,
    );
  }
  return Math.min(trained, trainLimit ?? trained);
}

/**
 * Steps of one pass over the training split: the last batch may be smaller, none is dropped.
 *
 * @param settings Its `batchSize`, `trainLimit` and `heldOut` count.
 * @param examples Examples of the training split, before the limit and with those that are held out.
 * @throws {RangeError} If there is no example to train on.
 */
export function stepsPerEpoch(settings: Settings, examples: number): number {
  return Math.ceil(trainedExamples(settings, examples) / settings.train.batchSize);
}

/**
 * Optimiser steps of a run: `steps` where it is given, else `epochs` passes, a broken pass rounded up.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { defaultSettings, overlaySettings } from "../schema/settings.ts";
 * import { totalSteps } from "./steps.ts";
 * const settings = overlaySettings(defaultSettings, { train: { batchSize: 64, epochs: 50 } });
 * assertEquals(totalSteps(settings, 2490), 1950); // RTE
 * ```
 */
export function totalSteps(settings: Settings, examples: number): number {
  return settings.train.steps ??
    Math.ceil(settings.train.epochs * stepsPerEpoch(settings, examples));
}

/**
 * Steps of the linear warm-up: ceil(share × total) for a share below 1, as transformers' `get_warmup_steps`
 * rounds, else the number itself.
 */
export function warmupSteps(train: Pick<TrainSettings, "warmup">, total: number): number {
  return train.warmup < 1 ? Math.ceil(train.warmup * total) : train.warmup;
}

/**
 * The learning rate of a step, counted from 0.
 *
 * As transformers' `get_linear_schedule_with_warmup` (`optimization.py`): step t of w warm-up steps and T in
 * all uses peak × t / max(1, w) while t < w, then peak × max(0, T − t) / max(1, T − w). Hence the first
 * step of a warm-up has rate 0, and the rate would reach 0 after the last step. The `constant` schedule
 * keeps the peak after the warm-up (`get_constant_schedule_with_warmup`).
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { learningRateAt } from "./steps.ts";
 * const train = { learningRate: 8, warmup: 4, schedule: "linear" } as const;
 * assertEquals([0, 1, 4, 6].map((step) => learningRateAt(step, 8, train)), [0, 2, 8, 4]);
 * ```
 */
export function learningRateAt(
  step: number,
  total: number,
  train: Pick<TrainSettings, "learningRate" | "warmup" | "schedule">,
): number {
  const warmup = warmupSteps(train, total);
  if (step < warmup) return train.learningRate * (step / Math.max(1, warmup));
  if (train.schedule === "constant") return train.learningRate;
  return train.learningRate * Math.max(0, (total - step) / Math.max(1, total - warmup));
}

/**
 * The steps after which a run evaluates, ascending, counted from 1: multiples of `evaluateEvery`, the ends of
 * whole epochs where `evaluateEpochs` says so, and always the last step.
 *
 * @param examples Examples of the training split, before the limit.
 */
export function evaluationSteps(settings: Settings, examples: number): readonly number[] {
  const total = totalSteps(settings, examples);
  const { evaluateEvery, evaluateEpochs } = settings.train;
  const periods = [
    ...(evaluateEvery === null ? [] : [evaluateEvery]),
    ...(evaluateEpochs ? [stepsPerEpoch(settings, examples)] : []),
  ];
  const steps = periods.flatMap((period) =>
    Array.from({ length: Math.floor(total / period) }, (_, i) => (i + 1) * period)
  );
  return [...new Set([...steps, total])].sort((a, b) => a - b);
}

/** The share of the training split that is held out, or null. */
export function heldOutShare(
  { heldOut, until }: Pick<TrainSettings, "heldOut" | "until">,
): number | null {
  return heldOut ?? until?.plateau.heldOut ?? null;
}

/**
 * The selected evaluation: of a run's best and last the one whose numbers are reported and whose weights are exported.
 *
 * @param keep What the run's settings say.
 */
export function selectedOf<T>(
  keep: TrainSettings["keep"],
  { best, last }: { readonly best: T; readonly last: T },
): T {
  return keep === "best" ? best : last;
}

/** The tasks that a run trains on, in order: those of its sequence, or its one task. */
export function tasksOf(run: Pick<RunSpec, "task" | "sequence">): readonly string[] {
  return run.sequence ?? [run.task];
}

/**
 * Optimiser steps of each stage of a run, one stage a task.
 *
 * @param examplesOf Examples of a task's training split.
 * @throws {RangeError} If a task has no example to train on.
 */
export function stageSteps(
  run: Pick<RunSpec, "task" | "sequence" | "settings">,
  examplesOf: (task: string) => number,
): readonly number[] {
  return tasksOf(run).map((task) => totalSteps(run.settings, examplesOf(task)));
}
