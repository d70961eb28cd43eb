/**
 * Mean ranks of the methods at each budget, over all tasks and seeds together, and all pairs of them, before any correction.
 *
 * @module
 */
import { meritOf } from "../tasks/metrics.ts";
import { averageRanks, summarise } from "../stats/statistics.ts";
import { type FriedmanTest, friedmanTest, signedRankTest } from "../stats/rank_tests.ts";
import { type Grid, keyOf, noBudget, type RunRow } from "./run_rows.ts";
import { areAverageable } from "./metrics.ts";
import { type NoVerdict, type Remedy, remedyOf } from "./verdict.ts";
import type { Basis } from "./basis.ts";

/** A method among those of its budget. */
export interface MethodRank {
  /** How reports call the method with its options. */
  readonly label: string;
  /** Mean over blocks; 1 is best, ties share their average. */
  readonly meanRank: number;
  /**
   * Ends of the t interval over blocks, within 1 and the number of methods; null for one block and for ranks that never
   * change, which give no estimate of spread.
   */
  readonly low: number | null;
  /** Upper end of the interval. */
  readonly high: number | null;
  /** Blocks in which no method is better. */
  readonly firsts: number;
}

/** A method without budget: the rank it would take beside those of a budget. It is in no test. */
export interface PlacedMethod {
  /** How reports call the method with its options. */
  readonly label: string;
  /** Blocks it has a score in. */
  readonly n: number;
  /** Mean over blocks; 1 is best. */
  readonly meanRank: number;
}

/** Two methods at a budget, before any correction. */
export interface ComparedRanks {
  /** How reports call the method with its options. */
  readonly label: string;
  /** The method that it is compared with. */
  readonly other: string;
  /** Blocks in which `label` is better, and worse. */
  readonly wins: number;
  /** Blocks in which it is worse. */
  readonly losses: number;
  /** Blocks in which both are equal. */
  readonly ties: number;
  /** Whether the signed ranks of the differences lean towards `label`. */
  readonly leansTowards: boolean;
  /** Of the two-sided signed-rank test. */
  readonly p: number;
  /** Why there is no verdict whatever the scores are; null where there may be one. */
  readonly noVerdict: NoVerdict | null;
}

/** The methods of one budget in their order, before any correction. */
export interface RankedBudget {
  /** The budget's name. */
  readonly budget: string;
  /** Tasks and seeds in which every ranked method has a score, and those in which only some have. */
  readonly blocks: number;
  /** Blocks that lack a score. */
  readonly incompleteBlocks: number;
  /** How many tasks, or their names. */
  readonly tasks: number;
  /** By mean rank; empty where no block has all of them. */
  readonly methods: readonly MethodRank[];
  /** Methods without budget. */
  readonly beside: readonly PlacedMethod[];
  /** Methods that lack more than half of the blocks and are not ranked. */
  readonly leftOut: readonly string[];
  /** By itself, outside of the correction: it decides nothing about a pair. */
  readonly friedman: FriedmanTest | null;
  /** Methods with a cell at this budget that has not converged or is not bracketed: no pair with them has a verdict. */
  readonly early: readonly string[];
  /** What would give the methods of `early` a verdict. */
  readonly remedy: Remedy;
  /** In the order of `methods`. */
  readonly pairs: readonly ComparedRanks[];
  /** The label of plain LoRA, null without one. */
  readonly baseline: string | null;
}

/** Scores of one task and seed by label, turned so that higher is better. */
interface Block {
  readonly task: string;
  readonly scores: ReadonlyMap<string, number>;
}

/**
 * Ranks the methods of each budget over blocks of one task and seed, and compares all pairs of them.
 *
 * - A block counts where every ranked method has a score; a method without a score in more than half of the blocks is
 *   left out, so that one that has not run yet does not take the blocks from the others.
 * - The interval of a mean rank is Student's t over blocks and not a bootstrap: resampling three to ten blocks gives
 *   intervals that are too narrow.
 * - Pairs are compared by Wilcoxon's signed-rank test on the differences within blocks: tasks differ in the size and spread of their differences, which the paired t test takes for one normal
 *   sample (Demšar, "Statistical comparisons of classifiers over multiple data sets", JMLR 7, 2006, section 3.1).
 *   Differences of metrics without a common scale are taken between ranks.
 *   The price: n blocks allow no p below 2 / 2ⁿ, which `canTellApart` holds against the number of tests.
 * - Seeds of one task are not independent draws of tasks: a significant difference holds for these tasks.
 * - Methods without budget have no equal among the others. They are placed beside each budget, one at a time, in no
 *   test; in a study without budgets they are ranked among themselves.
 */
export function rankedBudgets(basis: Basis): readonly RankedBudget[] {
  const { grid, baseline } = basis;
  const rows = basis.rows.filter((row) => row.score !== null);
  const budgets = grid.budgets.filter((budget) => budget !== noBudget);
  const wanted = budgets.length === 0 ? [noBudget] : budgets;
  const free = rows.filter((row) => row.budget === noBudget);
  return wanted.flatMap((budget) => {
    const own = rows.filter((row) => row.budget === budget);
    return new Set(own.map((row) => row.label)).size < 2 ? [] : [rankingAt(budget, {
      blocks: blocksOf(own),
      free: blocksOf(budget === noBudget ? [] : free),
      grid,
      baseline,
      early: new Map(grid.labels.flatMap((label) => {
        const verdict = basis.noVerdict({ task: null, label, budget });
        return verdict === null ? [] : [[label, verdict] as const];
      })),
    })];
  });
}

