/**
 * Columns that many tables have.
 *
 * @module
 */
import { metricInfo, metricTitle } from "../../analysis/metrics.ts";
import { fixed, interval, nothing, signed } from "../../base/format.ts";
import { majorityLabel } from "../../analysis/scores.ts";
import type { Analysis } from "../../analysis/analysis.ts";
import { type Column, number, text } from "../table.ts";

/** The task. */
export const taskColumn = text("task", ({ task }: { readonly task: string }) => task);

/** How reports call the method with its options. */
export const methodColumn = text("method", ({ label }: { readonly label: string }) => label);

/** The budget's name. */
export const budgetColumn = text("budget", ({ budget }: { readonly budget: string }) => budget);

/** A row whose numbers are of a metric. */
export interface OfMetric {
  readonly metric: string;
}

/** The metric with its direction. */
export const metricColumn = text("metric", ({ metric }: OfMetric) => metricTitle(metric));

/** A number of a metric in the report's scale; null where there is none. */
export function scaled({ metric }: OfMetric, value: number | null | undefined): number | null {
  return value === null || value === undefined ? null : value * metricInfo(metric).scale;
}

/** A number of a metric as people read it. */
export const scoreOf = (row: OfMetric, value: number | null | undefined): string =>
  fixed(scaled(row, value), 2);

/** A score with its metric, `81.90 accuracy ↑`. */
export function scoreWithMetric(row: OfMetric, score: number | null): string {
  return score === null ? nothing : `${scoreOf(row, score)} ${metricTitle(row.metric)}`;
}

/** Mean differences of a metric. */
export const differenceColumn = number(
  "difference",
  (row: OfMetric & { readonly mean: number | null }) => signed(scaled(row, row.mean), 2),
);

/** Intervals of a metric, or of its differences. */
export const intervalColumn = number(
  "95% interval",
  (row: OfMetric & { readonly low: number | null; readonly high: number | null }) =>
    interval(scaled(row, row.low), scaled(row, row.high), 2),
);

/** The majority's score of each row's task, or its own; null where no record has one. */
export function majorityColumn({ majority: scores }: Analysis):
  | Column<
    OfMetric & { readonly task: string; readonly majority?: number | null }
  >
  | null {
  return scores.size === 0 ? null : number(
    majorityLabel,
    (row) => scoreOf(row, row.majority ?? scores.get(row.task)),
    () => "muted",
  );
}
