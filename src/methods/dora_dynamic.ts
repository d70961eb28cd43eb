/**
 * DoRA with dynamic rank: LoRA as a sum of components with a scale each, of which the ones with the smallest share in their module's
 * update are pruned. It is the DoRA of the tables in ElaLoRA's paper; `dora` is the decomposition into lengths and directions.
 *
 * Mao et al., arXiv 2405.17357, and the authors' `Src/Finetune_And_Benchmark/Finetune_Utils.py`: ΔW = (α/r₀) B diag(c) A with r₀ the start rank,
 * A uniform on ±√(6/in), B on ±√(6/r₀) and c = 0. The score of component i is ‖b_i‖·|c_i|·‖a_i‖ / (‖B diag(c) A‖_F + 10⁻⁸), averaged with β
 * from 0 after each step until pruning has ended. So long a regulariser holds the rows of A and the columns of B even: the mean of
 * their variances. The paper's tables were not read.
 *
 * @module
 */
import * as z from "zod";
import {
  abs,
  add,
  div,
  matMul,
  max,
  mul,
  reduceMean,
  reduceSum,
  reduceSumSquare,
  sqrt,
  sub,
  type Tensor,
  transpose,
} from "../graph/mod.ts";
import { type AdapterPart, fedNumber, type PartGroup, type Regulariser } from "./adapter.ts";
import { fallingCounts } from "./allocation.ts";
import { constantPart } from "./lora_form.ts";
import { defineMethod } from "./method.ts";
import { scaleBy, smoothingOption, stepsOption, updateOptions, withBRate } from "./options.ts";
import {
  compareSlots,
  maskedWithin,
  partScores,
  rankSlots,
  type RankState,
  rankState,
} from "./ranked_slots.ts";
import { intervalOf, meanRanks, phaseOf, type Totals } from "./schedule.ts";
import type { RankPolicy } from "./rank_policy.ts";
import { svdPrepare } from "./svd_form.ts";

const options = z.strictObject({
  ...updateOptions,
  initialFactor: z.number().min(1).default(1.5).describe("Initial over final rank"),
  initWarmup: stepsOption.default(0.15).describe(
    "Steps at the initial rank: a share below 1, else steps",
  ),
  finalWarmup: stepsOption.default(0.5).describe(
    "Steps at the final rank: a share below 1, else steps",
  ),
  interval: z.number().positive().default(100).describe(
    "Steps between masks: a share of all steps below 1, else steps; the last one is at the end of the phase in any case",
  ),
  beta: smoothingOption.default(0.9).describe("Smoothing of the scores"),
  regulariserWeight: z.number().nonnegative().default(0.1).describe(
    "Weight of the variance of rows of A and columns of B, until ranks are final; 0 for none",
  ),
  ties: z.enum(["exact", "upstream"]).default("exact").describe(
    "exact masks as many as are due; upstream masks all at or below the threshold, and one where none is due",
  ),
});

/** A `[slots, in]`, c as E `[slots, 1]`, B, transposed, `[slots, out]`, and the averaged scores S `[slots, 1]`, which follow from these. */
const parts: readonly AdapterPart[] = [
  {
    name: "A",
    rowLength: ({ inSize }) => inSize,
    initial: ({ inSize }) => ({ type: "uniform", bound: Math.sqrt(6 / inSize) }),
  },
  constantPart("E"),
  {
    name: "B",
    rowLength: ({ outSize }) => outSize,
    initial: (_, rank) => ({ type: "uniform", bound: Math.sqrt(6 / rank) }),
  },
  constantPart("S", { isTrained: false }),
];

/** Added to the norm of an update, which is zero at the start. */
const epsilon = 1e-8;

/**
 * The share of each component in the norm of its module's update, `[modules, slots, 1]`.
 *
 * ‖B diag(c) A‖² is the sum of the products of the entries of two Gram matrices, those of the rows c_i a_i and of the b_i.
 */
export function componentShares(
  { A, E, B }: Readonly<Record<string, Tensor>>,
): Tensor {
  const scaled = mul(A!, E!);
  const gram = (rows: Tensor) => matMul(rows, transpose(rows, [0, 2, 1]));
  const squared = reduceSum(mul(gram(scaled), gram(B!)), { axes: [1, 2], keepDims: true });
  const norm = sqrt(max(squared, 0));
  const lengthOf = (rows: Tensor) => sqrt(reduceSumSquare(rows, { axes: [2], keepDims: true }));
  return div(mul(mul(lengthOf(A!), abs(E!)), lengthOf(B!)), add(norm, epsilon));
}

/** The unbiased variance of each row, summed over those that are on, and how many these are. */
function varianceOf({ rows, on }: PartGroup): { readonly sum: Tensor; readonly count: Tensor } {
  const [, , length] = rows.shape as readonly [number, number, number];
  const centred = sub(rows, reduceMean(rows, { axes: [2], keepDims: true }));
  const variances = mul(reduceSumSquare(centred, { axes: [2] }), 1 / (length - 1));
  return { sum: reduceSum(mul(variances, on)), count: reduceSum(on) };
}

