/**
 * What tuning came to, as a study carries it that uses the settings: the trials, the choices and what they cost.
 *
 * @module
 */
import { z } from "zod";
import type { Json } from "../base/canonical_json.ts";
import { closed } from "./settings.ts";
import type { TuneSearch } from "./tune.ts";

/** What settings were chosen for. */
export interface TunedFor<B> {
  /** Label of the methods' axis. */
  readonly method: string;
  /** Absent where one choice serves all tasks. */
  readonly task?: string;
  /** Absent where one choice serves all budgets. */
  readonly budget?: B;
}

/** A point that was tried. */
export interface TunedTrial {
  /** Settings and options by their paths. */
  readonly values: Readonly<Record<string, Json>>;
  /** Mean primary metric on the held-out share; null where a run of it failed. */
  readonly score: number | null;
  /** Share of the steps that it was trained for; absent where that is all of them. */
  readonly share?: number;
  /** Present where it was added to widen a range, or to give as many trials as one that was widened. */
  readonly added?: true;
}

/** A choice, and what it was chosen from. */
export interface TunedChoice<B> extends TunedFor<B> {
  readonly values: Readonly<Record<string, Json>>;
  readonly score: number;
  /** In the order in which they were drawn; those that were added come last. */
  readonly trials: readonly TunedTrial[];
}

/** A setting whose best value lies at the edge of all that were allowed. */
export interface NotBracketed<B> extends TunedFor<B> {
  readonly path: string;
  readonly value: number;
  readonly edge: "low" | "high";
}

/** What a tuning came to. */
export interface Tuned<B> {
  /** Name of the study that was tuned. */
  readonly study: string;
  /** SHA-256 of its `tune` block. */
  readonly hash: string;
  readonly search: TuneSearch;
  /** Trials of each combination at first, before any range was widened. */
  readonly trials: number;
  readonly seeds: readonly number[];
  readonly heldOut: number;
  /** Machine time of all runs, in seconds. */
  readonly seconds: number;
  /** Runs that were made, those that were stopped early included. */
  readonly runs: number;
  readonly notBracketed: readonly NotBracketed<B>[];
  /** One for each combination. */
  readonly best: readonly TunedChoice<B>[];
}

/**
 * Validator of what a tuning came to.
 *
 * @param budget Validator of a budget as studies write it.
 */
export function tunedSchema<B>(budget: z.ZodType<B>): z.ZodType<Tuned<B>> {
  const values = z.record(z.string(), z.json());
  const chosenFor = {
    method: z.string(),
    task: z.exactOptional(z.string()),
    budget: z.exactOptional(budget),
  };
  return closed({
    study: z.string(),
    hash: z.string(),
    search: z.enum(["random", "grid", "asha"]),
    trials: z.int().min(1),
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
      values,
      score: z.number(),
      trials: z.array(closed({
        values,
        score: z.number().nullable(),
        share: z.exactOptional(z.number().gt(0).lt(1)),
        added: z.exactOptional(z.literal(true)),
      })),
    })),
  }).describe(
    "Written by deno task tune: what its settings were chosen from",
  ) as unknown as z.ZodType<
    Tuned<B>
  >;
}

/** A method's cell of a study, as far as tuning tells cells apart. */
export interface TunedCell<B> {
  /** Label of the methods' axis. */
  readonly method: string;
  readonly task: string;
  /** Absent for a method without ranks. */
  readonly budget?: B;
}

/**
 * The settings of a cell whose best value lies at the edge of all that were tried: what is said of such a cell may be owed to
 * the edge.
 *
 * @param tuned Of the study; undefined where nothing was tuned, and nothing is at an edge then.
 * @param isSame Whether two budgets are the same. Default: their JSON is.
 */
export function notBracketedOf<B>(
  tuned: Tuned<B> | undefined,
  { method, task, budget }: TunedCell<B>,
  isSame: (a: B, b: B) => boolean = (a, b) => JSON.stringify(a) === JSON.stringify(b),
): readonly NotBracketed<B>[] {
  return (tuned?.notBracketed ?? []).filter((own) =>
    own.method === method && (own.task === undefined || own.task === task) &&
    (own.budget === undefined || budget !== undefined && isSame(own.budget, budget))
  );
}

/** Whether no setting of a cell was chosen at the edge of its range; a verdict needs that of both arms. */
export function isBracketed<B>(
  tuned: Tuned<B> | undefined,
  cell: TunedCell<B>,
  isSame?: (a: B, b: B) => boolean,
): boolean {
  return notBracketedOf(tuned, cell, isSame).length === 0;
}
