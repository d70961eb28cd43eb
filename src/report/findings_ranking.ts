/**
 * What the ranking shows, in plain words.
 *
 * @module
 */
import type { Finding } from "./findings.ts";
import { chance, counted, fixed, interval, listed, whole } from "./format.ts";
import { fewestBlocks, leastCorrectedP, significanceLevel } from "./rank_tests.ts";
import type { RankedMethod, Ranking, RankVerdict } from "./ranking.ts";

/** Budgets that findings speak of each; of more only the largest, and the section has the others. */
const mostBudgets = 2;

/** One finding for the order of a budget's methods, and one for what tells them apart. */
export function rankingFindings(rankings: readonly Ranking[]): readonly Finding[] {
  const ranked = rankings.filter(({ methods }) => methods.length > 1);
  const shown = ranked.length > mostBudgets ? ranked.slice(-1) : ranked;
  return shown.flatMap((ranking) => [
    { lead: `Mean ranks at ${ranking.budget}`, text: orderText(ranking) },
    { lead: `Told apart at ${ranking.budget}`, text: `${apartText(ranking)}.` },
  ]);
}

function orderText({ methods, beside, blocks, tasks, leftOut }: Ranking): string {
  const rankText = (method: RankedMethod) =>
    [method.label, fixed(method.meanRank, 2), interval(method.low, method.high, 2)]
      .filter((text) => text !== "–").join(" ");
  const scope = `${counted(methods.length, "method")} over ${counted(blocks, "block")} (${
    counted(tasks, "task")
  } with their seeds)`;
  const placed = beside.map(({ label, meanRank }) => `${label} would take ${fixed(meanRank, 2)}`);
  return [
    `${scope}, 1 is best: ${listed(methods.map(rankText))}.`,
    ...(placed.length === 0 ? [] : [`Beside them, without budget, ${listed(placed)}.`]),
    ...(leftOut.length === 0 ? [] : [`Not ranked for want of runs: ${listed(leftOut)}.`]),
  ].join(" ");
}

function apartText(ranking: Ranking): string {
  return [friedmanText(ranking), pairsText(ranking), ...againstTexts(ranking)].join("; ");
}

function friedmanText({ friedman, methods }: Ranking): string {
  if (friedman === null) return "one block only, or equal scores in all";
  const p = `Friedman p ${chance(friedman.p)}`;
  return friedman.p < significanceLevel
    ? `the ${whole(methods.length)} are not all alike (${p})`
    : `no sign that any of the ${whole(methods.length)} differ (${p})`;
}

function pairsText({ methods, pairs, blocks, canTellApart }: Ranking): string {
  const apart = pairs.filter((pair) => pair.verdict !== "cannot be told apart");
  if (!canTellApart) {
    return `${counted(blocks, "block")} cannot tell any of ${
      counted(pairs.length, "pair")
    } apart, even one that wins every block (p ${
      chance(leastCorrectedP(blocks, pairs.length))
    } after Holm’s correction; ${whole(fewestBlocks(pairs.length))} blocks could)`;
  }
  if (apart.length === 0) return `of ${counted(pairs.length, "pair")} none is told apart`;
  const best = methods[0]!;
  const alike = pairs.filter((pair) =>
    pair.label === best.label && pair.verdict === "cannot be told apart"
  ).map((pair) => pair.other);
  return `${whole(apart.length)} of ${counted(pairs.length, "pair")} are told apart; ${
    alike.length === 0
      ? `${best.label} is told apart from all others`
      : `${best.label} cannot be told apart from ${listed(alike)}`
  }`;
}

function againstTexts(ranking: Ranking): readonly string[] {
  const { baseline, methods, blocks, canTellFromBaseline } = ranking;
  if (baseline === null || methods.length < 3) return [];
  const others = methods.length - 1;
  if (!canTellFromBaseline) {
    return ranking.canTellApart ? [] : [
      `nor any from ${baseline} alone (p ${chance(leastCorrectedP(blocks, others))} at best, ${
        whole(fewestBlocks(others))
      } blocks could)`,
    ];
  }
  const named = (verdict: RankVerdict) =>
    methods.filter((method) => method.againstBaseline?.verdict === verdict)
      .map((method) => method.label);
  const [better, worse, alike] = [named("better"), named("worse"), named("cannot be told apart")];
  const parts = [
    ...(better.length === 0 ? [] : [`better: ${listed(better)}`]),
    ...(worse.length === 0 ? [] : [`worse: ${listed(worse)}`]),
    ...(alike.length === 0 ? [] : [`cannot be told apart: ${listed(alike)}`]),
  ];
  return [`against ${baseline} alone, ${parts.join("; ")}`];
}
