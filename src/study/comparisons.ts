/**
 * Comparisons that a study asks for, of any two of its arms: across budgets, methods or settings.
 *
 * @module
 */
import { z } from "zod";
import { unknownName } from "../base/suggest.ts";
import { type Arm, type ArmRun, armSchema, armText, problemsOfArm, runsOfArm } from "./arms.ts";
import { claimPairs } from "./claim_pairs.ts";
import type { Problem } from "./problems.ts";
import { closed } from "./settings.ts";
import type { RunPoint } from "./types.ts";

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
export const comparisonsSchema: z.ZodType<readonly StudyComparison[]> = z.array(
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
  readonly pairs: readonly ComparedPair[];
}

/** Two runs of one task and seed, as points of the study's grid. */
export interface ComparedPair {
  /** The task of both. */
  readonly task: string;
  /** The seed of both. */
  readonly seed: number;
  /** The run of arm a. */
  readonly a: RunPoint;
  /** The run of arm b. */
  readonly b: RunPoint;
}

const pointOf = ({ task, label, budget, seed }: ArmRun): RunPoint => ({
  task,
  label,
  budget,
  seed,
});

function tasksOf({ task }: StudyComparison): readonly string[] | null {
  return task === undefined ? null : typeof task === "string" ? [task] : task;
}

/**
 * The pairs of runs that a comparison is of, as {@linkcode claimPairs} has them.
 *
 * @param runs All runs of the study.
 */
export function comparedPairs(
  comparison: StudyComparison,
  runs: readonly ArmRun[],
): readonly ComparedPair[] {
  const { a, b } = comparison;
  const tasks = tasksOf(comparison);
  return claimPairs({ a, b, ...(tasks === null ? {} : { tasks }) }, runs)
    .map((pair) => ({ ...pair, a: pointOf(pair.a), b: pointOf(pair.b) }));
}

/**
 * What is wrong with the comparisons of a study: arms that are not there, the same arm or the same comparison twice, tasks that
 * one of the arms does not have, and arms without a common task and seed.
 *
 * @param runs All runs of the study.
 */
export function problemsOfComparisons(
  comparisons: readonly StudyComparison[],
  runs: readonly ArmRun[],
): readonly Problem[] {
  const firsts = new Map<string, number>();
  return comparisons.flatMap((comparison, i) => {
    const where = `comparisons[${i}]`;
    const problems = problemsOf(comparison, where, runs);
    if (problems.length > 0) return problems;
    // The same two arms the other way round differ in a sign only.
    const key = comparedPairs(comparison, runs)
      .map(({ a, b }) => [JSON.stringify(a), JSON.stringify(b)].sort().join()).sort().join();
    const first = firsts.get(key);
    if (first === undefined) firsts.set(key, i);
    return first === undefined ? [] : [{
      where,
      message: `found the same runs as in comparisons[${first}], wanted each comparison once`,
    }];
  });
}

function problemsOf(
  comparison: StudyComparison,
  where: string,
  runs: readonly ArmRun[],
): readonly Problem[] {
  const { a, b } = comparison;
  const known = [...new Set(runs.map(({ task }) => task))];
  const tasks = tasksOf(comparison) ?? [];
  const placeOfTask = (i: number) =>
    typeof comparison.task === "string" ? `${where}.task` : `${where}.task[${i}]`;
  const problems = [
    ...problemsOfArm(a, `${where}.a`, runs),
    ...problemsOfArm(b, `${where}.b`, runs),
    ...tasks.flatMap((task, i) =>
      known.includes(task)
        ? []
        : [{ where: placeOfTask(i), message: unknownName("task", task, known) }]
    ),
  ];
  // What follows would only repeat these.
  if (problems.length > 0) return problems;
  const ours = new Set(runsOfArm(a, runs));
  if (runsOfArm(b, runs).some((run) => ours.has(run))) {
    return [{
      where: `${where}.b`,
      message: `found runs that are those of a too (${armText(a)} and ${
        armText(b)
      }), wanted another arm`,
    }];
  }
  const { task: _task, ...whole } = comparison;
  const shared = new Set(comparedPairs(whole, runs).map(({ task }) => task));
  const arms = `"${armText(a)}" and "${armText(b)}"`;
  if (shared.size === 0) {
    return [{
      where,
      message:
        `found no task and seed that ${arms} have both at the same budget, wanted at least one; to compare ` +
        "across budgets, give both arms theirs",
    }];
  }
  return tasks.flatMap((task, i) =>
    shared.has(task) ? [] : [{
      where: placeOfTask(i),
      message: `found "${task}", wanted a task that ${arms} have both`,
    }]
  );
}
