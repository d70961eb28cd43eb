/**
 * Methods by mean rank, with letters, tests and all pairs.
 *
 * @module
 */
import type { Analysis } from "../../analysis/analysis.ts";
import { averageMetric } from "../../analysis/metrics.ts";
import type { PlacedMethod } from "../../analysis/ranked_budgets.ts";
import type { RankedMethod, Ranking } from "../../analysis/ranking.ts";
import { allTasks, keyOf, noBudget } from "../../analysis/run_rows.ts";
import { hasAverage, majorityLabel, majorityNote, type ScoreRow } from "../../analysis/scores.ts";
import { correctionText } from "../../analysis/significance.ts";
import { isApart, type Verdict, verdictText } from "../../analysis/verdict.ts";
import { chance, counted, fixed, interval, nothing, whole } from "../../base/format.ts";
import { fewestBlocks, leastCorrectedP } from "../../stats/rank_tests.ts";
import { charts, finding, folded, type Section, table, titled } from "../section.ts";
import { number, type ReportTable, reportTable, text } from "../table.ts";
import { budgetColumn, methodColumn, scoreOf, toneOf } from "../columns.ts";
import { scoreText } from "./scores.ts";

/** A method of a budget, or one without a budget at the rank it would take. */
interface RankingRow extends PlacedMethod, Partial<Omit<RankedMethod, "label" | "meanRank">> {
  readonly isBeside: boolean;
  readonly baseline?: string | null;
  readonly p?: number | null;
  readonly verdict?: Verdict;
}

/** Methods by mean rank at each budget, those without budget placed beside. */
function rankingTable(
  results: Analysis,
  rankings: readonly Ranking[],
): ReportTable {
  const grid = results.grid;
  const task = hasAverage(grid) ? allTasks : grid.tasks.length === 1 ? grid.tasks[0] : undefined;
  const scores = new Map(
    results.scores.filter((row) => row.task === task)
      .map((row): [string, ScoreRow] => [keyOf(row.label, row.budget), row]),
  );
  const majority = task === undefined ? null : results.majority.get(task) ?? null;
  const metric = task === undefined || task === allTasks
    ? averageMetric()
    : grid.metrics.get(task)!;
  const rows = rankings.flatMap(({ budget, methods, blocks, beside, baseline }) =>
    [
      ...methods.map((method): RankingRow => ({
        ...method,
        ...method.againstBaseline,
        n: blocks,
        isBeside: false,
        baseline,
      })),
      ...beside.map((method): RankingRow => ({ ...method, isBeside: true })),
    ].toSorted((a, b) => a.meanRank - b.meanRank)
      .map((row) => ({ ...row, budget, methods: methods.length }))
  );
  const baselines = new Set(rankings.flatMap((r) => r.baseline ?? []));
  const against = [...baselines][0] ?? "the baseline";
  const hasBaseline = baselines.size > 0;
  const { family } = results.tests;
  return reportTable(rows, {
    id: "ranking",
    title: "Ranking",
    note:
      "A block is one task with one seed in which all methods of the budget have a score. Mean rank over blocks (1 is best), with a 95% t interval. " +
      `Methods that share a letter do not differ significantly, which is not the same as doing equally well (signed-rank tests ` +
      `of all pairs${family.tests === 0 ? "" : `, ${correctionText(family)}`}). ` +
      (rows.some((row) => row.isBeside)
        ? "Methods without a budget stand in parentheses at the rank each would take among the others; no test includes them. "
        : "") +
      "Seeds of one task are not independent tasks: the tests hold for these tasks with other seeds." +
      majorityNote(results.majority),
    csv: (
      { budget, label, isBeside, meanRank, low, high, methods, n, firsts, letters, ...row },
    ) => ({
      ...{ budget, label, isBeside, meanRank, low, high, methods, n, firsts, letters },
      ...{ baseline: row.baseline, p: row.p, verdict: row.verdict && verdictText(row.verdict) },
    }),
    columns: [
      budgetColumn,
      text(
        "method",
        (row) => row.isBeside ? `(${row.label})` : row.label,
        (row) => row.isBeside ? "muted" : "plain",
      ),
      number("mean rank ↓", (row) => {
        const rank = fixed(row.meanRank, 2);
        return row.isBeside ? `(${rank})` : rank;
      }),
      number("95% interval", (row) => interval(row.low, row.high, 2)),
      text("letters", (row) => row.letters ?? nothing),
      number(
        "best in",
        (row) => row.firsts !== undefined ? `${whole(row.firsts)} of ${whole(row.n)}` : nothing,
      ),
      number("score (mean ± sd)", (row) => {
        const budget = row.isBeside ? noBudget : row.budget;
        const score = scores.get(keyOf(row.label, budget));
        return score === undefined ? nothing : scoreText(score);
      }),
      majority === null
        ? null
        : number(majorityLabel, () => scoreOf({ metric }, majority), () => "muted"),
      hasBaseline
        ? text(
          `compared with ${against}`,
          ({ p, verdict }) =>
            verdict === undefined
              ? nothing
              : verdictText(verdict) + (typeof p === "number" ? ` (p ${chance(p)})` : ""),
          (row) => toneOf(row.verdict),
        )
        : null,
    ],
  });
}

