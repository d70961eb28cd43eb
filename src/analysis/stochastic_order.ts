/**
 * Almost stochastic order of each method and the baseline, task by task.
 *
 * @module
 */
import { significanceLevel } from "../stats/rank_tests.ts";
import { almostStochasticOrder } from "../stats/stochastic_order.ts";
import type { Analysis } from "./analysis.ts";
import { allBudgets } from "./paired_rows.ts";
import { allTasks } from "./run_rows.ts";
import { meritsOf } from "./scores.ts";

/** The bar below which a method is called almost stochastically larger, as Ulmer et al. 2022 advise for few runs. */
export const stochasticBar = 0.2;

/**
 * For each task and budget that a method shares with the baseline, how far its scores are at most from lying above the
 * baseline's at every quantile, and below them. Cells without a verdict are left out.
 */
export function stochasticOrderRows(results: Analysis) {
  const baseline = results.baseline;
  const scoresOf = meritsOf(results);
  const pairs = (baseline === null ? [] : results.tests.paired).filter((
    { task, budget, noVerdict },
  ) => task !== allTasks && budget !== allBudgets && noVerdict === null).flatMap((row) => {
    const own = scoresOf(row);
    const theirs = scoresOf({ ...row, label: baseline! });
    return own.length < 2 || theirs.length < 2 ? [] : [{ row, own, theirs }];
  });
  // Two orders a pair, all corrected together.
  const level = 1 - significanceLevel / Math.max(1, 2 * pairs.length);
  return pairs.map(({ row: { task, metric, label, budget }, own, theirs }) => {
    const above = almostStochasticOrder(own, theirs, { seed: 0, level });
    const below = almostStochasticOrder(theirs, own, { seed: 0, level });
    const order = above < stochasticBar ? "above" : below < stochasticBar ? "below" : "no order";
    return {
      ...{ task, metric, label, budget },
      ...{ n: own.length, baseline_n: theirs.length, above, below, order },
    };
  });
}
