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
import {
  type Adapter,
  type AdapterPart,
  type AdapterPolicy,
  type Regulariser,
  type StepRules,
} from "./adapter.ts";
import { loraParts } from "./lora.ts";
import { defineMethod } from "./method.ts";
import { rateOptions, scaleBy, scalingOptions, withBRate } from "./shared_options.ts";
import { checkSoraSchedule, phaseEnds, soraPolicy, thresholdAt } from "./sora_policy.ts";

const steps = z.number().nonnegative();

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
  firstStage: steps.default(0.36).describe(
    "Steps of the first phase: a share below 1, else steps; 50 of 140 epochs in the authors' script",
  ),
  stageRate: z.number().min(0).max(1).default(0.1).describe(
    "Learning rate of later phases as a share of the peak; upstream's is 0, its schedule ends with the first phase",
  ),
  countInterval: steps.default(0.05).describe(
    "Steps between two counts of the gates, besides those before evaluations: a share below 1, else steps",
  ),
};

const options = z.strictObject({
  alpha: z.number().positive().default(16).describe("Numerator of the scale alpha/r"),
  ...scalingOptions,
  ...rateOptions,
  ...gateOptions,
});

type Options = z.output<typeof options>;

/** Values of {@linkcode gateOptions}. */
type GateOptions = Omit<Options, "alpha" | "scaling" | "bRate">;

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

/** The gates, one a rank. */
export const gatePart: AdapterPart = {
  name: "g",
  rowLength: () => 1,
  initial: () => ({ type: "normal", deviation: 1 }),
  decay: false,
  isClipped: false,
};

/** What a step does to gates, and when they are counted: all of SoRA but its form. */
export function gateRules(
  chosen: GateOptions,
): { readonly step: StepRules; readonly policy: AdapterPolicy } {
  const { sparseLambda, threshold, lambdaSchedule, stageRate } = chosen;
  const shrink = threshold === "exact" ? softThreshold : upstreamThreshold;
  return {
    policy: { rule: soraPolicy(chosen), kind: "mask" },
    step: {
      regulariser: sparseLambda === 0 ? null : gateSize(sparseLambda),
      after: { g: (rows, pass) => shrink(rows, pass.fed("xi", [])) },
      feeds: ({ step, totalSteps }) => ({
        xi: {
          type: "f32",
          shape: [],
          data: Float32Array.of(thresholdAt(chosen, totalSteps, step)),
        },
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

function adapterOf(chosen: Options): Adapter {
  return {
    parts: [...withBRate(loraParts, chosen.bRate), gatePart],
    prepare: ({ A, B, g }, scale) => ({ A: mul(A!, mul(g!, scale)), B: B! }),
    scale: scaleBy(chosen),
    ...gateRules(chosen),
  };
}

/** SoRA. */
export const sora = defineMethod({
  name: "sora",
  title: "SoRA",
  source: "arXiv 2311.11696",
  version: 1,
  options,
  check: (chosen, { totalSteps, stages = [] }) => {
    checkSoraSchedule(chosen, totalSteps);
    if (chosen.lambdaSchedule === null || stages.length <= 1) return;
    throw new RangeError(
      `Cannot raise the threshold over ${stages.length} tasks in turn: found a lambdaSchedule, which divides a run into ` +
        "phases of its own; set it to null",
    );
  },
  bind: (chosen) => ({ adapter: adapterOf(chosen) }),
});
