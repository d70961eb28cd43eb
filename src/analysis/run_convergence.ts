/**
 * Whether a run had converged when it ended, by its evaluations.
 *
 * What is compared is the mean over the last fifth of the steps with the mean over the fifth before it, of the score and of the loss
 * on examples that are not trained on. The training loss says nothing here: it goes on falling while texts are learned by heart.
 *
 * @module
 */
import { type ConvergenceRule, defaultConvergence } from "../study/schema/study.ts";
import { gainUnit, meritOf } from "../tasks/metrics.ts";
import { heldOutSplit } from "../tasks/run_examples.ts";
import { meanOf } from "../stats/statistics.ts";
import { upperProbability } from "../stats/distributions.ts";
import type { EvaluationLine, PredictionLine, RunResults } from "../record/types.ts";

/**
 * What the end of a run says:
 *
 * - `climbing`: its score still rises,
 * - `falling`: its score does not, and its held-out loss still falls,
 * - `converged`: neither; or it was ended by its plateau, which is the rule that it was given,
 * - `unknown`: there are too few evaluations to tell,
 * - `failed`: it has no end.
 */
export type ConvergenceState = "converged" | "climbing" | "falling" | "unknown" | "failed";

/** How a figure changed from the last fifth of a run but one to the last. */
export interface LateChange {
  /** Mean over the fifth before the last; where that has no evaluation, the latest one before it. */
  readonly before: number;
  /** Mean over the last fifth. */
  readonly after: number;
  /** `after` − `before`, over the steps of one fifth. */
  readonly change: number;
  /** The variance of `change` where single values have the variance 1. */
  readonly perVariance: number;
  /** The sample variance of single values within the fifths; 0 where each fifth has one. */
  readonly variance: number;
  /** Degrees of freedom of `variance`. */
  readonly freedom: number;
}

/** A change in one direction, with what a run knows of its noise. */
export interface RunChange {
  /** Positive in that direction; a gain of the score in its unit, a fall of the loss as a share of it. */
  readonly change: number;
  /** Its variance by the spread within the fifths, and the degrees of freedom of that. */
  readonly variance: number;
  /** See {@linkcode RunChange.variance}. */
  readonly freedom: number;
  /** The variance that the number of examples lets one expect; null where that is not known. */
  readonly expected: number | null;
}

/** Whether a run had converged, with the figures that say so. */
export interface Convergence {
  /** What they come to. */
  readonly state: ConvergenceState;
  /** Whether it was ended by the plateau that its settings ask for. */
  readonly isAtPlateau: boolean;
  /** How the held-out loss fell; of a sequence in the stage in which it falls by the largest share. Null where there are too few evaluations. */
  readonly fall: RunChange | null;
  /** How the score by the primary metric rose; null where there are too few evaluations, and for sequences. */
  readonly gain: RunChange | null;
}

interface Point {
  readonly step: number;
  readonly value: number;
}

/** The chance by which a cell that does not change is taken for one that does, at most. */
const level = 0.05;

/**
 * The share of a split's answers that change at random from one evaluation to the next in a run that has converged: with n answers,
 * √(share/n) is then the spread of an evaluation's score in its unit.
 */
const changedAnswers = 0.05;

/** Degrees of freedom that this expectation counts for beside what evaluations show. */
const expectedFreedom = 4;

/**
 * How a figure changed from the last fifth but one of `steps` to the last; null where there is nothing to compare.
 *
 * @param points Ascending in their steps; values that are not finite are passed over. The latest value before the last fifth stands
 * for a fifth before it that has none.
 */
export function lateChange(points: readonly Point[], steps: number): LateChange | null {
  const finite = points.filter(({ value }) => Number.isFinite(value));
  // Counted in fifths, since 0.8 is no exact number.
  const isAfter = ({ step }: Point, fifths: number) => 5 * step > fifths * steps;
  const last = finite.filter((point) => isAfter(point, 4));
  const earlier = finite.filter((point) => !isAfter(point, 4));
  const within = earlier.filter((point) => isAfter(point, 3));
  const former = within.length > 0 ? within : earlier.slice(-1);
  if (last.length === 0 || former.length === 0) return null;
  const fifths = [former, last].map((own) => {
    const mean = meanOf(own.map(({ value }) => value));
    return {
      mean,
      step: meanOf(own.map(({ step }) => step)),
      squares: own.reduce((sum, { value }) => sum + (value - mean) ** 2, 0),
    };
  });
  const [before, after] = [fifths[0]!, fifths[1]!];
  const perFifth = steps / 5 / (after.step - before.step);
  const freedom = last.length + former.length - 2;
  return {
    before: before.mean,
    after: after.mean,
    change: (after.mean - before.mean) * perFifth,
    perVariance: (1 / last.length + 1 / former.length) * perFifth ** 2,
    variance: freedom === 0 ? 0 : (before.squares + after.squares) / freedom,
    freedom,
  };
}

