/**
 * Each method's metric at each budget: mean and spread over seeds, per task and averaged over tasks.
 *
 * @module
 */
import { op } from "arquero";
import {
  allTasks,
  budgetName,
  factsOf,
  type Grid,
  gridOf,
  groupBy,
  keyOf,
  noBudget,
  rowsOf,
  tableFrom,
} from "../facts.ts";
import { moreSteps, needsMore } from "../convergence.ts";
import { fixed, interval, nothing } from "../format.ts";
import { majorityAverage, majorityLabel, majorityNote, majorityScores } from "../majority.ts";
import { areAverageable, averageMetric, metricInfo } from "../metrics.ts";
import { summarise } from "../../stats/statistics.ts";
import type { ReportTable, Row, StudyResults } from "../types.ts";
import { budgetColumn, methodColumn, metricColumn, taskColumn } from "./columns.ts";

/** A cell of the methods × budgets table. */
export interface ScoreRow {
  readonly task: string;
  readonly metric: string;
  readonly label: string;
  readonly budget: string;
  /** Seeds with a score. */
  readonly n: number;
  readonly failed: number;
  /** Seeds that the study asks for and this cell has no score for. */
  readonly missing: number;
  readonly mean: number | null;
  readonly sd: number | null;
  readonly low: number | null;
  readonly high: number | null;
  /** Whether it, or a cell that it is the mean of, needs more steps. */
  readonly needsMoreSteps: boolean;
}

const names = [
  "task",
  "metric",
  "label",
  "budget",
  "n",
  "failed",
  "missing",
  "mean",
  "sd",
  "low",
  "high",
  "needsMoreSteps",
];

