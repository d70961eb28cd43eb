/**
 * How the metric went while the total rank changed: a run that gets sparser is a curve of sparsity against quality.
 *
 * @module
 */
import { rankMetricRows } from "../../analysis/rank_metric.ts";
import { fixed, whole } from "../../base/format.ts";
import { majorityNote } from "../../analysis/scores.ts";
import type { Analysis } from "../../analysis/analysis.ts";
import { number, type ReportTable, reportTable } from "../table.ts";
import {
  budgetColumn,
  majorityColumn,
  methodColumn,
  metricColumn,
  scoreOf,
  taskColumn,
} from "./columns.ts";

/** The table of {@linkcode rankMetricRows}. */
export function rankMetricTable(results: Analysis): ReportTable {
  return reportTable(rankMetricRows(results), {
    id: "rank_metric",
    title: "Metric while ranks change",
    note:
      "Total rank and metric at each evaluation of methods whose total rank changes: means over n seeds, ± standard deviation. " +
      "A method whose threshold grows in phases (SoRA) is evaluated at the end of each." +
      majorityNote(results.majority),
    columns: [
      taskColumn,
      methodColumn,
      budgetColumn,
      number("step", (row) => whole(row.step)),
      number("n", (row) => whole(row.n)),
      number("total rank", (row) => fixed(row.rank, 1)),
      number("held (%)", (row) => fixed(100 * row.held, 1)),
      metricColumn,
      number(
        "value",
        (row) => scoreOf(row, row.mean) + (row.sd === null ? "" : ` ± ${scoreOf(row, row.sd)}`),
      ),
      majorityColumn(results),
    ],
  });
}
