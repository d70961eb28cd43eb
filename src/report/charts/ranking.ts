/**
 * Mean ranks with their intervals and letters: a panel a budget, methods from best to worst.
 *
 * @module
 */
import { counted } from "../format.ts";
import type { SeriesStyles } from "../method_styles.ts";
import type { Ranking } from "../ranking.ts";
import { channelsOf, chartColours, shownOf } from "../style.ts";
import type { Chart, Panel } from "../types.ts";
import { limitFor, panelOf, plotWidth, roomForNames, smallWidth } from "./panel.ts";

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
  return {
    id: "mean_ranks",
    title: "Mean rank over tasks and seeds",
    caption:
      "Rank 1 is best. Lines are 95% t intervals over blocks of one task and seed; methods that share a letter do not differ significantly." +
      (hasBeside
        ? " Hollow points are methods without a budget, at the rank that each would take."
        : ""),
    keys: [],
    panels: filled.map((ranking) => panel(ranking, styles, { last, letters })),
    columns: 3,
  };
}

function panel(
  ranking: Ranking,
  styles: SeriesStyles,
  { last, letters }: { readonly last: number; readonly letters: number },
): Panel {
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
  const { color } = channelsOf("label", shownOf(styles, order));
  const size = {
    width: smallWidth,
    height: 21 * order.length,
    left: roomForNames(order, 124),
    right: 14 + 7 * letters,
  };
  const y = {
    field: "label",
    type: "nominal",
    sort: order,
    title: null,
    axis: {
      labelLimit: limitFor(size.left - 12),
      domain: false,
      ticks: false,
      grid: true,
      labelPadding: 8,
    },
  };
  const x = (field: string) => ({
    field,
    type: "quantitative",
    title: "mean rank ↓",
    scale: { domain: [0.75, last + 0.25], nice: false, zero: false },
    axis: { grid: false, tickMinStep: 1, tickCount: 6, format: "d" },
  });
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
        {
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
        },
        ...(placed.length === 0 ? [] : [{
          data: { values: placed },
          mark: { type: "point", filled: false, size: 60, strokeWidth: 1.8, opacity: 1 },
          encoding: { y, x: x("rank"), color },
        }]),
      ],
    },
  );
}
