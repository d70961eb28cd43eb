/**
 * What a task is: text in, a label or a number out, and the metrics it is evaluated by.
 *
 * @module
 */

import type { MethodOrigin } from "../study/types.ts";

/** One labelled row of a task's file. */
export interface Example {
  /** Row number within the files of its split, one after the other, from 0, headers excluded. */
  readonly id: number;
  /** The only text, or the first of a pair. */
  readonly text: string;
  /** The second text of a pair task, else null. */
  readonly pair: string | null;
  /** What the task lets choose from, each a second text of its own; absent where there is no choice. */
  readonly choices?: readonly string[];
  /** Class index (classification) or score (regression). */
  readonly target: number;
}

/** The metrics that ranklab brings along. */
export type MetricName =
  | "matthews"
  | "accuracy"
  | "f1"
  | "macroF1"
  | "auroc"
  | "averagePrecision"
  | "logLoss"
  | "brier"
  | "ece"
  | "pearson"
  | "spearman"
  | "mae"
  | "rmse"
  | "r2";

/** The probability of each class, row by row; none where numbers are predicted. */
export type Probabilities = readonly ArrayLike<number>[];

/** A metric. */
export interface Metric {
  /** Key in records, and in a task's `metrics`. */
  readonly name: string;
  /** The kind of task it evaluates. */
  readonly output: TaskOutput["type"];
  /** Whether higher or lower values are better. */
  readonly better: "higher" | "lower";
  /** Whether it is defined for two classes only. */
  readonly binary: boolean;
  /** From class indices or numbers of the same length, and the probabilities of the classes. */
  readonly compute: (
    targets: ArrayLike<number>,
    predictions: ArrayLike<number>,
    probabilities: Probabilities,
  ) => number;
  /** The URL of the file that it is written in. Default: the study's module. */
  readonly module?: string;
  /** Where it was loaded from; absent for those that ranklab brings along. */
  readonly origin?: MethodOrigin;
}

/** What a task asks for: one of several labels, or a number within bounds. */
export type TaskOutput =
  | {
    readonly type: "classification";
    readonly labels: readonly string[];
    /** Whether each label names a choice of the example, which the model scores by itself. Default false. */
    readonly perChoice?: boolean;
  }
  | { readonly type: "regression"; readonly min: number; readonly max: number };

/** Where a column is: its header name, or its index from 0 in a file without a header. */
export type Column = string | number;

/** Where a text comes from: a column, or several joined by a template such as `{word}: {sentence}`. */
export type TextSource = Column | { readonly template: string };

/** How one file of a split is laid out. */
export interface SplitFile {
  /** Path relative to the data folder, for instance `CoLA/train.tsv`. */
  readonly path: string;
  /** Tab-separated without quotes, comma-separated with them (RFC 4180), or one JSON object a line. */
  readonly format: "tsv" | "csv" | "jsonl";
  /** Whether the first line names the columns (always false for jsonl). */
  readonly header: boolean;
  /** Where text, second text or choices, and label stand; null for no second text. */
  readonly columns: {
    readonly text: TextSource;
    readonly pair: TextSource | null;
    readonly choices?: readonly TextSource[];
    readonly label: Column;
  };
  /** Whether the split may be missing from a data folder (an evaluation split beyond `dev`). Default false. */
  readonly optional?: boolean;
  /** Rows of a published file with a wrong number of columns that are left out; more are an error. Default 0. */
  readonly tornRowsAllowed?: number;
}

/** A task of a sequence, and where its classes stand among those of all tasks. */
export interface SequenceStage {
  /** The task's name. */
  readonly task: string;
  /** Its labels among those of all tasks, which follow each other in the order of the sequence. */
  readonly classes: ClassRange;
}

/** Neighbours among the classes of all tasks of a sequence. */
export interface ClassRange {
  /** Index of the first class, from 0. */
  readonly first: number;
  /** Number of classes, at least 2. */
  readonly count: number;
}

