/**
 * SoRA's thresholds over a run, and the policy that tells how many gates are zero.
 *
 * The proximal step acts in the training graph at every step (`sora.ts`), so the policy changes nothing: after some steps, before
 * each evaluation and at the end of each stage it names the slots whose gate is zero now. They may return.
 *
 * @module
 */
import type { RankDecision } from "./rank_actions.ts";
import { checkContext, type RankPolicy, resolveSteps } from "./rank_policy.ts";

/** Options of {@linkcode soraPolicy}. */
export interface SoraSchedule {
  /** The threshold ξ, or the first of the schedule. */
  readonly sparseLambda2: number;
  /** How ξ grows from stage to stage; null for one ξ in the whole run. */
  readonly lambdaSchedule: "linear" | "log_linear" | "exp_linear" | null;
  /** The last ξ of the schedule; null without one. */
  readonly maxLambda: number | null;
  /** Stages of the schedule; null without one. */
  readonly lambdaNum: number | null;
  /** Steps of the first stage: a share of all steps when below 1, else steps; the other stages share the rest. */
  readonly firstStage: number;
  /** Steps between two counts of the gates: a share of all steps when below 1, else steps. */
  readonly countInterval: number;
}

/** State of {@linkcode soraPolicy}. */
export interface SoraState {
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
 * ξ of each stage: equally spaced, or equally spaced after the exponential function (`log_linear`) or the logarithm
 * (`exp_linear`), as `_build_lambda_list` of the authors' `src/sparse_optimizer.py`.
 *
 * @throws RangeError naming the options that do not fit together.
 */
export function stageThresholds(schedule: SoraSchedule): readonly number[] {
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
 * The number of steps that are done when each stage ends, the last one at the end of the run.
 *
 * @throws RangeError where a stage has no step.
 */
export function stageEnds(schedule: SoraSchedule, totalSteps: number): readonly number[] {
  const stages = stageThresholds(schedule).length;
  if (stages === 1) return [totalSteps];
  const first = resolveSteps(schedule.firstStage, totalSteps, "firstStage");
  const ends = linspace(first, totalSteps, stages).map(Math.round);
  if (first < 1 || ends.some((end, i) => i > 0 && end <= ends[i - 1]!)) {
    throw new RangeError(
      `Cannot schedule SoRA in ${totalSteps} steps: a "firstStage" of ${first} and ${stages} stages ("lambdaNum") leave a ` +
        `stage without a step; lower one of them or train for more steps`,
    );
  }
  return ends;
}

/** The stage that a step, counted from 0, belongs to. */
function stageOf(ends: readonly number[], step: number): number {
  const stage = ends.findIndex((end) => step < end);
  return stage === -1 ? ends.length - 1 : stage;
}

/** ξ of a step, counted from 0. */
export function thresholdAt(schedule: SoraSchedule, totalSteps: number, step: number): number {
  const stage = stageOf(stageEnds(schedule, totalSteps), step);
  return stageThresholds(schedule)[stage]!;
}

/** Steps between two counts, 1 at least. */
function countSteps({ countInterval }: SoraSchedule, totalSteps: number): number {
  return Math.max(1, resolveSteps(countInterval, totalSteps, "countInterval"));
}

/**
 * Checks that each stage has a step.
 *
 * @throws RangeError naming the options.
 */
export function checkSoraSchedule(schedule: SoraSchedule, totalSteps: number): void {
  countSteps(schedule, totalSteps);
  stageEnds(schedule, totalSteps);
}

/** The policy that counts SoRA's gates; an evaluation follows each stage. */
export function soraPolicy(schedule: SoraSchedule): RankPolicy<SoraState> {
  const endsStage = ({ totalSteps }: SoraState, done: number) =>
    stageEnds(schedule, totalSteps).includes(done);
  return {
    start(context) {
      checkContext(context);
      checkSoraSchedule(schedule, context.totalSteps);
      const { totalSteps } = context;
      return { modules: context.modules.map(({ name }) => name), totalSteps, events: 0 };
    },
    // What is evaluated, and may be kept, knows its own zero gates.
    isDue: (state, step, isEvaluated) =>
      isEvaluated === true || endsStage(state, step + 1) ||
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
          ...(endsStage(state, step + 1) ? [{ type: "evaluate" } as const] : []),
        ],
        threshold: off.length === 0 ? null : 0,
        scores,
      };
      return { decision, state: { ...state, events: state.events + 1 } };
    },
  };
}
