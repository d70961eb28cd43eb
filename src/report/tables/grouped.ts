/**
 * Scores grouped by settings, or by axes of the study: mean, spread and count, and the same of each task.
 *
 * @module
 */
import { meanOf, summarise, type Summary } from "../../stats/statistics.ts";
import { allTasks, factOf, keyOf, type Row, tableFrom } from "../../analysis/run_rows.ts";
import { fixed, joined, nothing } from "../../base/format.ts";
import { type GroupKey, groupKeysOf } from "../../analysis/groups.ts";
import { averageMetric, metricInfo, metricTitle } from "../../analysis/metrics.ts";
import { slugOf } from "../slug.ts";
import type { RunResults } from "../../analysis/results.ts";
import type { Analysis } from "../../analysis/analysis.ts";
import type { ReportTable, TableColumn } from "../types.ts";
import { metricColumn } from "./columns.ts";
import { hasAverage } from "../../analysis/scores.ts";

/** A run with a score. */
interface Scored {
  readonly run: RunResults;
  readonly task: string;
  readonly score: number;
  /** What it shares with the runs of other tasks that it is averaged with. */
  readonly unit: string;
}

/** A cell with its metric, `81.90 ± 1.02 (n 3)`. */
function summaryText(row: Row, name: string, metric: string): string {
  const { scale } = metricInfo(metric);
  const scaled = (key: string) => {
    const value = row[`${name} ${key}`];
    return typeof value === "number" ? value * scale : null;
  };
  const [mean, sd] = [scaled("mean"), scaled("sd")];
  if (mean === null) return nothing;
  return `${fixed(mean, 2)}${sd === null ? "" : ` ± ${fixed(sd, 2)}`} (n ${row[`${name} n`]})`;
}

const summaryKeys = ["mean", "sd", "n"] as const;

const summaryRow = (name: string, summary: Summary): Row =>
  Object.fromEntries(summaryKeys.map((key) => [`${name} ${key}`, summary[key]]));

/** Every combination of groups, the first key outermost. */
function combinations(keys: readonly GroupKey[]): readonly (readonly string[])[] {
  return keys.reduce<readonly (readonly string[])[]>(
    (before, { groups }) => before.flatMap((own) => groups.map((group) => [...own, group])),
    [[]],
  );
}

/** Means over tasks of the units that have them all. */
function acrossTasks(scored: readonly Scored[], tasks: number): readonly number[] {
  return [...Map.groupBy(scored, ({ unit }) => unit).values()]
    .filter((own) => own.length === tasks)
    .map((own) => meanOf(own.map(({ score }) => score)));
}

/**
 * A row for each combination of groups that has a run: over its runs the mean, the sample standard deviation and the count of each
 * task; where tasks can be averaged, the same of their average, over runs of one method, budget and seed that have all tasks.
 *
 * @param by Keys as {@linkcode groupKeysOf} takes them, at least one.
 * @throws {UsageError} If a key is not known or is there twice.
 */
export function groupedTable(results: Analysis, by: readonly string[]): ReportTable {
  const keys = groupKeysOf(by, results);
  const grid = results.grid;
  const isByTask = by.includes("task");
  const scored = results.runs.flatMap((run): readonly Scored[] => {
    const { task, label, budget, seed, score } = factOf(run.record);
    return score === null ? [] : [{ run, task, score, unit: keyOf(label, budget, seed) }];
  });
  const groups = Map.groupBy(scored, ({ run }) => keyOf(...keys.map(({ of }) => of(run))));
  const metrics = [...new Set(grid.metrics.values())];
  const hasMeans = !isByTask && hasAverage(grid);
  // By task, or of one metric, a column takes the runs of all tasks as they are.
  const single = isByTask ? "score" : null;
  const rows = combinations(keys).flatMap((names): readonly Row[] => {
    const own = groups.get(keyOf(...names));
    if (own === undefined) return [];
    const ofTask = (task: string) =>
      summarise(own.filter((run) => run.task === task).map(({ score }) => score));
    const [first] = own;
    return [{
      ...Object.fromEntries(keys.map(({ key }, i) => [key, names[i]!])),
      ...(single === null
        ? Object.assign({}, ...grid.tasks.map((task) => summaryRow(task, ofTask(task))))
        : { metric: grid.metrics.get(first!.task)!, ...summaryRow(single, ofTask(first!.task)) }),
      ...(hasMeans ? summaryRow(allTasks, summarise(acrossTasks(own, grid.tasks.length))) : {}),
    }];
  });
  const named = (name: string) => summaryKeys.map((key) => `${name} ${key}`);
  const summaries: readonly TableColumn[] = single === null
    ? [
      ...(hasMeans
        ? [{ name: allTasks, title: "average of tasks ↑", metric: averageMetric() }]
        : []),
      ...grid.tasks.map((task) => {
        const metric = grid.metrics.get(task)!;
        return { name: task, title: `${task}, ${metricTitle(metric)}`, metric };
      }),
    ].map(({ name, title, metric }) => ({
      title,
      align: "right",
      cell: (row) => summaryText(row, name, metric),
    }))
    : [
      metricColumn,
      {
        title: single,
        align: "right",
        cell: (row) => summaryText(row, single, String(row["metric"])),
      },
    ];
  return {
    id: `by_${keys.map(({ key }) => slugOf(key)).join("_").replaceAll("-", "_")}`,
    title: `Scores by ${joined(by)}`,
    note: "Mean ± sample standard deviation over runs with a score, whatever else they differ in" +
      (hasMeans
        ? "; tasks are averaged within each method, budget and seed that has a score on all of them"
        : "") +
      (metrics.every((metric) => metricInfo(metric).scale === 100)
        ? ". Scores are shown × 100."
        : "."),
    table: tableFrom(rows, [
      ...by,
      ...(single === null
        ? [...(hasMeans ? named(allTasks) : []), ...grid.tasks.flatMap(named)]
        : ["metric", ...named(single)]),
    ]),
    columns: [
      ...keys.map(({ key }): TableColumn => ({
        title: key,
        align: "left",
        cell: (row) => String(row[key]),
      })),
      ...summaries,
    ],
  };
}
