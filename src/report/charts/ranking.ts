/**
 * Mean ranks with their intervals and letters: a panel a budget, methods from best to worst.
 *
 * @module
 */
import { counted } from "../format.ts";
import type { Ranking } from "../ranking.ts";
import { chartColours, labelScales, type LabelStyles } from "../style.ts";
import type { Chart } from "../types.ts";
import { besidePanels } from "./metric_budget.ts";

/** The ranking at each budget; null where nothing was ranked. */
export function rankingChart(rankings: readonly Ranking[], styles: LabelStyles): Chart | null {
  const filled = rankings.filter(({ methods }) => methods.length > 0);
  if (filled.length === 0) return null;
  const hasBeside = filled.some(({ beside }) => beside.length > 0);
  return {
    id: "mean_ranks",
    title: "Mean rank over tasks and seeds",
    caption:
      "Rank 1 is best. Lines are 95% t intervals over blocks of one task and seed; letters at the right join methods that cannot be told apart." +
      (hasBeside ? " Hollow points are methods without budget, at the rank each would take." : ""),
    spec: besidePanels(filled.map((ranking) => panel(ranking, styles, filled.length))),
  };
}

function panel(ranking: Ranking, styles: LabelStyles, count: number): object {
  const { methods, beside, budget, blocks, tasks } = ranking;
  const ranked = methods.map((method) => ({
    label: method.label,
    rank: method.meanRank,
    low: method.low ?? method.meanRank,
    high: method.high ?? method.meanRank,
    letters: method.letters,
  }));
  const placed = beside.map((method) => ({ label: method.label, rank: method.meanRank }));
  const order = [...ranked, ...placed].toSorted((a, b) => a.rank - b.rank).map((row) => row.label);
  const { color } = labelScales(styles, order);
  const top = methods.length + (beside.length > 0 ? 1 : 0);
  const y = {
    field: "label",
    type: "nominal",
    sort: order,
    title: null,
    axis: { labelLimit: 240, domain: false, ticks: false, grid: true, labelPadding: 8 },
  };
  const x = (field: string) => ({
    field,
    type: "quantitative",
    title: "mean rank ↓",
    scale: { domain: [0.75, top + 0.25], nice: false, zero: false },
    axis: { grid: false, tickMinStep: 1, format: "d" },
  });
  const own = { ...color, legend: null };
  return {
    title: { text: `${budget} (${counted(blocks, "block")}, ${counted(tasks, "task")})` },
    width: count === 1 ? 560 : 330,
    height: { step: 21 },
    layer: [
      {
        data: { values: ranked },
        mark: { type: "rule", strokeWidth: 2, opacity: 0.75 },
        encoding: { y, x: x("low"), x2: { field: "high" }, color: own },
      },
      {
        data: { values: ranked },
        mark: { type: "point", filled: true, size: 70, opacity: 1 },
        encoding: { y, x: x("rank"), color: own },
      },
      {
        data: { values: ranked },
        mark: { type: "text", align: "left", x: "width", dx: 8, fontSize: 11, fontWeight: 600 },
        encoding: { y, text: { field: "letters" }, color: { value: chartColours.ink } },
      },
      ...(placed.length === 0 ? [] : [{
        data: { values: placed },
        mark: { type: "point", filled: false, size: 60, strokeWidth: 1.8, opacity: 1 },
        encoding: { y, x: x("rank"), color: own },
      }]),
    ],
  };
}
