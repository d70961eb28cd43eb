/**
 * How metrics are named, which way they are better, and how their values are written.
 *
 * @module
 */
import { averageAccuracyName } from "../tasks/metrics.ts";

/** What a reader must know of a metric. */
export interface MetricInfo {
  readonly title: string;
  readonly isHigherBetter: boolean;
  /** Factor between record and report: metrics within [−1, 1] are shown times 100, as GLUE tables do. */
  readonly scale: number;
}

const known: ReadonlyMap<string, MetricInfo> = new Map([
  ["matthews", { title: "Matthews", isHigherBetter: true, scale: 100 }],
  ["accuracy", { title: "accuracy", isHigherBetter: true, scale: 100 }],
  ["f1", { title: "F1", isHigherBetter: true, scale: 100 }],
  ["macroF1", { title: "macro-F1", isHigherBetter: true, scale: 100 }],
  ["pearson", { title: "Pearson", isHigherBetter: true, scale: 100 }],
  ["spearman", { title: "Spearman", isHigherBetter: true, scale: 100 }],
  [averageAccuracyName, { title: "average accuracy", isHigherBetter: true, scale: 100 }],
  [marginsMetric(), { title: "margins", isHigherBetter: true, scale: 1 }],
  [averageMetric(), { title: "average", isHigherBetter: true, scale: 100 }],
]);

/** Name of the mean of several tasks' metrics. */
export function averageMetric(): string {
  return "average";
}

/** Name of differences as multiples of what counts as none: the mean of tasks with different margins. */
export function marginsMetric(): string {
  return "margins";
}

/** Title, direction and scale of a metric; errors and losses are better low, every other unknown metric high. */
export function metricInfo(name: string): MetricInfo {
  return known.get(name) ?? {
    title: name,
    isHigherBetter: !/loss|error|perplexity|mse|mae/i.test(name),
    scale: 1,
  };
}

/** The metric's title with its arrow, for instance `accuracy ↑`. */
export function metricTitle(name: string): string {
  const info = metricInfo(name);
  return `${info.title} ${info.isHigherBetter ? "↑" : "↓"}`;
}

/** Whether metrics may be averaged with each other: all within [−1, 1] and better high. */
export function areAverageable(names: readonly string[]): boolean {
  return names.every((name) => known.has(name));
}
