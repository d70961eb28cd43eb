/**
 * Performance profiles: at each score the share of a method's runs above it, over several tasks.
 *
 * @module
 */
import { performanceProfile, type TaskScores } from "../stats/effects.ts";
import { summarise } from "../stats/statistics.ts";
import { noBudget } from "./run_rows.ts";
import { fewestMethods, taskScores } from "./over_tasks.ts";
import type { Basis } from "./basis.ts";

/** At each threshold the share of a method's runs above it, mean over tasks. */
export interface Profile {
  readonly label: string;
  readonly shares: readonly number[];
}

/** The profiles of a budget's methods. */
export interface BudgetProfiles {
  readonly budget: string;
  /** In standard deviations from the mean of all runs of a task. */
  readonly thresholds: readonly number[];
  readonly profiles: readonly Profile[];
}

const thresholdCount = 61;
/** Deviations shown to either side at most. */
const reach = 3;

/**
 * The profiles at each budget, methods without budget among them; none with one task or fewer than three methods.
 *
 * Scores of a task are standardised: the mean and the deviation are those of all runs of the methods that are shown.
 */
export function performanceProfiles(basis: Basis): readonly BudgetProfiles[] {
  const { grid } = basis;
  if (grid.tasks.length < 2) return [];
  const budgeted = grid.budgets.filter((budget) => budget !== noBudget);
  const scoresOf = taskScores(basis);
  return (budgeted.length === 0 ? [noBudget] : budgeted).flatMap((budget) => {
    const methods = grid.labels.flatMap((label) => {
      const scores = scoresOf(label, budget);
      return scores === null ? [] : [{ label, scores }];
    });
    if (methods.length < fewestMethods) return [];
    const standardised = standardise(methods.map(({ scores }) => scores));
    const all = standardised.flat(2);
    const low = Math.max(-reach, Math.min(...all));
    const high = Math.min(reach, Math.max(...all));
    const margin = (high - low) / 20;
    const thresholds = Array.from(
      { length: thresholdCount },
      (_, i) => low - margin + (high - low + 2 * margin) * i / (thresholdCount - 1),
    );
    return [{
      budget,
      thresholds,
      profiles: methods.map(({ label }, i) => ({
        label,
        shares: performanceProfile(standardised[i]!, thresholds),
      })),
    }];
  });
}

/** Scores of methods with the mean of each task at 0 and its deviation as 1; a task without spread is all 0. */
function standardise(methods: readonly TaskScores[]): readonly TaskScores[] {
  const units = methods[0]!.map((_, task) => summarise(methods.flatMap((scores) => scores[task]!)));
  return methods.map((scores) =>
    scores.map((runs, task) => {
      const { mean, sd } = units[task]!;
      return runs.map((score) => sd === null || sd === 0 ? 0 : (score - mean!) / sd);
    })
  );
}
