/**
 * Which examples of a task a run trains on, holds out and is evaluated on: functions of the run and of how many there are.
 *
 * Rows are places in a split, from 0, in ascending order.
 *
 * @module
 */
import { RandomStream } from "../base/random.ts";
import { heldOutExamples, heldOutShare } from "../study/grid/steps.ts";
import type { RunSpec } from "../study/types.ts";
import { sample } from "./batches.ts";
import type { TaskData } from "./types.ts";

/** What journals call the training examples that are held out: an evaluation split of this name. */
export const heldOutSplit = "held_out";

/** What journals call the half of the evaluation split that is for the verdicts of claims alone. */
export const verdictSplitName = "verdict";

interface EvaluatedRows {
  /** The split's name, `held_out` for a part of `train`, or `verdict` for a half of the first evaluation split. */
  readonly name: string;
  readonly split: string;
  readonly rows: readonly number[];
}

/** The rows of a task that a run has to do with. */
interface RunRows {
  /** Of `train`: those that it trains on. */
  readonly training: readonly number[];
  /** Of `train`: those that it scores ranks on and does not train on. */
  readonly scoring: readonly number[];
  /** The first decides which evaluation is the best. */
  readonly evaluated: readonly EvaluatedRows[];
}

/** The stream of what all runs share. */
function sharedStream(): RandomStream {
  return RandomStream.fromSeed(0);
}

function allRows(count: number): readonly number[] {
  return Array.from({ length: count }, (_, row) => row);
}

/** Rows of `train` that are evaluated on and never trained on, the same for all runs. */
function heldOutRows({ settings }: RunSpec, count: number): readonly number[] {
  const heldOut = heldOutExamples(settings, count);
  return heldOut === 0 ? [] : sample(allRows(count), heldOut, sharedStream().fork("held-out"));
}

/**
 * Rows of `train` that are not held out: what all runs of the task may train on.
 *
 * @param count Examples of the split.
 */
function trainableRows(run: RunSpec, count: number): readonly number[] {
  const isHeldOut = new Set(heldOutRows(run, count));
  return allRows(count).filter((row) => !isHeldOut.has(row));
}

/** The targets of the rows that all runs of a task may train on. */
export function trainableTargets(run: RunSpec, { splits }: TaskData): readonly number[] {
  const examples = splits.get("train")!;
  return trainableRows(run, examples.length).map((row) => examples[row]!.target);
}

/**
 * Some rows of `train` that are not held out; runs that differ in their seeds have the same.
 *
 * @param count Examples of the split.
 * @param most Rows at most.
 * @param use Names what they are for: each use draws its own.
 */
export function sharedRows(
  run: RunSpec,
  count: number,
  most: number,
  use: string,
): readonly number[] {
  return sample(trainableRows(run, count), most, sharedStream().fork(use));
}

/** The splits whose texts a run reads: `train`, and the others unless it is evaluated by what is held out for tuning. */
export function splitsRead({ settings }: RunSpec, { splits }: TaskData): readonly string[] {
  return settings.train.heldOut === null ? [...splits.keys()] : ["train"];
}

/** Two random halves of a split, the same for all runs: one by which choices are made, and one for verdicts. */
function halves(split: string, rows: readonly number[]): readonly EvaluatedRows[] {
  if (rows.length < 2) {
    throw new RangeError(
      `Cannot halve the split "${split}" for train.verdictSplit: it has ${rows.length} examples, at least 2 are wanted`,
    );
  }
  const stream = sharedStream().fork("verdict-split");
  const kept = new Set(sample(rows, Math.floor(rows.length / 2), stream));
  return [
    { name: split, split, rows: rows.filter((row) => !kept.has(row)) },
    { name: verdictSplitName, split, rows: rows.filter((row) => kept.has(row)) },
  ];
}

/**
 * The rows of a run: its seed draws the training examples of a limit, and of these the ones that are scored on; all runs share
 * those of evaluation and those that are held out.
 *
 * @param data A single task's.
 * @param scoringExamples How many training examples are scored on and not trained on.
 *
 * @throws {RangeError} If that leaves none to train on.
 */
export function runRows(
  run: RunSpec,
  data: TaskData,
  scoringExamples: number,
): RunRows {
  const { task, splits } = data;
  const { trainLimit, devLimit, verdictSplit = false } = run.settings.train;
  const count = splits.get("train")!.length;
  const root = RandomStream.fromSeed(run.seed);
  const asked = sample(trainableRows(run, count), trainLimit, root.fork("train-limit"));
  if (scoringExamples >= asked.length) {
    throw new RangeError(
      `Cannot hold out ${scoringExamples} examples of "${task.name}" to score on: it has ${asked.length} to train on, ` +
        "more are wanted; lower the method's number of them",
    );
  }
  const scoring = scoringExamples === 0 ? [] : sample(asked, scoringExamples, root.fork("scoring"));
  const isScored = new Set(scoring);
  const isHeldOut = heldOutShare(run.settings.train) !== null;
  const whole = [
    ...splitsRead(run, data).filter((split) => split !== "train").flatMap((split, i) => {
      const rows = allRows(splits.get(split)!.length);
      return verdictSplit && i === 0 ? halves(split, rows) : [{ name: split, split, rows }];
    }),
    ...isHeldOut ? [{ name: heldOutSplit, split: "train", rows: heldOutRows(run, count) }] : [],
  ];
  return {
    training: asked.filter((row) => !isScored.has(row)),
    scoring,
    evaluated: whole.map(({ name, split, rows }) => {
      const stream = sharedStream().fork("dev-limit").fork(name);
      return { name, split, rows: sample(rows, devLimit, stream) };
    }),
  };
}
