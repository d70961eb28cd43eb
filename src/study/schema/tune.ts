/**
 * The `tune` block of a study: which settings are chosen, from which ranges, by how many trials, and what they are scored on.
 *
 * @module
 */
import { z } from "zod";
import { canonicalJson, type Json } from "../../base/canonical_json.ts";
import { show } from "../check/problems.ts";
import { closed } from "./shapes.ts";
import { budgetSchema, type StudyBudget } from "../budget/budget.ts";
import { type ClaimsOfStudy, decisionOf } from "./claims.ts";

/** Two numbers, the smaller one first. */
export type Bounds = readonly [number, number];

/** What a setting may be: a range of numbers, or one of some values. */
export type TuneRange =
  /** Spread evenly by their logarithm. `limits`: how far the range is widened at an edge; default not at all. */
  | { readonly log: Bounds; readonly limits?: Bounds }
  /** Spread evenly. */
  | { readonly linear: Bounds; readonly limits?: Bounds }
  /** Values without an order. */
  | { readonly choices: readonly Json[] };

/** What settings are chosen for: one choice for each combination of these. */
export type TunePer = "method" | "task" | "budget";

/** How trials are found. */
export type TuneSearch = "random" | "grid" | "asha";

/** Successive halving: all trials begin, and only the better ones go on. */
export interface AshaRules {
  /** One of so many trials goes on at each rung, a whole number from 2. Default 3. */
  readonly reduction?: number;
  /** Share of a run's steps after which trials are first compared. Default 0.11. */
  readonly leastShare?: number;
  /** Trials of a choice that may run at a time, without knowing one another's scores. Default 4. */
  readonly atOnce?: number;
}

/** Trials of each choice, at least two: the same number for all, or so many for each setting that a method varies. */
export type TuneTrials = number | { readonly perSetting: number };

/** How a study's settings are chosen before it is swept. */
export interface Tune {
  /** Ranges by setting, such as `train.learningRate` and `options.alpha`. */
  readonly vary: Readonly<Record<string, TuneRange>>;
  /** Default `random`. */
  readonly search?: TuneSearch;
  /** Combinations of values that are tried for each choice. */
  readonly trials: TuneTrials;
  /** Seeds of the trials, none of the study's. Default: two, see {@linkcode tuneSeeds}. */
  readonly seeds?: readonly number[];
  /** Tasks that settings are chosen on. Default: all of the study. */
  readonly tasks?: readonly string[];
  /** Labels of the methods whose settings are chosen. Default: all that do not take their ranks from elsewhere. */
  readonly methods?: readonly string[];
  /** Budgets that settings are chosen under. Default: all of the study. */
  readonly budgets?: readonly StudyBudget[];
  /** What settings are chosen for, `method` among them. Default `["method", "task", "budget"]`. */
  readonly per?: readonly TunePer[];
  /** Share of the training split that trials are evaluated on and do not train on. */
  readonly heldOut: number;
  /** Of the search `asha`. */
  readonly asha?: AshaRules;
}

/** What holds where a `tune` block says nothing. */
export const tuneDefaults: {
  readonly search: TuneSearch;
  readonly per: readonly TunePer[];
  readonly asha: Required<AshaRules>;
} = {
  search: "random",
  per: ["method", "task", "budget"],
  asha: { reduction: 3, leastShare: 0.11, atOnce: 4 },
};

/** A `tune` block with its seeds. */
export type SeededTune = Tune & Required<Pick<Tune, "seeds">>;

/** The first number that may be a seed of trials where a study names none, and how many there are then. */
const ownSeeds = { from: 101, count: 2 };

/** The seeds of a study's trials: those that it states, else the first two from 101 on that no sweep of it may use. */
export function tuneSeeds(study: ClaimsOfStudy & { readonly tune: Tune }): SeededTune["seeds"] {
  const { from, count } = ownSeeds;
  const first = Math.max(from, lastSeed(study) + 1);
  return study.tune.seeds ?? Array.from({ length: count }, (_, i) => first + i);
}

