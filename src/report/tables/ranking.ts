/**
 * The ranking of methods as tables: mean ranks with letters, the tests behind them, and all pairs.
 *
 * @module
 */
import { allTasks, keyOf, noBudget, type Row, tableFrom } from "../../analysis/run_rows.ts";
import { chance, counted, fixed, interval, nothing, whole } from "../../base/format.ts";
import { hasAverage, majorityLabel, majorityNote, type ScoreRow } from "../../analysis/scores.ts";
import { averageMetric, metricInfo } from "../../analysis/metrics.ts";
import { fewestBlocks, leastCorrectedP } from "../../stats/rank_tests.ts";
import { isNoVerdict } from "../../analysis/no_verdict.ts";
import { isApart, type Ranking } from "../../analysis/ranking.ts";
import { correctionText } from "../../analysis/significance.ts";
import type { Analysis } from "../../analysis/analysis.ts";
import type { ReportTable, Tone } from "../types.ts";
import { budgetColumn, methodColumn } from "./columns.ts";
import { scoreText } from "./scores.ts";

const rankingNames = [
  "budget",
  "label",
  "isBeside",
  "meanRank",
  "low",
  "high",
  "methods",
  "n",
  "firsts",
  "letters",
  "baseline",
  "p",
  "verdict",
];

/** A verdict as cells say it. */
function verdictText(verdict: unknown): string {
  return verdict === "no significant difference" ? "undecided" : String(verdict);
}

function toneOf(verdict: unknown): Tone {
  return verdict === "better" ? "good" : verdict === "worse" ? "bad" : "muted";
}

/** Methods by mean rank at each budget, those without budget placed beside. */
export function rankingTable(
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
  const rows = rankings.flatMap((ranking): readonly Row[] => {
    const { budget, methods, blocks } = ranking;
    const all = [
      ...methods.map((method) => ({
        ...method,
        ...method.againstBaseline,
        n: blocks,
        isBeside: false,
        baseline: ranking.baseline,
      })),
      ...ranking.beside.map((method) => ({ ...method, isBeside: true })),
    ];
    return all.toSorted((a, b) => a.meanRank - b.meanRank)
      .map((row) => ({ ...row, budget, methods: methods.length }));
  });
  const baselines = new Set(rankings.flatMap((r) => r.baseline ?? []));
  const against = [...baselines][0] ?? "the baseline";
  const hasBaseline = baselines.size > 0;
  const { family } = results.tests;
  return {
    id: "ranking",
    title: "Ranking",
    note:
      "A block is one task with one seed in which all methods of the budget have a score. Mean rank over blocks (1 is best), with a 95% t interval. " +
      `Methods that share a letter do not differ significantly, which is not the same as doing equally well (signed-rank tests ` +
      `of all pairs${family.tests === 0 ? "" : `, ${correctionText(family)}`}). ` +
      (rows.some((row) => row["isBeside"] === true)
        ? "Methods without a budget stand in parentheses at the rank each would take among the others; no test includes them. "
        : "") +
      "Seeds of one task are not independent tasks: the tests hold for these tasks with other seeds." +
      majorityNote(results.majority),
    table: tableFrom(rows, rankingNames),
    columns: [
      budgetColumn,
      {
        title: "method",
        align: "left",
        cell: (row) => row["isBeside"] === true ? `(${row["label"]})` : String(row["label"]),
        tone: (row) => row["isBeside"] === true ? "muted" : "plain",
      },
      {
        title: "mean rank ↓",
        align: "right",
        cell: (row) => {
          const rank = fixed(row["meanRank"], 2);
          return row["isBeside"] === true ? `(${rank})` : rank;
        },
      },
      {
        title: "95% interval",
        align: "right",
        cell: (row) => interval(row["low"], row["high"], 2),
      },
      { title: "letters", align: "left", cell: (row) => String(row["letters"] ?? nothing) },
      {
        title: "best in",
        align: "right",
        cell: (row) =>
          typeof row["firsts"] === "number"
            ? `${whole(row["firsts"])} of ${whole(row["n"])}`
            : nothing,
      },
      {
        title: "score (mean ± sd)",
        align: "right",
        cell: (row) => {
          const budget = row["isBeside"] === true ? noBudget : String(row["budget"]);
          const score = scores.get(keyOf(String(row["label"]), budget));
          return score === undefined ? nothing : scoreText(score);
        },
      },
      ...(majority === null ? [] : [{
        title: majorityLabel,
        align: "right" as const,
        cell: () => fixed(majority * metricInfo(metric).scale, 2),
        tone: () => "muted" as const,
      }]),
      ...(hasBaseline
        ? [{
          title: `compared with ${against}`,
          align: "left" as const,
          cell: (row: Row) =>
            typeof row["p"] === "number"
              ? `${verdictText(row["verdict"])} (p ${chance(row["p"])})`
              : typeof row["verdict"] === "string"
              ? verdictText(row["verdict"])
              : nothing,
          tone: (row: Row) => toneOf(row["verdict"]),
        }]
        : []),
    ],
  };
}

