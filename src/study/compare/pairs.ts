/**
 * Pairs of runs: what a claim, or a comparison that a study asks for, is of.
 *
 * @module
 */
import { type Arm, type ArmRun, armSchema, runsOfArm } from "./arms.ts";
import type { Claim } from "../schema/claims.ts";
import { matchesCondition } from "../schema/conditions.ts";
import { budgetKey } from "../budget/budget.ts";
import { z } from "zod";
import { closed } from "../schema/shapes.ts";
import type { RunPoint } from "../types.ts";

/** Two runs of one task and seed that are compared. */
export interface ClaimPair<R> {
  /** The task of both. */
  readonly task: string;
  /** The seed of both. */
  readonly seed: number;
  /** The run of arm a. */
  readonly a: R;
  /** The run of arm b. */
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

/** Two arms to compare, paired by task and seed. */
export interface StudyComparison {
  /** The one whose score is taken. */
  readonly a: Arm;
  /** The one whose score is subtracted. */
  readonly b: Arm;
  /** Tasks or sequences. Default: all that both arms have. */
  readonly task?: string | readonly string[];
}

/** Validator of the comparisons that a study asks for. */
export const comparisonsSchema = z.array(
  closed({
    a: armSchema,
    b: armSchema,
    task: z.exactOptional(z.union([z.string().min(1), z.array(z.string().min(1)).min(1)])),
  }).meta({ id: "comparison", description: "Two arms to compare: a minus b, paired by seed" }),
).min(1);

/** What is compared, with the runs that it is of. */
export interface ResolvedComparison {
  /** As the study asks for it. */
  readonly asked: StudyComparison;
  /** At least one; a run may be in several. */
  readonly pairs: readonly ClaimPair<RunPoint>[];
}

/** The tasks that a comparison is asked for; undefined for all. */
export function askedTasks({ task }: StudyComparison): readonly string[] | undefined {
  return typeof task === "string" ? [task] : task;
}

/**
 * The pairs of runs that a comparison is of, as {@linkcode claimPairs} has them.
 *
 * @param runs All runs of the study.
 */
export function comparedPairs(
  comparison: StudyComparison,
  runs: readonly ArmRun[],
): readonly ClaimPair<RunPoint>[] {
  const { a, b } = comparison;
  const tasks = askedTasks(comparison);
  const pointOf = ({ task, label, budget, seed }: ArmRun) => ({ task, label, budget, seed });
  return claimPairs({ a, b, ...(tasks === undefined ? {} : { tasks }) }, runs)
    .map((pair) => ({ ...pair, a: pointOf(pair.a), b: pointOf(pair.b) }));
}
