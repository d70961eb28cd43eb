/**
 * How metrics are named, which way they are better, and how their values are written.
 *
 * @module
 */
import { averageAccuracyName, isHigherBetter, unmarked } from "../tasks/metrics.ts";

/** What a reader must know of a metric. */
interface MetricInfo {
  readonly title: string;
  readonly isHigherBetter: boolean;
  /** Factor between record and report: metrics within [−1, 1] are shown times 100, as GLUE tables do. */
  readonly scale: number;
}

/** Titles within sentences, and whether all values lie within [−1, 1]. */
const known: ReadonlyMap<string, readonly [title: string, isBounded: boolean]> = new Map([
  ["matthews", ["Matthews", true]],
  ["accuracy", ["accuracy", true]],
  ["f1", ["F1", true]],
  ["macroF1", ["macro-F1", true]],
  ["auroc", ["AUROC", true]],
  ["averagePrecision", ["average precision", true]],
  ["logLoss", ["log loss", false]],
  ["brier", ["Brier score", false]],
  ["ece", ["calibration error", true]],
  ["pearson", ["Pearson", true]],
  ["spearman", ["Spearman", true]],
  ["mae", ["MAE", false]],
  ["rmse", ["RMSE", false]],
  ["r2", ["R²", false]],
  [averageAccuracyName, ["average accuracy", true]],
  [marginsMetric(), ["margins", false]],
  [averageMetric(), ["average", true]],
]);

/** Name of the mean of several tasks' metrics. */
export function averageMetric(): string {
  return "average";
}

/** Name of differences as multiples of what counts as none: the mean of tasks with different margins. */
export function marginsMetric(): string {
  return "margins";
}

/** Title, direction and scale of a metric; one that a study brings says its direction by its name. */
export function metricInfo(name: string): MetricInfo {
  const { title: bare, isShare } = unmarked(name);
  const [title, isBounded] = known.get(name) ?? [bare, isShare];
  return { title, isHigherBetter: isHigherBetter(name), scale: isBounded ? 100 : 1 };
}

/** The metric's title with its arrow, for instance `accuracy ↑`. */
export function metricTitle(name: string): string {
  const info = metricInfo(name);
  return `${info.title} ${info.isHigherBetter ? "↑" : "↓"}`;
}

/** Whether metrics may be averaged with each other: all within [−1, 1] and better high. */
export function areAverageable(names: readonly string[]): boolean {
  return names.every((name) => {
    const { isHigherBetter, scale } = metricInfo(name);
    return isHigherBetter && scale === 100;
  });
}
