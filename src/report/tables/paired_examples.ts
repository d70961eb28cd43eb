/**
 * Differences against the baseline, paired by example.
 *
 * @module
 */
import type { RunRecord } from "../../record/types.ts";
import {
  budgetName,
  gridOf,
  groupBy,
  keptEvaluation,
  keyOf,
  noBudget,
  tableFrom,
} from "../facts.ts";
import { interval, signed, whole } from "../format.ts";
import { metricTitle } from "../metrics.ts";
import { noVerdicts } from "../no_verdict.ts";
import { comparePaired } from "../../stats/statistics.ts";
import type { ReportTable, RunResults, StudyResults } from "../types.ts";
import { pairedNames, scaled, toneOf, verdictText } from "./paired.ts";
import { orderOf } from "./scores.ts";

type ExampleMeasure = "accuracy" | "squared error";

/** How one prediction is evaluated; null for metrics that have no value an example. */
function exampleMeasure(metric: string): ExampleMeasure | null {
  if (metric === "accuracy" || metric === "f1" || metric === "matthews") return "accuracy";
  if (metric === "pearson" || metric === "spearman") return "squared error";
  return null;
}

/** Each example's value under `measure`, by id. */
function exampleValues(run: RunResults, measure: ExampleMeasure): ReadonlyMap<number, number> {
  const split = keptEvaluation(run.record)?.split;
  const values = new Map<number, number>();
  for (const line of run.predictions) {
    if (line.split !== split) continue;
    const error = line.prediction - line.target;
    values.set(line.id, measure === "accuracy" ? (error === 0 ? 1 : 0) : error * error);
  }
  return values;
}

const cellKey = ({ asked }: RunRecord, budget: string) => keyOf(asked.task, budget, asked.seed);

/** Sums example differences over seeds, so that the unit is the example. */
function meanDifferences(
  pairs: readonly { readonly theirs: RunResults; readonly ours: RunResults }[],
  measure: ExampleMeasure,
): readonly number[] {
  const sums = new Map<number, { sum: number; count: number }>();
  for (const { theirs, ours } of pairs) {
    const baseline = exampleValues(ours, measure);
    for (const [id, value] of exampleValues(theirs, measure)) {
      const other = baseline.get(id);
      if (other === undefined || !Number.isFinite(value - other)) continue;
      const entry = sums.get(id) ?? { sum: 0, count: 0 };
      entry.sum += value - other;
      entry.count++;
      sums.set(id, entry);
    }
  }
  return [...sums.values()].map(({ sum, count }) => sum / count);
}

/**
 * Differences per evaluation example, averaged over the seeds both methods finished: how sure these
 * trained models' difference is over other examples, where {@linkcode pairedTable} asks about other seeds.
 */
export function examplesTable(results: StudyResults, baseline: string | null): ReportTable {
  const grid = gridOf(results);
  const finished = results.runs.filter((run) =>
    keptEvaluation(run.record) !== null && run.predictions.length > 0
  );
  const ours = new Map(
    finished.filter((run) => run.record.asked.label === baseline)
      .map((run) => [cellKey(run.record, budgetName(run.record.asked.budget)), run]),
  );
  const pairs = finished.filter((run) => run.record.asked.label !== baseline).flatMap((theirs) => {
    const { asked } = theirs.record;
    const own = budgetName(asked.budget);
    return (own === noBudget ? grid.budgets : [own]).flatMap((budget) => {
      const baselineRun = ours.get(cellKey(theirs.record, budget));
      return baselineRun === undefined
        ? []
        : [{ task: asked.task, label: asked.label, budget, theirs, ours: baselineRun }];
    });
  });
  const order = orderOf(grid);
  const noVerdict = noVerdicts(results);
  const rows = [...groupBy(pairs, (pair) => keyOf(pair.task, pair.label, pair.budget)).values()]
    .flatMap((group) => {
      const { task, label, budget } = group[0]!;
      const measure = exampleMeasure(grid.metrics.get(task) ?? "");
      if (measure === null) return [];
      const comparison = comparePaired(meanDifferences(group, measure), measure === "accuracy");
      const verdict = [label, ...(baseline === null ? [] : [baseline])]
        .map((label) => noVerdict({ task, label, budget })).find((verdict) => verdict !== null) ??
        comparison.verdict;
      return [{
        task,
        metric: measure,
        label,
        budget,
        seeds: group.length,
        ...comparison,
        verdict,
      }];
    })
    .sort((a, b) => order(a) - order(b));
  return {
    id: "paired_examples",
    title: `Differences against ${baseline ?? "the baseline"}, paired by example`,
    note:
      "The accuracy of each evaluation example (the squared error, where a number is predicted), averaged over seeds. " +
      "n counts examples; the interval is a 95% t interval. It shows how these trained models differ over examples, not what " +
      "other seeds would give.",
    table: tableFrom(rows, [...pairedNames, "seeds"]),
    columns: [
      { title: "task", align: "left", cell: (row) => String(row["task"]) },
      { title: "measure", align: "left", cell: (row) => metricTitle(String(row["metric"])) },
      { title: "method", align: "left", cell: (row) => String(row["label"]) },
      { title: "budget", align: "left", cell: (row) => String(row["budget"]) },
      { title: "seeds", align: "right", cell: (row) => whole(row["seeds"]) },
      { title: "n", align: "right", cell: (row) => whole(row["n"]) },
      { title: "difference", align: "right", cell: (row) => signed(scaled(row, "mean"), 3) },
      {
        title: "95% interval",
        align: "right",
        cell: (row) => interval(scaled(row, "low"), scaled(row, "high"), 3),
      },
      {
        title: "verdict",
        align: "left",
        cell: (row) => verdictText(row["verdict"]),
        tone: (row) => toneOf(row["verdict"]),
      },
    ],
  };
}
