/**
 * What a run leaves behind: a record with its request (`asked`), result (`happened`) and environment (`where`), and line journals.
 *
 * Files of `results/<study>/<run>/`: `record.json` (one {@linkcode RunRecord}, written once at the end),
 * `steps.jsonl`, `evaluations.jsonl`, `ranks.jsonl`, `importance.jsonl`, `predictions.jsonl` (one JSON
 * object a line), `slots.json`, `adapter.safetensors`, `best.safetensors`. The folder appears with its record, as a whole;
 * until then its files lie in `results/<study>/under-way/`, with a `checkpoint.safetensors`.
 * `results/<study>/study.json` holds the resolved study, `ablation.json` beside `record.json` a run's layer-rank ablation.
 *
 * @module
 */
import type { Json } from "../base/canonical_json.ts";
import type { Budget } from "../study/budget/budget.ts";
import type { CustomCode, MethodOrigin, RankDelta, RanksAs } from "../study/types.ts";

/** Version of every file described here; a reader refuses a newer one. */
export const recordSchemaVersion = 1;

/** One module's rank: the module's name is `layer.<n>.<part>`, for instance `layer.0.query`. */
export type RankMap = Readonly<Record<string, number>>;

/** The request: what the study asked for, fully resolved, enough to run it again. */
export interface RecordedRequest {
  /** Name of the study; renaming it does not change the run's id. */
  readonly study: string;
  /** Name of the task, or of a sequence. */
  readonly task: string;
  /** Name of the method, for instance `elalora`. */
  readonly method: string;
  /** How reports call the method with its options; unique within a study. */
  readonly label: string;
  /** The label without what `axes.settings` varies; absent where that varies nothing. */
  readonly arm?: string;
  /** The run's values of what `axes.settings` varies, by key; absent where that varies nothing. */
  readonly varied?: Readonly<Record<string, Json>>;
  /** Raised when a method's results change for the same settings; part of the run's id. */
  readonly methodVersion: number;
  /** All options of the method, those left at their defaults too. */
  readonly options: Json;
  /** Null for methods without ranks. */
  readonly budget: {
    /** What it counts. */
    readonly type: Budget["type"];
    /** How much. */
    readonly value: number;
    /** Present where the policy kept to the number at every step. */
    readonly isCap?: true;
  } | null;
  /** Where the initial ranks come from; absent where they follow from the budget. */
  readonly ranksFrom?: RanksOrigin;
  /** Root of every random stream: data order, initial weights, dropout. */
  readonly seed: number;
  /** The whole resolved run as spec made it (task, model, settings …). */
  readonly run: Json;
}

/** Where a run's initial ranks come from, if not from its budget; `as` says what became of the ranks that were found there. */
export type RanksOrigin =
  /** A file, by its path relative to the study. */
  | { readonly type: "file"; readonly file: string; readonly as: RanksAs }
  /** The final ranks of another run, by its id and its title. */
  | {
    readonly type: "run";
    readonly run: string;
    readonly title: string;
    readonly as: RanksAs;
  }
  /** The ranks of the budget, with some added or taken. */
  | { readonly type: "dose"; readonly add: readonly RankDelta[] };

/** Active adapter parameters at four points of the run, head and biases excluded; null where a method has no ranks. */
export interface BudgetCounts {
  /** What the budget asked for, in numbers of adapters. */
  readonly requested: number;
  /** Before the first step. */
  readonly initial: number;
  /** Most that were active at a time. */
  readonly peak: number;
  /** At the selected evaluation. */
  readonly final: number;
  /**
   * Numbers that must be kept to deploy what was trained, counted like the others; absent in records from before it was
   * written, where readers take `final`.
   */
  readonly stored?: number;
  /** Those that were trained, averaged over the steps; absent in records from before it was measured. */
  readonly meanTrained?: number;
}

/** Metrics by name, for instance `{"accuracy": 0.81, "f1": 0.87}`. */
export type Metrics = Readonly<Record<string, number>>;

/** One evaluation of the whole split. */
export interface EvaluationLine {
  /** Optimiser steps done before it. */
  readonly step: number;
  /** Passes over the training data so far, with fractions; in a sequence over all its tasks' data. */
  readonly epoch: number;
  /** `dev`, or another evaluation split such as `dev_mismatched`. */
  readonly split: string;
  /** Mean over the split's examples; NaN where the run diverged. */
  readonly loss: number;
  /** Every metric of the task; NaN where the run diverged. */
  readonly metrics: Metrics;
}

