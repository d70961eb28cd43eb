/**
 * Which points are tried: the first ones, and those that follow where the best value lies at an edge that may be widened.
 *
 * @module
 */
import { RandomStream } from "../../base/random.ts";
import { type Tune, tuneDefaults } from "../../study/schema/tune.ts";
import { choiceOf, type ScoredPoint } from "./choice.ts";
import type { Combination } from "./combinations.ts";
import { drawnPoints, furtherPoints, gridPoints, type Point } from "./space.ts";

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
 * its task and budget are given equally many, so that no method has more trials than another.
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
