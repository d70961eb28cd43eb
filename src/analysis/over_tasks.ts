/**
 * What several tasks say together of each method and the baseline: chances for tasks like these, and how often a run is better.
 *
 * @module
 */
import { bayesSignedRankTest } from "../stats/bayes_signed_rank.ts";
import type { Odds } from "../stats/bayes_t.ts";
import { probabilityOfImprovement, stratifiedInterval, type TaskScores } from "../stats/effects.ts";
import { hierarchicalTest } from "../stats/hierarchical.ts";
import type { Interval } from "../stats/statistics.ts";
import { allTasks, keyOf, noBudget } from "./run_rows.ts";
import { metricInfo } from "./metrics.ts";
import { allBudgets, type PairedContrast } from "./paired_rows.ts";
import type { PairedRow } from "./significance.ts";
import type { Basis } from "./basis.ts";

/** A method beside the baseline over all tasks. */
export interface OverTasks {
  /** How reports call the method with its options. */
  readonly label: string;
  /** The budget's name. */
  readonly budget: string;
  /** How many tasks, or their names. */
  readonly tasks: number;
  /** What is said of it. */
  readonly verdict: PairedRow["verdict"];
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
export const fewestMethods = 3;

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
    .map((seeds) => seeds.reduce((sum, difference) => sum + difference, 0) / seeds.length);
  return means.length < 2 ? null : bayesSignedRankTest(means, margin, { draws: fewDraws });
}

/**
 * Scores of a label at a budget by task, turned so that higher is better; at all budgets, each task and budget counts as a task.
 * Null where a task has none.
 */
export function taskScores(
  { facts, grid }: Pick<Basis, "facts" | "grid">,
): (label: string, budget: string) => TaskScores | null {
  const cells = Map.groupBy(
    facts.filter(({ score }) => score !== null),
    ({ task, label, budget }) => keyOf(task, label, budget),
  );
  const budgeted = grid.budgets.filter((budget) => budget !== noBudget);
  return (label, budget) => {
    const budgets = budget === allBudgets ? budgeted : [budget];
    const scores = budgets.flatMap((each) =>
      grid.tasks.map((task) =>
        (cells.get(keyOf(task, label, each)) ?? cells.get(keyOf(task, label, noBudget)) ?? [])
          .map(({ score, metric }) => (metricInfo(metric).isHigherBetter ? 1 : -1) * score!)
      )
    );
    return scores.length === 0 || scores.some((runs) => runs.length === 0) ? null : scores;
  };
}