/** Why a run failed. */
export type FailureCause =
  | "diverged"
  | "out-of-memory"
  | "executor"
  /** The run that its ranks come from failed, or its ranks do not fit. */
  | "ranks"
  | "unknown";

/** What came out of a run. */
export type Outcome =
  | { readonly state: "finished" }
  | {
    readonly state: "failed";
    readonly cause: FailureCause;
    readonly message: string;
    readonly step: number | null;
  };

/** What a sequence of tasks came to; accuracies are those of the evaluation after each stage. */
export interface SequenceOutcome {
  /** One a task, in the order in which they were learned. */
  readonly stages: readonly {
    readonly task: string;
    readonly classes: number;
    /** Steps done when the stage began, and steps that it took. */
    readonly firstStep: number;
    readonly steps: number;
  }[];
  /** `[t][j]`, both from 0: accuracy on task j after stage t, j ≤ t, among the classes of all tasks seen by then. */
  readonly classIncremental: readonly (readonly number[])[];
  /** The same among the classes of task j alone, as if the task were known. */
  readonly taskAware: readonly (readonly number[])[];
  /** Of `classIncremental`: the mean of its last row. */
  readonly averageAccuracy: number;
  /** Of `classIncremental`: the mean over stages of the mean over the tasks seen. */
  readonly accuracyOverTime: number;
  /** Of `classIncremental`: the mean over all tasks but the last of the best accuracy before the last stage less the last. */
  readonly forgetting: number;
}

/** A sign that a run collapsed (the first two) or learned nothing that its metric shows; {@linkcode runFlags} finds them. */
export type RunFlag =
  /** One value is predicted for every text of the selected evaluation. */
  | { readonly kind: "one-class"; readonly prediction: number }
  /**
   * The mean training loss at the end is far above `chance`, that of always giving the training split's class shares (a
   * regression: its mean).
   */
  | { readonly kind: "loss-above-chance"; readonly loss: number; readonly chance: number }
  /** The primary metric is no better than the majority's. */
  | {
    readonly kind: "at-majority";
    readonly metric: string;
    readonly score: number;
    readonly majority: number;
  };

