/**
 * SoRA: a gate on every rank of a LoRA, trained with a proximal step that makes some of them exactly zero.
 *
 * Ding et al., arXiv 2311.11696: ΔW = (α/r) · B diag(g) A, where after the optimiser's update of each step
 * g ← T_ξ(g), T_ξ(u) = sign(u) · max(|u| − ξ, 0), which is a proximal gradient step on the loss plus λ‖g‖₁.
 * Defaults are those of the authors' `scripts/run_glue_sora_no_schedule.sh`. As in their `src/trainer.py`, the mean of |g| is
 * part of the loss as well, and as in their `src/sparse_optimizer.py` ξ is one number a phase and not multiplied by the learning
 * rate. Gates are kept out of weight decay, as there, and out of clipping, unlike there: many small pulls to zero would take the
 * norm away from A and B. They share the learning rate of A and B, which is upstream's default.
 *
 * With a schedule of ξ, one run is a curve of sparsity against quality: a phase goes on from where the one before ended.
 * The proximal step acts in the training graph, so the policy changes nothing: after some steps, before each evaluation and at the end
 * of each phase it names the slots whose gate is zero now. They may return.
 *
 * @module
 */
import * as z from "zod";
import {
  abs,
  add,
  less,
  mul,
  neg,
  reduceSum,
  relu,
  sub,
  type Tensor,
  where,
} from "../graph/mod.ts";
import { learningRateAt } from "../study/grid/steps.ts";
import { type AdapterPart, fedNumber, type Regulariser } from "./adapter.ts";
import { type Allocation, compose, type Form } from "./allocation.ts";
import { loraForm, type LoraFormOptions, scaledPrepare } from "./lora_form.ts";
import { stepsOption, updateOptions } from "./options.ts";
import { moduleNamesOf, partScores } from "./ranked_slots.ts";
import { intervalOf, resolveSteps } from "./schedule.ts";
import type { RankDecision } from "./rank_actions.ts";
import type { RankPolicy } from "./rank_policy.ts";

/** What drives gates to zero, as options. */
export const gateOptions = {
  sparseLambda: z.number().nonnegative().default(10).describe(
    "Weight of the mean size of the gates in the loss (sparse_lambda)",
  ),
  sparseLambda2: z.number().nonnegative().default(3e-4).describe(
    "The threshold xi of each step (sparse_lambda_2); the first one of a schedule",
  ),
  threshold: z.enum(["exact", "upstream"]).default("exact").describe(
    "exact shrinks by xi; upstream's three passes also set to zero what was between xi and 2 xi",
  ),
  lambdaSchedule: z.enum(["linear", "log_linear", "exp_linear"]).nullable().default(null).describe(
    "How xi grows from phase to phase (lambda_schedule), or null for one xi",
  ),
  maxLambda: z.number().positive().nullable().default(null).describe(
    "The last xi of the schedule (max_lambda)",
  ),
  lambdaNum: z.int().min(2).nullable().default(null).describe(
    "Phases of the schedule (lambda_num)",
  ),
  firstStage: stepsOption.default(0.36).describe(
    "Steps of the first phase: a share below 1, else steps; 50 of 140 epochs in the authors' script",
  ),
  stageRate: z.number().min(0).max(1).default(0.1).describe(
    "Learning rate of later phases as a share of the peak; upstream's is 0, its schedule ends with the first phase",
  ),
  countInterval: stepsOption.default(0.05).describe(
    "Steps between two counts of the gates, besides those before evaluations: a share below 1, else steps",
  ),
};

/** Values of {@linkcode gateOptions}. */
type GateOptions = z.output<z.ZodObject<typeof gateOptions>>;

/** The options that decide about thresholds, and when gates are counted. */
export type SoraSchedule = Omit<GateOptions, "sparseLambda" | "threshold" | "stageRate">;

