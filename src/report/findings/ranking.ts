/**
 * What the ranking shows, in sentences.
 *
 * @module
 */
import {
  chance,
  counted,
  fixed,
  intervalWords,
  joined,
  listed,
  said,
  whole,
} from "../../base/format.ts";
import { fewestBlocks, leastCorrectedP, significanceLevel } from "../../stats/rank_tests.ts";
import { isApart, type VerdictKind } from "../../analysis/verdict.ts";
import type { RankedMethod, Ranking } from "../../analysis/ranking.ts";
import { correctionText, type TestedFamily } from "../../analysis/significance.ts";
import { atBudget, type Finding } from "./finding.ts";

/** Budgets that findings speak of each; of more only the largest, and the section has the others. */
const mostBudgets = 2;

/** One finding for the order of a budget's methods, and one for what differs significantly. */
export function rankingFindings(
  rankings: readonly Ranking[],
  family: TestedFamily,
): readonly Finding[] {
  const ranked = rankings.filter(({ methods }) => methods.length > 1);
  const shown = ranked.length > mostBudgets ? ranked.slice(-1) : ranked;
  return shown.flatMap((ranking) => [
    { lead: `Mean ranks${atBudget(ranking.budget)}`, text: orderText(ranking) },
    {
      lead: `Rank tests${atBudget(ranking.budget)}`,
      text: significanceText(ranking, correctionText(family)),
    },
  ]);
}

function orderText({ methods, beside, blocks, tasks, leftOut }: Ranking): string {
  const rankText = (method: RankedMethod) => {
    const ends = intervalWords(method.low, method.high, 2);
    return `${method.label} ${fixed(method.meanRank, 2)}${ends === "" ? "" : ` (${ends})`}`;
  };
  const placed = beside.map(({ label, meanRank }) => `${label} ${fixed(meanRank, 2)}`);
  return said(
    `The ${whole(methods.length)} methods are ranked in ${
      blocks === 1 ? "one block" : `each of ${whole(blocks)} blocks`
    } (one task with one seed; ${counted(tasks, "task")}), 1 is best: ${
      listed(methods.map(rankText))
    }.`,
    placed.length > 0 && `Methods without a budget, each placed among them: ${listed(placed)}.`,
    leftOut.length > 0 &&
      `Not ranked, for lack of more than half of the runs: ${listed(leftOut)}.`,
  ).join(" ");
}

function significanceText(ranking: Ranking, correction: string): string {
  const { blocks, methods, early, remedy, comparisons } = ranking;
  if (methods.length - early.length < 2) {
    return `No verdict: ${listed(early)} ${
      early.length === 1 ? "needs" : "need"
    } ${remedy.needs} (see ${remedy.see}).`;
  }
  if (blocks < 2) {
    return `One block is too few for a test; pairs need ${
      whole(fewestBlocks(Math.max(1, comparisons)))
    }.`;
  }
  // Of two methods the test of their pair says all.
  const friedman = methods.length > 2 && early.length === 0 && friedmanText(ranking);
  const open = early.length > 0 &&
    `No verdict on ${listed(early)}, which ${
      early.length === 1 ? "needs" : "need"
    } ${remedy.needs} (see ${remedy.see}).`;
  return said(friedman, open, pairsText(ranking, correction), againstText(ranking)).join(" ");
}

function friedmanText({ friedman, methods }: Ranking): string {
  if (friedman === null) return "The methods have equal scores in every block.";
  const p = `Friedman’s test, p ${chance(friedman.p)}`;
  return friedman.p < significanceLevel
    ? `The ${whole(methods.length)} methods are not all alike (${p}).`
    : `No significant difference between any of the ${whole(methods.length)} methods (${p}).`;
}

function pairsText(
  { methods, pairs, blocks, canTellApart, early, remedy, comparisons }: Ranking,
  correction: string,
): string {
  const apart = pairs.filter((pair) => isApart(pair.verdict));
  if (!canTellApart) {
    const p = chance(leastCorrectedP(blocks, comparisons));
    const corrected = comparisons === 1
      ? ""
      : ` after the correction for ${whole(comparisons)} comparisons`;
    const what = pairs.length === 1 ? "two methods" : "pairs";
    return `${whole(blocks)} blocks are too few to compare ${what}: ` +
      `even a method that is better in every block has p ${p}${corrected}. ` +
      `${whole(fewestBlocks(comparisons))} blocks would be enough.`;
  }
  const test = `signed-rank ${pairs.length === 1 ? "test" : "tests"}, ${correction}`;
  if (apart.length === 0) {
    return pairs.length === 1
      ? `They do not differ significantly (${test}).`
      : `None of ${whole(pairs.length)} pairs differs significantly (${test}).`;
  }
  if (pairs.length === 1) {
    const [{ label, other, verdict }] = apart as [Ranking["pairs"][number]];
    return `${label} is ${verdict.kind} than ${other} (${test}).`;
  }
  const best = methods[0]!;
  const alike = pairs.filter((pair) =>
    pair.label === best.label && pair.verdict.kind === "undecided"
  ).map((pair) => pair.other);
  const first = early.includes(best.label)
    ? `${best.label}, with the best mean rank, needs ${remedy.needs}.`
    : alike.length === 0
    ? `${best.label} differs from all others${early.length === 0 ? "" : " that have a verdict"}.`
    : `${best.label}, with the best mean rank, does not differ significantly from ${
      listed(alike, "or")
    }.`;
  const count = apart.length === pairs.length
    ? `All ${whole(pairs.length)} pairs differ`
    : `${whole(apart.length)} of ${whole(pairs.length)} pairs ${
      apart.length === 1 ? "differs" : "differ"
    }`;
  return `${count} significantly (${test}). ${first}`;
}

function againstText(ranking: Ranking): string | false {
  const { baseline, methods, canTellApart } = ranking;
  if (baseline === null || methods.length < 3 || !canTellApart) return false;
  const named = (kind: VerdictKind) =>
    methods.filter((method) => method.againstBaseline?.verdict.kind === kind)
      .map((method) => method.label);
  const [better, worse, alike, early] = [
    named("better"),
    named("worse"),
    named("undecided"),
    named("void"),
  ];
  const is = (names: readonly string[]) => names.length === 1 ? "is" : "are";
  const parts = said(
    better.length > 0 && `${listed(better)} ${is(better)} better`,
    worse.length > 0 && `${listed(worse)} ${is(worse)} worse`,
    alike.length > 0 &&
      `${listed(alike)} ${alike.length === 1 ? "does" : "do"} not differ significantly`,
    early.length > 0 && `${ranking.remedy.needs} are needed for a verdict on ${listed(early)}`,
  );
  return `Compared with ${baseline}, ${joined(parts)}.`;
}
