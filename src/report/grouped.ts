/**
 * Scores grouped by settings, or by axes of the study: mean, spread and count, and the same of each task.
 *
 * @module
 */
import { meanOf, summarise, type Summary } from "../stats/statistics.ts";
import { allTasks, keyOf, runRowOf } from "../analysis/run_rows.ts";
import { joined, nothing } from "../base/format.ts";
import { type GroupKey, groupKeysOf } from "../analysis/groups.ts";
import { averageMetric, metricInfo, metricTitle } from "../analysis/metrics.ts";
import { slugOf } from "./slug.ts";
import type { RunResults } from "../analysis/results.ts";
import type { Analysis } from "../analysis/analysis.ts";
import { number, type ReportTable, reportTable, text } from "./table.ts";
import { scoreOf } from "./columns.ts";
import { hasAverage } from "../analysis/scores.ts";

/** A run with a score. */
interface Scored {
  readonly run: RunResults;
  readonly task: string;
  readonly score: number;
  /** What it shares with the runs of other tasks that it is averaged with. */
  readonly unit: string;
}

/** A cell with its metric, `81.90 ± 1.02 (n 3)`. */
function summaryText(metric: string, { n, mean, sd }: Summary): string {
  if (mean === null) return nothing;
  const spread = sd === null ? "" : ` ± ${scoreOf({ metric }, sd)}`;
  return `${scoreOf({ metric }, mean)}${spread} (n ${n})`;
}

/** The runs of a combination of groups. */
interface GroupedRow {
  readonly names: readonly string[];
  /** The metric of the only summary; null where the tasks have one each. */
  readonly metric: string | null;
  readonly summaries: ReadonlyMap<string, Summary>;
}

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
    const { task, label, budget, seed, score } = runRowOf(run.record);
    return score === null ? [] : [{ run, task, score, unit: keyOf(label, budget, seed) }];
  });
  const groups = Map.groupBy(scored, ({ run }) => keyOf(...keys.map(({ of }) => of(run))));
  const metrics = [...new Set(grid.metrics.values())];
  const hasMeans = !isByTask && hasAverage(grid);
  const rows = combinations(keys).flatMap((names): readonly GroupedRow[] => {
    const own = groups.get(keyOf(...names));
    if (own === undefined) return [];
    const ofTask = (task: string) =>
      summarise(own.filter((run) => run.task === task).map(({ score }) => score));
    const { task } = own[0]!;
    if (isByTask) {
      return [{
        names,
        metric: grid.metrics.get(task)!,
        summaries: new Map([[single, ofTask(task)]]),
      }];
    }
    const mean = summarise(acrossTasks(own, grid.tasks.length));
    return [{
      names,
      metric: null,
      summaries: new Map([
        ...(hasMeans ? [[allTasks, mean] as const] : []),
        ...grid.tasks.map((task) => [task, ofTask(task)] as const),
      ]),
    }];
  });
  return reportTable(rows, {
    id: `by_${keys.map(({ key }) => slugOf(key)).join("_").replaceAll("-", "_")}`,
    title: `Scores by ${joined(by)}`,
    note: "Mean ± sample standard deviation over runs with a score, whatever else they differ in" +
      (hasMeans
        ? "; tasks are averaged within each method, budget and seed that has a score on all of them"
        : "") +
      (metrics.every((metric) => metricInfo(metric).scale === 100)
        ? ". Scores are shown × 100."
        : "."),
    csv: ({ names, metric, summaries }) => ({
      ...Object.fromEntries(keys.map(({ key }, i) => [key, names[i]])),
      ...(metric === null ? {} : { metric }),
      ...Object.fromEntries(
        [...summaries].flatMap(([name, { mean, sd, n }]) =>
          Object.entries({ mean, sd, n }).map(([key, value]) => [`${name} ${key}`, value])
        ),
      ),
    }),
    columns: [
      ...keys.map(({ key }, i) => text<GroupedRow>(key, ({ names }) => names[i]!)),
      ...(isByTask
        ? [
          text<GroupedRow>("metric", ({ metric }) => metricTitle(metric!)),
          number<GroupedRow>(single, ({ metric, summaries }) =>
            summaryText(metric!, summaries.get(single)!)),
        ]
        : [
          ...(hasMeans ? [summaryColumn(allTasks, "average of tasks ↑", averageMetric())] : []),
          ...grid.tasks.map((task) => {
            const metric = grid.metrics.get(task)!;
            return summaryColumn(task, `${task}, ${metricTitle(metric)}`, metric);
          }),
        ]),
    ],
  });
}

/** By task, a column takes the runs of all tasks as they are. */
const single = "score";

const summaryColumn = (name: string, title: string, metric: string) =>
  number<GroupedRow>(title, ({ summaries }) => summaryText(metric, summaries.get(name)!));