interface SoraState {
  readonly modules: readonly string[];
  readonly totalSteps: number;
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

/** ξ of a step, counted from 0. */
export function thresholdAt(schedule: SoraSchedule, totalSteps: number, step: number): number {
  const phase = phaseEnds(schedule, totalSteps).findIndex((end) => step < end);
  return phaseThresholds(schedule).at(phase)!;
}

function countSteps({ countInterval }: SoraSchedule, totalSteps: number): number {
  return intervalOf(countInterval, totalSteps, "countInterval");
}

function checkSoraSchedule(schedule: SoraSchedule, totalSteps: number): void {
  countSteps(schedule, totalSteps);
  phaseEnds(schedule, totalSteps);
}

/** The policy that counts SoRA's gates; an evaluation follows each phase. */
export function soraPolicy(schedule: SoraSchedule): RankPolicy<SoraState> {
  const endsPhase = ({ totalSteps }: SoraState, done: number) =>
    phaseEnds(schedule, totalSteps).includes(done);
  return {
    start(context) {
      const modules = moduleNamesOf(context);
      const { totalSteps } = context;
      checkSoraSchedule(schedule, totalSteps);
      return { modules, totalSteps };
    },
    // What is evaluated, and may be kept, knows its own zero gates.
    isDue: (state, step, isEvaluated) =>
      isEvaluated === true || endsPhase(state, step + 1) ||
      (step + 1) % countSteps(schedule, state.totalSteps) === 0,
    decide(state, step, _, seen) {
      const scores = partScores(state.modules, seen, "g", (gates) => gates.map(Math.abs));
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
      return { decision, state };
    },
  };
}

/** T_ξ: shrinks towards zero by ξ and stops there. */
export function softThreshold(u: Tensor, xi: Tensor): Tensor {
  return sub(relu(sub(u, xi)), relu(sub(neg(u), xi)));
}

/**
 * What `src/sparse_optimizer.py` computes in three passes in place: what exceeds ξ shrinks by ξ, and then what is below ξ by now
 * becomes zero, which is all that was below 2ξ.
 */
export function upstreamThreshold(u: Tensor, xi: Tensor): Tensor {
  const shrunk = where(less(xi, abs(u)), softThreshold(u, xi), u);
  return where(less(abs(shrunk), xi), 0, shrunk);
}

/** The mean of |g| over all gates, as the loss of the authors' `src/trainer.py` has it. */
function gateSize(weight: number): Regulariser {
  return {
    weight,
    build: (groups) => {
      const gates = groups.filter(({ part }) => part === "g").map(({ rows }) => rows);
      const sum = gates.map((rows) => reduceSum(abs(rows))).reduce((total, term) =>
        add(total, term)
      );
      const count = gates.reduce(
        (total, { shape }) => total + (shape as readonly number[]).reduce((size, n) => size * n, 1),
        0,
      );
      return mul(sum, 1 / count);
    },
  };
}

/** What a step does to gates, and when they are counted: all of SoRA but its form. */
export function gates(chosen: GateOptions): Allocation {
  const { sparseLambda, threshold, lambdaSchedule, stageRate } = chosen;
  const shrink = threshold === "exact" ? softThreshold : upstreamThreshold;
  return {
    policy: { rule: soraPolicy(chosen), kind: "mask" },
    check: ({ totalSteps }) => checkSoraSchedule(chosen, totalSteps),
    step: {
      regulariser: sparseLambda === 0 ? null : gateSize(sparseLambda),
      after: { g: (rows, pass) => shrink(rows, pass.fed("xi", [])) },
      feeds: ({ step, totalSteps }) => ({
        xi: fedNumber(thresholdAt(chosen, totalSteps, step)),
      }),
      ...(lambdaSchedule === null ? {} : {
        // The first phase has the run's schedule for itself; a small constant rate lets the others follow their threshold.
        learningRate: (step, total, train) => {
          const [first] = phaseEnds(chosen, total) as readonly [number];
          return step < first ? learningRateAt(step, first, train) : stageRate * train.learningRate;
        },
      }),
    },
  };
}

const gatePart: AdapterPart = {
  name: "g",
  rowLength: () => 1,
  initial: () => ({ type: "normal", deviation: 1 }),
  decay: false,
  isClipped: false,
};

/** LoRA's form with a gate on each rank. */
export function gatedForm(chosen: LoraFormOptions): Form {
  const { parts, scale } = loraForm(chosen);
  return { parts: [...parts, gatePart], prepare: scaledPrepare("g"), scale };
}

/** SoRA. */
export const sora = compose({
  name: "sora",
  title: "SoRA",
  source: "arXiv 2311.11696",
  version: 1,
  options: z.strictObject({ ...updateOptions, ...gateOptions }),
  form: gatedForm,
  allocation: gates,
  check: ({ lambdaSchedule }, { stages = [] }) => {
    if (lambdaSchedule === null || stages.length <= 1) return;
    throw new RangeError(
      `Cannot raise the threshold over ${stages.length} tasks in turn: found a lambdaSchedule, which divides a run into ` +
        "phases of its own; set it to null",
    );
  },
});