/** The result of a run. */
export interface RecordedResult {
  /** Whether a run failed, with its cause and step. */
  readonly outcome: Outcome;
  /** Optimiser steps done, fewer than planned in a failed run. */
  readonly steps: number;
  /**
   * Why a run that ends at a plateau of its held-out score (`train.until`) ended: its score did not rise any more, or the steps that
   * it may take at most were done. Absent for other runs, and where it failed.
   */
  readonly ended?: "plateau" | "cap";
  /** Passes over the training data, with fractions. */
  readonly epochs: number;
  /** The metric that selects the best evaluation, for instance `accuracy`. */
  readonly primaryMetric: string;
  /** `best` by the primary metric on dev, or `last`; `others` and the stored adapter belong to it. */
  readonly keep: "best" | "last";
  /** The best evaluation on dev by the primary metric (of a sequence the latest); null when the run failed before one. */
  readonly best: EvaluationLine | null;
  /** The latest evaluation, of a finished run that after its last step; null when the run failed before one. */
  readonly last: EvaluationLine | null;
  /** Further splits at the selected evaluation, for instance `dev_mismatched`; empty for most tasks. */
  readonly others: readonly EvaluationLine[];
  /** Sizes of the data; absent in older records and where the run failed before an evaluation. */
  readonly examples?: {
    /** Examples of the whole training split, before a limit and with those held out; of a sequence those of all its tasks. */
    readonly train: number;
    /** Examples of each split that was evaluated, by its name. */
    readonly splits: Readonly<Record<string, number>>;
  };
  /** Mean of the last 50 steps' losses; null without a step. */
  readonly finalTrainLoss: number | null;
  /**
   * Metrics of the first evaluated split if every text got the training split's most frequent class (a regression: its
   * mean): what a method has to beat. Absent in older records, for sequences, and where a run failed before an evaluation.
   */
  readonly majority?: Metrics;
  /** What shows that a finished run learned nothing; absent in older records, empty where nothing does. */
  readonly flags?: readonly RunFlag[];
  /** Of a run through a sequence that was finished; absent for others. */
  readonly sequence?: SequenceOutcome;
  /** Counts of numbers in the whole model; adapters as they lie in memory, at capacity. */
  readonly parameters: {
    readonly total: number;
    /** All numbers that the optimiser updated (adapters at capacity included). */
    readonly trainable: number;
    /** Numbers of adapters that are never trained; absent in older records, which count them as trainable. */
    readonly frozen?: number;
    readonly head: number;
  };
  /** Null for methods without ranks, and where the run failed before an evaluation. */
  readonly budget: BudgetCounts | null;
  /** Before the first step; null for methods without ranks, and where they were to come from a run that failed. */
  readonly initialRanks: RankMap | null;
  /** At the selected evaluation; null for methods without ranks. */
  readonly finalRanks: RankMap | null;
  /** Ranks of the stored adapter where slots were merged into the weights: those and the final ones; absent elsewhere. */
  readonly storedRanks?: RankMap;
  /**
   * Modules that held rank 1 at the selected evaluation; absent in older records, where `finalRanks` says it, and for
   * methods without ranks.
   */
  readonly atFloor?: number;
  /** Events of the rank policy, those that changed nothing included. */
  readonly rankEvents: number;
  /** Ranks taken from a module, summed over all events. */
  readonly ranksMoved: number;
  /** What ranks were estimated from before training; absent where they follow from the budget. */
  readonly estimate?: RankEstimateRecord;
  /** Wall times; those of a run that was stopped and continued are summed. */
  readonly time: {
    readonly startedAt: string;
    readonly wallMillis: number;
    readonly trainMillis: number;
    readonly evaluateMillis: number;
    /**
     * Rank events, merges and rounds of scoring, apart from steps and evaluations; absent where it was not measured.
     * What a step does for scores or masks is in `trainMillis`.
     */
    readonly eventMillis?: number;
    readonly medianStepMillis: number;
    readonly tokensPerSecond: number;
    /** Runs that were made side by side, this one included: times of more than one are shared. Absent where it is not known. */
    readonly jobs?: number;
  };
}

/** What a method measured of the frozen encoder to find its ranks. */
export interface RankEstimateRecord {
  /** The intrinsic dimension of the states before each layer, and after the last; empty where something else was measured. */
  readonly dimensions: readonly number[];
  /** The shares of the spread of each module's inputs that its directions explain; absent where they were not measured. */
  readonly explained?: Readonly<Record<string, readonly number[]>>;
  /**
   * The mean of |W ∘ ∂L/∂W| over the weights of each module, at the start of the run; absent where it was not measured.
   */
  readonly importance?: Readonly<Record<string, number>>;
  /** Time that the measurement took, also for runs that share it with one before. */
  readonly millis: number;
}

/** What an encoder that was fetched or unpacked was, exactly. */
export type ModelOrigin =
  | {
    readonly source: "hub";
    readonly repository: string;
    /** As the study or `--model` names it. */
    readonly revision: string;
    /** The commit that the revision was. */
    readonly commit: string;
  }
  | {
    readonly source: "wheel";
    /** The wheel's file name, without folders. */
    readonly file: string;
    readonly sha256: string;
  }
  | {
    readonly source: "folder";
    /** The folder's name, without those above it. */
    readonly name: string;
  };