/** A late change in the direction that counts and in a unit. */
function inUnit(
  { change, perVariance, variance, freedom }: LateChange,
  unit: number,
  expected: number | null = null,
): RunChange {
  return {
    change: change / unit,
    variance: variance * perVariance / unit ** 2,
    freedom,
    expected: expected === null ? null : expected * perVariance,
  };
}

/** The split whose evaluations are looked at: the held-out share where there is one, else that which counts. */
function judgedSplit({ record: { happened }, evaluations }: ConvergenceSource): string | undefined {
  return evaluations.some(({ split }) => split === heldOutSplit)
    ? heldOutSplit
    : happened.last?.split;
}

/** How the held-out loss of a run fell; of a sequence, in each stage on its own task. */
function lossFall(run: ConvergenceSource): RunChange | null {
  const { record: { happened }, evaluations } = run;
  const stages = happened.sequence?.stages ??
    [{ task: judgedSplit(run), firstStep: 0, steps: happened.steps }];
  const falls = stages.flatMap(({ task, firstStep, steps }) => {
    const own = evaluations
      .filter(({ split, step }) => split === task && step > firstStep && step <= firstStep + steps)
      .map(({ step, loss }) => ({ step: step - firstStep, value: loss }));
    const found = lateChange(own, steps);
    if (found === null || !(found.before > 0)) return [];
    return [inUnit({ ...found, change: -found.change }, found.before)];
  });
  return falls.toSorted((a, b) => b.change - a.change)[0] ?? null;
}

/**
 * How a score changed at the end of a run, above zero where it became better; null where there are too few evaluations, and for
 * sequences.
 *
 * @param metric Default: the one that decides.
 */
export function scoreChange(
  run: ConvergenceSource,
  metric: string = run.record.happened.primaryMetric,
): LateChange | null {
  const { record: { happened }, evaluations } = run;
  const split = judgedSplit(run);
  if (happened.sequence !== undefined || split === undefined) return null;
  const points = evaluations.filter((line) => line.split === split)
    .map(({ step, metrics }) => ({ step, value: metrics[metric] ?? NaN }));
  const found = lateChange(points, happened.steps);
  return found === null ? null : { ...found, change: meritOf(metric, found.change) };
}

/** The gain of a run's score in its unit: in points by a hundred where the metric is bounded, else a share of the score. */
function scoreGained(run: ConvergenceSource): RunChange | null {
  const { record: { happened }, predictions } = run;
  const found = scoreChange(run);
  if (found === null) return null;
  const split = judgedSplit(run)!;
  const examples = happened.examples?.splits[split] ??
    predictions?.filter((line) => line.split === split).length ?? 0;
  return inUnit(
    found,
    gainUnit(happened.primaryMetric, found.before),
    examples === 0 ? null : changedAnswers / examples,
  );
}

/** What is read of a run. */
export interface ConvergenceSource {
  /** Its outcome, its steps and its metric count. */
  readonly record: Pick<RunResults["record"], "happened">;
  /** Its journal of evaluations. */
  readonly evaluations: readonly Pick<EvaluationLine, "step" | "split" | "loss" | "metrics">[];
  /** Its predictions, which say how many examples a split has where an older record does not. Default: not known. */
  readonly predictions?: readonly Pick<PredictionLine, "split">[];
}

/**
 * Whether a run had converged when it ended.
 *
 * A change counts if it is larger than the rule's, and larger than one in twenty runs without a change would show by chance.
 *
 * @param rule Default: {@linkcode defaultConvergence}, key by key.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import type { RunRecord } from "../record/types.ts";
 * import { convergenceOf } from "./run_convergence.ts";
 * const evaluations = [0.5, 0.6, 0.7, 0.8, 0.9].map((accuracy, i) =>
 *   ({ step: 10 * (i + 1), split: "dev", loss: 1 - accuracy, metrics: { accuracy } })
 * );
 * const happened = { outcome: { state: "finished" }, steps: 50, primaryMetric: "accuracy", last: evaluations[4] };
 * const record = { happened } as unknown as RunRecord;
 * assertEquals(convergenceOf({ record, evaluations }).state, "climbing");
 * ```
 */
