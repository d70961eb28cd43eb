/**
 * How often a run of a method beats one of the baseline, and the share of runs above each score.
 *
 * @module
 */
import type { SeriesStyles } from "../method_styles.ts";
import { allBudgets } from "../../analysis/paired_rows.ts";
import { type BudgetProfiles, performanceProfiles } from "../../analysis/over_tasks.ts";
import { channelsOf, chartColours, keysOf, shownOf } from "../style.ts";
import type { Analysis } from "../../analysis/analysis.ts";
import type { Chart, Panel } from "../types.ts";
import { methodAxis, numberAxis, panelOf, roomForNames, smallWidth } from "./panel.ts";

/** The chance of improvement over the baseline, a panel a budget; null with one task or fewer than three methods. */
export function improvementChart(results: Analysis, styles: SeriesStyles): Chart | null {
  const baseline = results.baseline;
  const rows = results.overTasks.flatMap((row) =>
    row.improvement === null || row.improvementInterval === null || row.budget === allBudgets
      ? []
      : [{
        label: row.label,
        budget: row.budget,
        share: 100 * row.improvement,
        low: 100 * row.improvementInterval.low,
        high: 100 * row.improvementInterval.high,
      }]
  );
  if (rows.length === 0 || baseline === null) return null;
  return {
    id: "improvement",
    title: `Chance that a run beats one of ${baseline}`,
    caption:
      `How often a run of the method scores above a run of ${baseline} on the same task, averaged over tasks; lines are 95% bootstrap ` +
      "intervals over seeds. 50% is no difference. It says how often, not by how much.",
    keys: [],
    panels: [...Map.groupBy(rows, ({ budget }) => budget).values()].map((own) =>
      improvementPanel(own, styles)
    ),
    columns: 3,
  };
}

interface Improvement {
  readonly label: string;
  readonly budget: string;
  readonly share: number;
  readonly low: number;
  readonly high: number;
}

function improvementPanel(rows: readonly Improvement[], styles: SeriesStyles): Panel {
  const order = rows.toSorted((a, b) => b.share - a.share).map(({ label }) => label);
  const { color } = channelsOf("label", shownOf(styles, order));
  const size = { width: smallWidth, height: 21 * order.length, left: roomForNames(order, 124) };
  const y = methodAxis(order, size.left);
  const x = (field: string) => ({
    field,
    type: "quantitative",
    title: "runs above, %",
    scale: { domain: [0, 100], nice: false },
    axis: { grid: false, values: [0, 25, 50, 75, 100] },
  });
  return panelOf({ title: rows[0]!.budget }, size, {
    layer: [
      {
        data: { values: [{ even: 50 }] },
        mark: { type: "rule", strokeDash: [3, 3], color: chartColours.muted },
        encoding: { x: x("even") },
      },
      {
        data: { values: rows },
        mark: { type: "rule", strokeWidth: 2, opacity: 0.75, clip: true },
        encoding: { y, x: x("low"), x2: { field: "high" }, color },
      },
      {
        data: { values: rows },
        mark: { type: "point", filled: true, size: 62, opacity: 1 },
        encoding: { y, x: x("share"), color },
      },
    ],
  });
}

/** Methods whose profiles can be told apart in a panel; of more those that are best half of the time are drawn. */
const mostProfiles = 8;

/** The performance profiles, a panel a budget; null with one task or fewer than three methods. */
export function profilesChart(results: Analysis, styles: SeriesStyles): Chart | null {
  const found = performanceProfiles(results);
  if (found.length === 0) return null;
  const shown = namesOf(found);
  const drawn = shownOf(styles, shown);
  const isPart = found.some(({ profiles }) => profiles.length > shown.length);
  return {
    id: "performance_profiles",
    title: "Performance profiles",
    caption:
      "The share of a method’s runs that score above a threshold, averaged over tasks; thresholds are in standard deviations from the " +
      "mean of all runs of a task. A curve that lies above another everywhere is better at every level." +
      (isPart ? ` The ${shown.length} methods with the largest areas are shown.` : ""),
    keys: keysOf(drawn, "line"),
    panels: found.map((each) => profilesPanel(each, drawn)),
    columns: 3,
  };
}

/** The methods with the largest areas under their profiles, in the order of the study. */
function namesOf(found: readonly BudgetProfiles[]): readonly string[] {
  const areas = new Map<string, number>();
  for (const { label, shares } of found.flatMap(({ profiles }) => profiles)) {
    areas.set(label, (areas.get(label) ?? 0) + shares.reduce((sum, share) => sum + share, 0));
  }
  const kept = new Set(
    [...areas].toSorted(([, a], [, b]) => b - a).slice(0, mostProfiles).map(([label]) => label),
  );
  return [...areas.keys()].filter((label) => kept.has(label));
}

function profilesPanel(
  { budget, thresholds, profiles }: BudgetProfiles,
  styles: SeriesStyles,
): Panel {
  const { color, strokeDash } = channelsOf("label", styles);
  return panelOf({ title: budget }, { width: smallWidth, height: 190 }, {
    data: {
      values: profiles.filter(({ label }) => styles.has(label)).flatMap(({ label, shares }) =>
        shares.map((share, i) => ({
          label,
          threshold: Number(thresholds[i]!.toFixed(3)),
          share: Number((100 * share).toFixed(2)),
        }))
      ),
    },
    mark: { type: "line", interpolate: "step-after", strokeWidth: 1.8, clip: true },
    encoding: {
      x: {
        field: "threshold",
        type: "quantitative",
        title: "threshold, deviations",
        scale: { domain: [thresholds[0]!, thresholds.at(-1)!], nice: false },
        axis: { grid: false, tickCount: 5 },
      },
      y: {
        field: "share",
        type: "quantitative",
        title: "runs above, %",
        scale: { domain: [0, 100], nice: false },
        axis: { ...numberAxis, tickCount: 5 },
      },
      color,
      strokeDash,
    },
  });
}
