/**
 * Scores of ranks: by what a policy can tell which rank of which module matters least. Every policy that has a choice can be
 * given each of them, so that a study can ask whether it is the score or the moving that helps.
 *
 * - `importance`: AdaLoRA's and ElaLoRA's Ī·Ū (arXiv 2303.10512, equations 8 to 11; 2504.00254, equations 4 to 7).
 * - `sensitivity`: its first factor alone, the smoothed |w·g|.
 * - `magnitude`: ‖e·b aᵀ‖ of the update that the rank makes, the product of its factors' norms.
 * - `fisher`: ½ Σ w²·E[g²], what the loss gains if the weights w of the rank become zero and the Fisher information is taken to be
 *   diagonal (LeCun et al., Optimal Brain Damage, 1989, equation 5); E[g²] is AdamW's second moment.
 * - `removal`: ALoRA's, the loss on held-out examples with the rank alone and without it (arXiv 2403.16187, section 3).
 * - `random`: drawn anew at each event, the control of all others.
 *
 * @module
 */
import type { RandomStream } from "../base/random.ts";
import { total } from "../study/budget/costs.ts";
import type { Adapter, AdapterPolicy, ScoreSource } from "./adapter.ts";
import type { RankState } from "./ranked_slots.ts";
import type { SlotScores } from "./rank_actions.ts";
import type { RankPolicy, RowView } from "./rank_policy.ts";

/** The scores, in the order in which documents list them. */
export const scoreNames = [
  "importance",
  "sensitivity",
  "magnitude",
  "fisher",
  "removal",
  "random",
] as const;

/** What ranks are scored by. */
type ScoreName = (typeof scoreNames)[number];

/** By what a policy tells which ranks matter. */
export interface ScoreOptions {
  readonly score: ScoreName;
  /** Smoothing of the sensitivity and of the uncertainty. */
  readonly beta1: number;
  readonly beta2: number;
  /** Training examples that `removal` scores on. */
  readonly examples?: number;
}

/** Where the trainer gets a score from; undefined for those that follow from the rows at an event. */
function sourceOf({ score, beta1, beta2, examples = 32 }: ScoreOptions): ScoreSource | undefined {
  switch (score) {
    case "importance":
      return { type: "importance", beta1, beta2 };
    case "sensitivity":
      return { type: "importance", beta1, beta2, of: "sensitivity" };
    case "removal":
      return { type: "removal", examples };
    default:
      return undefined;
  }
}

/**
 * Checks that examples are left to train on beside those that score ranks.
 *
 * @throws {RangeError} If there are none.
 */
export function checkHeldOut(examples: number, trainExamples: number, ranks = "ranks"): void {
  if (examples < trainExamples) return;
  throw new RangeError(
    `Cannot hold out ${examples} examples to score ${ranks} on: the run trains on ${trainExamples}, more are ` +
      'wanted; lower "examples"',
  );
}

/** Norms of a slot's rows, multiplied: the norm of the update that it makes. */
function magnitudeOf(rows: readonly Float32Array[]): number {
  return rows.reduce((product, row) => product * Math.hypot(...row), 1);
}

/** ½ Σ w²·E[g²] over a slot's rows. */
function fisherOf(rows: readonly Float32Array[], squares: readonly Float32Array[]): number {
  return total(rows.map((row, part) => total([...row].map((w, i) => w * w * squares[part]![i]!)))) /
    2;
}

function scoresFromRows(
  score: "magnitude" | "fisher",
  modules: readonly string[],
  parts: readonly string[],
  seen: RowView,
): SlotScores {
  return modules.map((module) => {
    const rows = parts.map((part) => seen.rows(module, part));
    const slots = rows[0]!.map((_, slot) => rows.map((own) => own[slot]!));
    if (score === "magnitude") return { module, scores: slots.map(magnitudeOf) };
    const squares = parts.map((part) => seen.squaredGradients(module, part));
    return {
      module,
      scores: slots.map((own, slot) => fisherOf(own, squares.map((all) => all[slot]!))),
    };
  });
}

function drawnScores(
  modules: readonly string[],
  ranks: readonly number[],
  stream: RandomStream,
): SlotScores {
  return modules.map((module, i) => ({
    module,
    scores: Array.from({ length: ranks[i]! }, () => stream.next()),
  }));
}

/** The rule that decides by a score, whatever it was written for, and where that comes from. */
export function scored<State extends Pick<RankState, "modules" | "ranks">>(
  options: ScoreOptions,
  rule: RankPolicy<State>,
  { parts }: Pick<Adapter, "parts">,
): Pick<AdapterPolicy, "rule" | "scores"> {
  const { score } = options;
  const scores = sourceOf(options);
  if (scores !== undefined) return { rule, scores };
  const decide: RankPolicy<State>["decide"] = (state, step, _, seen) => {
    const own = score === "random"
      ? drawnScores(state.modules, state.ranks, seen.stream.fork("scores"))
      : scoresFromRows(
        score as "magnitude" | "fisher",
        state.modules,
        parts.map(({ name }) => name),
        seen,
      );
    const { decision, state: next } = rule.decide(state, step, own, seen);
    return { decision: { ...decision, scores: own }, state: next };
  };
  return { rule: { ...rule, decide } };
}
