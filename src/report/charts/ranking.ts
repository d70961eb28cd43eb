/**
 * The critical-difference diagram: mean ranks with their intervals, and bars that join what the tests of pairs leave together.
 *
 * @module
 */
import { counted } from "../../base/format.ts";
import type { SeriesStyles } from "../method_styles.ts";
import type { Ranking } from "../../analysis/ranking.ts";
import { channelsOf, chartColours, shownOf } from "../style.ts";
import type { Chart, Panel } from "../types.ts";
import { methodAxis, panelOf, plotWidth, roomForNames, smallWidth } from "./panel.ts";

/** Bars that have room beside a panel; of more each method has letters. */
const mostBars = 6;

/** The ranking at each budget; null where nothing was ranked. */
export function rankingChart(rankings: readonly Ranking[], styles: SeriesStyles): Chart | null {
  const filled = rankings.filter(({ methods }) => methods.length > 0);
  if (filled.length === 0) return null;
  const hasBeside = filled.some(({ beside }) => beside.length > 0);
  // One scale for all budgets: to the rank that a method beside the longest ranking could take.
  const last = Math.max(
    ...filled.map(({ methods, beside }) => methods.length + (beside.length > 0 ? 1 : 0)),
  );
  const letters = Math.max(
    ...filled.flatMap(({ methods }) => methods.map((method) => method.letters.length)),
  );
  const bars = Math.max(...filled.map(({ cliques }) => cliques.length));
  const marks = bars <= mostBars ? { bars, letters: 0 } : { bars: 0, letters };
  return {
    id: "mean_ranks",
    title: "Mean rank over tasks and seeds",
    caption: "Rank 1 is best. Lines are 95% t intervals over blocks of one task and seed. " +
      (bars <= mostBars
        ? "Bars at the right join methods of which no two differ significantly, as the letters of the table below do; a bar joins only methods at which it has a dot."
        : "Methods that share a letter do not differ significantly.") +
      " That is not the same as doing equally well." +
      (hasBeside
        ? " Hollow points are methods without a budget, at the rank that each would take."
        : ""),
    keys: [],
    panels: filled.map((ranking) => panel(ranking, styles, { last, ...marks })),
    columns: 3,
  };
}

function panel(
  ranking: Ranking,
  styles: SeriesStyles,
  { last, letters, bars }: {
    readonly last: number;
    readonly letters: number;
    readonly bars: number;
  },
): Panel {
  const { methods, beside, budget, blocks, tasks, cliques } = ranking;
  const ranked = methods.map((method) => ({
    label: method.label,
    rank: method.meanRank,
    low: method.low ?? method.meanRank,
    high: method.high ?? method.meanRank,
    letters: method.letters,
  }));
  const placed = beside.map((method) => ({ label: method.label, rank: method.meanRank }));
  const order = [...ranked, ...placed].toSorted((a, b) => a.rank - b.rank).map((row) => row.label);
  const { color } = channelsOf("label", shownOf(styles, order));
  const size = {
    width: smallWidth,
    height: 21 * order.length,
    left: roomForNames(order, 124),
    right: 14 + 7 * letters + 9 * bars,
  };
  const y = methodAxis(order, size.left);
  const x = (field: string) => ({
    field,
    type: "quantitative",
    title: "mean rank ↓",
    scale: { domain: [0.75, last + 0.25], nice: false, zero: false },
    axis: { grid: false, tickMinStep: 1, tickCount: 6, format: "d" },
  });
  const barLayers = (clique: readonly number[], i: number) => {
    const place = plotWidth(size) + 10 + 9 * i;
    const members = clique.map((member) => ({ label: methods[member]!.label }));
    const ink = { value: chartColours.ink };
    return [
      {
        data: { values: [{ label: members[0]!.label, to: members.at(-1)!.label }] },
        mark: { type: "rule", x: place, strokeWidth: 2.4 },
        encoding: { y, y2: { field: "to" }, color: ink },
      },
      {
        data: { values: members },
        mark: { type: "point", filled: true, x: place, size: 22, opacity: 1 },
        encoding: { y, color: ink },
      },
    ];
  };
  return panelOf(
    { title: `${budget} (${counted(blocks, "block")}, ${counted(tasks, "task")})` },
    size,
    {
      layer: [
        {
          data: { values: ranked },
          mark: { type: "rule", strokeWidth: 2, opacity: 0.75, clip: true },
          encoding: { y, x: x("low"), x2: { field: "high" }, color },
        },
        {
          data: { values: ranked },
          mark: { type: "point", filled: true, size: 62, opacity: 1 },
          encoding: { y, x: x("rank"), color },
        },
        ...(bars === 0 ? [] : cliques.flatMap((clique, i) => barLayers(clique, i))),
        ...(letters === 0 ? [] : [{
          data: { values: ranked },
          mark: {
            type: "text",
            align: "left",
            x: plotWidth(size),
            dx: 8,
            fontSize: 11,
            fontWeight: 600,
          },
          encoding: { y, text: { field: "letters" }, color: { value: chartColours.ink } },
        }]),
        ...(placed.length === 0 ? [] : [{
          data: { values: placed },
          mark: { type: "point", filled: false, size: 60, strokeWidth: 1.8, opacity: 1 },
          encoding: { y, x: x("rank"), color },
        }]),
      ],
    },
  );
}