/** A task as data: everything needed to read its files and to evaluate predictions. */
export interface Task {
  /** Key in studies, records and folder names. */
  readonly name: string;
  /** Name in reports. */
  readonly title: string;
  /** What the head predicts; it sets the head's outputs and the loss. */
  readonly output: TaskOutput;
  /** In order; the first is the one that selects the best evaluation and that reports show first. */
  readonly metrics: readonly string[];
  /** Those of them that ranklab does not bring along. Default: none. */
  readonly ownMetrics?: readonly Metric[];
  /** For a sequence, its tasks in the order in which they are learned; absent for a single task. */
  readonly stages?: readonly SequenceStage[];
  /**
   * The files of each split, read one after the other: of `train` always, of `dev` unless it is drawn, of further evaluation
   * splits such as `dev_mismatched` where a task has them; none for a sequence, whose tasks have them.
   */
  readonly splits: Readonly<Record<string, readonly SplitFile[]>>;
  /** The share of `train` that is drawn as `dev`, see {@linkcode drawDev}; absent where `dev` has files. */
  readonly devShare?: number;
  /**
   * `glue` files come from the user's data folder, `embedded` ones ship with ranklab, `user` ones from the study; a
   * `sequence` has no files but those of its tasks.
   */
  readonly source: "glue" | "embedded" | "user" | "sequence";
}

/** A text, a pair or an example's first choice as token ids, special tokens included. */
export interface Encoded {
  /** Token ids, special tokens included, unpadded. */
  readonly ids: Int32Array;
  /** 0 for the first text, 1 for the second. */
  readonly types: Int32Array;
  /** The same of an example's further choices; absent where it has none. */
  readonly further?: readonly Encoded[];
}

/** A task's examples and hashes; a sequence has no examples of its own. */
export interface TaskData {
  readonly task: Task;
  readonly splits: ReadonlyMap<string, readonly Example[]>;
  /** Of each file by its path, and of the rows of a split that is drawn from another. */
  readonly hashes: Readonly<Record<string, string>>;
}

/** A single task's examples under one tokenizer and one length. */
export interface EncodedTask extends TaskData {
  /** Tokens at most of an encoding. */
  readonly maxLength: number;
  readonly padId: number;
  /** The encodings of a split, in its order. */
  readonly encodedOf: (split: string) => readonly Encoded[];
}

/** Turns texts into token ids, truncating the longer text first where the pair is too long. */
export interface Tokenizer {
  /** Ids are below it; the encoder's word embedding has at least as many rows. */
  readonly vocabularySize: number;
  /** Id of the padding token. */
  readonly padId: number;
  /** Id of the token that stands before the first text. */
  readonly clsId: number;
  /** Id of the token that ends each text. */
  readonly sepId: number;
  /** Id of the token that stands for a word to guess in pretraining. */
  readonly maskId: number;
  /**
   * Ids of a text or pair with special tokens, cut to `maxLength` but not padded.
   *
   * @param pair Null for a single text.
   * @param maxLength Tokens at most, special ones included.
   * @throws {RangeError} If not even the special tokens fit.
   */
  encode(text: string, pair: string | null, maxLength: number): Encoded;
}

/** A padded batch; every matrix is row-major `[size, length]`. */
export interface Batch {
  /** Positions of the rows within the split's examples. */
  readonly rows: readonly number[];
  /** Encodings: as many as rows, or the rows' choices one after the other. */
  readonly size: number;
  /** Padded length in tokens. */
  readonly length: number;
  /** Token ids, `padId` at padded places. */
  readonly ids: Int32Array;
  /** 0 for tokens of the first text and padding, 1 for those of the second. */
  readonly types: Int32Array;
  /** 1 for a token, 0 for padding. */
  readonly mask: Float32Array;
  /** `[rows]` class indices (classification) or scores (regression), as float32. */
  readonly targets: Float32Array;
  /** Tokens that are not padding. */
  readonly tokens: number;
}

/** Where the next batch of a training stream comes from: a value that a checkpoint holds. */
export interface BatchCursor {
  /** Pass over the split, from 0. */
  readonly epoch: number;
  /** Index of the next batch within the epoch. */
  readonly batch: number;
}
