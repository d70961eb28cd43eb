/**
 * How the difference of a claim came about over training, and whether it had stopped moving at the end.
 *
 * @module
 */
import { type ConvergenceSource, scoreChange } from "../run_convergence.ts";
import { upperProbability } from "../../stats/distributions.ts";
import { meanOf, summarise } from "../../stats/statistics.ts";
import { meritOf } from "../../tasks/metrics.ts";

/** A number at evaluations, by the share of the steps that is done. */
export type Course = readonly { readonly done: number; readonly value: number }[];

/** How a run's score came about on the split that counts, above where it is better; empty for a sequence. */
export function scoreCourse({ record, evaluations }: ConvergenceSource, metric: string): Course {
  const { last, steps, sequence } = record.happened;
  if (sequence !== undefined) return [];
  return evaluations.filter(({ split }) => split === last?.split).flatMap((line) => {
    const value = line.metrics[metric] ?? NaN;
    return Number.isFinite(value)
      ? [{ done: line.step / steps, value: meritOf(metric, value) }]
      : [];
  });
}

/** By how much a run's score changed in the last fifth of its steps, above zero where it became better; null where that is not known. */
export function lateGain(run: ConvergenceSource, metric: string): number | null {
  // A plateau is a rule of its own.
  if (run.record.happened.ended === "plateau") return 0;
  return scoreChange(run, metric)?.change ?? null;
}

/** Several courses side by side, from where all have begun; each keeps its value until its next evaluation. */
export function aligned(
  courses: readonly Course[],
): readonly { readonly done: number; readonly values: readonly number[] }[] {
  const all = new Set(courses.flatMap((course) => course.map(({ done }) => done)));
  return [...all].sort((a, b) => a - b).flatMap((done) => {
    const values = courses.flatMap((course) =>
      course.findLast((point) => point.done <= done)?.value ?? []
    );
    return values.length === courses.length ? [{ done, values }] : [];
  });
}

/** The mean of several courses. */
export function meanCourse(courses: readonly Course[]): Course {
  return aligned(courses).map(({ done, values }) => ({ done, value: meanOf(values) }));
}

/** Margins by which a difference that has settled moves in the last fifth of the steps, at most. */
const mostMoved = 1 / 3;

/** The chance by which a difference that stands still is taken for one that moves, and the same for one that moves by a third. */
const level = 0.05;

/** How a difference moved at the end, over seeds. */
export interface Movement {
  /** In margins. */
  readonly mean: number;
  /** Whether it moved by more than a third of the margin and by more than noise. */
  readonly isMoving: boolean;
  /** Whether it may have moved by less than that third all the same, which more seeds tell. */
  readonly isNoisy: boolean;
}

/**
 * How a difference moved from the last fifth of the steps but one to the last; null for fewer than two seeds.
 *
 * @param moved In margins, one a seed.
 */
export function movementOf(moved: readonly number[]): Movement | null {
  const { n, mean, sd } = summarise(moved);
  if (mean === null || sd === null) return null;
  const isSure = (more: number, chance: number) =>
    more > 0 && (sd === 0 || upperProbability(more / (sd / Math.sqrt(n)), n - 1) < chance);
  const size = Math.abs(mean);
  const isMoving = size > mostMoved && isSure(size, level / 2);
  return { mean, isMoving, isNoisy: isMoving && !isSure(size - mostMoved, level) };
}