/** The mean variance of all rows of A and columns of B while ranks are masked, then nothing. */
function varianceRegulariser(weight: number): Regulariser {
  return {
    weight,
    build: (groups, pass) => {
      const own = groups.filter(({ part }) => part === "A" || part === "B").map(varianceOf);
      const sum = own.map(({ sum }) => sum).reduce((all, one) => add(all, one));
      const count = own.map(({ count }) => count).reduce((all, one) => add(all, one));
      return mul(div(sum, count), pass.fed("isMasking", []));
    },
  };
}

/** Options of {@linkcode dynamicRankPolicy}. */
type DynamicRankOptions = Pick<
  z.output<typeof options>,
  "initWarmup" | "finalWarmup" | "interval" | "ties"
>;

/** The place in the phase of a step that is counted from 0, when it is done: from 0 at its start to its length. */
function placeOf(options: DynamicRankOptions, totalSteps: number, step: number): number | null {
  const { start, end } = phaseOf(options, totalSteps);
  const place = step + 1 - start;
  const interval = intervalOf(options.interval, totalSteps);
  const least = options.ties === "upstream" ? 0 : 1;
  if (place < least || place > end - start) return null;
  return place % interval === 0 || place === end - start ? place : null;
}

/** Checks that there is a step between the warm-ups. */
function checkDynamicRanks(options: DynamicRankOptions, totalSteps: number): void {
  const { start, end } = phaseOf(options, totalSteps);
  if (start < end) return;
  throw new RangeError(
    `Cannot mask ranks in ${totalSteps} steps: found an "initWarmup" of ${options.initWarmup} and a "finalWarmup" of ` +
      `${options.finalWarmup}, want at least one step between them; lower one of them or train for more steps`,
  );
}

/** Ranks that are masked after a step: ⌊(N₀ − N)·(t/T)³⌋; null where none are masked then. */
export function maskedAt(
  options: DynamicRankOptions,
  { initialTotal, finalTotal, totalSteps }: Totals & { readonly totalSteps: number },
  step: number,
): number | null {
  const place = placeOf(options, totalSteps, step);
  const { start, end } = phaseOf(options, totalSteps);
  return place === null
    ? null
    : Math.floor((initialTotal - finalTotal) * (place / (end - start)) ** 3);
}

/** The policy. */
export function dynamicRankPolicy(options: DynamicRankOptions): RankPolicy<RankState> {
  return {
    start: (context) => {
      checkDynamicRanks(options, context.totalSteps);
      return rankState(context);
    },
    isDue: ({ totalSteps }, step) => placeOf(options, totalSteps, step) !== null,
    decide: (state, step, _, seen) => {
      const scores = partScores(state.modules, seen, "S");
      const all = rankSlots(scores, state.modules, state.ranks).flat().sort(compareSlots);
      const due = maskedAt(options, state, step)!;
      const most = all.length - (options.ties === "upstream" ? Math.max(1, due) : due);
      const { slots, threshold } = maskedWithin(all, most, state, options.ties);
      const isPermanent = step + 1 === phaseOf(options, state.totalSteps).end;
      return {
        decision: { actions: [{ type: "mask", slots, isPermanent }], threshold, scores },
        state,
      };
    },
  };
}

/** DoRA with dynamic rank. */
export const doraDynamic = defineMethod({
  name: "dora-dynamic",
  title: "DoRA, dynamic rank",
  source: "arXiv 2405.17357",
  version: 1,
  options,
  budget: {
    initialFactor: ({ initialFactor }) => initialFactor,
    // Equal scores mask more than are due in the authors' code.
    keepsCap: ({ ties }) => ties === "exact",
    meanFactor: (chosen, totalSteps) =>
      meanRanks(chosen.initialFactor, totalSteps, (step, totals) => {
        const masked = maskedAt(chosen, { ...totals, totalSteps }, step);
        return masked === null ? null : totals.initialTotal - masked;
      }),
    counts: ({ ties }, facts) => fallingCounts(facts, ties),
  },
  check: (chosen, { totalSteps }) => checkDynamicRanks(chosen, totalSteps),
  bind: (chosen) => ({
    adapter: {
      parts: withBRate(parts, chosen.bRate),
      prepare: svdPrepare,
      scale: scaleBy(chosen),
      policy: { rule: dynamicRankPolicy(chosen), kind: "mask" },
      step: {
        regulariser: chosen.regulariserWeight === 0
          ? null
          : varianceRegulariser(chosen.regulariserWeight),
        after: {
          S: (rows, pass, all) => {
            const move = mul(pass.fed("isMasking", []), 1 - chosen.beta);
            return add(rows, mul(move, sub(componentShares(all()), rows)));
          },
        },
        feeds: ({ step, totalSteps }) => {
          const { end } = phaseOf(chosen, totalSteps);
          return { isMasking: fedNumber(step + 1 <= end ? 1 : 0) };
        },
      },
    },
  }),
});
