/**
 * Whether a run had converged when it ended, by its journals.
 *
 * What is compared is the mean over the last fifth of the steps with the mean over the fifth before it, of the task loss and of
 * the score. Losses of single batches are noisy: with a spread of sd and n steps a fifth, the difference of these two means has the
 * standard error sd √(2/n), less than half that of a line fitted within the last fifth (sd √(12/n)) and a third of that of its
 * halves. Where the loss curve bends, the difference is at most too large, so that it errs towards more steps.
 *
 * @module
 */
import { type ConvergenceRule, defaultConvergence } from "../study/schema/study.ts";
import { gainUnit, meritOf } from "../tasks/metrics.ts";
import { heldOutSplit } from "../tasks/run_examples.ts";
import { meanOf } from "../stats/statistics.ts";
import type {
  EvaluationLine,
  LateChange,
  PredictionLine,
  RunResults,
  StepLine,
} from "../record/types.ts";

/**
 * What the end of a run says:
 *
 * - `climbing`: its score still rises,
 * - `falling`: its score does not, and its task loss still falls,
 * - `converged`: neither; or it was ended by its plateau, which is the rule that it was given,
 * - `unknown`: there are too few steps and evaluations to tell,
 * - `failed`: it has no end.
 */
export type ConvergenceState = "converged" | "climbing" | "falling" | "unknown" | "failed";

/** How the score of a split changed; a positive `change` is a gain, where lower is better too. */
export interface ScoreChange extends LateChange {
  /** The split that it was evaluated on. */
  readonly split: string;
  /** What its gain is counted in; see {@linkcode gainUnit}. */
  readonly unit: number;
}

/** Whether a run had converged, with the figures that say so. */
export interface Convergence {
  /** What they come to. */
  readonly state: ConvergenceState;
  /** Whether it was ended by the plateau that its settings ask for. */
  readonly isAtPlateau: boolean;
  /** The task loss; of a sequence in the stage in which it falls by the largest share. Null where there are too few steps. */
  readonly loss: LateChange | null;
  /** The score by the primary metric; null where there are too few evaluations, and for sequences. */
  readonly score: ScoreChange | null;
}

interface Point {
  readonly step: number;
  readonly value: number;
}

/** Steps that a fifth must have for its mean loss to say something. */
const leastSteps = 5;

/** Standard errors by which a change must differ from none: one run in a hundred that does not change is taken for one that does. */
const errors = 2.326;

/**
 * The share of a split's answers that change at random from one evaluation to the next in a run that has converged: with n answers,
 * √(share/n) is then the spread of the change of the score in its unit, at least. It counts where the evaluations do not show a larger one.
 */
const changedAnswers = 0.1;

/** The squared standard error of a mean, and of a single value nothing. */
function errorOfMean(values: readonly number[]): number {
  if (values.length < 2) return 0;
  const mean = meanOf(values);
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return squares / (values.length - 1) / values.length;
}

/**
 * How a figure changed from the last fifth but one of `steps` to the last; null where one of them has no value.
 *
 * @param points Ascending in their steps; values that are not finite are passed over.
 * @param isFilled Whether the latest value before the last fifth stands for a fifth before it that has none. Default false.
 * @param variance Of a single value, at least; null where that is not known. Default null.
 */
export function lateChange(
  points: readonly Point[],
  steps: number,
  { isFilled = false, variance = null }: {
    readonly isFilled?: boolean;
    readonly variance?: number | null;
  } = {},
): LateChange | null {
  const finite = points.filter(({ value }) => Number.isFinite(value));
  // Counted in fifths, since 0.8 is no exact number.
  const isAfter = ({ step }: Point, fifths: number) => 5 * step > fifths * steps;
  const last = finite.filter((point) => isAfter(point, 4));
  const earlier = finite.filter((point) => !isAfter(point, 4));
  const within = earlier.filter((point) => isAfter(point, 3));
  const former = within.length > 0 || !isFilled ? within : earlier.slice(-1);
  if (last.length === 0 || former.length === 0) return null;
  const valuesOf = (of: readonly Point[]) => of.map(({ value }) => value);
  const [before, after] = [meanOf(valuesOf(former)), meanOf(valuesOf(last))];
  const middle = (of: readonly Point[]) => meanOf(of.map(({ step }) => step));
  const perFifth = steps / 5 / (middle(last) - middle(former));
  const least = variance === null ? 0 : variance / Math.min(last.length, former.length);
  const own = errorOfMean(valuesOf(last)) + errorOfMean(valuesOf(former));
  const isKnown = variance !== null || (last.length > 1 && former.length > 1);
  return {
    before,
    after,
    change: (after - before) * perFifth,
    error: isKnown ? Math.sqrt(Math.max(own, least)) * perFifth : null,
  };
}

