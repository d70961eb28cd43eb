/**
 * What several tasks say together of each method and the baseline: chances for tasks like these, and how often a run is better.
 *
 * @module
 */
import { bayesSignedRankTest, type Odds } from "../stats/bayes.ts";
import {
  performanceProfile,
  probabilityOfImprovement,
  stratifiedInterval,
  type TaskScores,
} from "../stats/effects.ts";
import { hierarchicalTest } from "../stats/hierarchical.ts";
import { type Interval, meanOf, summarise } from "../stats/statistics.ts";
import { allTasks, noBudget } from "./run_rows.ts";
import { allBudgets, type PairedContrast } from "./paired_rows.ts";
import { meritsOf } from "./scores.ts";
import type { PairedRow } from "./significance.ts";
import type { Basis } from "./basis.ts";
import type { Verdict } from "./verdict.ts";

/** A method beside the baseline over all tasks. */
export interface OverTasks {
  /** How reports call the method with its options. */
  readonly label: string;
  /** The budget's name. */
  readonly budget: string;
  /** How many tasks, or their names. */
  readonly tasks: number;
  /** What is said of it. */
  readonly verdict: Verdict;
  /** Of the hierarchical model; null without three seeds on each of two tasks, or where there is no verdict. */
  readonly hierarchical: Odds | null;
  /** Chances of the mean difference on a further task, of the same model. */
  readonly nextTask: Odds | null;
  /** Of the Bayesian signed-rank test over the tasks' mean differences; null where there is no verdict. */
  readonly signedRank: Odds | null;
  /** The chance that a run of the method scores above one of the baseline; null with fewer than three methods. */
  readonly improvement: number | null;
  /** 95% interval of it: seeds are drawn within each task. */
  readonly improvementInterval: Interval | null;
}

/** Draws of the hierarchical model over all comparisons of a report: a second, however many there are. */
const allDraws = 24_000;
const fewestDraws = 1000;
const mostDraws = 8000;
/** Draws of the signed-rank test, and of the interval of a chance of improvement. */
const fewDraws = 2000;
const intervalDraws = 500;

/** Methods from which chances of improvement and profiles say more than the differences do. */
const fewestMethods = 3;

/** Each method and budget beside the baseline over all tasks; none for one task. */
export function overTasks(basis: Basis, paired: readonly PairedRow[]): readonly OverTasks[] {
  const { grid, baseline } = basis;
  const pooled = paired.filter(({ task, byTask }) => task === allTasks && byTask.size > 1);
  const modelled = pooled.filter(isModelled);
  const draws = Math.min(
    mostDraws,
    Math.max(fewestDraws, Math.floor(allDraws / Math.max(1, modelled.length))),
  );
  const scoresOf = taskScores(basis);
  return pooled.map((row): OverTasks => {
    const model = isModelled(row)
      ? hierarchicalTest([...row.byTask.values()], row.margin, { draws })
      : null;
    const own = scoresOf(row.label, row.budget);
    const theirs = baseline === null ? null : scoresOf(baseline, row.budget);
    const isCompared = grid.labels.length >= fewestMethods && own !== null && theirs !== null;
    return {
      label: row.label,
      budget: row.budget,
      tasks: row.byTask.size,
      verdict: row.verdict,
      hierarchical: model?.odds ?? null,
      nextTask: model?.nextTask ?? null,
      signedRank: row.noVerdict === null ? signedRankOf(row) : null,
      improvement: isCompared ? probabilityOfImprovement(own, theirs) : null,
      improvementInterval: isCompared
        ? stratifiedInterval(
          [own, theirs],
          ([a, b]) => probabilityOfImprovement(a!, b!),
          { seed: 0, draws: intervalDraws },
        )
        : null,
    };
  });
}

function isModelled({ noVerdict, byTask }: PairedContrast): boolean {
  return noVerdict === null && [...byTask.values()].every((seeds) => seeds.length >= 3);
}

function signedRankOf({ byTask, margin }: PairedContrast): Odds | null {
  const means = [...byTask.values()].filter((seeds) => seeds.length > 0)
    .map(meanOf);
  return means.length < 2 ? null : bayesSignedRankTest(means, margin, { draws: fewDraws });
}

/**
 * Scores of a label at a budget by task, turned so that higher is better; at all budgets, each task and budget counts as a task.
 * Null where a task has none.
 */
function taskScores(
  { rows, grid }: Pick<Basis, "rows" | "grid">,
): (label: string, budget: string) => TaskScores | null {
  const merits = meritsOf({ rows });
  const budgeted = grid.budgets.filter((budget) => budget !== noBudget);
  return (label, budget) => {
    const budgets = budget === allBudgets ? budgeted : [budget];
    const scores = budgets.flatMap((each) =>
      grid.tasks.map((task) => merits({ task, label, budget: each }))
    );
    return scores.length === 0 || scores.some((runs) => runs.length === 0) ? null : scores;
  };
}

/** At each threshold the share of a method's runs above it, mean over tasks. */
interface Profile {
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
