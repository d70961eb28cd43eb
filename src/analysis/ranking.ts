/**
 * Which methods are better than which at a budget: verdicts and letters after the correction for all that a report tests.
 *
 * @module
 */
import { cliquesOf, lettersOf } from "../stats/letters.ts";
import { leastCorrectedP, significanceLevel } from "../stats/rank_tests.ts";
import type { ComparedRanks, MethodRank, RankedBudget } from "./ranked_budgets.ts";
import { differenceVerdict, isApart, type Verdict } from "./verdict.ts";

/** A method of a ranking. */
export interface RankedMethod extends MethodRank {
  /** Methods that share a letter do not differ significantly. */
  readonly letters: string;
  /** The pair with the baseline, told of this method; null for the baseline and in a study without. */
  readonly againstBaseline: { readonly p: number | null; readonly verdict: Verdict } | null;
}

/** Two methods at a budget. */
export interface RankPair extends ComparedRanks {
  /** p after the correction for all that the report tests; null where there is no verdict. */
  readonly corrected: number | null;
  /** What is said of `label`. */
  readonly verdict: Verdict;
}

/** The ranking at one budget. */
export interface Ranking extends Omit<RankedBudget, "methods" | "pairs"> {
  /** By mean rank; empty where no block has all of them. */
  readonly methods: readonly RankedMethod[];
  /** In the order of `methods`. */
  readonly pairs: readonly RankPair[];
  /** Sets of two and more methods of which no two differ significantly, as places in `methods`. */
  readonly cliques: readonly (readonly number[])[];
  /** Whether a method that wins every block against another would differ significantly from it. */
  readonly canTellApart: boolean;
  /** By what number the smallest p of a report is multiplied. */
  readonly comparisons: number;
}

/**
 * The ranking of a budget after the correction.
 *
 * @param correctedOf A pair's p after it; null for one that was not tested.
 * @param comparisons By what number the smallest p of all is multiplied.
 */
export function rankingOf(
  ranked: RankedBudget,
  correctedOf: (pair: ComparedRanks) => number | null,
  comparisons: number,
): Ranking {
  const pairs = ranked.pairs.map((pair): RankPair => {
    const corrected = correctedOf(pair);
    return {
      ...pair,
      corrected,
      verdict: pair.noVerdict === null
        ? differenceVerdict(corrected, pair.leansTowards)
        : { kind: "void", reason: pair.noVerdict },
    };
  });
  const order = ranked.methods.map(({ label }) => label);
  const apart = pairs.filter((pair) => isApart(pair.verdict))
    .map((pair) => [order.indexOf(pair.label), order.indexOf(pair.other)] as const);
  const letters = lettersOf(order.length, apart);
  return {
    ...ranked,
    methods: ranked.methods.map((method, i): RankedMethod => ({
      ...method,
      letters: letters[i]!,
      againstBaseline: againstOf(method.label, pairs, ranked.baseline),
    })),
    pairs,
    cliques: cliquesOf(order.length, apart).filter((clique) => clique.length > 1),
    canTellApart: apart.length > 0 ||
      leastCorrectedP(ranked.blocks, Math.max(1, comparisons)) < significanceLevel,
    comparisons,
  };
}

/** The pair of a method with the baseline, told of the method. */
function againstOf(
  label: string,
  pairs: readonly RankPair[],
  baseline: string | null,
): RankedMethod["againstBaseline"] {
  const pair = pairs.find(({ label: a, other: b }) =>
    a === label && b === baseline || a === baseline && b === label
  );
  if (pair === undefined) return null;
  const { corrected: p, verdict, other } = pair;
  if (other === baseline || !isApart(verdict)) return { p, verdict };
  return { p, verdict: { kind: verdict.kind === "better" ? "worse" : "better", reason: null } };
}