/** How many pairs differ, or why the blocks are too few to say, in words. */
export function powerText(ranking: Ranking): string {
  const k = ranking.methods.length;
  const comparisons = k * (k - 1) / 2;
  if (k === 0) return "no task and seed has a score of every method";
  if (k === 1) return "one method, so no pairs";
  if (ranking.canTellApart) {
    const apart = ranking.pairs.filter(({ verdict }) => isApart(verdict));
    const open = ranking.pairs.filter(({ verdict }) => isNoVerdict(verdict)).length;
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
export function rankingTestsTable(rankings: readonly Ranking[]): ReportTable {
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
  return {
    id: "ranking_tests",
    title: "Do the methods differ?",
    note:
      "Friedman’s test of whether all methods of a budget are alike. Its p comes from random orders within blocks and is not corrected. " +
      "An incomplete block lacks the score of a method and does not count. A method without scores in more than half of the blocks is left out.",
    table: tableFrom(rows, Object.keys(rows[0] ?? { budget: 0 })),
    columns: [
      budgetColumn,
      { title: "methods", align: "right", cell: (row) => whole(row["methods"]) },
      { title: "tasks", align: "right", cell: (row) => whole(row["tasks"]) },
      { title: "blocks", align: "right", cell: (row) => whole(row["blocks"]) },
      { title: "incomplete", align: "right", cell: (row) => whole(row["incompleteBlocks"]) },
      { title: "left out", align: "left", cell: (row) => String(row["leftOut"] || nothing) },
      {
        title: "Friedman χ² (df)",
        align: "right",
        cell: (row) =>
          row["statistic"] === null
            ? nothing
            : `${fixed(row["statistic"], 2)} (${whole(row["freedom"])})`,
      },
      { title: "p", align: "right", cell: (row) => chance(row["p"]) },
      { title: "pairs", align: "left", cell: (row) => String(row["pairs"]) },
    ],
  };
}

const pairNames = [
  "budget",
  "label",
  "other",
  "wins",
  "losses",
  "ties",
  "p",
  "corrected",
  "verdict",
];

/** Every pair of methods at every budget. */
export function rankingPairsTable(results: Analysis): ReportTable {
  const { rankings, family } = results.tests;
  const rows = rankings.flatMap(({ budget, pairs }) => pairs.map((pair) => ({ budget, ...pair })));
  return {
    id: "ranking_pairs",
    title: "All pairs of methods",
    note:
      "In how many blocks (one task with one seed) the first method is better, worse and equal; p of the two-sided signed-rank test" +
      (family.tests === 0 ? ". No pair has a verdict." : `, alone and ${correctionText(family)}.`),
    table: tableFrom(rows, pairNames),
    columns: [
      budgetColumn,
      methodColumn,
      { title: "other", align: "left", cell: (row) => String(row["other"]) },
      {
        title: "better / worse / equal",
        align: "right",
        cell: (row) => `${whole(row["wins"])} / ${whole(row["losses"])} / ${whole(row["ties"])}`,
      },
      { title: "p", align: "right", cell: (row) => chance(row["p"]) },
      { title: "p, corrected", align: "right", cell: (row) => chance(row["corrected"]) },
      {
        title: "verdict",
        align: "left",
        cell: (row) => verdictText(row["verdict"]),
        tone: (row) => toneOf(row["verdict"]),
      },
    ],
  };
}
