/**
 * A study as data, and the runs it stands for.
 *
 * @module
 */
import type { ModulePart, Settings, TrainSettings } from "./schema/settings.ts";
import { type Budget } from "./budget/budget.ts";
import type { Json } from "../base/canonical_json.ts";

/** A module that can be adapted: a linear layer with weight `[outSize, inSize]`. */
export interface ModuleShape {
  /** `layer.<n>.<part>`. */
  readonly name: string;
  /** Transformer layer, from 0. */
  readonly layer: number;
  /** Place within the layer. */
  readonly part: ModulePart;
  /** Columns of the weight. */
  readonly inSize: number;
  /** Rows of the weight. */
  readonly outSize: number;
}

/** A method's initial and target ranks under a budget, by module in model order. */
export interface RankPlan {
  /** Rank of each adapted module before the first step, in model order. */
  readonly initial: readonly number[];
  /**
   * Total rank that the policy may hold at the end (equal to the initial total where ranks only move), or at any time where it
   * chooses modules.
   */
  readonly finalTotal: number;
  /** Adapter parameters that the budget asks for. */
  readonly requested: number;
  /** Adapter parameters before the first step. */
  readonly initialParameters: number;
  /** Most at a time if the ranks of each module stay in proportion. */
  readonly peakParameters: number;
  /** At the end if the ranks of each module stay in proportion. */
  readonly finalParameters: number;
}

/** Where a method or metric that is not built in comes from; paths are relative to the folder in which the command was started. */
export interface MethodOrigin {
  /** The study module that brings it. */
  readonly study: string;
  /** The module that it is written in; that of the study, unless it says otherwise. */
  readonly module: string;
  /** SHA-256 of its source: the module that it is written in with the local modules that this names. */
  readonly hash: string;
}

/** A method or metric that is not built in, by name, and where it comes from. */
export interface CustomCode extends MethodOrigin {
  /** Its name. */
  readonly name: string;
}

/** Trained numbers that adapters cost; what is drawn and never trained costs nothing. */
export interface AdapterCosts {
  /** Numbers that one rank of a module costs. */
  readonly perRank: (module: ModuleShape) => number;
  /** Numbers that a module with a rank costs besides its ranks. */
  readonly perModule: (module: ModuleShape) => number;
  /** Numbers that an adapter costs besides its modules, told of any of them. Default 0. */
  readonly perAdapter?: (module: ModuleShape) => number;
}

/** What ranks may cost together at any time, and what one rank of a module costs. */
export interface RankCap {
  /** Numbers at most. */
  readonly most: number;
  /** Numbers of one rank. */
  readonly perRank: AdapterCosts["perRank"];
}

/** What is known of a run before it starts. */
export interface RunFacts {
  /** Optimiser steps, of a sequence those of all its tasks. */
  readonly totalSteps: number;
  /** Steps of one pass over the training examples that the settings name; of a sequence those of its first task. */
  readonly stepsPerEpoch: number;
  /**
   * One for each task of a sequence, one for a single task; a method that cannot learn tasks one after the other, or
   * nothing but that, says so by their number. Default: one.
   */
  readonly stages?: readonly { readonly task: string; readonly steps: number }[];
  /** Examples that it trains on; of a sequence those of its first task, which are there when training starts. */
  readonly trainExamples: number;
  /** The adapted modules, in model order; empty for a method without ranks. */
  readonly modules: readonly ModuleShape[];
  /** Null for a method without ranks, and where the budget does not fit, which is reported by itself. */
  readonly plan: RankPlan | null;
}

/** Between which numbers a count lies, both included. */
export interface CountRange {
  /** Lower bound, included. */
  readonly least: number;
  /** Upper bound, included. */
  readonly most: number;
}

/** Where the ranks of a run's modules can be: every choice within the bounds is possible, and no other. */
export interface RankRange {
  /** Ranks of each module, in model order. */
  readonly modules: readonly CountRange[];
  /** Ranks over all modules. */
  readonly total: CountRange;
  /** Ranks that leave modules at most, however often; Infinity for any number. */
  readonly moved: number;
}

/** Adapter parameters of a run as far as they are known before it: those of its record lie in these ranges; null where nothing is known. */
export interface PlannedCounts {
  /** Before the first step. */
  readonly initial: CountRange | null;
  /** Most at any time. */
  readonly peak: CountRange | null;
  /** At the selected evaluation. */
  readonly final: CountRange | null;
}

/** What the counts of a run follow from. */
export interface CountFacts extends RunFacts {
  /** Never null here: counts are asked of methods with ranks only. */
  readonly plan: RankPlan;
  /** As the run asks for it. */
  readonly budget: Budget | null;
  /** What ranks cost. */
  readonly costs: AdapterCosts;
  /** Whether the best evaluation counts, which may be any, or the last. */
  readonly keep: TrainSettings["keep"];
}

