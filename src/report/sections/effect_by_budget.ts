/**
 * Whether what a method gains over the baseline depends on the budget.
 *
 * @module
 */
import type { Analysis } from "../../analysis/analysis.ts";
import { allBudgets } from "../../analysis/paired_rows.ts";
import { noBudget } from "../../analysis/run_rows.ts";
import type { PairedRow } from "../../analysis/significance.ts";
import { verdictText } from "../../analysis/verdict.ts";
import { whole } from "../../base/format.ts";
import { noRuns, type Section, table } from "../section.ts";
import { number, type ReportTable, reportTable } from "../table.ts";
import {
  budgetColumn,
  differenceColumn,
  intervalColumn,
  methodColumn,
  metricColumn,
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
  blocks: [table(effectTable)],
};
