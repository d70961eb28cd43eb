/**
 * How the metric went while the total rank changed: a run that gets sparser is a curve of sparsity against quality.
 *
 * @module
 */
import { budgetName, keyOf } from "../../analysis/run_rows.ts";
import { fixed, whole } from "../../base/format.ts";
import { majorityNote, orderOf } from "../../analysis/scores.ts";
import { summarise } from "../../stats/statistics.ts";
import type { RunResults } from "../../analysis/results.ts";
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

/** The runs of a cell at one evaluation. */
export interface RankMetricRow {
  readonly task: string;
  readonly metric: string;
  readonly label: string;
  readonly budget: string;
  readonly step: number;
  readonly n: number;
  /** Total rank, the mean over runs. */
  readonly rank: number;
  /** The share of the initial total rank that is held, the mean over runs. */
  readonly held: number;
  /** The metric as recorded, and its deviation over runs. */
  readonly mean: number;
  readonly sd: number | null;
}

interface Point {
  readonly step: number;
  readonly rank: number;
  readonly held: number;
  readonly score: number;
}

/** Total rank and metric at each evaluation of a run on the split that counts; none of a sequence, whose metric is of ever more classes. */
function pointsOf({ record, ranks, evaluations }: RunResults): readonly Point[] {
  const { initialRanks, last, outcome, primaryMetric, sequence } = record.happened;
  if (sequence !== undefined) return [];
  if (initialRanks === null || last === null || outcome.state !== "finished") return [];
  const initial = Object.values(initialRanks).reduce((sum, rank) => sum + rank, 0);
  return evaluations.filter(({ split }) => split === last.split).map(({ step, metrics }) => {
    const rank = ranks.findLast((line) => line.step <= step)?.budget ?? initial;
    return { step, rank, held: rank / initial, score: metrics[primaryMetric] ?? NaN };
  }).filter(({ score }) => Number.isFinite(score));
}

/** A row an evaluation of each cell in which the total rank differs between evaluations, in the grid's order. */
export function rankMetricRows(results: Analysis): readonly RankMetricRow[] {
  const cells = Map.groupBy(
    results.runs,
    ({ record: { asked } }) => keyOf(asked.task, asked.label, budgetName(asked.budget)),
  );
  const rows = [...cells.values()].flatMap((runs) => {
    const { asked, happened } = runs[0]!.record;
    const byRun = runs.map(pointsOf);
    if (!byRun.some((points) => points.some(({ rank }) => rank !== points[0]!.rank))) return [];
    return [...Map.groupBy(byRun.flat(), ({ step }) => String(step)).values()].map((points) => {
      const mean = (of: (point: Point) => number) =>
        points.reduce((sum, point) => sum + of(point), 0) / points.length;
      const summary = summarise(points.map(({ score }) => score));
      return {
        task: asked.task,
        metric: happened.primaryMetric,
        label: asked.label,
        budget: budgetName(asked.budget),
        step: points[0]!.step,
        n: points.length,
        rank: mean(({ rank }) => rank),
        held: mean(({ held }) => held),
        mean: summary.mean!,
        sd: summary.sd,
      };
    });
  });
  const order = orderOf(results.grid);
  return rows.toSorted((a, b) => order(a) - order(b) || a.step - b.step);
}

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
