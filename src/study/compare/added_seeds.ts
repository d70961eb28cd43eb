/**
 * Runs that a study gets besides its grid: further seeds for the arms of claims that are not decided yet.
 *
 * @module
 */
import { claimPairs } from "./pairs.ts";
import type { Claim } from "../schema/claims.ts";
import { pointKey, sourceOf } from "../grid/points.ts";
import { runTitle } from "../grid/run_id.ts";
import type { Study } from "../schema/study.ts";
import type { GridRun } from "../types.ts";

/** A study with further seeds and without what it asks of its runs, so that its grid can be made. */
export function withFurtherSeeds(study: Study, seeds: readonly number[]): Study {
  const { claims: _claims, decide: _decide, comparisons: _comparisons, ...asked } = study;
  const all = new Set([...study.axes.seeds, ...seeds]);
  return { ...asked, axes: { ...study.axes, seeds: [...all] } };
}

/** A claim and the seeds that it is to get. */
interface SeedsForClaim {
  readonly claim: Claim;
  readonly seeds: readonly number[];
}

/** The next seeds of a claim: upward from the largest of the study's and of those that it has. */
export function nextSeeds(
  { axes }: Study,
  claim: Claim,
  runs: readonly GridRun[],
  count: number,
): readonly number[] {
  const own = claimPairs(claim, runs).map(({ seed }) => seed);
  const largest = [...axes.seeds, ...own].reduce((most, seed) => Math.max(most, seed));
  return Array.from({ length: count }, (_, i) => largest + 1 + i);
}

/**
 * The runs of some claims' arms with the seeds that these claims get, and the runs that they take their ranks from.
 *
 * @param grid All runs of the study with these seeds.
 * @returns Titles of the runs.
 */
export function runsForClaims(
  asked: readonly SeedsForClaim[],
  grid: readonly GridRun[],
): ReadonlySet<string> {
  const byPoint = new Map(grid.map((run) => [pointKey(run), run]));
  const chosen = new Set<GridRun>();
  for (const { claim, seeds } of asked) {
    for (const { seed, a, b } of claimPairs(claim, grid)) {
      if (!seeds.includes(seed)) continue;
      for (const run of [a, b]) {
        for (
          let next: GridRun | null = run;
          next !== null && !chosen.has(next);
          next = sourceOf(next, byPoint)
        ) chosen.add(next);
      }
    }
  }
  return new Set([...chosen].map(runTitle));
}
