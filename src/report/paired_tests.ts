/**
 * Paired t tests, corrected for their number: of methods against the baseline, and of arms that a study compares.
 *
 * @module
 */
import { holm, significanceLevel } from "../stats/rank_tests.ts";
import { centralProbability } from "../stats/student_t.ts";
import { isNoVerdict } from "./no_verdict.ts";
import { allBudgets, type PairedComparison, type PairedRow } from "./tables/paired.ts";
import { allTasks } from "./facts.ts";

/** A paired comparison and its test. */
export interface PairedTest<Row extends PairedComparison = PairedRow> {
  readonly row: Row;
  /** Two-sided p of the paired t test, and corrected by Holm for all tests made together. */
  readonly p: number;
  readonly corrected: number;
  /** Whether `corrected` is below the significance level. */
  readonly isSignificant: boolean;
}

/** Two-sided p of the t test that the mean difference is zero; null where there is nothing to test, or no verdict whatever it is. */
function pOf({ n, mean, sd, verdict }: PairedComparison): number | null {
  if (isNoVerdict(verdict) || n < 2 || mean === null || sd === null) return null;
  // Equal differences have no spread: there is no difference, or none that can be tested.
  if (verdict === "same in every pair") return mean === 0 ? 1 : null;
  return 1 - centralProbability(mean / (sd / Math.sqrt(n)), n - 1);
}

/** Tests comparisons of one scope together; those that cannot be tested (one pair, or the same difference in every pair) are left out. */
export function pairedTests<Row extends PairedComparison>(
  rows: readonly Row[],
): readonly PairedTest<Row>[] {
  const tested = rows.flatMap((row) => {
    const p = pOf(row);
    return p === null ? [] : [{ row, p }];
  });
  const corrected = holm(tested.map(({ p }) => p));
  return tested.map((test, i) => ({
    ...test,
    corrected: corrected[i]!,
    isSignificant: corrected[i]! < significanceLevel,
  }));
}

/** The comparisons of the widest scope that a method has: all tasks and all budgets where those were averaged. */
export function widest(rows: readonly PairedRow[]): readonly PairedRow[] {
  const score = (row: PairedRow) =>
    (row.task === allTasks ? 2 : 0) + (row.budget === allBudgets ? 1 : 0);
  const best = Math.max(...rows.map(score));
  return rows.filter((row) => score(row) === best);
}
