/**
 * Which budget the baseline needs to score like another method.
 *
 * @module
 */
import type { Analysis } from "../../analysis/analysis.ts";
import type { BudgetEquivalence, NeededBudget } from "../../analysis/budget_equivalence.ts";
import { noBudget } from "../../analysis/run_rows.ts";
import { nothing, significant, whole } from "../../base/format.ts";
import { budgetColumn, methodColumn, scoreOf, taskColumn } from "../columns.ts";
import { noRuns, type Section, table } from "../section.ts";
import { number, type ReportTable, reportTable, text, type Tone } from "../table.ts";

/** A budget as numbers of the table are written: ranks to two digits, counts as they are. */
const sizeOf = (value: number): string =>
  value < 100 ? significant(value, 2) : significant(value, 3);

/** A needed budget divided by a unit, such as `3.1`, `below 1` or `more than 8`. */
function neededText(
  { tried }: Pick<BudgetEquivalence, "tried">,
  needed: NeededBudget | null,
  unit = 1,
): string {
  if (needed === null) return nothing;
  if (needed === "below") return `below ${sizeOf(tried[0]! / unit)}`;
  return needed === "above" ? `more than ${sizeOf(tried.at(-1)! / unit)}` : sizeOf(needed / unit);
}

const isOpen = ({ low, high }: BudgetEquivalence): boolean => low === "below" && high === "above";

function intervalText(row: BudgetEquivalence): string {
  if (row.low === null || row.high === null) return nothing;
  const low = neededText(row, row.low);
  return row.low === row.high && typeof row.low === "string"
    ? low
    : `[${low}, ${neededText(row, row.high)}]`;
}

/** Where every budget fits, the estimate says nothing. */
const toneOf = (row: BudgetEquivalence): Tone => isOpen(row) ? "muted" : "plain";

/** What is said beside the numbers. */
function remark(row: BudgetEquivalence): string {
  if (row.reason !== null) return row.reason;
  const said = isOpen(row) ? ["cannot tell"] : [];
  return [...said, ...(row.noVerdict === null ? [] : [row.noVerdict])].join("; ");
}

const countsName = {
  rank: "rank",
  parameters: "parameters",
  peak: "parameters at any step",
  stored: "stored parameters",
  meanTrained: "parameters on average",
} as const;

function equivalenceTable(analysis: Analysis): ReportTable {
  const baseline = analysis.baseline ?? "the baseline";
  return reportTable(analysis.budgetEquivalences, {
    id: "budget_equivalence",
    title: `Budget equivalence, in budgets of ${baseline}`,
    note:
      `“Worth” is the budget at which ${baseline} reaches the method’s mean score: a line through ${baseline}’s means, fitted so that ` +
      "it never falls, over the logarithm of the budget. The 95% interval holds the budgets at which a paired t test over the same " +
      `seeds finds ${baseline} neither below nor above the method; it is not corrected for how many rows there are. “Below” and “more ` +
      `than” name the smallest and the largest budget of ${baseline} that was tried. “× own” is the same divided by the method’s own ` +
      "budget. “Cannot tell”: the interval holds every budget tried.",
    csv: (row) => ({
      ...{ task: row.task, metric: row.metric, label: row.label, budget: row.budget },
      ...{ baseline: row.baseline, counts: row.counts, tried: row.tried.join(" ") },
      ...{ n: row.n, mean: row.mean, reference: row.reference.join(" ") },
      ...{ needed: row.needed, low: row.low, high: row.high },
      ...{
        own: row.own,
        ratio: row.timesOwn?.needed,
        ratio_low: row.timesOwn?.low,
        ratio_high: row.timesOwn?.high,
      },
      remark: remark(row),
    }),
    columns: [
      taskColumn,
      methodColumn,
      budgetColumn,
      number("score", (row) => scoreOf(row, row.mean)),
      analysis.budgetEquivalences.every(({ counts }) => counts === "rank")
        ? null
        : text("axis", ({ counts }) => counts === null ? nothing : countsName[counts]),
      number("worth", (row) => neededText(row, row.needed), toneOf),
      number("95% interval", (row) => intervalText(row)),
      number(
        "× own",
        (row) => row.own === null ? nothing : neededText(row, row.needed, row.own),
        toneOf,
      ),
      number("n", ({ n }) => whole(n)),
      text("remark", remark, () => "muted"),
    ],
  });
}

/** The budgets of the baseline that other methods are worth. */
export const budgetEquivalence: Section = {
  title: "Budget equivalence",
  empty: (analysis) =>
    analysis.runs.length === 0
      ? noRuns(analysis)
      : analysis.baseline === null
      ? "Equivalent budgets need a method to compare with: add LoRA to the study."
      : analysis.grid.budgets.filter((budget) => budget !== noBudget).length < 2
      ? "Equivalent budgets need two budgets: add some to the study."
      : "Equivalent budgets need another method with a score.",
  blocks: [table(equivalenceTable)],
};
