/**
 * From the scores of trials to the settings that are chosen, and what stands against the choice.
 *
 * @module
 */
import { type Edge, edgesOf, type Point, type Space } from "./space.ts";

/** A point that was tried, and how well it did. */
export interface ScoredPoint {
  readonly point: Point;
  /** The higher the better; null where a run of it failed. */
  readonly score: number | null;
  /** Whether it was trained to the end: others are not chosen. Default true. */
  readonly isWhole?: boolean;
}

/** The settings that were chosen for a combination. */
export interface Choice {
  readonly best: ScoredPoint & { readonly score: number };
  /** Settings whose best value lies at the edge of all that were tried. */
  readonly edges: readonly Edge[];
}

/**
 * The trial with the best score; null where every trial failed. Of several with the same score it is one at an edge, which tells that
 * values within did no better, else the first.
 *
 * @param trials In the order in which they were drawn.
 */
export function choiceOf(space: Space, trials: readonly ScoredPoint[]): Choice | null {
  const whole = trials.filter((trial): trial is Choice["best"] =>
    trial.score !== null && trial.isWhole !== false
  );
  const most = Math.max(...whole.map(({ score }) => score));
  const points = trials.map(({ point }) => point);
  const choices = whole.filter(({ score }) => score === most)
    .map((best): Choice => ({ best, edges: edgesOf(space, points, best.point) }));
  return choices.find(({ edges }) => edges.some(({ isOpen }) => isOpen)) ??
    choices.find(({ edges }) => edges.length > 0) ?? choices[0] ?? null;
}

/**
 * The weighted mean of the scores of a trial's runs; null where one of them failed.
 *
 * @param weights One a score, above 0.
 */
export function meanScore(
  scores: readonly (number | null)[],
  weights: readonly number[],
): number | null {
  const known = scores.filter((score) => score !== null && Number.isFinite(score)) as number[];
  if (known.length < scores.length || known.length === 0) return null;
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return known.reduce((sum, score, i) => sum + weights[i]! * score, 0) / total;
}