/** The last seed that a sweep may use, those that it adds until claims are decided included. */
export function lastSeed(study: ClaimsOfStudy): number {
  const { claims = [], axes: { seeds } } = study;
  const added = claims.length === 0 ? 0 : decisionOf(study).mostSeeds - seeds.length;
  return Math.max(...seeds) + Math.max(0, added);
}

/** Trials of a choice at first. */
export function trialsOf(trials: TuneTrials, space: Readonly<Record<string, unknown>>): number {
  return typeof trials === "number" ? trials : trials.perSetting * Object.keys(space).length;
}

const constant = "put a setting that does not vary into base";

const bounds = z.tuple([z.number(), z.number()]).superRefine(([low, high], context) => {
  if (low < high) return;
  const found = show([low, high]);
  context.addIssue({
    code: "custom",
    message: low === high
      ? `found ${found}, a range of one point, wanted two different numbers; ${constant}`
      : `found ${found}, wanted the smaller number first`,
  });
});

const rangeKeys = ["log", "linear", "choices"] as const;

/** Validator of a range; its forms share one object, so that the message for a misspelt key lists all of them. */
const range = closed({
  log: z.exactOptional(bounds).describe("Numbers above 0, spread evenly by their logarithm"),
  linear: z.exactOptional(bounds).describe("Numbers, spread evenly"),
  choices: z.exactOptional(z.array(z.json())).describe(
    "Values without an order, at least two",
  ),
  limits: z.exactOptional(bounds).describe(
    "Limits up to which the range is widened while its best value lies at its edge; default not at all",
  ),
}).superRefine(({ log, linear, choices, limits }, context) => {
  const add = (message: string, ...path: string[]) =>
    context.addIssue({ code: "custom", message, path });
  const given = rangeKeys.filter((key) => ({ log, linear, choices })[key] !== undefined);
  if (given.length !== 1) {
    add(`found ${given.join(" and ") || "no range"}, wanted one of ${rangeKeys.join(", ")}`);
    return;
  }
  if (choices !== undefined) {
    const distinct = new Set(choices.map((choice) => canonicalJson(choice))).size;
    if (distinct < 2) {
      add(`found a range of one point, wanted at least two choices; ${constant}`, "choices");
    } else if (distinct < choices.length) {
      add("found a choice twice, wanted each once", "choices");
    }
    if (limits !== undefined) {
      add("found limits of choices, wanted none: choices have no order to widen", "limits");
    }
    return;
  }
  const [key, own] = log === undefined ? ["linear", linear!] as const : ["log", log] as const;
  const [least, most] = limits ?? own;
  if (key === "log" && own[0] <= 0) add(`found ${show(own)}, wanted numbers above 0`, key);
  else if (key === "log" && least <= 0) {
    add(`found ${show(limits)}, wanted numbers above 0 for a range by logarithm`, "limits");
  }
  if (least > own[0] || most < own[1]) {
    add(`found ${show(limits)}, wanted limits around the range ${show(own)}`, "limits");
  }
}).meta({ id: "tuneRange", minProperties: 1 }) as unknown as z.ZodType<TuneRange>;

const asha = closed({
  reduction: z.exactOptional(z.int().min(2)).describe(
    `At each rung, one of so many trials goes on; default ${tuneDefaults.asha.reduction}`,
  ),
  leastShare: z.exactOptional(z.number().gt(0).lt(1)).describe(
    `Share of a run's steps after which trials are first compared; default ${tuneDefaults.asha.leastShare}`,
  ),
  atOnce: z.exactOptional(z.int().min(1)).describe(
    `Trials of a choice that may run at a time, without knowing one another's scores; default ${tuneDefaults.asha.atOnce}`,
  ),
});

/**
 * A value, of which more is said than that it has the wrong type.
 *
 * @param problem What is wrong with a value, or null.
 */
