/**
 * Arms of a study: the runs that one side of a comparison or of a claim is about, named as the study's axes name them; and the pairs
 * of their runs.
 *
 * @module
 */
import { z } from "zod";
import { canonicalJson, type Json } from "../../base/canonical_json.ts";
import { valueAtKeys } from "../../base/read_json.ts";
import { unknownName } from "../../base/suggest.ts";
import { type Problem, show } from "../check/problems.ts";
import {
  budgetKey,
  budgetOf,
  budgetSchema,
  hasBudget,
  type StudyBudget,
  writtenBudget,
} from "../budget/budget.ts";
import { closed } from "../schema/shapes.ts";
import type { RunPoint, RunSpec } from "../types.ts";
import { type DeltaCondition, matchesCondition } from "../schema/conditions.ts";

/** Runs of one label, of all budgets and settings that are not told apart here. */
export interface Arm {
  /**
   * Label of runs, label of an entry of the methods' axis whose settings vary, or the name of a method; what is given here must
   * leave runs of one label.
   */
  readonly method: string;
  /** As the axis writes it. Default: every budget that the label has. */
  readonly budget?: StudyBudget;
  /** Values of settings and options by their keys, such as `"train.learningRate": 0.001`. Default: any. */
  readonly settings?: Readonly<Record<string, Json>>;
}

/** What an arm reads of a run. */
export interface ArmRun
  extends Pick<RunSpec, "task" | "method" | "label" | "arm" | "budget" | "seed"> {
  /** As the run was resolved. */
  readonly settings: unknown;
  /** As the run was resolved. Default: none. */
  readonly options?: unknown;
}

/** Validator of an arm. */
export const armSchema = closed({
  method: z.string().min(1).describe("Name of a method, or label of an entry of the methods' axis"),
  budget: z.exactOptional(budgetSchema),
  settings: z.exactOptional(
    z.record(z.string().min(1), z.json()).refine(
      (values) => Object.keys(values).length > 0,
      { error: "found {}, wanted at least one setting; leave it out where none is meant" },
    ).describe("Values of settings by their keys, such as train.learningRate"),
  ),
}).meta({ id: "arm", description: "The runs that are meant, as the axes name them" });

/** The value of a setting or option by its key, null where the run leaves it at a default that it does not say. */
export function valueAt({ settings, options }: ArmRun, key: string): Json {
  const from = key.startsWith("options.") ? { options } : settings;
  return (valueAtKeys(from, key.split(".")) ?? null) as Json;
}

function keysOf(settings: unknown): readonly string[] {
  if (typeof settings !== "object" || settings === null || Array.isArray(settings)) return [];
  return Object.entries(settings).flatMap(([key, value]) => {
    const inner = keysOf(value);
    return inner.length === 0 ? [key] : inner.map((rest) => `${key}.${rest}`);
  });
}

function hasValue(run: ArmRun, key: string, value: Json): boolean {
  return canonicalJson(valueAt(run, key)) === canonicalJson(value);
}

/** The runs of the method that an arm names: those of its label, else those of an entry of that label, else those of the method. */
function ofMethod<R extends ArmRun>({ method }: Arm, runs: readonly R[]): readonly R[] {
  const called = (nameOf: (run: R) => string | undefined) =>
    runs.filter((run) => nameOf(run) === method);
  const labelled = called(({ label }) => label);
  if (labelled.length > 0) return labelled;
  const ofEntry = called(({ arm }) => arm);
  return ofEntry.length > 0 ? ofEntry : called((run) => run.method);
}

function ofBudget<R extends ArmRun>({ budget }: Arm, runs: readonly R[]): readonly R[] {
  return budget === undefined ? runs : runs.filter((run) => hasBudget(run, budget));
}

/**
 * The runs of an arm, in the order given.
 *
 * @param runs All runs of a study; those of an arm that {@linkcode problemsOfArm} finds nothing wrong with have one label.
 */
export function runsOfArm<R extends ArmRun>(arm: Arm, runs: readonly R[]): readonly R[] {
  return ofBudget(arm, ofMethod(arm, runs)).filter((run) =>
    Object.entries(arm.settings ?? {}).every(([key, value]) => hasValue(run, key, value))
  );
}

function distinct(runs: readonly ArmRun[], of: (run: ArmRun) => string): readonly string[] {
  return [...new Set(runs.map(of))];
}

function list(values: readonly string[]): string {
  const most = 30;
  const more = values.length - most;
  return values.slice(0, most).join(", ") + (more > 0 ? ` and ${more} more` : "");
}

