/**
 * In which unit the differences of a claim are shown.
 *
 * @module
 */
import { metricInfo } from "../metrics.ts";
import type { SeedDifference } from "./series.ts";

/** In which unit differences of a claim are shown. */
export interface DifferenceUnit {
  /** `points`, the unit of a metric, or `margins` where tasks have different ones. */
  readonly name: string;
  /** What one margin is in this unit. */
  readonly perMargin: number;
}

/**
 * The unit that all tasks share, or margins.
 *
 * @param task The one that counts. Default: all do.
 */
export function unitOf(
  { differences }: { readonly differences: readonly SeedDifference[] },
  task: string | null = null,
): DifferenceUnit {
  const tasks = differences.flatMap((seed) => seed.tasks)
    .filter((own) => task === null || own.task === task);
  const first = tasks[0];
  const margins: DifferenceUnit = { name: "margins", perMargin: 1 };
  if (first === undefined) return margins;
  const { scale, title } = metricInfo(first.metric);
  const isShared = tasks.every(({ metric, margin }) =>
    margin === first.margin && metricInfo(metric).scale === scale &&
    (scale === 100 || metric === first.metric)
  );
  if (!isShared) return margins;
  return { name: scale === 100 ? "points" : title, perMargin: first.margin * scale };
}
