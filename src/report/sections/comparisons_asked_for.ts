/**
 * The comparisons that a study asks for.
 *
 * @module
 */
import type { Analysis } from "../../analysis/analysis.ts";
import { trainedText } from "../../analysis/comparison_rows.ts";
import { metricTitle } from "../../analysis/metrics.ts";
import { nothing } from "../../base/format.ts";
import { type Section, table } from "../section.ts";
import { number, type ReportTable, reportTable, text } from "../table.ts";
import { contrastCells, contrastColumns, contrastNote, scoreOf, taskColumn } from "../columns.ts";

/** The table of the comparisons that the study asks for. */
function comparisonsTable(results: Analysis): ReportTable {
  const { comparisons, family } = results.tests;
  return reportTable(comparisons, {
    id: "comparisons",
    title: "Comparisons asked for",
    note: "The difference is the score of A minus that of B with the same seed. " +
      contrastNote(family, comparisons) +
      " Trained are adapter parameters at the end without heads, and the most at any step where that is another, averaged " +
      "over runs: arms of different budgets do not cost the same.",
    csv: ({ task, metric, a, b, ...contrast }) => ({
      task,
      metric,
      a: a.arm,
      b: b.arm,
      mean_a: a.mean,
      mean_b: b.mean,
      ...contrastCells(contrast),
      trained_a: a.trained,
      peak_a: a.peak,
      trained_b: b.trained,
      peak_b: b.peak,
    }),
    columns: [
      text("A", ({ a }) => a.arm),
      text("B", ({ b }) => b.arm),
      taskColumn,
      text("metric", ({ metric }) => metric === "" ? nothing : metricTitle(metric)),
      number("score of A", (row) => scoreOf(row, row.a.mean)),
      number("score of B", (row) => scoreOf(row, row.b.mean)),
      ...contrastColumns,
      number("trained by A", ({ a }) => trainedText(a)),
      number("trained by B", ({ b }) => trainedText(b)),
    ],
  });
}

/** Any two arms, paired by seed. */
export const comparisonsAskedFor: Section = {
  title: "Comparisons asked for",
  id: "comparisons",
  blocks: [table(comparisonsTable)],
};