function saying<T>(
  meta: z.core.JSONSchemaMeta & { readonly description: string },
  problem: (found: unknown) => string | null,
): z.ZodType<T> {
  return z.unknown().superRefine((value, context) => {
    const message = problem(value);
    if (message !== null) context.addIssue({ code: "custom", message });
  }).meta(meta) as unknown as z.ZodType<T>;
}

const foundIn = (value: unknown) => value === undefined ? "missing" : `found ${show(value)}`;

const isTrials = (found: unknown) =>
  typeof found === "number" && Number.isInteger(found) && found >= 2;

const trials = saying<TuneTrials>(
  {
    anyOf: [
      { type: "integer", minimum: 2 },
      {
        type: "object",
        properties: { perSetting: { type: "integer", minimum: 2 } },
        required: ["perSetting"],
        additionalProperties: false,
      },
    ],
    description:
      "Combinations of values that are tried for each choice: the same number for all, or so many for each setting that a method varies",
  },
  (found) => {
    if (typeof found !== "object" || found === null) {
      return isTrials(found)
        ? null
        : `${foundIn(found)}, wanted a whole number from 2: one trial chooses nothing`;
    }
    const { perSetting, ...rest } = found as { readonly perSetting?: unknown };
    return isTrials(perSetting) && Object.keys(rest).length === 0
      ? null
      : `found ${show(found)}, wanted one number, or { "perSetting": 4 }: no method may ` +
        "have more trials than another but for its settings";
  },
);

const heldOut = saying<number>(
  {
    type: "number",
    exclusiveMinimum: 0,
    exclusiveMaximum: 1,
    description: "Share of the training split that trials are evaluated on and do not train on",
  },
  (found) =>
    typeof found === "number" && found > 0 && found < 1
      ? null
      : `${
        foundIn(found)
      }, wanted a share of the training split above 0 and below 1: settings are not ` +
        "chosen on the dev set",
);

const names = z.array(z.string().min(1)).min(1);

/** Validator of a `tune` block; names are checked where the study's are. */
export const tuneSchema = closed({
  vary: z.record(z.string(), range).refine((vary) => Object.keys(vary).length > 0, {
    error: "found {}, wanted at least one setting that varies",
  }).describe("Ranges by setting, such as train.learningRate and options.alpha"),
  search: z.exactOptional(z.enum(["random", "grid", "asha"])).describe(
    `How trials are found; asha is random search with successive halving; default ${tuneDefaults.search}`,
  ),
  trials,
  seeds: z.exactOptional(z.array(z.int().min(0)).min(1)).describe(
    "Seeds of the trials, none of the study's; default two",
  ),
  tasks: z.exactOptional(names).describe("Tasks that settings are chosen on; default all"),
  methods: z.exactOptional(names).describe(
    "Labels of the methods whose settings are chosen; default all that take no ranks from other runs",
  ),
  budgets: z.exactOptional(z.array(budgetSchema).min(1)).describe(
    "Budgets that settings are chosen under; default all of the study",
  ),
  per: z.exactOptional(
    z.array(z.enum(["method", "task", "budget"])).min(1).refine(
      (per) => per.includes("method") && new Set(per).size === per.length,
      {
        error: ({ input }) => `found ${show(input)}, wanted method, and task or budget once each`,
      },
    ),
  ).describe('What settings are chosen for; default ["method", "task", "budget"]'),
  heldOut,
  asha: z.exactOptional(asha),
}).refine(({ search, trials }) => search !== "grid" || typeof trials === "number", {
  error: "found trials for each setting of a grid, wanted one number, or the search random: a " +
    "grid of more settings has fewer points of each",
  path: ["trials"],
}).refine((tune) => tune.asha === undefined || tune.search === "asha", {
  error: 'found asha without the search "asha", wanted both or neither',
  path: ["asha"],
}).meta({ id: "tune" });
