/**
 * How ranks moved, where they ended, and the metric meanwhile.
 *
 * @module
 */
import { allocationRows } from "../../analysis/allocations.ts";
import type { Analysis } from "../../analysis/analysis.ts";
import { majorityNote } from "../../analysis/scores.ts";
import { fixed, interval, nothing, whole } from "../../base/format.ts";
import {
  budgetColumn,
  majorityColumn,
  methodColumn,
  metricColumn,
  scoreOf,
  taskColumn,
} from "../columns.ts";
import { charts, folded, type Section, titled } from "../section.ts";
import { number, type ReportTable, reportTable } from "../table.ts";

function rhoText(rho: number | null, low: number | null, high: number | null): string {
  if (rho === null) return nothing;
  return low !== null ? `${fixed(rho, 2)} ${interval(low, high, 2)}` : fixed(rho, 2);
}

/** The table of {@linkcode allocationRows}. */
function allocationsTable(results: Analysis): ReportTable {
  const rows = allocationRows(results);
  const hasRandom = rows.some(({ random }) => random !== null);
  return reportTable(rows, {
    id: "allocations",
    title: "Where ranks ended",
    note:
      "At rank 1: how many modules ended there, the mean over runs. Agreement is Spearman's ρ between the final ranks of the modules of two seeds of a " +
      "task, the mean over all such pairs; 1 means that every seed ranks the modules alike, 0 that they have nothing in common. " +
      "Its 95% interval resamples modules. Methods that give all modules the same rank have no agreement." +
      (hasRandom
        ? " At random: the agreement of the arm that moves ranks by the same policy at random. Only agreement above that says something."
        : ""),
    columns: [
      methodColumn,
      budgetColumn,
      number("n", (row) => whole(row.n)),
      number("at rank 1", (row) => `${fixed(row.atFloor, 1)} of ${whole(row.modules)}`),
      number("pairs", (row) => whole(row.pairs)),
      number("agreement (ρ)", (row) => rhoText(row.rho, row.low, row.high)),
      hasRandom
        ? number("at random (ρ)", (row) => rhoText(row.randomRho, row.randomLow, row.randomHigh))
        : null,
    ],
  });
}

/** The table of {@linkcode rankMetricRows}. */
function rankMetricTable(results: Analysis): ReportTable {
  return reportTable(results.rankMetric, {
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

/** What rank policies did. */
export const ranks: Section = {
  title: "Ranks",
  empty: () => "No finished run of this study changed its ranks; AdaLoRA and ElaLoRA do.",
  blocks: [
    charts(({ charts }) => [...charts.ranks, ...charts.trajectories], { isByMethod: true }),
    titled(allocationsTable),
    charts(({ charts }) => charts.rankMetric),
    folded(rankMetricTable),
  ],
};