/** A change in one direction with its standard error. */
export interface Change {
  /** Positive in that direction. */
  readonly change: number;
  /** Null where it is not known. */
  readonly error: number | null;
}

/** Whether a change is more than `most` and more than noise. */
function isMore({ change, error }: Change, most: number): boolean {
  return change > most && change > errors * (error ?? 0);
}

/** The share of its loss that a run lost from the last fifth but one to the last, with its standard error. */
export function lossFall({ before, change, error }: LateChange): Change {
  if (before <= 0) return { change: 0, error: null };
  return { change: -change / before, error: error === null ? null : error / before };
}

/** The late change of the loss in the stretch of a run in which it is the largest; null where each has too few steps. */
export function lossChange(
  { record: { happened, thinned }, steps }: Pick<ConvergenceSource, "record" | "steps">,
): LateChange | null {
  // It was computed of all steps before most were left out.
  if (thinned !== undefined) return thinned.lateLoss;
  const stretches = happened.sequence?.stages ?? [{ firstStep: 0, steps: happened.steps }];
  const changes = stretches.flatMap(({ firstStep, steps: length }) => {
    if (length < 5 * leastSteps) return [];
    const own = steps.filter(({ step }) => step > firstStep && step <= firstStep + length)
      .map(({ step, loss }) => ({ step: step - firstStep, value: loss }));
    const change = lateChange(own, length);
    return change === null ? [] : [change];
  });
  return changes.toSorted((a, b) => lossFall(b).change - lossFall(a).change)[0] ?? null;
}

/** The late change of the score, on the held-out share where there is one, else on the split that counts. */
function scoreChange(
  { record: { happened }, evaluations, predictions }: ConvergenceSource,
): ScoreChange | null {
  if (happened.sequence !== undefined) return null;
  const split = evaluations.some((line) => line.split === heldOutSplit)
    ? heldOutSplit
    : happened.last?.split;
  if (split === undefined) return null;
  const points = evaluations.filter((line) => line.split === split).map(({ step, metrics }) => ({
    step,
    value: metrics[happened.primaryMetric] ?? NaN,
  }));
  const examples = happened.examples?.splits[split] ??
    predictions?.filter((line) => line.split === split).length;
  const lateGain = (variance: number | null) =>
    lateChange(points, happened.steps, { isFilled: true, variance });
  const found = lateGain(null);
  if (found === null) return null;
  const unit = gainUnit(happened.primaryMetric, found.before);
  const change = (examples ?? 0) === 0 ? found : lateGain(changedAnswers / examples! * unit ** 2)!;
  return { split, ...change, change: meritOf(happened.primaryMetric, change.change), unit };
}

/** The gain of a score in its unit: in points by a hundred where the metric is bounded, else a share of the score. */
function scoreGained({ change, error, unit }: ScoreChange): Change {
  return { change: change / unit, error: error === null ? null : error / unit };
}

/** What is read of a run. */
export interface ConvergenceSource {
  /** Its outcome, its steps and its metric count. */
  readonly record: Pick<RunResults["record"], "happened" | "thinned">;
  /** Its journal of steps; empty where it was not kept. */
  readonly steps: readonly Pick<StepLine, "step" | "loss">[];
  /** Its journal of evaluations. */
  readonly evaluations: readonly Pick<EvaluationLine, "step" | "split" | "metrics">[];
  /** Its predictions, which say how many examples a split has where an older record does not. Default: not known. */
  readonly predictions?: readonly Pick<PredictionLine, "split">[];
}