/** The environment of a run: code, packages, device and inputs. */
export interface RecordedEnvironment {
  /** Version of the package, for instance `0.1.0`. */
  readonly ranklab: string;
  /** Commit of ranklab's checkout; null outside of a checkout, as when it is imported from a registry. */
  readonly gitCommit: string | null;
  /** Version of Deno, for instance `2.9.6`. */
  readonly deno: string;
  /** Version of V8, which computes what no runtime does; absent in older records. */
  readonly v8?: string;
  /** Version of each npm package that `deno.json` pins, by its name; the lock file, whose hash is below, pins what these use. */
  readonly packages: Readonly<Record<string, string>>;
  /** Executor (`cpu`, `wasm`, ...), its name with version, and the threads that it computed with. */
  readonly device: { readonly executor: string; readonly name: string; readonly threads: number };
  /** Operating system and architecture, for instance `linux x86_64`. */
  readonly platform: string;
  /** Absent for the embedded encoder and for plain folders, which their hashes tell apart. */
  readonly model?: ModelOrigin;
  /** Absent for built-in methods, which ranklab's version and commit tell. */
  readonly method?: MethodOrigin;
  /** The metrics of the study's own that it was evaluated by; absent where there is none. */
  readonly metrics?: readonly CustomCode[];
  /** SHA-256 of everything that the run read; the first three are part of its id. */
  readonly hashes: {
    /** SHA-256 of each data file, by path relative to the data folder, and of the rows of a split that is drawn from another. */
    readonly data: Readonly<Record<string, string>>;
    readonly weights: string;
    readonly tokenizer: string;
    readonly lock: string | null;
    /** Of ranklab's own TypeScript files; absent where they lie in no folder, and in older records. */
    readonly source?: string;
    /** Of each file of the native runtime; absent where it did not compute or could not be read, and in older records. */
    readonly libraries?: Readonly<Record<string, string>>;
  };
}

/** What tells the contents of a file. */
export interface FilePrint {
  /** Its size. */
  readonly bytes: number;
  /** Its SHA-256, as 64 lower-case hexadecimal digits. */
  readonly sha256: string;
}

/** Which lines of `steps.jsonl` a pack has kept, and what was computed of all of them before the others were left out. */
export interface ThinnedSteps {
  /** Each so-many-th step was kept, besides the first, the last, and those of evaluations and rank events; at least 2. */
  readonly every: number;
  /** Lines of the whole journal. */
  readonly steps: number;
  /** What tells the whole journal's contents; `files` tells those of the thinned one. */
  readonly whole: FilePrint;
  /** Milliseconds of all steps until each evaluation, by the step of the evaluation. */
  readonly millis: Readonly<Record<string, number>>;
}

/** The record of one run. */
export interface RunRecord {
  /** {@linkcode recordSchemaVersion} of the ranklab that wrote it. */
  readonly schema: number;
  /** First 16 hexadecimal digits of the hash of the request and of what was read; the folder's name ends with 8 of them. */
  readonly id: string;
  /** The study's part: deterministic, and known before the run. */
  readonly asked: RecordedRequest;
  /** Results and timings. */
  readonly happened: RecordedResult;
  /** Code, packages, device and inputs. */
  readonly where: RecordedEnvironment;
  /** The files that the run left beside its record, by name; absent in older records. Weights may have been taken away since. */
  readonly files?: Readonly<Record<string, FilePrint>>;
  /** Of a run of a pack whose journal of steps was thinned; absent where the journal is whole. */
  readonly thinned?: ThinnedSteps;
}

/** The part of a record that tells whether its run is done. */
export interface RunState {
  /** {@linkcode recordSchemaVersion} of the ranklab that wrote it. */
  readonly schema: number;
  /** As in {@linkcode RunRecord}. */
  readonly id: string;
  /** Its outcome without cause or message. */
  readonly happened: { readonly outcome: Pick<Outcome, "state"> };
}

/** A line of `steps.jsonl`. */
export interface StepLine {
  /** From 1. */
  readonly step: number;
  /** Passes over the training data so far, with fractions. */
  readonly epoch: number;
  /** Task loss, without the regulariser. */
  readonly loss: number;
  /** The weighted orthogonality regulariser, 0 for methods without. */
  readonly regulariser: number;
  /** Global norm before clipping. */
  readonly gradientNorm: number;
  /** Rate of this step after warm-up and schedule. */
  readonly learningRate: number;
  /** Wall time; steps that are queued on a device share the time of their block. */
  readonly stepMillis: number;
  /** Tokens of the batch, padding not counted. */
  readonly tokens: number;
}

/** A line of `ranks.jsonl`: one event of a rank policy. */
export interface RankLine {
  /** Optimiser steps done before the event. */
  readonly step: number;
  /** Total rank allowed after the event. */
  readonly budget: number;
  /** Ranks moved (ElaLoRA), masked (AdaLoRA) or merged (RAC-LoRA, XGBLoRA). */
  readonly moved: number;
  /** Score that parted kept ranks from others; null for policies without one. */
  readonly threshold: number | null;
  /** Modules whose rank changed; `score` is the module's mean slot score before the event. */
  readonly changes: readonly {
    readonly module: string;
    readonly from: number;
    readonly to: number;
    readonly score: number;
  }[];
}

