/**
 * Each method's metric at each budget.
 *
 * @module
 */
import type { Analysis } from "../../analysis/analysis.ts";
import { averageMetric, metricInfo } from "../../analysis/metrics.ts";
import { keyOf, noBudget } from "../../analysis/run_rows.ts";
import { hasAverage, majorityLabel, majorityNote, type ScoreRow } from "../../analysis/scores.ts";
import { nothing } from "../../base/format.ts";
import { charts, folded, noRuns, type Section, table } from "../section.ts";
import { number, type ReportTable, reportTable, text } from "../table.ts";
import { intervalColumn, methodColumn, metricColumn, scoreOf, taskColumn } from "../columns.ts";

/** `81.23 ± 0.41 (n 3)`, with failures and missing seeds said; the dash where nothing was planned or recorded. */
export function scoreText(
  row: Pick<ScoreRow, "metric" | "n" | "failed" | "missing" | "mean" | "sd">,
): string {
  const failures = row.failed > 0 ? `${row.failed} failed` : "";
  const missing = row.missing > row.failed && row.metric !== averageMetric()
    ? `${row.missing - row.failed} missing`
    : "";
  const troubles = [failures, missing].filter((text) => text !== "");
  if (row.mean === null) return troubles.length === 0 ? nothing : troubles.join(", ");
  const spread = row.sd === null ? "" : ` ± ${scoreOf(row, row.sd)}`;
  return `${scoreOf(row, row.mean)}${spread} (${[`n ${row.n}`, ...troubles].join(", ")})`;
}

/** The score of always predicting the majority class, on a task. */
interface MajorityRow extends Pick<ScoreRow, "task" | "metric" | "label"> {
  readonly majority: number;
}

/** Rows with one for the majority class after those of each task, where records have its score. */
function withMajority<T extends Pick<ScoreRow, "task" | "metric">>(
  rows: readonly T[],
  results: Analysis,
): readonly (T | MajorityRow)[] {
  return [...Map.groupBy(rows, ({ task }) => task)].flatMap(([task, own]) => {
    const majority = results.majority.get(task);
    const { metric } = own[0]!;
    return majority === undefined
      ? own
      : [...own, { task, metric, label: majorityLabel, majority }];
  });
}

/** Says which of the metrics that are shown the study brings along. */
function ownMetricsNote({ runs, scores }: Analysis): string {
  const modules = new Map(
    runs.flatMap(({ record: { where: { metrics = [] } } }) =>
      metrics.map(({ name, module }) => [name, module] as const)
    ),
  );
  return [...modules].filter(([name]) => scores.some(({ metric }) => metric === name))
    .map(([name, module]) =>
      ` “${metricInfo(name).title}” is a metric of the study's own (${module}).`
    ).join("");
}

/** One row a cell, with t intervals: the long form that other programs read. */
function scoresTable(results: Analysis): ReportTable {
  return reportTable(withMajority(results.scores, results), {
    id: "scores",
    title: "Scores with 95% intervals",
    note:
      "Mean, sample standard deviation and 95% t interval (n − 1 degrees of freedom) over seeds. " +
      "Metrics within [−1, 1] are shown × 100; the CSV holds them as recorded." +
      ownMetricsNote(results) + majorityNote(results.majority),
    csv: (row) => {
      if ("majority" in row) {
        const { task, metric, label, majority: mean } = row;
        return { task, metric, label, budget: noBudget, mean };
      }
      const { task, metric, label, budget, n, failed, missing, mean, sd, low, high } = row;
      return {
        ...{ task, metric, label, budget, n, failed, missing, mean, sd, low, high },
        needsMoreSteps: row.needsMoreSteps,
      };
    },
    columns: [
      taskColumn,
      metricColumn,
      methodColumn,
      text("budget", (row) => "majority" in row ? noBudget : row.budget),
      number(
        "mean ± sd (n)",
        (row) => "majority" in row ? scoreOf(row, row.majority) : scoreText(row),
      ),
      number(
        "95% interval",
        (row) => "majority" in row ? nothing : intervalColumn.cell(row),
      ),
      text(
        "training",
        (row) => "majority" in row || !row.needsMoreSteps ? nothing : "more steps needed",
        (row) => "majority" in row || !row.needsMoreSteps ? "muted" : "bad",
      ),
    ],
  });
}

/** Methods down, budgets across, a block a task: the table people read first. */
export function methodsTable(results: Analysis, id = "methods"): ReportTable {
  const grid = results.grid;
  const rows = [...Map.groupBy(results.scores, (row) => keyOf(row.task, row.label)).values()]
    .map((own) => ({
      ...{ task: own[0]!.task, metric: own[0]!.metric, label: own[0]!.label },
      budgets: new Map(own.map((row) => [row.budget, row])),
    }));
  const budgets = [...new Set(results.scores.map(({ budget }) => budget))];
  return reportTable(
    withMajority(rows, results),
    {
      id,
      title: "Scores by method and budget",
      note: "Mean ± sample standard deviation over n seeds, on the evaluation split. " +
        "The arrow says which way is better. Metrics within [−1, 1] are shown × 100." +
        (hasAverage(grid)
          ? " “all tasks” averages the tasks within each seed, then the seeds."
          : "") +
        ownMetricsNote(results) + majorityNote(results.majority),
      csv: (row) => {
        const { task, metric, label } = row;
        const valueOf = (budget: string, name: "mean" | "sd" | "n" | "failed" | "missing") =>
          "budgets" in row
            ? row.budgets.get(budget)?.[name]
            : name === "mean"
            ? row.majority
            : null;
        return {
          ...{ task, metric, label },
          ...Object.fromEntries(
            (["mean", "sd", "n", "failed", "missing"] as const).flatMap((name) =>
              budgets.map((budget) => [`${name}_${budget}`, valueOf(budget, name)])
            ),
          ),
        };
      },
      columns: [
        taskColumn,
        metricColumn,
        methodColumn,
        ...grid.budgets.map((budget) =>
          number<MajorityRow | typeof rows[number]>(
            budget,
            (row) => {
              if ("majority" in row) return scoreOf(row, row.majority);
              const score = row.budgets.get(budget);
              return score === undefined ? nothing : scoreText(score);
            },
            (row) =>
              "budgets" in row && typeof row.budgets.get(budget)?.mean === "number"
                ? "plain"
                : "muted",
          )
        ),
      ],
    },
  );
}

/** The scores. */
export const scores: Section = {
  title: "Scores",
  isPrinted: true,
  empty: noRuns,
  blocks: [
    table((analysis) => methodsTable(analysis)),
    charts(({ charts }) => charts.metric.slice(1), { says: ({ answer }) => answer.sentence }),
    folded(scoresTable),
  ],
};
