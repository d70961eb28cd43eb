/**
 * A run that pauses at a step, and how it does there.
 *
 * @module
 */
import type { EvaluationLine } from "../record/types.ts";
import { keptOf } from "../study/grid/steps.ts";
import { meritOf } from "../tasks/metrics.ts";
import type { TrainSettings } from "../study/schema/settings.ts";

/** A run that was trained up to a step. */
export interface PausedRun {
  /** The step at which it was to pause. */
  readonly step: number;
  /** The name of its primary metric. */
  readonly metric: string;
  /** That metric if the run ended here; null where it was not evaluated. */
  readonly score: number | null;
  /** Time of the run so far. */
  readonly wallMillis: number;
}

/**
 * A metric of a run as if it had ended after a step: of the last evaluation until then, or the best one.
 *
 * @param evaluations Its journal.
 * @param keep Which evaluation counts.
 * @returns null where there was none, or it is no number.
 */
export function scoreAt(
  step: number,
  metric: string,
  evaluations: readonly EvaluationLine[],
  keep: TrainSettings["keep"],
): number | null {
  // Of the lines of a step, the first is that of the split that counts.
  const scores = [...Map.groupBy(evaluations, (line) => line.step).values()]
    .filter(([line]) => line!.step <= step)
    .map(([line]) => line!.metrics[metric] ?? NaN);
  const merits = scores.flatMap((score) => Number.isNaN(score) ? [] : [meritOf(metric, score)]);
  const best = meritOf(metric, Math.max(...merits));
  const score = keptOf(keep, { best, last: scores.at(-1) ?? NaN });
  return Number.isFinite(score) ? score : null;
}