/** What spec must know of a method; the methods room provides one entry a method. */
export interface MethodEntry {
  /** Key by which studies name it, for instance `elalora`. */
  readonly name: string;
  /** Raised when results change for the same run; part of a run's id. */
  readonly version: number;
  /** Absent for built-in methods. */
  readonly origin?: MethodOrigin;
  /** Whether budgets apply; a method without runs once per task and seed. */
  readonly usesBudget: boolean;
  /** Checks options, fills in defaults; throws a ZodError-like error for unknown or wrong ones. */
  readonly parseOptions: (options: unknown) => Json;
  /** JSON Schema of the options, for editor completion. */
  readonly optionsSchema: Json;
  /** What ranks cost; asked only where budgets apply. */
  readonly costs: (options: Json) => AdapterCosts;
  /** Initial rank = round(factor × target); 1.5 for AdaLoRA, 1 otherwise. May depend on the options. */
  readonly initialFactor: (options: Json) => number;
  /** The parts of a layer that the method can adapt, or null for all; others that the settings name are left out. */
  readonly moduleParts: (options: Json) => readonly ModulePart[] | null;
  /** Whether a policy keeps ranks within a budget of parameters by their costs. Default: it has none that could. */
  readonly keepsCap?: (options: Json) => boolean;
  /** What must be kept of a rank to deploy it; asked only where budgets apply. Default: what ranks cost. */
  readonly storedCosts?: (options: Json) => AdapterCosts;
  /**
   * Trained numbers averaged over the steps of a run, as a multiple of those that it ends with; null where that is not known
   * before it. Default: 1.
   */
  readonly meanFactor?: (options: Json, totalSteps: number) => number | null;
  /** How target ranks are spread over the modules, in proportion; null for evenly. */
  readonly rankWeights: (
    options: Json,
    modules: readonly ModuleShape[],
  ) => readonly number[] | null;
  /** The plan under a budget of a method that spends it in its own way; absent where it follows from costs and weights. */
  readonly plan?: (options: Json, modules: readonly ModuleShape[], budget: Budget) => RankPlan;
  /** The adapter parameters that a run will have. Default: those of its plan. */
  readonly counts?: (options: Json, facts: CountFacts) => PlannedCounts;
  /**
   * Steps done when its ranks change for the last time by their schedule, 0 where they never do; a plateau counts from there.
   * Default: 0.
   */
  readonly lastEvent?: (options: Json, facts: RunFacts) => number;
  /** Throws where the method cannot serve a run, such as a schedule without room for its events; else returns. */
  readonly check: (options: Json, facts: RunFacts) => void;
}

/** One run, fully resolved. */
export interface RunSpec {
  /** Name of the study; no part of the run's id. */
  readonly study: string;
  /** A task, or the name of a sequence. */
  readonly task: string;
  /** The tasks of a sequence, in the order in which they are learned; absent for a single task. */
  readonly sequence?: readonly string[];
  /** Name of the method, for instance `elalora`. */
  readonly method: string;
  /** How reports call the method with its options; no part of the run's id. */
  readonly label: string;
  /** The label without what `axes.settings` varies; absent where that varies nothing. No part of the run's id. */
  readonly arm?: string;
  /** The run's values of what `axes.settings` varies, by key; absent where that varies nothing. No part of the run's id. */
  readonly varied?: Readonly<Record<string, Json>>;
  /** Version of the method that the run was resolved with. */
  readonly methodVersion: number;
  /** {@linkcode MethodOrigin.hash} of a method that is not built in, absent for those that are. */
  readonly methodHash?: string;
  /** All options of the method, with defaults filled in. */
  readonly options: Json;
  /** Null for methods without ranks. */
  readonly budget: Budget | null;
  /** Root of every random stream: data order, initial weights, dropout. */
  readonly seed: number;
  /** All settings, with defaults, base and deltas laid over each other. */
  readonly settings: Settings;
  /** Given ranks (module name → initial rank); null where they follow from the budget or come from another run. */
  readonly ranks: Readonly<Record<string, number>> | null;
  /** Absent where ranks do not come from another run. */
  readonly ranksFrom?: RanksFrom;
}

/** What becomes of ranks that are taken from elsewhere; "reversed" is in depth, part by part. */
export type RanksAs = "same" | "reversed" | "permuted" | "uniform";

/** The run whose final ranks another one starts with. */
export interface RanksFrom {
  /** Its id. */
  readonly run: string;
  /** What becomes of the ranks. */
  readonly as: RanksAs;
}

/** Ranks that the modules of a layer, one module, or all modules of a part of a layer get more than the budget gives. */
export type RankDelta =
  & { readonly by: number }
  & ({ readonly layer: number } | { readonly module: string } | { readonly part: string });

/** What tells a run from the others of its study. */
export type RunPoint = Pick<RunSpec, "task" | "label" | "budget" | "seed">;

/** Ranks as a study asks for them: to be read from a file, taken from another run, or added to those of the budget. */
export type AskedRanks =
  | { readonly type: "file"; readonly file: string; readonly as: RanksAs }
  | { readonly type: "run"; readonly of: RunPoint; readonly as: RanksAs }
  | { readonly type: "dose"; readonly add: readonly RankDelta[] };

/** A run of a study's grid: what was read for it may still decide about its ranks. */
export interface GridRun extends RunSpec {
  /** Absent where its ranks follow from the budget. */
  readonly askedRanks?: AskedRanks;
}
