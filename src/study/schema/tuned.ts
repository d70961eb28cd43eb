/**
 * What tuning came to, as a study carries it that uses the settings: the trials, the choices and what they cost.
 *
 * @module
 */
import { z } from "zod";
import type { Json } from "../../base/canonical_json.ts";
import { budgetOf, budgetSchema, hasBudget, type StudyBudget } from "../budget/budget.ts";
import type { Arm } from "../compare/arms.ts";
import { closed } from "./shapes.ts";
import type { TuneSearch, TuneTrials } from "./tune.ts";
import type { RunSpec } from "../types.ts";

/** What settings were chosen for. */
export interface TunedFor {
  /** Label of the methods' axis. */
  readonly method: string;
  /** Name of the method. */
  readonly name: string;
  /** Absent where one choice serves all tasks. */
  readonly task?: string;
  /** Absent where one choice serves all budgets. */
  readonly budget?: StudyBudget;
}

/** What came of one run of a trial. */
export interface TunedRun {
  /** Absent where the choice is for one task. */
  readonly task?: string;
  /** Absent where the choice is for one budget, or the run has none. */
  readonly budget?: StudyBudget;
  /** Of the trial. */
  readonly seed: number;
  /** Absent where it is that of the choice. */
  readonly metric?: string;
  /** The primary metric on the held-out share; null where the run failed. */
  readonly score: number | null;
}

/** A point that was tried. */
export interface TunedTrial {
  /** Settings and options by their paths. */
  readonly values: Readonly<Record<string, Json>>;
  /** Mean primary metric on the held-out share; null where a run of it failed. */
  readonly score: number | null;
  /** Share of the steps that it was trained for; absent where that is all of them. */
  readonly share?: number;
  /** Its runs, each with the seed; absent in files of earlier versions. */
  readonly runs?: readonly TunedRun[];
  /** Present where it was added to widen a range, or to give as many trials as one that was widened. */
  readonly added?: true;
}

/** A choice, and what it was chosen from. */
export interface TunedChoice extends TunedFor {
  /** What `score` is: the primary metric of the tasks, or `average` where these have different ones. */
  readonly metric: string;
  /** The chosen settings and options by their paths. */
  readonly values: Readonly<Record<string, Json>>;
  /** That of the chosen trial. */
  readonly score: number;
  /** In the order in which they were drawn; those that were added come last. */
  readonly trials: readonly TunedTrial[];
}

/** A setting whose best value lies at the edge of all that were allowed. */
export interface NotBracketed extends TunedFor {
  /** The setting, such as `train.learningRate`. */
  readonly path: string;
  /** Its best value. */
  readonly value: number;
  /** Which end of all that were allowed the value is. */
  readonly edge: "low" | "high";
}

/** What a tuning came to. */
export interface Tuned {
  /** Name of the study that was tuned. */
  readonly study: string;
  /** SHA-256 of its `tune` block. */
  readonly hash: string;
  /** How trials were found. */
  readonly search: TuneSearch;
  /** Trials of each combination at first, before any range was widened. */
  readonly trials: TuneTrials;
  /** Seeds of the trials. */
  readonly seeds: readonly number[];
  /** Share of the training split that trials were evaluated on. */
  readonly heldOut: number;
  /** Machine time of all runs, in seconds. */
  readonly seconds: number;
  /** Runs that were made, those that were stopped early included. */
  readonly runs: number;
  /** Empty where every chosen value has worse ones on both sides. */
  readonly notBracketed: readonly NotBracketed[];
  /** One for each combination. */
  readonly best: readonly TunedChoice[];
}

const values = z.record(z.string(), z.json());

const chosenFor = {
  method: z.string(),
  name: z.string(),
  task: z.exactOptional(z.string()),
  budget: z.exactOptional(budgetSchema),
};

/** Validator of what a tuning came to. */
export const tunedSchema = closed({
  study: z.string(),
  hash: z.string(),
  search: z.enum(["random", "grid", "asha"]),
  trials: z.union([z.int().min(1), closed({ perSetting: z.int().min(1) })]),
  seeds: z.array(z.int().min(0)),
  heldOut: z.number(),
  seconds: z.number().min(0),
  runs: z.int().min(0),
  notBracketed: z.array(closed({
    ...chosenFor,
    path: z.string(),
    value: z.number(),
    edge: z.enum(["low", "high"]),
  })),
  best: z.array(closed({
    ...chosenFor,
    metric: z.string(),
    values,
    score: z.number(),
    trials: z.array(closed({
      values,
      score: z.number().nullable(),
      share: z.exactOptional(z.number().gt(0).lt(1)),
      runs: z.exactOptional(z.array(closed({
        task: z.exactOptional(z.string()),
        budget: z.exactOptional(budgetSchema),
        seed: z.int().min(0),
        metric: z.exactOptional(z.string()),
        score: z.number().nullable(),
      }))),
      added: z.exactOptional(z.literal(true)),
    })),
  })),
}).describe("Written by deno task tune: what its settings were chosen from").meta({ id: "tuned" });

/** Whether settings were chosen for a run. */
export function isTunedFor(
  { method, task, budget }: TunedFor,
  run: Pick<RunSpec, "task" | "label" | "arm" | "budget">,
): boolean {
  return method === (run.arm ?? run.label) && (task === undefined || task === run.task) &&
    (budget === undefined || hasBudget(run, budget));
}

/** An arm of a study, as far as tuning tells arms apart. */
export type TunedArm = Pick<Arm, "method" | "budget">;

/**
 * The settings of an arm on a task whose best value lies at the edge of all that were allowed: what is said of the arm may be owed
 * to the edge.
 *
 * @param tuned Of the study; undefined where nothing was tuned, and nothing is at an edge then.
 */
export function notBracketedOf(
  tuned: Tuned | undefined,
  { method, budget }: TunedArm,
  task: string,
): readonly NotBracketed[] {
  if (tuned === undefined) return [];
  // As elsewhere, a label goes before a method of the same name.
  const isLabel = tuned.best.some((own) => own.method === method);
  const asked = budget === undefined ? null : budgetOf(budget);
  return tuned.notBracketed.filter((own) =>
    (isLabel ? own.method : own.name) === method &&
    (own.task === undefined || own.task === task) &&
    (asked === null || own.budget === undefined || hasBudget({ budget: asked }, own.budget))
  );
}
