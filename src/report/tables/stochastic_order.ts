/**
 * Almost stochastic order of each method and the baseline, task by task.
 *
 * @module
 */
import { significanceLevel } from "../../stats/rank_tests.ts";
import { almostStochasticOrder } from "../../stats/stochastic_order.ts";
import { allTasks, keyOf, noBudget } from "../../analysis/run_rows.ts";
import { fixed, whole } from "../../base/format.ts";
import { metricInfo } from "../../analysis/metrics.ts";
import { allBudgets } from "../../analysis/paired_rows.ts";
import type { Analysis } from "../../analysis/analysis.ts";
import { number, type ReportTable, reportTable, text } from "../table.ts";
import { budgetColumn, methodColumn, metricColumn, taskColumn } from "./columns.ts";

/** The bar below which a method is called almost stochastically larger, as Ulmer et al. 2022 advise for few runs. */
const bar = 0.2;

/**
 * The table: for each task and budget that a method shares with the baseline, how far its scores are at most from lying above the
 * baseline's at every quantile, and below them. Cells without a verdict are left out.
 */
export function stochasticOrderTable(results: Analysis): ReportTable {
  const baseline = results.baseline;
  const cells = Map.groupBy(
    results.rows.filter(({ score }) => score !== null),
    ({ task, label, budget }) => keyOf(task, label, budget),
  );
  const scoresOf = (task: string, label: string, budget: string) =>
    (cells.get(keyOf(task, label, budget)) ?? cells.get(keyOf(task, label, noBudget)) ?? [])
      .map(({ score, metric }) => (metricInfo(metric).isHigherBetter ? 1 : -1) * score!);
  const pairs = (baseline === null ? [] : results.tests.paired).filter((
    { task, budget, noVerdict },
  ) => task !== allTasks && budget !== allBudgets && noVerdict === null).flatMap((row) => {
    const own = scoresOf(row.task, row.label, row.budget);
    const theirs = scoresOf(row.task, baseline!, row.budget);
    return own.length < 2 || theirs.length < 2 ? [] : [{ row, own, theirs }];
  });
  // Two orders a pair, all corrected together.
  const level = 1 - significanceLevel / Math.max(1, 2 * pairs.length);
  const rows = pairs.map(({ row: { task, metric, label, budget }, own, theirs }) => {
    const above = almostStochasticOrder(own, theirs, { seed: 0, level });
    const below = almostStochasticOrder(theirs, own, { seed: 0, level });
    const order = above < bar ? "above" : below < bar ? "below" : "no order";
    return {
      task,
      metric,
      label,
      budget,
      n: own.length,
      baseline_n: theirs.length,
      above,
      below,
      order,
    };
  });
  return reportTable(rows, {
    id: "stochastic_order",
    title: `Almost stochastic order against ${baseline ?? "the baseline"}`,
    note:
      `How far the scores of a method are at most from lying above those of ${
        baseline ?? "the baseline"
      } at every quantile (0: they do, ` +
      `½: no order, 1: they lie below), and from lying below them: upper limits at ${
        whole(100 * (1 - significanceLevel))
      }% for all ${
        whole(2 * pairs.length)
      } orders together. Runs are not paired by seed. Below ${bar} ` +
      "the order holds (Ulmer et al. 2022). With a handful of seeds quantiles are hardly known: this is a description beside the tests.",
    columns: [
      taskColumn,
      metricColumn,
      methodColumn,
      budgetColumn,
      number("runs", (row) => whole(row.n)),
      number("from above", (row) => fixed(row.above, 2)),
      number("from below", (row) => fixed(row.below, 2)),
      text(
        "order",
        (row) => row.order,
        (row) => row.order === "above" ? "good" : row.order === "below" ? "bad" : "muted",
      ),
    ],
  });
}
