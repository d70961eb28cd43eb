/**
 * Each method beside the baseline over all tasks: chances for tasks like these.
 *
 * @module
 */
import { fixed, nothing, whole } from "../../base/format.ts";
import type { Analysis } from "../../analysis/analysis.ts";
import { number, type ReportTable, reportTable } from "../table.ts";
import { budgetColumn, methodColumn } from "./columns.ts";
import { verdictText } from "../../analysis/verdict.ts";
import { oddsCells, oddsText, verdictColumn } from "./paired.ts";

/** The table of {@linkcode overTasks}. */
export function overTasksTable(results: Analysis): ReportTable {
  const baseline = results.baseline ?? "the baseline";
  const rows = results.overTasks;
  const hasImprovement = rows.some(({ improvement }) => improvement !== null);
  const percent = (share: number | undefined) =>
    share === undefined ? nothing : fixed(100 * share, 0);
  return reportTable(rows, {
    id: "over_tasks",
    title: `Over tasks like these, against ${baseline}`,
    note:
      "How likely it is, in percent, that on a further task like these the method is better by more than the margin / equal within it / " +
      "worse. One answer is that of a hierarchical model over tasks and seeds (it needs three seeds on each task), the other that of " +
      "the Bayesian signed-rank test over the tasks’ mean differences. With few tasks both are vague. The verdict is about these tasks only." +
      (hasImprovement
        ? ` Runs above ${baseline}: how often a run of the method scores higher than one of ${baseline} on the same task, with a 95% bootstrap interval over seeds; 50% is no difference.`
        : ""),
    csv: ({ label, budget, tasks, improvement, improvementInterval, verdict, ...row }) => ({
      ...{ label, budget, tasks },
      ...oddsCells("hierarchical", row.hierarchical),
      ...oddsCells("next_task", row.nextTask),
      ...oddsCells("signed_rank", row.signedRank),
      improvement,
      improvement_low: improvementInterval?.low,
      improvement_high: improvementInterval?.high,
      verdict: verdictText(verdict),
    }),
    columns: [
      methodColumn,
      budgetColumn,
      number("tasks", (row) => whole(row.tasks)),
      number("hierarchical, %", (row) => oddsText(row.hierarchical)),
      number("signed-rank, %", (row) => oddsText(row.signedRank)),
      hasImprovement
        ? number(
          `runs above ${baseline}, %`,
          ({ improvement, improvementInterval: ends }) =>
            improvement === null
              ? nothing
              : `${percent(improvement)} [${percent(ends?.low)}, ${percent(ends?.high)}]`,
        )
        : null,
      verdictColumn,
    ],
  });
}
