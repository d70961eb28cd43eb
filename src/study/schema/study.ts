/**
 * A study: base settings, deltas, and the axes whose grid is the runs.
 *
 * @module
 */
import { z } from "zod";
import { show } from "../check/problems.ts";
import { closed, type OneOrMore, oneOrMore, optionalKeys } from "./shapes.ts";
import { type PartialSettings, partialSettingsSchema } from "./settings.ts";
import type { Json } from "../../base/canonical_json.ts";
import { comparisonsSchema, type StudyComparison } from "../compare/arms.ts";
import {
  type Claim,
  claimsSchema,
  type Decide,
  decideSchema,
  marginSchema,
  type StudyMargin,
} from "./claims.ts";
import {
  conditionSchema,
  type DeltaCondition,
  methodName,
  mostOfName,
  seedSchema,
  taskName,
} from "./conditions.ts";
import { budgetSchema as budget, type StudyBudget } from "../budget/budget.ts";
import { type StudyRanks, studyRanksSchema } from "../budget/given.ts";
import { type Tune, tuneSchema } from "./tune.ts";
import { type Tuned, tunedSchema } from "./tuned.ts";

/** What counts as a change at the end of a run. */
export interface ConvergenceRule {
  /** The share of its held-out loss that a converged run loses from the last fifth but one to the last, at most. Default 0.05. */
  readonly lossShare: number;
  /** What the score of a converged run gains in the last fifth, at most; a share of it where it has no bound. Default 0.01, one point. */
  readonly scoreGain: number;
}

/** What holds where a study says nothing. */
export const defaultConvergence: ConvergenceRule = { lossShare: 0.05, scoreGain: 0.01 };

/** Validator of a study's `convergence`. */
export const convergenceSchema = closed({
  lossShare: z.exactOptional(
    z.number().gt(0).lt(1).describe(
      "A cell needs more steps if its held-out loss (the mean over the evaluations of the held-out share, else of the split that counts) is lower in the last fifth of the steps by more than this share than in the fifth before; default 0.05",
    ),
  ),
  scoreGain: z.exactOptional(
    z.number().gt(0).lt(1).describe(
      "A cell needs more steps if its score improves by more than this in the last fifth of its steps, in the metric's own units, or by this share of itself where the metric has no bound, as log loss, MAE, RMSE and a study's own; default 0.01, one point",
    ),
  ),
}).describe(
  "When reports say that a run needs more steps; it changes no run",
);

/** Scores by task. */
export type Targets = Readonly<Record<string, number>>;

const targetsSchema = z.record(z.string(), z.number())
  .describe(
    "A score for each task, in the metric's own units (0.7 for 70 points), within its range; reports say how many steps and seconds methods take to reach it; default 95 % of the best mean",
  );

/** Options of a method of which some are given; the method's entry knows and fills in the rest. */
export type MethodOptions = Readonly<Record<string, Json>>;

/** A method on the methods' axis: its name, or its name with options and a label for reports. */
export type StudyMethod =
  | string
  | {
    readonly method: string;
    /** Options that differ from the method's defaults. */
    readonly options?: MethodOptions;
    /** The ranks that its runs start with. Default: those that the budget gives. */
    readonly ranks?: StudyRanks;
    /** How reports call it. Default: the name, followed by the options and the ranks that are given. */
    readonly label?: string;
  };

/** What differs for some of the runs; of several deltas that match a run, the later one wins. */
export interface Delta {
  /** At least one key. */
  readonly when: DeltaCondition;
  /** Settings laid over the base. */
  readonly set?: PartialSettings;
  /** Options laid over those of the methods' axis; `when.method` must then be given. */
  readonly options?: MethodOptions;
}

/** What is varied: every combination is a run, except that methods without ranks ignore budgets, and `adapter.modules`. */
export interface Axes {
  /** Names of tasks and of the study's sequences. */
  readonly tasks: readonly string[];
  /** At least one; names alone where the options stay at their defaults. */
  readonly methods: readonly StudyMethod[];
  /** Needed as soon as one method has ranks. */
  readonly budgets?: readonly StudyBudget[];
  /** At least one whole number from 0; each repeats every combination with other random streams. */
  readonly seeds: readonly number[];
  /**
   * Values of settings by key: `train.learningRate`, `model`, `options.alpha`, ... A method that does not have an option runs
   * once for all its values. Default: none.
   */
  readonly settings?: Readonly<Record<string, readonly Json[]>>;
}

/** A study as data, the same in a JSON file and in a TypeScript module. */
export interface Study {
  /** Path of the JSON Schema, for editors. */
  readonly $schema?: string;
  /** Name of the results folder: letters, digits, `.`, `_` and `-`. */
  readonly name: string;
  /** Heading of the report. Default: the name. */
  readonly title?: string;
  /** Text under the report's heading. Default: none. */
  readonly description?: string;
  /** Settings of all runs, laid over the defaults. */
  readonly base?: PartialSettings;
  /** Exceptions from `base`, in order of increasing precedence. Default: none. */
  readonly deltas?: readonly Delta[];
  /** Combinations to skip: those that one of these matches. */
  readonly except?: readonly DeltaCondition[];
  /** The user's own tasks; their form is the tasks room's affair. */
  readonly userTasks?: readonly Json[];
  /** Tasks that are learned one after the other, by the name that the axis of tasks calls them; at least two each. */
  readonly sequences?: Readonly<Record<string, readonly string[]>>;
  /** How settings are chosen before the sweep, by `deno task tune`. Default: they stand as they are. */
  readonly tune?: Tune;
  /** What settings were chosen from; a study has it from the file of `deno task tune` that it extends. */
  readonly tuned?: Tuned;
  /** Tasks, methods, budgets and seeds whose combinations are the runs. */
  readonly axes: Axes;
  /** Differences below it are of no practical interest, in units of the score. Default 0.01, one point. */
  readonly margin?: StudyMargin;
  /** What the study is to decide, stated before its first run. Default: nothing. */
  readonly claims?: readonly Claim[];
  /** How claims are decided. Default: see {@linkcode Decide}. */
  readonly decide?: Decide;
  /** Arms that the report compares beside those that it compares anyway. Default: none. */
  readonly comparisons?: readonly StudyComparison[];
  /** When reports say that a run needs more steps. Default: see {@linkcode ConvergenceRule}. */
  readonly convergence?: Partial<ConvergenceRule>;
  /** A score for each task; reports say how many steps and seconds methods take to reach it. Default: 95 % of the best mean of the task. */
  readonly targets?: Targets;
}

