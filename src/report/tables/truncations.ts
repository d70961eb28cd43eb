/**
 * What is left of adapters that are trained to be cut to fewer ranks, at each rank.
 *
 * @module
 */
import { budgetName, keyOf } from "../../analysis/run_rows.ts";
import { fixed, whole } from "../../base/format.ts";
import { metricInfo } from "../../analysis/metrics.ts";
import { summarise } from "../../stats/statistics.ts";
import type { Analysis } from "../../analysis/analysis.ts";
import { number, type ReportTable, reportTable } from "../table.ts";
import { budgetColumn, methodColumn, taskColumn } from "./columns.ts";
import { orderOf } from "../../analysis/scores.ts";

/** The metric at a rank, over the runs (seeds) of a cell. */
interface TruncationRow {
  readonly task: string;
  readonly label: string;
  readonly budget: string;
  readonly rank: number;
  readonly n: number;
  /** In the report's scale. */
  readonly mean: number | null;
  readonly sd: number | null;
  /** Mean of what the whole adapter has more; positive means that cutting hurt, whichever way the metric is better. */
  readonly loss: number | null;
}

/** The ablated runs' metrics at each rank, cell by cell. */
export function truncationRows(results: Analysis): readonly TruncationRow[] {
  const order = orderOf(results.grid);
  const cuts = results.runs.flatMap(({ record: { asked }, ablation }) => {
    if (ablation === null) return [];
    const { isHigherBetter, scale } = metricInfo(ablation.metric);
    return (ablation.truncations ?? []).map(({ rank, metric }) => ({
      task: asked.task,
      label: asked.label,
      budget: budgetName(asked.budget),
      rank,
      metric: metric * scale,
      loss: (ablation.baseline - metric) * scale * (isHigherBetter ? 1 : -1),
    }));
  });
  const cells = Map.groupBy(
    cuts,
    (cut) => keyOf(cut.task, cut.label, cut.budget, String(cut.rank)),
  );
  return [...cells.values()].map((own): TruncationRow => {
    const { task, label, budget, rank } = own[0]!;
    const { n, mean, sd } = summarise(own.map((cut) => cut.metric));
    const loss = summarise(own.map((cut) => cut.loss)).mean;
    return { task, label, budget, rank, n, mean, sd, loss };
  }).sort((a, b) => order(a) - order(b) || a.rank - b.rank);
}

/** The table of {@linkcode truncationRows}. */
export function truncationsTable(results: Analysis): ReportTable {
  return reportTable(truncationRows(results), {
    id: "truncations",
    title: "Cut to fewer ranks",
    note:
      "The metric on the evaluation split (metrics within [−1, 1] are shown × 100) when each module keeps only its first ranks, without " +
      "training again; for methods that train first ranks to work alone. Mean and standard deviation over n runs. " +
      "The last row of each method and budget is the whole adapter.",
    columns: [
      taskColumn,
      methodColumn,
      budgetColumn,
      number("rank", (row) => whole(row.rank)),
      number("n", (row) => whole(row.n)),
      number("mean", (row) => fixed(row.mean, 2)),
      number("sd", (row) => fixed(row.sd, 2)),
      number("lost", (row) => fixed(row.loss, 2)),
    ],
  });
}
