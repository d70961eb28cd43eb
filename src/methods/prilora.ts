/**
 * PRILoRA: more rank for deeper layers along a straight line, and A pruned again and again while training.
 *
 * Benedek and Wolf, arXiv 2401.11316. Rank of layer i of L: r_i = r_s + (r_f − r_s)(i − 1)/(L − 1), here scaled to the budget of
 * the study. Importance of an entry of A: S_ij = |A_ij|·X_j with the running norm X_j ← βX_j + (1−β)‖x_:,j‖₂ of the layer's
 * input j over the tokens of a batch; every n steps the entries of each row with the smallest S are set to zero. They keep
 * their moments and a gradient, so they may grow back until the next pruning; B is dense.
 * Padding does not count, nor do the positions that DeBERTa's queries and keys also project; modules of the last layer that
 * act on first tokens alone have the norms of those.
 *
 * The line, and importance as magnitude times accumulated inputs, are the paper's. Not verified against the authors' code: the
 * defaults of all options, that entries are compared within a row, the form of the running norm, and the scale, which is
 * α over the average rank here.
 *
 * @module
 */
import * as z from "zod";
import type { ModuleShape } from "../study/types.ts";
import { loraForm } from "./lora_form.ts";
import { defineMethod } from "./method.ts";
import { smoothingOption, updateOptions } from "./options.ts";
import { moduleNamesOf, type RankState } from "./ranked_slots.ts";
import type { RowEdit } from "./rank_actions.ts";
import type { RankPolicy } from "./rank_policy.ts";

const options = z.strictObject({
  ...updateOptions,
  initialRank: z.number().positive().default(4).describe(
    "Rank of the first layer (r_s), in proportion to finalRank: the budget sets the sum",
  ),
  finalRank: z.number().positive().default(12).describe("Rank of the last layer (r_f)"),
  n: z.int().positive().default(40).describe("Steps between prunings"),
  ratio: z.number().min(0).lt(1).default(0.5).describe(
    "Share of the entries of each row of A that a pruning sets to zero; 0 never prunes",
  ),
  beta: smoothingOption.default(0.9).describe("Smoothing of the inputs' norms"),
  finalPrune: z.boolean().default(false).describe(
    "Whether the last step is followed by a pruning, so that zeros need not be stored",
  ),
});

type PriloraOptions = Pick<z.output<typeof options>, "n" | "ratio" | "finalPrune">;

/** Weights along the line from r_s to r_f over the layers that have a module; all modules of a layer weigh the same. */
export function lineOverLayers(
  from: number,
  to: number,
  modules: readonly Pick<ModuleShape, "layer">[],
): readonly number[] {
  const layers = [...new Set(modules.map(({ layer }) => layer))].sort((a, b) => a - b);
  const last = Math.max(1, layers.length - 1);
  return modules.map(({ layer }) => from + ((to - from) * layers.indexOf(layer)) / last);
}

/** A row with its floor(ratio · length) entries of smallest |a_j|·X_j set to zero; of equal ones the first go first. */
export function prunedRow(
  row: Float32Array,
  norms: ArrayLike<number>,
  ratio: number,
): Float32Array {
  const scores = Float64Array.from(row, (value, j) => Math.abs(value) * norms[j]!);
  const order = [...scores.keys()].sort((i, j) => scores[i]! - scores[j]! || i - j);
  const pruned = row.slice();
  for (const j of order.slice(0, Math.floor(ratio * row.length))) pruned[j] = 0;
  return pruned;
}

function priloraPolicy(
  { n, ratio, finalPrune }: PriloraOptions,
): RankPolicy<Pick<RankState, "modules" | "totalSteps">> {
  return {
    start: (context) => ({ modules: moduleNamesOf(context), totalSteps: context.totalSteps }),
    isDue: ({ totalSteps }, step) =>
      ratio > 0 && ((step + 1) % n === 0 || (finalPrune && step + 1 === totalSteps)),
    decide(state, _step, _scores, seen) {
      const rows = state.modules.flatMap((module) => {
        const norms = seen.inputNorms(module);
        return seen.rows(module, "A").map((row, slot): RowEdit => ({
          module,
          slot,
          part: "A",
          values: prunedRow(row, norms, ratio),
          moments: "keep",
        }));
      });
      return { decision: { actions: [{ type: "write", rows }] }, state };
    },
  };
}

/**
 * Checks that A is pruned at least once, unless it is never to be.
 *
 * @throws {RangeError} Naming the options.
 */
function checkPriloraSchedule(
  { n, ratio, finalPrune }: PriloraOptions,
  totalSteps: number,
): void {
  if (ratio === 0 && finalPrune) {
    throw new RangeError(
      'Cannot end PRILoRA with a pruning: found "finalPrune" with a "ratio" of 0, which prunes nothing; ' +
        "want a ratio above 0, or finalPrune false",
    );
  }
  if (ratio === 0 || finalPrune || n <= totalSteps) return;
  throw new RangeError(
    `Cannot prune in ${totalSteps} steps: found "n" of ${n}, at most ${totalSteps} is wanted; ` +
      `lower it, train for more steps, or set "ratio" to 0 for no pruning`,
  );
}

/** PRILoRA. */
export const prilora = defineMethod({
  name: "prilora",
  title: "PRILoRA",
  source: "arXiv 2401.11316",
  version: 1,
  options,
  budget: {
    rankWeights: ({ initialRank, finalRank }, modules) =>
      lineOverLayers(initialRank, finalRank, modules),
  },
  check: (chosen, { totalSteps }) => checkPriloraSchedule(chosen, totalSteps),
  bind: (chosen) => ({
    adapter: {
      ...loraForm(chosen),
      policy: chosen.ratio === 0 ? null : {
        rule: priloraPolicy(chosen),
        kind: "edit",
        inputNormDecay: chosen.beta,
      },
      storage: { isSparse: chosen.finalPrune },
    },
  }),
});