/** A study of which some keys are given, laid over others: what a file holds that is no study by itself. */
export interface StudyPart extends Partial<Omit<Study, "axes">> {
  /** Files by paths from the folder of this one, or names in `experiments/`; the later ones win, and what is given here wins over all. */
  readonly extends?: OneOrMore<string>;
  /** Each axis that is given takes the place of one that is extended. */
  readonly axes?: Partial<Axes>;
}

/** A study that is complete with what it extends; its name is its own. */
export type ExtendingStudy = StudyPart & Required<Pick<StudyPart, "extends" | "name">>;

// The ids name the parts of the JSON Schema that {@linkcode studyJsonSchema} fills in.
const json: z.ZodType<Json> = z.json();

const options = z.record(z.string(), json);

const settings = partialSettingsSchema.meta({ id: "settings" });

/** What can name a folder. */
export const folderName = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;

/** Names that Windows keeps for devices, or cuts. */
export const badOnWindows = /^(con|prn|aux|nul|(com|lpt)[0-9¹²³])(\.|$)|[. ]$/i;

/** The folder of results that the repository brings, which is no study's. */
const publishedName = /^published$/i;

const delta = closed({
  when: conditionSchema("what holds for all runs belongs in base"),
  set: z.exactOptional(settings),
  options: z.exactOptional(options).describe("Options of the methods in when.method"),
}).refine((value) => value.set !== undefined || value.options !== undefined, {
  error: "found neither set nor options, wanted at least one of them",
}).refine((value) => value.options === undefined || value.when.method !== undefined, {
  error: "found options without when.method, wanted the methods that they are options of",
}).meta({ id: "delta" });

const axesShape = {
  tasks: z.array(taskName).min(1),
  methods: z.array(
    z.union([
      methodName,
      closed({
        method: methodName,
        options: z.exactOptional(options),
        ranks: z.exactOptional(studyRanksSchema),
        label: z.exactOptional(z.string().min(1).max(200)),
      }),
    ]).meta({ id: "method" }),
  ).min(1),
  budgets: z.exactOptional(z.array(budget).min(1)),
  seeds: z.array(seedSchema).min(1),
  settings: z.exactOptional(
    z.record(z.string(), z.array(json).min(1)).meta({ id: "settingsAxis" }).describe(
      "Values of settings by key, such as train.learningRate or options.alpha",
    ),
  ),
};

const axes = closed(axesShape);

const sequences = z.record(z.string(), z.array(taskName).min(2)).describe(
  "Sequences by name: classification tasks that are learned one after the other; predictions are among all their classes",
);

const studyShape = {
  $schema: z.exactOptional(z.string()),
  name: z.string().refine((name) => folderName.test(name), {
    error: (issue) =>
      `found ${
        show(issue.input)
      }, wanted letters, digits, ".", "_" and "-" with a letter or digit ` +
      `first, since it names the results folder`,
  }).refine((name) => !badOnWindows.test(name) && !publishedName.test(name), {
    error: (issue) =>
      `found ${show(issue.input)}, wanted another name: ${
        publishedName.test(String(issue.input))
          ? "results/published holds the studies that come with ranklab"
          : "Windows keeps it for a device, or cuts its end"
      }`,
  }).max(mostOfName.study).meta({ pattern: folderName.source }),
  title: z.exactOptional(z.string()),
  description: z.exactOptional(z.string()),
  base: z.exactOptional(settings),
  deltas: z.exactOptional(z.array(delta)),
  except: z.exactOptional(z.array(conditionSchema("a study without runs is none"))).describe(
    "Combinations to skip: those that one of these matches",
  ),
  userTasks: z.exactOptional(z.array(json.meta({ id: "userTask" }))),
  sequences: z.exactOptional(sequences),
  convergence: z.exactOptional(convergenceSchema),
  targets: z.exactOptional(targetsSchema),
  tune: z.exactOptional(tuneSchema).describe("How settings are chosen, by deno task tune"),
  tuned: z.exactOptional(tunedSchema),
  axes,
  margin: z.exactOptional(marginSchema),
  claims: z.exactOptional(claimsSchema),
  decide: z.exactOptional(decideSchema),
  comparisons: z.exactOptional(comparisonsSchema),
};

/** Validator of studies; names of tasks, methods and options are checked by {@linkcode expandStudy}. */
export const studySchema = closed(studyShape);

/** Validator of what a study's file may hold before what it extends is laid under it. */
export const studyPartSchema = closed({
  extends: z.exactOptional(oneOrMore(z.string().min(1))).describe(
    "One or more studies that this one extends; later ones win: a path from this file, or a name in experiments/",
  ),
  ...optionalKeys(studyShape),
  axes: z.exactOptional(closed(optionalKeys(axesShape))),
});
