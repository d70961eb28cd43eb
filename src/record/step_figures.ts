/**
 * What the journal of steps comes to in a record: the last training losses, and how fast steps were.
 *
 * @module
 */
import type { Happened, StepLine } from "./types.ts";

/** Steps whose losses are averaged for the final training loss. */
const lastSteps = 50;

/** The figures of a run's steps. */
export type StepFigures =
  & Pick<Happened, "epochs" | "finalTrainLoss">
  & Pick<Happened["time"], "medianStepMillis" | "tokensPerSecond">;

/** The middle value, of an even count the mean of the two in the middle; 0 of none. */
function median(values: readonly number[]): number {
  if (values.length === 0) return 0;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

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
    medianStepMillis: median(millis),
    tokensPerSecond: steps.length === 0
      ? 0
      : sum(steps.map(({ tokens }) => tokens)) / sum(millis) * 1000,
  };
}
