/**
 * Each method's metric at each budget: mean and spread over seeds, per task and averaged over tasks.
 *
 * @module
 */
import { op } from "arquero";
import { hasAverage, majorityLabel, majorityNote, type ScoreRow } from "../../analysis/scores.ts";
import { noBudget, type Row, rowsOf, tableFrom } from "../../analysis/run_rows.ts";
import { moreSteps } from "../../analysis/convergence.ts";
import { fixed, interval, nothing } from "../../base/format.ts";
import { averageMetric, metricInfo } from "../../analysis/metrics.ts";
import type { Analysis } from "../../analysis/analysis.ts";
import type { ReportTable } from "../types.ts";
import { budgetColumn, methodColumn, metricColumn, taskColumn } from "./columns.ts";

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
  results: Analysis,
  rowOf: (row: Row) => Row,
): readonly Row[] {
  return [...Map.groupBy(rows, (row) => String(row["task"]))].flatMap(([task, own]) => {
    const mean = results.majority.get(task);
    if (mean === undefined) return own;
    return [...own, rowOf({ task, metric: own[0]!["metric"], label: majorityLabel, mean })];
  });
}

/** One row a cell, with t intervals: the long form that other programs read. */
export function scoresTable(results: Analysis, id = "scores"): ReportTable {
  const scaled = (row: Row, value: unknown): number | null =>
    typeof value === "number" ? value * metricInfo(String(row["metric"])).scale : null;
  const rows = results.scores.map((row): Row => ({ ...row }));
  return {
    id,
    title: "Scores with 95% intervals",
    note:
      "Mean, sample standard deviation and 95% t interval (n − 1 degrees of freedom) over seeds. " +
      "Metrics within [−1, 1] are shown × 100; the CSV holds them as recorded." +
      majorityNote(results.majority),
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
export function methodsTable(results: Analysis, id = "methods"): ReportTable {
  const grid = results.grid;
  const long = tableFrom(results.scores, names);
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
      majorityNote(results.majority),
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