/**
 * Whether a run had converged when it ended.
 *
 * A change counts if it is larger than the rule's and larger than 2.33 standard errors, where there are enough values for one.
 *
 * @param rule Default: {@linkcode defaultConvergence}, key by key.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import type { RunRecord } from "../record/types.ts";
 * import { convergenceOf } from "./run_convergence.ts";
 * const happened = { outcome: { state: "finished" }, steps: 50, primaryMetric: "accuracy" } as RunRecord["happened"];
 * const steps = Array.from({ length: 50 }, (_, i) => ({ step: i + 1, loss: 1 - i / 100 }));
 * assertEquals(convergenceOf({ record: { happened }, steps, evaluations: [] }).state, "falling");
 * ```
 */
export function convergenceOf(
  run: ConvergenceSource,
  rule: Partial<ConvergenceRule> = {},
): Convergence {
  const { lossShare, scoreGain } = { ...defaultConvergence, ...rule };
  const { happened } = run.record;
  const isAtPlateau = happened.ended === "plateau";
  if (happened.outcome.state === "failed") {
    return { state: "failed", isAtPlateau, loss: null, score: null };
  }
  const loss = lossChange(run);
  const score = scoreChange(run);
  const changes = {
    score: score === null ? null : scoreGained(score),
    fall: loss === null ? null : lossFall(loss),
  };
  const state = isAtPlateau ? "converged" : stateOf(changes, { lossShare, scoreGain });
  return { state, isAtPlateau, loss, score };
}

/** What the changes at the end of a run, or of several, come to. */
function stateOf(
  { score, fall }: { readonly score: Change | null; readonly fall: Change | null },
  { lossShare, scoreGain }: ConvergenceRule,
): ConvergenceState {
  if (score !== null && isMore(score, scoreGain)) return "climbing";
  if (fall !== null && isMore(fall, lossShare)) return "falling";
  return score === null && fall === null ? "unknown" : "converged";
}

/** Whether a run's numbers, or those of a cell, are of a training that was ended too early. */
export function needsMoreSteps({ state }: { readonly state: ConvergenceState }): boolean {
  return state === "climbing" || state === "falling";
}

/** Whether the runs of a cell had converged, and what they changed by on average. */
export interface CellConvergence {
  /** As of a run; `failed` where it has no run that did not. */
  readonly state: ConvergenceState;
  /** Runs that did not fail. */
  readonly runs: number;
  /** Those of them that needed more steps by themselves. */
  readonly early: number;
  /** The mean share of the task loss that was lost at the end, and its standard error; null where no run tells. */
  readonly fall: Change | null;
  /** The mean gain of the score at the end in its unit, and its standard error; null where no run tells. */
  readonly gain: Change | null;
}

/** The mean of changes that were found independently. */
function meanChange(changes: readonly Change[]): Change | null {
  if (changes.length === 0) return null;
  const known = changes.flatMap(({ error }) => error === null ? [] : [error ** 2]);
  const sum = known.reduce((total, square) => total + square, 0);
  return {
    change: meanOf(changes.map(({ change }) => change)),
    error: known.length < changes.length ? null : Math.sqrt(sum) / changes.length,
  };
}

/** The share of a cell's runs that may need more steps by chance. */
const byChance = 0.2;

/**
 * Whether the runs of one task, method and budget had converged: their mean changes are tested as those of a run are, with the
 * smaller error that several seeds give; besides, a cell needs more steps where more than one in five of its runs do.
 *
 * @param runs What {@linkcode convergenceOf} says of each.
 * @param rule The same as for the runs.
 */
export function cellConvergence(
  runs: readonly Convergence[],
  rule: Partial<ConvergenceRule> = {},
): CellConvergence {
  const ended = runs.filter(({ state }) => state !== "failed");
  const early = ended.filter(needsMoreSteps);
  // A plateau is a rule of its own.
  const cut = ended.filter(({ isAtPlateau }) => !isAtPlateau);
  const fall = meanChange(cut.flatMap(({ loss }) => loss === null ? [] : [lossFall(loss)]));
  const gain = meanChange(cut.flatMap(({ score }) => score === null ? [] : [scoreGained(score)]));
  const together = stateOf({ score: gain, fall }, { ...defaultConvergence, ...rule });
  const state = ended.length === 0
    ? "failed"
    : cut.length === 0
    ? "converged"
    : early.length > byChance * ended.length && !needsMoreSteps({ state: together })
    ? early[0]!.state
    : together;
  return { state, runs: ended.length, early: early.length, fall, gain };
}