function writtenBudgets(runs: readonly ArmRun[]): readonly string[] {
  return distinct(
    runs.filter(({ budget }) => budget !== null),
    ({ budget }) => writtenBudget(budget!),
  );
}

/**
 * What is wrong with an arm: a method, a budget or a value of a setting that no run of the study has, or runs of several labels.
 * Each message says which there are.
 *
 * @param where The arm's place in the study, such as `comparisons[0].a`.
 * @param runs All runs of the study.
 */
export function problemsOfArm(
  arm: Arm,
  where: string,
  runs: readonly ArmRun[],
): readonly Problem[] {
  const named = ofMethod(arm, runs);
  if (named.length === 0) {
    const known = new Set([
      ...distinct(runs, ({ label }) => label),
      ...distinct(runs, ({ arm, label }) => arm ?? label),
      ...distinct(runs, (r) => r.method),
    ]);
    return [{ where: `${where}.method`, message: unknownName("method", arm.method, [...known]) }];
  }
  const budgeted = ofBudget(arm, named);
  if (budgeted.length === 0) {
    const found = `found ${show(arm.budget)}`;
    const written = writtenBudgets(named);
    return [{
      where: `${where}.budget`,
      message: written.length === 0
        ? `${found}, but "${arm.method}" has no ranks; leave the budget out`
        : `${found}, wanted a budget of "${arm.method}": ${list(written)}`,
    }];
  }
  let left = budgeted;
  for (const [key, value] of Object.entries(arm.settings ?? {})) {
    const having = left.filter((run) => hasValue(run, key, value));
    if (having.length === 0) {
      const values = distinct(left, (run) => show(valueAt(run, key)));
      const isUnset = values.every((value) => value === "null");
      return [{
        where: `${where}.settings["${key}"]`,
        message: isUnset
          ? `found ${show(value)}, but none of its runs says "${key}"; they say ${
            list([...new Set(left.flatMap(({ settings }) => keysOf(settings)))])
          }`
          : `found ${show(value)}, wanted a value that its runs have: ${list(values)}`,
      }];
    }
    left = having;
  }
  const labels = distinct(left, ({ label }) => `"${label}"`);
  if (labels.length === 1) return [];
  const found = `found "${arm.method}", of which the study has ${labels.length} entries, wanted`;
  const entries = distinct(left, (run) => run.arm ?? run.label);
  return [{
    where: `${where}.method`,
    message: entries.length > 1
      ? `${found} one of their labels: ${list(labels)}`
      : `${found} values of what axes.settings varies as "settings" of the arm, or one of their labels: ${
        list(labels)
      }`,
  }];
}

/** An arm in words, as headings and messages call it: `elalora at 2`, `lora at {"peak":9000}, train.learningRate 0.001`. */
export function armText({ method, budget, settings = {} }: Arm): string {
  return [
    budget === undefined ? method : `${method} at ${writtenBudget(budgetOf(budget))}`,
    ...Object.entries(settings).map(([key, value]) => `${key} ${show(value)}`),
  ].join(", ");
}

/** Two arms that are paired, as claims and comparisons name them. */
export interface ArmPair {
  /** The one whose score is taken. */
  readonly a: Arm;
  /** The one whose score is subtracted. */
  readonly b: Arm;
  /** Default: all on which both arms run. */
  readonly tasks?: readonly string[];
  /** Pairs are left out where either run matches one of these. Default: none. */
  readonly exclude?: readonly DeltaCondition[];
}

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

const budgetText = ({ budget }: ArmRun): string => budget === null ? "" : budgetKey(budget);

/**
 * The pairs of a claim, task by task and seed by seed; pairs that it excludes are left out.
 *
 * Runs of one task and seed are paired by their budgets. Where one arm has a single run there, as a method without ranks
 * has, or an arm of one budget, that run is paired with each of the other.
 *
 * @param runs All runs of the study.
 */
export function claimPairs<R extends ArmRun>(
  claim: ArmPair,
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
      others.filter((b) => isEach || budgetText(a) === budgetText(b))
        .filter((b) => counts(a) && counts(b))
        .map((b) => ({ task: a.task, seed: a.seed, a, b }))
    );
  });
}

/** How often the same budget occurs among the runs of an arm on one task and seed, at most. */
export function mostAtAPlace(runs: readonly ArmRun[]): number {
  const places = Map.groupBy(runs, (run) => `${placeOf(run)} ${budgetText(run)}`);
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
