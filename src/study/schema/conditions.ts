/**
 * Conditions on runs as studies write them: what deltas, exceptions and claims name runs by.
 *
 * @module
 */
import { closed, type OneOrMore, oneOrMore, toList } from "./shapes.ts";
import { z } from "zod";
import { canonicalJson, type Json } from "../../base/canonical_json.ts";
import { budgetSchema, hasBudget, type StudyBudget } from "../budget/budget.ts";
import type { RunSpec } from "../types.ts";

/** Which runs are meant: those that match every key given here. */
export interface DeltaCondition {
  /** Tasks or sequences, by name. Default: any. */
  readonly task?: OneOrMore<string>;
  /** Names of methods, or labels of entries of the methods' axis. */
  readonly method?: OneOrMore<string>;
  /** Budgets as the axis writes them. Default: any, and methods without ranks. */
  readonly budget?: OneOrMore<StudyBudget>;
  /** Seeds of the axis. Default: any. */
  readonly seed?: OneOrMore<number>;
  /** By key, a value or a list of values of `axes.settings`; runs that do not vary by a key do not match. */
  readonly settings?: Readonly<Record<string, Json>>;
}

/**
 * Characters of names that folders get, so that those of a run (task, method, label, budget, seed, id) stay within the 255 bytes
 * that file systems allow.
 */
export const mostOfName = { study: 200, task: 100, method: 60 } as const;

/** Validator of a seed. */
export const seedSchema = z.int().min(0);

/** Validator of a task's name; the JSON Schema of studies fills in those that are known. */
export const taskName = z.string().min(1).max(mostOfName.task).meta({ id: "taskName" });

/** Validator of a method's name; the JSON Schema of studies fills in those that are known. */
export const methodName = z.string().min(1).meta({ id: "methodName" });

/**
 * Validator of a condition.
 *
 * @param hint Said of a condition without keys.
 */
export function conditionSchema(hint: string) {
  return closed({
    task: z.exactOptional(oneOrMore(taskName)),
    method: z.exactOptional(oneOrMore(methodName)).describe(
      "Names of methods, or labels of entries of the methods' axis",
    ),
    budget: z.exactOptional(oneOrMore(budgetSchema)),
    seed: z.exactOptional(oneOrMore(seedSchema)),
    settings: z.exactOptional(
      z.record(z.string(), z.json()).refine((values) => Object.keys(values).length > 0, {
        error: "found {}, wanted a key of axes.settings with one of its values, or a list of them",
      }).describe("A value or a list of values of axes.settings, by key"),
    ),
  }).refine((when) => Object.keys(when).length > 0, {
    error: `found {}, wanted task, method, budget, seed or settings; ${hint}`,
  }).meta({
    description: "The runs that this changes: those that match every key",
    minProperties: 1,
  });
}

/** Whether a value is the one that is wanted, or one of a list of wanted ones. */
export function isAmong(value: Json, wanted: Json): boolean {
  const text = canonicalJson(value);
  return canonicalJson(wanted) === text ||
    Array.isArray(wanted) && wanted.some((one) => canonicalJson(one) === text);
}

/** What a condition reads of a run. */
export type ConditionRun = Pick<
  RunSpec,
  "task" | "method" | "label" | "arm" | "varied" | "budget" | "seed"
>;

/** Whether a run has one of the values of each key of a condition. */
export function matchesCondition(
  when: DeltaCondition,
  { task, method, label, arm, varied = {}, budget, seed }: ConditionRun,
): boolean {
  const has = <T>(wanted: OneOrMore<T> | undefined, test: (value: T) => boolean) =>
    wanted === undefined || toList(wanted).some(test);
  return has(when.task, (name) => name === task) &&
    has(when.method, (name) => name === method || name === arm || name === label) &&
    has(when.budget, (value) => hasBudget({ budget }, value)) &&
    has(when.seed, (value) => value === seed) &&
    Object.entries(when.settings ?? {}).every(([key, wanted]) =>
      Object.hasOwn(varied, key) && isAmong(varied[key]!, wanted)
    );
}
