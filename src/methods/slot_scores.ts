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
import type { ScoreSource } from "./adapter.ts";
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

/** What the scores that are averaged or measured while training depend on. */
interface ScoreSettings {
  /** Smoothing of the sensitivity and of the uncertainty. */
  readonly beta1: number;
  readonly beta2: number;
  /** Training examples that `removal` scores on. */
  readonly examples: number;
}

/** Where the trainer gets a score from; undefined for those that follow from the rows at an event. */
export function sourceOf(score: ScoreName, settings: ScoreSettings): ScoreSource | undefined {
  const { beta1, beta2, examples } = settings;
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

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

/** Norms of a slot's rows, multiplied: the norm of the update that it makes. */
function magnitudeOf(rows: readonly Float32Array[]): number {
  return rows.reduce((product, row) => product * Math.hypot(...row), 1);
}

/** ½ Σ w²·E[g²] over a slot's rows. */
function fisherOf(rows: readonly Float32Array[], squares: readonly Float32Array[]): number {
  return sumOf(rows.map((row, part) => sumOf([...row].map((w, i) => w * w * squares[part]![i]!)))) /
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

/**
 * A policy that decides by a score, whatever it was written for.
 *
 * @param parts The adapter's parts that have a row a rank.
 */
export function scoredBy<
  State extends { readonly modules: readonly string[]; readonly ranks: readonly number[] },
>(
  score: ScoreName,
  policy: RankPolicy<State>,
  parts: readonly string[],
): RankPolicy<State> {
  if (score === "importance" || score === "sensitivity" || score === "removal") return policy;
  return {
    ...policy,
    decide: (state, step, _, seen) => {
      const scores = score === "random"
        ? drawnScores(state.modules, state.ranks, seen.stream.fork("scores"))
        : scoresFromRows(score, state.modules, parts, seen);
      const { decision, state: next } = policy.decide(state, step, scores, seen);
      return { decision: { ...decision, scores }, state: next };
    },
  };
}