/** A line of `importance.jsonl`: each module's summed slot score at one step (policy events and evaluations). */
export interface ImportanceLine {
  /** Optimiser steps done before the scores. */
  readonly step: number;
  /** Sum over a module's ranks, by `layer.<n>.<part>`. */
  readonly scores: Readonly<Record<string, number>>;
}

/** `slots.json`: the score of each slot at the last event of the rank policy that had scores. */
export interface SlotScoresFile {
  /** {@linkcode recordSchemaVersion} of the ranklab that wrote it. */
  readonly schema: number;
  /** Optimiser steps done before the event. */
  readonly step: number;
  /** Score that parted kept ranks from others; null for policies without one. */
  readonly threshold: number | null;
  /** By module, in the order of its slots before the event. */
  readonly scores: Readonly<Record<string, readonly number[]>>;
}

/** A line of `predictions.jsonl`: the kept model on one dev example. */
export interface PredictionLine {
  /** `dev`, or another evaluation split. */
  readonly split: string;
  /** Row of the example in its split, from 0. */
  readonly id: number;
  /** Class index, or the number that was wanted. */
  readonly target: number;
  /** Class index, or the number that the model gave. */
  readonly prediction: number;
  /** The model's logit for each class, to 6 significant digits; absent where numbers are predicted, and in older results. */
  readonly logits?: readonly number[];
}

/** What is removed at a time: the adapters of a layer, that of a module, or those of a part of all layers (all `query`). */
export type RemovalKind = "layer" | "module" | "part";

/** `ablation.json`: what the dev metric loses when the adapters of one layer, module or part are removed. */
export interface RunAblation {
  /** {@linkcode recordSchemaVersion} of the ranklab that wrote it. */
  readonly schema: number;
  /** The task's primary metric, in which all figures here are. */
  readonly metric: string;
  /** The metric with all adapters in place. */
  readonly baseline: number;
  /** One entry a layer, one a module and one a part that has ranks; older files have no parts. */
  readonly removals: readonly {
    readonly kind: RemovalKind;
    /** `layer.3`, `layer.3.query` or `query`. */
    readonly name: string;
    /** Ranks removed, summed over the removed modules. */
    readonly rank: number;
    readonly metric: number;
    /** `baseline - metric`: where higher is better, positive when the removal hurts. */
    readonly loss: number;
  }[];
  /** The metric where modules keep at most so many of their first ranks; only for methods that are trained to be cut so. */
  readonly truncations?: readonly { readonly rank: number; readonly metric: number }[];
}

/** One run's record and journals; a journal that was not kept is empty. */
export interface RunResults {
  /** `record.json`. */
  readonly record: RunRecord;
  /** `steps.jsonl`, one line a step, or fewer where the record says that it was thinned. */
  readonly steps: readonly StepLine[];
  /** `evaluations.jsonl`, one line a split and evaluation. */
  readonly evaluations: readonly EvaluationLine[];
  /** `ranks.jsonl`; empty for methods whose ranks stay. */
  readonly ranks: readonly RankLine[];
  /** `importance.jsonl`; empty for methods without scores. */
  readonly importance: readonly ImportanceLine[];
  /** `predictions.jsonl`, those of the selected evaluation. */
  readonly predictions: readonly PredictionLine[];
  /** `slots.json`; null for methods without scores, and in older results. */
  readonly slots: SlotScoresFile | null;
  /** The run's layer-rank ablation, null until `deno task ablate` made one. */
  readonly ablation: RunAblation | null;
}

/** Which ranks a run of the replay ablation has: the final ones of another run, these reversed in depth, or uniform ones. */
export type ReplayVariant = "final" | "reversed" | "uniform";

/** What a run of the replay ablation is. */
export interface Replay {
  /** Its ranks. */
  readonly variant: ReplayVariant;
  /** Id of the run that the ranks come from, or for uniform ranks their total. */
  readonly source: string;
  /** Id of the run with uniform ranks that it is compared with: for uniform ranks its own. */
  readonly baseline: string;
}

/** A run of the replay ablation with what it left. */
export interface ReplayedRun extends RunResults {
  /** Its part in the ablation. */
  readonly replay: Replay;
}
