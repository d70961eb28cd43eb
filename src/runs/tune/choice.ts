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
 * The trial with the best score, the first of several with the same; null where every trial failed.
 *
 * @param trials In the order in which they were drawn.
 */
export function choiceOf(space: Space, trials: readonly ScoredPoint[]): Choice | null {
  const best = trials.reduce<Choice["best"] | null>((best, trial) => {
    const { score, isWhole = true } = trial;
    if (score === null || !isWhole || best !== null && best.score >= score) return best;
    return { ...trial, score };
  }, null);
  if (best === null) return null;
  return { best, edges: edgesOf(space, trials.map(({ point }) => point), best.point) };
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