function blocksOf(rows: readonly RunRow[]): ReadonlyMap<string, Block> {
  const groups = Map.groupBy(rows, (row) => keyOf(row.task, row.seed));
  return new Map([...groups].map(([key, group]) => [key, {
    task: group[0]!.task,
    scores: new Map(group.map(({ label, metric, score }) => [
      label,
      meritOf(metric, compared(score!)),
    ])),
  }]));
}

/** A score to twelve digits, so that rounding makes no winner of two that are equal. */
const compared = (score: number): number => Number(score.toPrecision(12));

/** What the methods of a budget are ranked by. */
interface Ranked {
  readonly blocks: ReadonlyMap<string, Block>;
  /** Those of methods without budget. */
  readonly free: ReadonlyMap<string, Block>;
  readonly grid: Grid;
  readonly baseline: string | null;
  /** Labels that have no verdict, and why. */
  readonly early: ReadonlyMap<string, NoVerdict>;
}

function rankingAt(budget: string, { blocks, free, grid, baseline, early }: Ranked): RankedBudget {
  const all = [...blocks.values()];
  const present = grid.labels.filter((label) => all.some((block) => block.scores.has(label)));
  const ranked = present.filter((label) =>
    all.filter((block) => block.scores.has(label)).length * 2 >= all.length
  );
  const isComplete = (block: Block) => ranked.every((label) => block.scores.has(label));
  const complete = [...blocks].filter(([, block]) => isComplete(block));
  const tested = complete.length === 0
    ? { methods: [], friedman: null, pairs: [], baseline: null }
    : testsOf(ranked, complete.map(([, block]) => block), { grid, early, baseline });
  const n = complete.length;
  return {
    budget,
    blocks: n,
    incompleteBlocks: all.length - n,
    tasks: new Set(complete.map(([, block]) => block.task)).size,
    beside: placed(complete, ranked, free, grid),
    leftOut: present.filter((label) => !ranked.includes(label)),
    early: ranked.filter((label) => early.has(label)),
    remedy: remedyOf(ranked.flatMap((label) => early.get(label) ?? [])),
    ...tested,
  };
}

/** Where each method without budget would stand among `ranked`, if it alone joined them. */
function placed(
  complete: readonly (readonly [string, Block])[],
  ranked: readonly string[],
  free: ReadonlyMap<string, Block>,
  grid: Grid,
): readonly PlacedMethod[] {
  return grid.labels.flatMap((label) => {
    const ranks = complete.flatMap(([key, { scores }]) => {
      const own = free.get(key)?.scores.get(label);
      if (own === undefined) return [];
      const others = ranked.map((other) => scores.get(other)!);
      const better = others.filter((score) => score > own).length;
      return [1 + better + others.filter((score) => score === own).length / 2];
    });
    const { mean, n } = summarise(ranks);
    return mean === null ? [] : [{ label, n, meanRank: mean }];
  }).toSorted((a, b) => a.meanRank - b.meanRank);
}

function testsOf(
  labels: readonly string[],
  blocks: readonly Block[],
  { grid, early, baseline: wantedBaseline }: Pick<Ranked, "grid" | "early" | "baseline">,
): Pick<RankedBudget, "methods" | "friedman" | "pairs" | "baseline"> {
  const scoresOf = ({ scores }: Block, order: readonly string[]) =>
    order.map((label) => scores.get(label)!);
  // Rank 1 is the best, so ranks are those of the negated scores.
  const ranksOf = (block: Block, order: readonly string[]) =>
    averageRanks(scoresOf(block, order).map((score) => -score));
  const meanOf = new Map(labels.map((label, i) => [
    label,
    blocks.reduce((sum, block) => sum + ranksOf(block, labels)[i]!, 0) / blocks.length,
  ]));
  const order = labels.toSorted((a, b) => meanOf.get(a)! - meanOf.get(b)!);
  const ranks = blocks.map((block) => ranksOf(block, order));
  const hasScale = grid.tasks.length === 1 || areAverageable([...grid.metrics.values()]);
  const values = hasScale
    ? blocks.map((block) => scoresOf(block, order))
    : ranks.map((block) => block.map((rank) => -rank));
  const pairs = pairsOf(order, values, early);
  const baseline = wantedBaseline !== null && order.includes(wantedBaseline)
    ? wantedBaseline
    : null;
  const methods = order.map((label, i) => {
    const own = ranks.map((block) => block[i]!);
    const { mean, sd, low, high } = summarise(own);
    const hasSpread = sd !== null && sd > 0;
    return {
      label,
      meanRank: mean!,
      low: hasSpread ? Math.max(1, low!) : null,
      high: hasSpread ? Math.min(order.length, high!) : null,
      firsts: ranks.filter((block) => block[i] === Math.min(...block)).length,
    };
  });
  return { methods, friedman: friedmanTest(ranks), pairs, baseline };
}

/** All pairs, the better mean rank first; `values[block][method]`, higher is better. */
function pairsOf(
  order: readonly string[],
  values: readonly (readonly number[])[],
  early: ReadonlyMap<string, NoVerdict>,
): readonly ComparedRanks[] {
  return order.flatMap((label, i) =>
    order.slice(i + 1).map((other, offset) => {
      const differences = values.map((block) => block[i]! - block[i + 1 + offset]!);
      const { n, positive, p } = signedRankTest(differences);
      const wins = differences.filter((d) => d > 0).length;
      const losses = differences.filter((d) => d < 0).length;
      const ties = differences.length - wins - losses;
      return {
        label,
        other,
        wins,
        losses,
        ties,
        p,
        leansTowards: positive > n * (n + 1) / 4,
        noVerdict: early.get(label) ?? early.get(other) ?? null,
      };
    })
  );
}