interface Cell {
  readonly task: string;
  readonly label: string;
  readonly budget: string;
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
export function scoreRows(results: StudyResults): readonly ScoreRow[] {
  const grid = gridOf(results);
  const facts = tableFrom(
    factsOf(results).map((fact) => ({ ...fact, failed: fact.state === "failed" ? 1 : 0 })),
    ["task", "label", "budget", "seed", "metric", "score", "failed"],
  );
  const perTask = rowsOf<Cell>(
    facts.groupby("task", "label", "budget").rollup({
      metric: op.any("metric"),
      scores: op.array_agg("score"),
      failed: op.sum("failed"),
    }),
  );
  const averaged = hasAverage(grid)
    ? rowsOf<Cell>(
      facts.groupby("label", "budget", "seed")
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
  const seedsOf = plannedSeeds(results);
  const isEarly = needsMore(results);
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
): (cell: Pick<Cell, "task" | "label" | "budget">) => number {
  const seeds = new Map<string, Set<number>>();
  for (const { task, label, budget, seed } of planned) {
    for (const name of [task, allTasks]) {
      const key = keyOf(name, label, budgetName(budget));
      seeds.set(key, (seeds.get(key) ?? new Set()).add(seed));
    }
  }
  return ({ task, label, budget }) => seeds.get(keyOf(task, label, budget))?.size ?? 0;
}

/** A number that sorts cells by task (all tasks last), label, then budget. */
export function orderOf(
  grid: Grid,
): (cell: { readonly task: string; readonly label: string; readonly budget: string }) => number {
  const index = (values: readonly string[]) => new Map(values.map((value, i) => [value, i]));
  const [tasks, labels, budgets] = [index(grid.tasks), index(grid.labels), index(grid.budgets)];
  return ({ task, label, budget }) =>
    ((tasks.get(task) ?? tasks.size) * (labels.size + 1) + (labels.get(label) ?? labels.size)) *
      (budgets.size + 1) + (budgets.get(budget) ?? budgets.size);
}

/** `81.23 ± 0.41 (n 3)`, with failures and missing seeds said; the dash where nothing was planned or recorded. */
export function scoreText(
  row: Pick<ScoreRow, "metric" | "n" | "failed" | "missing" | "mean" | "sd">,
): string {
  const { scale } = metricInfo(row.metric);
  const failures = row.failed > 0 ? `${row.failed} failed` : "";
  const missing = row.missing > row.failed && row.metric !== averageMetric()
    ? `${row.missing - row.failed} missing`
    : "";
  const troubles = [failures, missing].filter((text) => text !== "");
  if (row.mean === null) return troubles.length === 0 ? nothing : troubles.join(", ");
  const spread = row.sd === null ? "" : ` ± ${fixed(row.sd * scale, 2)}`;
  return `${fixed(row.mean * scale, 2)}${spread} (${[`n ${row.n}`, ...troubles].join(", ")})`;
}

const isMajority = (row: Row) => row["label"] === majorityLabel;

function majorityText(row: Row): string {
  return fixed(Number(row["mean"]) * metricInfo(String(row["metric"])).scale, 2);
}

/** Rows with one for the majority class after those of each task, where records have its score. */
function withMajority(
  rows: readonly Row[],
  results: StudyResults,
  rowOf: (row: Row) => Row,
): readonly Row[] {
  const scores = majorityScores(results);
  const average = majorityAverage(results);
  return [...groupBy(rows, (row) => String(row["task"]))].flatMap(([task, own]) => {
    const mean = task === allTasks ? average : scores.get(task) ?? null;
    if (mean === null) return own;
    return [...own, rowOf({ task, metric: own[0]!["metric"], label: majorityLabel, mean })];
  });
}

/** One row a cell, with t intervals: the long form that other programs read. */
export function scoresTable(results: StudyResults, id = "scores"): ReportTable {
  const scaled = (row: Row, value: unknown): number | null =>
    typeof value === "number" ? value * metricInfo(String(row["metric"])).scale : null;
  const rows = scoreRows(results).map((row): Row => ({ ...row }));
  return {
    id,
    title: "Scores with 95% intervals",
    note:
      "Mean, sample standard deviation and 95% t interval (n − 1 degrees of freedom) over seeds. " +
      "Metrics within [−1, 1] are shown × 100; the CSV holds them as recorded." +
      majorityNote(results),
    table: tableFrom(withMajority(rows, results, (row) => ({ ...row, budget: noBudget })), names),
    columns: [
      taskColumn,
      metricColumn,
      methodColumn,
      budgetColumn,
      {
        title: "mean ± sd (n)",
        align: "right",
        cell: (row) => isMajority(row) ? majorityText(row) : scoreText(row as unknown as ScoreRow),
      },
      {
        title: "95% interval",
        align: "right",
        cell: (row) => interval(scaled(row, row["low"]), scaled(row, row["high"]), 2),
      },
      {
        title: "training",
        align: "left",
        cell: (row) => row["needsMoreSteps"] === true ? moreSteps : nothing,
        tone: (row) => row["needsMoreSteps"] === true ? "bad" : "muted",
      },
    ],
  };
}

/** Methods down, budgets across, a block a task: the table people read first. */
export function methodsTable(results: StudyResults, id = "methods"): ReportTable {
  const grid = gridOf(results);
  const long = tableFrom(scoreRows(results), names);
  const values = ["mean", "sd", "n", "failed", "missing"] as const;
  const wide = long.groupby("task", "metric", "label").pivot(
    "budget",
    Object.fromEntries(values.map((value) => [value, op.any(value)])),
    { sort: false },
  );
  const cellOf = (row: Row, budget: string): string => {
    if (isMajority(row)) return majorityText({ ...row, mean: row[`mean_${budget}`] });
    const [mean, sd, n, failed, missing] = values.map((value) => row[`${value}_${budget}`] ?? null);
    if (typeof n !== "number") return nothing;
    return scoreText({
      metric: String(row["metric"]),
      mean: mean as number | null,
      sd: sd as number | null,
      n,
      failed: Number(failed),
      missing: Number(missing),
    });
  };
  return {
    id,
    title: "Scores by method and budget",
    note: "Mean ± sample standard deviation over n seeds, on the evaluation split. " +
      "The arrow says which way is better. Metrics within [−1, 1] are shown × 100." +
      (hasAverage(grid)
        ? " “all tasks” averages the tasks within each seed, then the seeds."
        : "") +
      majorityNote(results),
    table: tableFrom(
      withMajority(rowsOf(wide), results, (row) => ({
        ...row,
        ...Object.fromEntries(grid.budgets.map((budget) => [`mean_${budget}`, row["mean"]])),
      })),
      wide.columnNames(),
    ),
    columns: [
      taskColumn,
      metricColumn,
      methodColumn,
      ...grid.budgets.map((budget) => ({
        title: budget,
        align: "right" as const,
        cell: (row: Row) => cellOf(row, budget),
        tone: (row: Row) =>
          typeof row[`mean_${budget}`] === "number" && !isMajority(row)
            ? "plain" as const
            : "muted" as const,
      })),
    ],
  };
}
