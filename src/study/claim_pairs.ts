/**
 * The pairs of runs that a claim, or a comparison that a study asks for, is of.
 *
 * @module
 */
import { type ArmRun, runsOfArm } from "./arms.ts";
import type { Claim } from "./claims.ts";
import { matchesCondition } from "./condition_form.ts";
import { budgetKey } from "./run_id.ts";

/** Two runs of one task and seed that are compared. */
export interface ClaimPair<R extends ArmRun> {
  readonly task: string;
  readonly seed: number;
  readonly a: R;
  readonly b: R;
}

const placeOf = ({ task, seed }: ArmRun): string => JSON.stringify([task, seed]);
const budgetOf = ({ budget }: ArmRun): string => budget === null ? "" : budgetKey(budget);

/**
 * The pairs of a claim, task by task and seed by seed; pairs that it excludes are left out.
 *
 * Runs of one task and seed are paired by their budgets. Where one arm has a single run there, as a method without ranks
 * has, or an arm of one budget, that run is paired with each of the other.
 *
 * @param runs All runs of the study.
 */
export function claimPairs<R extends ArmRun>(
  claim: Pick<Claim, "a" | "b" | "tasks" | "exclude">,
  runs: readonly R[],
): readonly ClaimPair<R>[] {
  const { tasks, exclude = [] } = claim;
  const counts = (run: R) =>
    (tasks === undefined || tasks.includes(run.task)) &&
    !exclude.some((when) => matchesCondition(when, run));
  // What is paired with what does not depend on what is excluded.
  const ours = Map.groupBy(runsOfArm(claim.a, runs), placeOf);
  const theirs = Map.groupBy(runsOfArm(claim.b, runs), placeOf);
  return [...ours].flatMap(([place, own]) => {
    const others = theirs.get(place) ?? [];
    const isEach = own.length === 1 || others.length === 1;
    return own.flatMap((a) =>
      others.filter((b) => isEach || budgetOf(a) === budgetOf(b))
        .filter((b) => counts(a) && counts(b))
        .map((b) => ({ task: a.task, seed: a.seed, a, b }))
    );
  });
}

/** How often the same budget occurs among the runs of an arm on one task and seed, at most. */
export function mostAtAPlace(runs: readonly ArmRun[]): number {
  const places = Map.groupBy(runs, (run) => `${placeOf(run)} ${budgetOf(run)}`);
  return Math.max(0, ...[...places.values()].map((own) => own.length));
}
