/**
 * Whether what a method gains over the baseline depends on the budget.
 *
 * @module
 */
import { metricTitle } from "../../analysis/metrics.ts";
import { intervals } from "../charts/intervals.ts";
import { budgetStyles } from "../charts/theme.ts";
import type { Chart } from "../types.ts";
import type { Analysis } from "../../analysis/analysis.ts";
import { allBudgets } from "../../analysis/paired_rows.ts";
import { noBudget } from "../../analysis/run_rows.ts";
import type { PairedRow } from "../../analysis/significance.ts";
import { verdictText } from "../../analysis/verdict.ts";
import { whole } from "../../base/format.ts";
import { charts, noRuns, type Section, table } from "../section.ts";
import { number, type ReportTable, reportTable } from "../table.ts";
import {
  budgetColumn,
  differenceColumn,
  intervalColumn,
  methodColumn,
  metricColumn,
  scaled,
  taskColumn,
  verdictColumn,
} from "../columns.ts";

/** Each method beside the baseline at each budget, budgets ascending; none where the study has one budget. */
function effectRows(
  { tests: { paired }, grid: { budgets } }: Analysis,
): readonly PairedRow[] {
  const isOne = budgets.filter((budget) => budget !== noBudget).length < 2;
  return isOne ? [] : paired.filter(({ budget }) => budget !== allBudgets && budget !== noBudget);
}

function effectTable(analysis: Analysis): ReportTable {
  const { baseline } = analysis;
  return reportTable(effectRows(analysis), {
    id: "effect_by_budget",
    title: `Effect by budget, against ${baseline ?? "the baseline"}`,
    note:
      "The effect is the method’s score minus the baseline’s on the same task, budget and seed; the mean over seeds with its 95% t " +
      "interval. A method without a budget stands beside the baseline at each. Verdicts are corrected with all tests of this report. " +
      "That one is better at one budget and undecided at another does not show that the budget matters: compare the intervals.",
    csv: ({ task, metric, label, budget, n, mean, low, high, margin, verdict }) => ({
      ...{ task, metric, label, baseline, budget, n, mean, low, high, margin },
      verdict: verdictText(verdict),
    }),
    columns: [
      taskColumn,
      metricColumn,
      methodColumn,
      budgetColumn,
      differenceColumn,
      intervalColumn,
      number("n", ({ n }) => whole(n)),
      verdictColumn,
    ],
  });
}

/** A panel a task: methods down, the effect across, a mark with its interval a budget. */
function effectCharts(analysis: Analysis): readonly Chart[] {
  const rows = effectRows(analysis).filter(({ mean }) => mean !== null);
  if (rows.length === 0) return [];
  const budgets = [...new Set(rows.map(({ budget }) => budget))];
  const free = new Set(
    analysis.runs.filter(({ record: { asked } }) => asked.budget === null)
      .map(({ record: { asked } }) => asked.label),
  );
  const points = rows.map((row) => ({
    panel: `${row.task}, ${metricTitle(row.metric)}`,
    metric: row.metric,
    name: row.label,
    series: row.budget,
    beside: row.budget,
    value: scaled(row, row.mean)!,
    low: scaled(row, row.low) ?? undefined,
    high: scaled(row, row.high) ?? undefined,
    sd: scaled(row, row.sd),
    isFree: free.has(row.label),
  }));
  return [{
    id: "effect_by_budget",
    title: `Effect by budget, against ${analysis.baseline}`,
    caption:
      `Marks are mean differences from ${analysis.baseline} over seeds, lines their 95% t intervals, cut at three deviations. ` +
      "On the dashed line there is no difference. Each task has its own scale." +
      (points.some(({ isFree }) => isFree)
        ? " A method without a budget that is far from the others has its number at the edge instead of a mark."
        : ""),
    draw: intervals(points, {
      styles: budgetStyles(budgets, null),
      x: { title: null },
      order: [...new Set(rows.map(({ label }) => label))],
      besides: budgets,
      step: 14 + 8 * budgets.length,
      hasLegend: true,
      hasShapes: true,
      references: [0],
      bounds: { margin: 0.06, hasZero: true },
    }),
  }];
}

/** The difference from the baseline over budgets. */
export const effectByBudget: Section = {
  title: "Effect by budget",
  empty: (analysis) =>
    analysis.runs.length === 0
      ? noRuns(analysis)
      : analysis.baseline === null
      ? "Effects need a method to compare with: add LoRA to the study."
      : effectRows(analysis).length === 0
      ? "Effects over budgets need two budgets at which a method and the baseline share a seed."
      : "",
  blocks: [[charts(({ analysis }) => effectCharts(analysis)), table(effectTable)]],
};
