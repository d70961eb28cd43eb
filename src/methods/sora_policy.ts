/**
 * SoRA's thresholds over a run, and the policy that tells how many gates are zero.
 *
 * The proximal step acts in the training graph at every step (`sora.ts`), so the policy changes nothing: after some steps, before
 * each evaluation and at the end of each phase it names the slots whose gate is zero now. They may return.
 *
 * @module
 */
import type { RankDecision } from "./rank_actions.ts";
import { checkContext, type RankPolicy, resolveSteps } from "./rank_policy.ts";

/** Options of {@linkcode soraPolicy}. */
export interface SoraSchedule {
  /** The threshold ξ, or the first of the schedule. */
  readonly sparseLambda2: number;
  /** How ξ grows from phase to phase; null for one ξ in the whole run. */
  readonly lambdaSchedule: "linear" | "log_linear" | "exp_linear" | null;
  /** The last ξ of the schedule; null without one. */
  readonly maxLambda: number | null;
  /** Phases of the schedule; null without one. */
  readonly lambdaNum: number | null;
  /** Steps of the first phase: a share of all steps when below 1, else steps; the other phases share the rest. */
  readonly firstStage: number;
  /** Steps between two counts of the gates: a share of all steps when below 1, else steps. */
  readonly countInterval: number;
}

/** State of {@linkcode soraPolicy}. */
interface SoraState {
  readonly modules: readonly string[];
  readonly totalSteps: number;
  /** Counts so far. */
  readonly events: number;
}

/** `count` numbers from `start` to `end`, equally far apart, as NumPy's `linspace`. */
function linspace(start: number, end: number, count: number): readonly number[] {
  return Array.from({ length: count }, (_, i) => {
    if (i === count - 1) return end;
    return start + (i * (end - start)) / (count - 1);
  });
}

/**
 * ξ of each phase: equally spaced, or equally spaced after the exponential function (`log_linear`) or the logarithm
 * (`exp_linear`), as `_build_lambda_list` of the authors' `src/sparse_optimizer.py`.
 *
 * @throws RangeError naming the options that do not fit together.
 */
export function phaseThresholds(schedule: SoraSchedule): readonly number[] {
  const { sparseLambda2: first, lambdaSchedule, maxLambda, lambdaNum } = schedule;
  if (lambdaSchedule === null) {
    if (maxLambda === null && lambdaNum === null) return [first];
    throw new RangeError(
      `Cannot plan SoRA's thresholds: found "maxLambda" of ${maxLambda} and "lambdaNum" of ${lambdaNum} without a ` +
        `"lambdaSchedule"; name one, "linear" for instance, or leave both out`,
    );
  }
  if (maxLambda === null || lambdaNum === null) {
    throw new RangeError(
      `Cannot plan SoRA's thresholds: found the "lambdaSchedule" "${lambdaSchedule}" with a "maxLambda" of ${maxLambda} ` +
        `and a "lambdaNum" of ${lambdaNum}; both are wanted`,
    );
  }
  const least = lambdaSchedule === "exp_linear" ? "a positive number" : "a number";
  if (maxLambda <= first || (lambdaSchedule === "exp_linear" && first === 0)) {
    throw new RangeError(
      `Cannot plan SoRA's thresholds: found "sparseLambda2" of ${first} and "maxLambda" of ${maxLambda}; ` +
        `for "${lambdaSchedule}", ${least} below "maxLambda" is wanted as "sparseLambda2"`,
    );
  }
  if (lambdaSchedule === "linear") return linspace(first, maxLambda, lambdaNum);
  if (lambdaSchedule === "log_linear") {
    return linspace(Math.exp(first), Math.exp(maxLambda), lambdaNum).map(Math.log);
  }
  return linspace(Math.log(first), Math.log(maxLambda), lambdaNum).map(Math.exp);
}

/**
 * The number of steps that are done when each phase ends, the last one at the end of the run.
 *
 * @throws RangeError where a phase has no step.
 */
export function phaseEnds(schedule: SoraSchedule, totalSteps: number): readonly number[] {
  const phases = phaseThresholds(schedule).length;
  if (phases === 1) return [totalSteps];
  const first = resolveSteps(schedule.firstStage, totalSteps, "firstStage");
  const ends = linspace(first, totalSteps, phases).map(Math.round);
  if (first < 1 || ends.some((end, i) => i > 0 && end <= ends[i - 1]!)) {
    throw new RangeError(
      `Cannot schedule SoRA in ${totalSteps} steps: a "firstStage" of ${first} and ${phases} phases ("lambdaNum") leave a ` +
        `phase without a step; lower one of them or train for more steps`,
    );
  }
  return ends;
}

/** The phase that a step, counted from 0, belongs to. */
function phaseOf(ends: readonly number[], step: number): number {
  const phase = ends.findIndex((end) => step < end);
  return phase === -1 ? ends.length - 1 : phase;
}

/** ξ of a step, counted from 0. */
export function thresholdAt(schedule: SoraSchedule, totalSteps: number, step: number): number {
  const phase = phaseOf(phaseEnds(schedule, totalSteps), step);
  return phaseThresholds(schedule)[phase]!;
}

/** Steps between two counts, 1 at least. */
function countSteps({ countInterval }: SoraSchedule, totalSteps: number): number {
  return Math.max(1, resolveSteps(countInterval, totalSteps, "countInterval"));
}

/**
 * Checks that each phase has a step.
 *
 * @throws RangeError naming the options.
 */
export function checkSoraSchedule(schedule: SoraSchedule, totalSteps: number): void {
  countSteps(schedule, totalSteps);
  phaseEnds(schedule, totalSteps);
}

/** The policy that counts SoRA's gates; an evaluation follows each phase. */
export function soraPolicy(schedule: SoraSchedule): RankPolicy<SoraState> {
  const endsPhase = ({ totalSteps }: SoraState, done: number) =>
    phaseEnds(schedule, totalSteps).includes(done);
  return {
    start(context) {
      checkContext(context);
      checkSoraSchedule(schedule, context.totalSteps);
      const { totalSteps } = context;
      return { modules: context.modules.map(({ name }) => name), totalSteps, events: 0 };
    },
    // What is evaluated, and may be kept, knows its own zero gates.
    isDue: (state, step, isEvaluated) =>
      isEvaluated === true || endsPhase(state, step + 1) ||
      (step + 1) % countSteps(schedule, state.totalSteps) === 0,
    decide(state, step, _, seen) {
      const scores = state.modules.map((module) => ({
        module,
        scores: seen.rows(module, "g").map(([gate]) => Math.abs(gate!)),
      }));
      const off = scores.flatMap(({ module, scores }) =>
        scores.flatMap((score, slot) => score === 0 ? [{ module, slot }] : [])
      );
      const decision: RankDecision = {
        actions: [
          { type: "mask", slots: off, isPermanent: false },
          ...(endsPhase(state, step + 1) ? [{ type: "evaluate" } as const] : []),
        ],
        threshold: off.length === 0 ? null : 0,
        scores,
      };
      return { decision, state: { ...state, events: state.events + 1 } };
    },
  };
}
