/**
 * What a run trains on and is evaluated on, made of the tasks that were read for it.
 *
 * @module
 */
import type { RunSpec } from "../study/types.ts";
import { createBatchStream, evaluationBatches, evaluationBatchSize } from "../tasks/batches.ts";
import { runRows, sharedRows } from "../tasks/run_examples.ts";
import type { Batch, Encoded, EncodedTask, Example, Task } from "../tasks/types.ts";
import type { EvaluationSplit } from "./evaluate.ts";
import { rootOf } from "./seeds.ts";
import type { StageData } from "./stages.ts";

/** What is read for a run's data. */
export interface ReadTasks {
  /** The task that the run names: single, or a sequence. */
  readonly task: Task;
  /** The tasks of a sequence in its order, else the one. */
  readonly parts: readonly EncodedTask[];
  /** The splits of the runs before. */
  readonly keptSplits: KeptSplits;
}

interface RunData {
  /** One for each task of a sequence, else one. */
  readonly stages: readonly StageData[];
  /** The splits of a task; of a sequence the one of each task that decides, by the task's name. */
  readonly splits: readonly EvaluationSplit[];
}

/** Examples with their encodings, one each. */
interface EncodedExamples {
  readonly examples: readonly Example[];
  readonly encoded: readonly Encoded[];
  /** Tokens at most of an encoding. */
  readonly maxLength: number;
  readonly padId: number;
}

/**
 * Examples as a split that is evaluated.
 *
 * @param firstClass Added to all classes. Default 0.
 */
export function evaluationSplit(
  name: string,
  { examples, ...encoded }: EncodedExamples,
  firstClass: number = 0,
): EvaluationSplit {
  const targets = examples.map(({ target }) => firstClass + target);
  return {
    name,
    batches: evaluationBatches({ ...encoded, targets, batchSize: evaluationBatchSize }),
    targets,
    ids: examples.map(({ id }) => id),
  };
}

function rowsOf(part: EncodedTask, split: string, rows: readonly number[]): EncodedExamples {
  const [examples, encoded] = [part.splits.get(split)!, part.encodedOf(split)];
  return {
    examples: rows.map((row) => examples[row]!),
    encoded: rows.map((row) => encoded[row]!),
    maxLength: part.maxLength,
    padId: part.padId,
  };
}

/**
 * Some texts of a run's training split, of a sequence that of its first task, without those that are held out; runs that differ
 * in their seeds have the same.
 *
 * @param count Texts at most.
 * @param use Names what they are for: each use draws its own.
 */
export function sampledBatches(
  run: RunSpec,
  { parts: [first] }: ReadTasks,
  count: number,
  use: string,
): readonly Batch[] {
  const part = first!;
  const rows = sharedRows(run, part.splits.get("train")!.length, count, use);
  return evaluationSplit("train", rowsOf(part, "train", rows)).batches;
}

function stageOf(
  run: RunSpec,
  part: EncodedTask,
  { firstClass, scoringExamples, keptSplits }: {
    readonly firstClass: number;
    readonly scoringExamples: number;
    readonly keptSplits: KeptSplits;
  },
): { readonly stage: Omit<StageData, "classes">; readonly splits: readonly EvaluationSplit[] } {
  const { training, scoring, evaluated } = runRows(run, part, scoringExamples);
  const splitOf = (name: string, split: string, rows: readonly number[]) =>
    evaluationSplit(name, rowsOf(part, split, rows), firstClass);
  const { examples, ...encoded } = rowsOf(part, "train", training);
  const batches = createBatchStream({
    ...encoded,
    targets: examples.map(({ target }) => firstClass + target),
    batchSize: run.settings.train.batchSize,
  }, rootOf(run, "order").fork("order"));
  return {
    stage: {
      task: part.task.name,
      batches,
      trainExamples: part.splits.get("train")!.length,
      ...(scoring.length === 0 ? {} : { scoring: splitOf("scoring", "train", scoring) }),
    },
    splits: evaluated.map(({ name, split, rows }) =>
      keptSplits.of(
        { name, encoded: part.encodedOf(split), rows, firstClass },
        () => splitOf(name, split, rows),
      )
    ),
  };
}

/**
 * What a run trains on and is evaluated on; {@linkcode runRows} chooses the examples. A stage of a sequence sees the batches that
 * a run of its task alone would see.
 *
 * @param scoringExamples How many of a stage's training examples are scored on and not trained on. Default 0.
 *
 * @throws {RangeError} If that leaves none to train on.
 */
export function runData(
  run: RunSpec,
  { task: { stages }, parts, keptSplits }: ReadTasks,
  scoringExamples: number = 0,
): RunData {
  if (stages === undefined) {
    const { stage, splits } = stageOf(run, parts[0]!, {
      firstClass: 0,
      scoringExamples,
      keptSplits,
    });
    return { stages: [{ ...stage, classes: null }], splits };
  }
  const made = stages.map(({ classes }, i) => ({
    classes,
    ...stageOf(run, parts[i]!, { firstClass: classes.first, scoringExamples, keptSplits }),
  }));
  return {
    stages: made.map(({ stage, classes }) => ({ ...stage, classes })),
    splits: made.map(({ stage, splits }) => ({ ...splits[0]!, name: stage.task })),
  };
}

interface SplitSource {
  readonly name: string;
  /** The encodings of the whole split; they stand for the task, the tokenizer and the length. */
  readonly encoded: readonly Encoded[];
  /** Places of the rows that are evaluated. */
  readonly rows: readonly number[];
  /** Added to all classes. */
  readonly firstClass: number;
}

interface Kept extends SplitSource {
  readonly split: EvaluationSplit;
}

function isSame(a: SplitSource, b: SplitSource): boolean {
  return a.encoded === b.encoded && a.name === b.name && a.firstClass === b.firstClass &&
    a.rows.length === b.rows.length && a.rows.every((row, i) => row === b.rows[i]);
}

/** Keeps the splits that were used last. */
export class KeptSplits {
  /** The one used last comes last. */
  #kept: readonly Kept[] = [];
  readonly #limit: number;

  /**
   * Keeps nothing yet.
   *
   * @param limit Splits at most. Default 16.
   */
  constructor(limit = 16) {
    this.#limit = limit;
  }

  /** The split of a source: the one that is kept, or else one that is made now. */
  of(source: SplitSource, make: () => EvaluationSplit): EvaluationSplit {
    const before = this.#kept.find((kept) => isSame(kept, source));
    const kept = before ?? { ...source, split: make() };
    this.#kept = [...this.#kept.filter((other) => other !== before), kept].slice(-this.#limit);
    return kept.split;
  }
}