/** How many pairs differ, or why the blocks are too few to say, in words. */
export function powerText(ranking: Ranking): string {
  const k = ranking.methods.length;
  const comparisons = k * (k - 1) / 2;
  if (k === 0) return "no task and seed has a score of every method";
  if (k === 1) return "one method, so no pairs";
  if (ranking.canTellApart) {
    const apart = ranking.pairs.filter(({ verdict }) => isApart(verdict));
    const open = ranking.pairs.filter(({ verdict }) => verdict.kind === "void").length;
    const rest = open === 0
      ? ""
      : `, ${whole(open)} ${open === 1 ? "needs" : "need"} ${ranking.remedy.needs}`;
    return `${whole(apart.length)} of ${counted(comparisons, "pair")} ${
      apart.length === 1 ? "differs" : "differ"
    } significantly${rest}`;
  }
  const least = chance(leastCorrectedP(ranking.blocks, ranking.comparisons));
  return `too few blocks: a method that is better in every block has p ${least} after the correction for ${
    counted(ranking.comparisons, "comparison")
  }; ${whole(fewestBlocks(ranking.comparisons))} blocks would be enough`;
}

/** One row a budget: Friedman's test, and what the number of blocks allows. */
function rankingTestsTable(rankings: readonly Ranking[]): ReportTable {
  const rows = rankings.map((ranking) => ({
    budget: ranking.budget,
    methods: ranking.methods.length,
    tasks: ranking.tasks,
    blocks: ranking.blocks,
    incompleteBlocks: ranking.incompleteBlocks,
    leftOut: ranking.leftOut.join(", "),
    statistic: ranking.friedman?.statistic ?? null,
    freedom: ranking.friedman?.freedom ?? null,
    p: ranking.friedman?.p ?? null,
    pairs: powerText(ranking),
  }));
  return reportTable(rows, {
    id: "ranking_tests",
    title: "Do the methods differ?",
    note:
      "Friedman’s test of whether all methods of a budget are alike. Its p comes from random orders within blocks and is not corrected. " +
      "An incomplete block lacks the score of a method and does not count. A method without scores in more than half of the blocks is left out.",
    columns: [
      budgetColumn,
      number("methods", (row) => whole(row.methods)),
      number("tasks", (row) => whole(row.tasks)),
      number("blocks", (row) => whole(row.blocks)),
      number("incomplete", (row) => whole(row.incompleteBlocks)),
      text("left out", (row) => row.leftOut || nothing),
      number(
        "Friedman χ² (df)",
        (row) =>
          row.statistic === null ? nothing : `${fixed(row.statistic, 2)} (${whole(row.freedom)})`,
      ),
      number("p", (row) => chance(row.p)),
      text("pairs", (row) => row.pairs),
    ],
  });
}

/** Every pair of methods at every budget. */
function rankingPairsTable(results: Analysis): ReportTable {
  const { rankings, family } = results.tests;
  const rows = rankings.flatMap(({ budget, pairs }) => pairs.map((pair) => ({ budget, ...pair })));
  return reportTable(rows, {
    id: "ranking_pairs",
    title: "All pairs of methods",
    note:
      "In how many blocks (one task with one seed) the first method is better, worse and equal; p of the two-sided signed-rank test" +
      (family.tests === 0 ? ". No pair has a verdict." : `, alone and ${correctionText(family)}.`),
    csv: ({ budget, label, other, wins, losses, ties, p, corrected, verdict }) => ({
      ...{ budget, label, other, wins, losses, ties, p, corrected, verdict: verdictText(verdict) },
    }),
    columns: [
      budgetColumn,
      methodColumn,
      text("other", (row) => row.other),
      number(
        "better / worse / equal",
        (row) => `${whole(row.wins)} / ${whole(row.losses)} / ${whole(row.ties)}`,
      ),
      number("p", (row) => chance(row.p)),
      number("p, corrected", (row) => chance(row.corrected)),
      text("verdict", (row) => verdictText(row.verdict), (row) => toneOf(row.verdict)),
    ],
  });
}

/** The order of methods at each budget. */
export const ranking: Section = {
  title: "Ranking",
  empty: () => "A ranking needs two methods that have a score on the same task and seed.",
  blocks: [
    charts(({ charts }) => charts.ranking, { says: finding("Mean ranks") }),
    table((analysis) => rankingTable(analysis, analysis.tests.rankings)),
    titled(({ tests }) => rankingTestsTable(tests.rankings)),
    charts(({ charts }) => charts.overTasks, {
      folded: "Chances of improvement and performance profiles",
    }),
    folded(rankingPairsTable),
  ],
};