export function convergenceOf(
  run: ConvergenceSource,
  rule: Partial<ConvergenceRule> = {},
): Convergence {
  const { happened } = run.record;
  const isAtPlateau = happened.ended === "plateau";
  if (happened.outcome.state === "failed") {
    return { state: "failed", isAtPlateau, fall: null, gain: null };
  }
  const own = { isAtPlateau, fall: lossFall(run), gain: scoreGained(run) };
  return { state: cellConvergence([{ state: "unknown", ...own }], rule).state, ...own };
}

/** A mean change in one direction. */
export interface Change {
  /** Positive in that direction. */
  readonly change: number;
  /** Its standard error; null where nothing says how large it is. */
  readonly error: number | null;
  /** Degrees of freedom of the error; 0 where there is none. */
  readonly freedom: number;
}

/**
 * The mean of runs' changes. Its error is found of all that shows noise: the spread of the runs' changes, the spread within the
 * fifths of each run, and what the number of examples lets one expect, each by its degrees of freedom.
 */
function meanChange(changes: readonly RunChange[]): Change | null {
  if (changes.length === 0) return null;
  const mean = meanOf(changes.map(({ change }) => change));
  const expected = changes.flatMap((own) => own.expected ?? []);
  const parts = [
    ...changes,
    {
      variance: changes.reduce((sum, { change }) => sum + (change - mean) ** 2, 0) /
        Math.max(1, changes.length - 1),
      freedom: changes.length - 1,
    },
    ...(expected.length === 0 ? [] : [{ variance: meanOf(expected), freedom: expectedFreedom }]),
  ];
  const freedom = parts.reduce((sum, part) => sum + part.freedom, 0);
  const squares = parts.reduce((sum, part) => sum + part.freedom * part.variance, 0);
  return {
    change: mean,
    error: freedom === 0 ? null : Math.sqrt(squares / freedom / changes.length),
    freedom,
  };
}

/** Whether chance shows a change of so much more than none in fewer than one in twenty cells; without an error it counts as it is. */
function isSurely(more: number, { error, freedom }: Change): boolean {
  return more > 0 && (!error || upperProbability(more / error, freedom) < level);
}

/** Whether a change is more than `most` and more than noise. */
function isMore(change: Change | null, most: number): boolean {
  return change !== null && change.change > most && isSurely(change.change, change);
}

/** Whether a change is more than `most` by more than noise. */
function isClearly(change: Change | null, most: number): boolean {
  return change !== null && change.error !== null && isSurely(change.change - most, change);
}

/** Whether a run's numbers, or those of a cell, are of a training that was ended too early. */
export function needsMoreSteps({ state }: { readonly state: ConvergenceState }): boolean {
  return state === "climbing" || state === "falling";
}

/** Whether the runs of a cell had converged, and what they changed by on average. */
export interface CellConvergence {
  /** As of a run; `failed` where it has no run that did not. */
  readonly state: ConvergenceState;
  /** Whether more seeds may open it: it needs more steps, and chance alone may have lifted its change above the bound. */
  readonly isNoisy: boolean;
  /** Runs that did not fail. */
  readonly runs: number;
  /** The mean share of the held-out loss that was lost at the end; null where no run tells. */
  readonly fall: Change | null;
  /** The mean gain of the score at the end in its unit; null where no run tells. */
  readonly gain: Change | null;
}

/**
 * Whether the runs of one task, method and budget had converged, by the mean of their changes.
 *
 * @param runs What {@linkcode convergenceOf} says of each.
 * @param rule Default: {@linkcode defaultConvergence}, key by key.
 */
export function cellConvergence(
  runs: readonly Convergence[],
  rule: Partial<ConvergenceRule> = {},
): CellConvergence {
  const { lossShare, scoreGain } = { ...defaultConvergence, ...rule };
  const ended = runs.filter(({ state }) => state !== "failed");
  // A plateau is a rule of its own.
  const cut = ended.filter(({ isAtPlateau }) => !isAtPlateau);
  const fall = meanChange(cut.flatMap((run) => run.fall ?? []));
  const gain = meanChange(cut.flatMap((run) => run.gain ?? []));
  const [isClimbing, isFalling] = [isMore(gain, scoreGain), isMore(fall, lossShare)];
  const state = ended.length === 0
    ? "failed"
    : isClimbing
    ? "climbing"
    : isFalling
    ? "falling"
    : cut.length > 0 && fall === null && gain === null
    ? "unknown"
    : "converged";
  const isNoisy = (isClimbing || isFalling) && !isClearly(gain, scoreGain) &&
    !isClearly(fall, lossShare);
  return { state, isNoisy, runs: ended.length, fall, gain };
}
