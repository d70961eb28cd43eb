/**
 * Methods in an order: mean ranks with bars that join what the tests of pairs leave together, how often a run beats one of
 * the baseline, and the share of runs above each score.
 *
 * @module
 */
import type { Analysis } from "../../analysis/analysis.ts";
import { type BudgetProfiles, performanceProfiles } from "../../analysis/over_tasks.ts";
import { allBudgets } from "../../analysis/paired_rows.ts";
import type { Ranking } from "../../analysis/ranking.ts";
import { counted } from "../../base/format.ts";
import type { SeriesStyles } from "../method_styles.ts";
import type { Chart } from "../types.ts";
import { intervals } from "./intervals.ts";
import { lines } from "./lines.ts";
import { shownOf } from "./theme.ts";

/** Bars that have room beside a panel; of more each method has letters. */
const mostBars = 6;

/** The ranking at each budget; null where nothing was ranked. */
export function rankingChart(rankings: readonly Ranking[], styles: SeriesStyles): Chart | null {
  const filled = rankings.filter(({ methods }) => methods.length > 0);
  if (filled.length === 0) return null;
  const hasBars = filled.every(({ cliques }) => cliques.length <= mostBars);
  const panelOf = ({ budget, blocks, tasks }: Ranking) =>
    `${budget} (${counted(blocks, "block")}, ${counted(tasks, "task")})`;
  const rows = filled.flatMap((ranking) =>
    [
      ...ranking.methods.map(({ label, meanRank, low, high, letters }) => ({
        panel: panelOf(ranking),
        name: label,
        series: label,
        value: meanRank,
        low: low ?? meanRank,
        high: high ?? meanRank,
        ...(hasBars ? {} : { note: letters }),
      })),
      ...ranking.beside.map(({ label, meanRank }) => ({
        panel: panelOf(ranking),
        name: label,
        series: label,
        value: meanRank,
        isHollow: true,
      })),
    ].toSorted((a, b) => a.value - b.value)
  );
  // One scale for all budgets: to the rank that a method beside the longest ranking could take.
  const last = Math.max(
    ...filled.map(({ methods, beside }) => methods.length + (beside.length > 0 ? 1 : 0)),
  );
  return {
    id: "mean_ranks",
    title: "Mean rank over tasks and seeds",
    caption: "Rank 1 is best. Lines are 95% t intervals over blocks of one task and seed. " +
      (hasBars
        ? "Bars at the right join methods of which no two differ significantly, as the letters of the table below do; a bar joins only methods at which it has a dot."
        : "Methods that share a letter do not differ significantly.") +
      " That is not the same as doing equally well." +
      (filled.some(({ beside }) => beside.length > 0)
        ? " Hollow points are methods without a budget, at the rank that each would take."
        : ""),
    draw: intervals(rows, {
      styles: shownOf(styles, rows.map(({ series }) => series)),
      x: {
        title: "mean rank ↓",
        domain: [0.75, last + 0.25],
        axis: { tickMinStep: 1, tickCount: 6, format: "d" },
      },
      ...(hasBars
        ? {
          bars: new Map(filled.map((ranking) => [
            panelOf(ranking),
            ranking.cliques.map((clique) => clique.map((place) => ranking.methods[place]!.label)),
          ])),
        }
        : {}),
    }),
  };
}

/** The chance of improvement over the baseline, a panel a budget; null with one task or fewer than three methods. */
export function improvementChart(results: Analysis, styles: SeriesStyles): Chart | null {
  const { baseline } = results;
  const shares = results.overTasks.flatMap(({ label, budget, improvement, improvementInterval }) =>
    improvement === null || improvementInterval === null || budget === allBudgets ? [] : [{
      panel: budget,
      name: label,
      series: label,
      value: 100 * improvement,
      low: 100 * improvementInterval.low,
      high: 100 * improvementInterval.high,
    }]
  );
  if (shares.length === 0 || baseline === null) return null;
  const rows = [...Map.groupBy(shares, ({ panel }) => panel).values()]
    .flatMap((own) => own.toSorted((a, b) => b.value - a.value));
  return {
    id: "improvement",
    title: `Chance that a run beats one of ${baseline}`,
    caption:
      `How often a run of the method scores above a run of ${baseline} on the same task, averaged over tasks; lines are 95% bootstrap ` +
      "intervals over seeds. 50% is no difference. It says how often, not by how much.",
    draw: intervals(rows, {
      styles: shownOf(styles, rows.map(({ series }) => series)),
      x: { title: "runs above, %", domain: [0, 100], axis: { values: [0, 25, 50, 75, 100] } },
      references: [50],
    }),
  };
}

/** Methods whose profiles can be told apart in a panel; of more those with the largest areas are drawn. */
const mostProfiles = 8;

/** The methods with the largest areas under their profiles, in the order of the study. */
function largestOf(found: readonly BudgetProfiles[]): readonly string[] {
  const areas = new Map<string, number>();
  for (const { label, shares } of found.flatMap(({ profiles }) => profiles)) {
    areas.set(label, (areas.get(label) ?? 0) + shares.reduce((sum, share) => sum + share, 0));
  }
  const kept = new Set(
    [...areas].toSorted(([, a], [, b]) => b - a).slice(0, mostProfiles).map(([label]) => label),
  );
  return [...areas.keys()].filter((label) => kept.has(label));
}

/** The performance profiles, a panel a budget; null with one task or fewer than three methods. */
export function profilesChart(results: Analysis, styles: SeriesStyles): Chart | null {
  const found = performanceProfiles(results);
  if (found.length === 0) return null;
  const shown = shownOf(styles, largestOf(found));
  const isPart = found.some(({ profiles }) => profiles.length > shown.size);
  const rows = found.flatMap(({ budget, thresholds, profiles }) =>
    profiles.filter(({ label }) => shown.has(label)).flatMap(({ label, shares }) =>
      shares.map((share, i) => ({
        panel: budget,
        series: label,
        x: Number(thresholds[i]!.toFixed(3)),
        value: Number((100 * share).toFixed(2)),
      }))
    )
  );
  return {
    id: "performance_profiles",
    title: "Performance profiles",
    caption:
      "The share of a method’s runs that score above a threshold, averaged over tasks; thresholds are in standard deviations from the " +
      "mean of all runs of a task. A curve that lies above another everywhere is better at every level." +
      (isPart ? ` The ${shown.size} methods with the largest areas are shown.` : ""),
    draw: lines(rows, {
      styles: shown,
      x: { title: "threshold, deviations" },
      y: { title: "runs above, %" },
      isStepped: true,
      domain: [0, 100],
      height: 190,
    }),
  };
}
