/**
 * From the scores of trials to the points that are tried next, the settings that are chosen, and what stands against the choice.
 *
 * @module
 */
import {
  drawnPoints,
  type Edge,
  edgesOf,
  furtherPoints,
  gridPoints,
  type Point,
  type Space,
} from "./space.ts";
import { RandomStream } from "../../base/random.ts";
import { type Tune, tuneDefaults } from "../../study/schema/tune.ts";
import type { Combination } from "./combinations.ts";

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

/** Rounds of further trials at most: ranges are widened by half of themselves in each, so that limits are met before. */
const mostRounds = 32;

/** The stream of all that a tuning draws, the same for all combinations. */
function streamOf({ seeds }: Tune): RandomStream {
  return RandomStream.fromSeed(seeds[0]!).fork("tune");
}

/** The points that a combination begins with. */
export function firstPoints(tune: Tune, { space }: Combination): readonly Point[] {
  return (tune.search ?? tuneDefaults.search) === "grid"
    ? gridPoints(space, tune.trials)
    : drawnPoints(space, streamOf(tune), tune.trials);
}

/** A combination with its scored trials. */
export interface Scored {
  readonly combination: Combination;
  readonly trials: readonly ScoredPoint[];
}

/** Combinations that are compared with each other: those of a task and budget. */
function contestOf({ of: { task, budget } }: Combination): string {
  return JSON.stringify([task ?? null, budget ?? null]);
}

/** Trials that each combination is given more where a range is widened. */
export function furtherCount({ trials }: Pick<Tune, "trials">): number {
  return Math.max(2, Math.ceil(trials / 2));
}

/**
 * The points that are tried next: none where no best value lies at an edge that may be widened. Where one does, all combinations of
 * its task and budget are given the same number, so that no method has more trials than another.
 *
 * @param scored All combinations with all their trials.
 * @param round How many such rounds there were.
 */
export function nextPoints(
  tune: Tune,
  scored: readonly Scored[],
  round: number,
): readonly (readonly Point[])[] {
  const choices = scored.map(({ combination: { space }, trials }) => choiceOf(space, trials));
  const isOpen = (i: number) => choices[i]?.edges.some((edge) => edge.isOpen) ?? false;
  const open = new Set(
    scored.filter((_, i) => isOpen(i)).map(({ combination }) => contestOf(combination)),
  );
  return scored.map(({ combination, trials }, i) => {
    const choice = choices[i]!;
    if (choice === null || round >= mostRounds || !open.has(contestOf(combination))) return [];
    return furtherPoints(
      combination.space,
      trials.map(({ point }) => point),
      choice.best.point,
      furtherCount(tune),
      streamOf(tune),
    );
  });
}
