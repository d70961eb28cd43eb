/**
 * Steps that were started, and what is told of them once their numbers have been read.
 *
 * @module
 */
import type { DeviceTensor } from "../exec/executor.ts";
import { DivergenceError, type TrainingEvent } from "./run_types.ts";

/** A step that was started, and what is to be read of it. */
export interface QueuedStep {
  readonly index: number;
  readonly learningRate: number;
  readonly tokens: number;
  /** Time until the step was started; on executors that do not queue, until it was done. */
  readonly millis: number;
  /** Loss, gradient norm and, where the method has one, the regulariser. */
  readonly numbers: readonly DeviceTensor[];
}

/** What steps came to: the events of those before any divergence, and which step diverged. */
export interface SettledSteps {
  readonly events: readonly TrainingEvent[];
  readonly divergence: { readonly index: number; readonly error: DivergenceError } | null;
}

function divergenceOf(step: number, loss: number, gradientNorm: number): DivergenceError | null {
  if (!Number.isFinite(loss)) return new DivergenceError(step, loss);
  if (Number.isFinite(gradientNorm)) return null;
  return new DivergenceError(step, gradientNorm, "gradient norm");
}

/**
 * Tells of steps in their order, up to the first that diverged.
 *
 * @param values What was read of each step, in the order of its `numbers`.
 * @param waitedMillis Time that reading took, shared by all of them alike.
 * @param epochsAt Passes over training data when so many steps are done.
 */
export function settle(
  queued: readonly QueuedStep[],
  values: readonly (readonly number[])[],
  waitedMillis: number,
  epochsAt: (done: number) => number,
): SettledSteps {
  const events: TrainingEvent[] = [];
  for (const [i, { index, learningRate, tokens, millis }] of queued.entries()) {
    const [loss = NaN, gradientNorm = NaN, regulariser = 0] = values[i]!;
    const error = divergenceOf(index + 1, loss, gradientNorm);
    if (error !== null) return { events, divergence: { index, error } };
    events.push({
      kind: "step",
      step: index + 1,
      epoch: epochsAt(index + 1),
      loss,
      regulariser,
      gradientNorm,
      learningRate,
      stepMillis: millis + waitedMillis / queued.length,
      tokens,
    });
  }
  return { events, divergence: null };
}
