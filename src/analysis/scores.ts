/**
 * Each method's metric at each budget: mean and spread over seeds, per task and averaged over tasks.
 *
 * @module
 */
import { op } from "arquero";
import {
  allTasks,
  budgetName,
  type Cell,
  cellKey,
  type Grid,
  noBudget,
  orderOf,
  rowsOf,
  tableFrom,
} from "./run_rows.ts";
import { needsMore } from "./convergence.ts";
import { areAverageable, averageMetric } from "./metrics.ts";
import type { Basis } from "./basis.ts";
import type { StudyResults } from "./results.ts";
import { meritOf } from "../tasks/metrics.ts";
import { meanOf, summarise } from "../stats/statistics.ts";

/** A cell of the table of scores. */
export interface ScoreRow extends Cell {
  /** The metric's name, as records have it. */
  readonly metric: string;
  /** Seeds with a score. */
  readonly n: number;
  /** Runs that failed. */
  readonly failed: number;
  /** Seeds that the study asks for and this cell has no score for. */
  readonly missing: number;
  /** Mean over seeds; null without a score. */
  readonly mean: number | null;
  /** Sample standard deviation; null with fewer than two. */
  readonly sd: number | null;
  /** Lower end of the 95% interval; null where there is none. */
  readonly low: number | null;
  /** Upper end of the interval. */
  readonly high: number | null;
  /** Whether it, or a cell that it is the mean of, needs more steps. */
  readonly needsMoreSteps: boolean;
}

interface ScoredCell extends Cell {
  readonly metric: string;
  readonly scores: readonly number[];
  readonly failed: number;
}

/** Whether a mean over the study's tasks says something: several tasks whose metrics share a scale. */
export function hasAverage(grid: Grid): boolean {
  return grid.tasks.length > 1 && areAverageable([...grid.metrics.values()]);
}

/**
 * The scores of all cells in the grid's order; the mean over tasks follows where the metrics allow one.
 *
 * A seed counts towards that mean only where every task has a score for it, so that no seed's mean
 * rests on an easier set of tasks.
 */
export function scoreRows(basis: Basis): readonly ScoreRow[] {
  const { grid } = basis;
  const table = tableFrom(
    basis.rows.map((row) => ({ ...row, failed: row.state === "failed" ? 1 : 0 })),
    ["task", "label", "budget", "seed", "metric", "score", "failed"],
  );
  const perTask = rowsOf<ScoredCell>(
    table.groupby("task", "label", "budget").rollup({
      metric: op.any("metric"),
      scores: op.array_agg("score"),
      failed: op.sum("failed"),
    }),
  );
  const averaged = hasAverage(grid)
    ? rowsOf<ScoredCell>(
      table.groupby("label", "budget", "seed")
        .rollup({ score: op.mean("score"), scored: op.valid("score"), failed: op.sum("failed") })
        .params({ tasks: grid.tasks.length })
        .derive({
          score: (row: { score: number; scored: number }, $: { tasks: number }) =>
            row.scored === $.tasks ? row.score : null,
        })
        .groupby("label", "budget")
        .rollup({ scores: op.array_agg("score"), failed: op.sum("failed") }),
    ).map((cell) => ({ ...cell, task: allTasks, metric: averageMetric() }))
    : [];
  const rankOf = orderOf(grid);
  const seedsOf = plannedSeeds(basis);
  const isEarly = needsMore(basis.cells);
  return [...perTask, ...averaged].map((cell): ScoreRow => {
    const summary = summarise(cell.scores.filter((score) => score !== null));
    return {
      task: cell.task,
      metric: cell.metric,
      label: cell.label,
      budget: cell.budget,
      failed: cell.failed,
      missing: seedsOf(cell) - summary.n,
      ...summary,
      needsMoreSteps: isEarly({ ...cell, task: cell.task === allTasks ? null : cell.task }),
    };
  }).sort((a, b) => rankOf(a) - rankOf(b));
}

/** How many seeds a study asks for in a cell; of a mean over tasks, in any of its tasks. */
function plannedSeeds(
  { planned }: StudyResults,
): (cell: Cell) => number {
  const seeds = new Map<string, Set<number>>();
  for (const { task, label, budget, seed } of planned) {
    for (const name of [task, allTasks]) {
      const key = cellKey({ task: name, label, budget: budgetName(budget) });
      seeds.set(key, (seeds.get(key) ?? new Set()).add(seed));
    }
  }
  return (cell) => seeds.get(cellKey(cell))?.size ?? 0;
}

/** The scores of a cell's runs, turned so that higher is better; of a label without budget at each budget. */
export function meritsOf({ rows }: Pick<Basis, "rows">): (cell: Cell) => readonly number[] {
  const cells = Map.groupBy(rows.filter(({ score }) => score !== null), cellKey);
  return (cell) =>
    (cells.get(cellKey(cell)) ?? cells.get(cellKey({ ...cell, budget: noBudget })) ?? [])
      .map(({ score, metric }) => meritOf(metric, score!));
}

/** How tables call the baseline; a regression has no classes, and its mean is predicted. */
export const majorityLabel = "majority class";

/**
 * Score by task, in the primary metric as recorded: the mean over runs, whose limits may differ by seed. Several tasks that all have
 * one have their mean too.
 */
export function majorityScores(results: Basis): ReadonlyMap<string, number> {
  const known = results.runs.flatMap(({ record: { asked, happened } }) => {
    const score = happened.majority?.[happened.primaryMetric];
    return score === undefined || !Number.isFinite(score) ? [] : [{ task: asked.task, score }];
  });
  const scores = new Map(
    [...Map.groupBy(known, ({ task }) => task)].map(([task, own]) => [
      task,
      meanOf(own.map(({ score }) => score)),
    ]),
  );
  const { tasks } = results.grid;
  return tasks.length > 0 && tasks.every((task) => scores.has(task))
    ? scores.set(allTasks, meanOf(tasks.map((task) => scores.get(task)!)))
    : scores;
}

/** Said in the note of a table that shows the baseline; empty where no record has it. */
export function majorityNote(majority: ReadonlyMap<string, number>): string {
  return majority.size === 0
    ? ""
    : " The majority class is the score of always predicting the class that is most frequent in training " +
      "(for a number to predict: its mean in training).";
}
