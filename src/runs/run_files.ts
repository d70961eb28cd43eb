/**
 * The files that a run leaves beside its record: its journals, written line by line while it is made and kept for the record, and at
 * its end trained weights, what was predicted with them, and the last scores of slots.
 *
 * @module
 */
import { writeSafetensors } from "../models/safetensors.ts";
import type { RunFolder } from "../record/run_folder.ts";
import {
  type EvaluationLine,
  recordSchemaVersion,
  type SlotScoresFile,
  type StepLine,
} from "../record/types.ts";
import { selectedOf } from "../study/grid/steps.ts";
import type { EvaluationSplit } from "../train/evaluate.ts";
import type { Snapshot, TrainingEvent } from "../train/run_types.ts";
import { exportTensors } from "../train/stored_tensors.ts";
import type { Trainer } from "../train/trainer.ts";
import type { PlannedRun } from "./plan/planned_run.ts";
import { type Parser, readJsonl } from "../record/parser.ts";
import { parseEvaluationLine, parseStepLine } from "../record/schema.ts";

/**
 * Writes the files that belong to the end of a run: weights, scores of slots, and the predictions of the selected evaluation, as
 * far as there are any.
 *
 * @param splits What it was evaluated on.
 */
export async function writeEndFiles(
  folder: RunFolder,
  { id, run: { settings: { train: { keep } } } }: Pick<PlannedRun, "id" | "run">,
  trainer: Trainer,
  splits: readonly EvaluationSplit[],
): Promise<void> {
  await writeWeights(folder, id, trainer);
  await writeSlotScores(folder, trainer);
  const selected = selectedOf(keep, trainer.progress);
  if (selected !== null) await writePredictions(folder, splits, selected);
}

/** Writes the weights of the last evaluation, and those of the best one where that is another. */
async function writeWeights(
  folder: RunFolder,
  id: string,
  { assembly, progress: { best, last, history } }: Trainer,
): Promise<void> {
  const weightsOf = (snapshot: Snapshot) =>
    writeSafetensors(
      new Map(
        exportTensors(assembly, snapshot.theta, snapshot.order, history.slice(0, snapshot.merged))
          .map(({ name, shape, data }) => [name, { shape, data }]),
      ),
      "F32",
      { run: id, step: String(snapshot.step), off: JSON.stringify(snapshot.off) },
    );
  if (last !== null) await folder.write("adapter.safetensors", weightsOf(last));
  if (best !== null && best.step !== last?.step) {
    await folder.write("best.safetensors", weightsOf(best));
  }
}

async function writeSlotScores(
  folder: RunFolder,
  { progress: { lastScores } }: Trainer,
): Promise<void> {
  if (lastScores === null) return;
  const { step, threshold, modules } = lastScores;
  const file: SlotScoresFile = {
    schema: recordSchemaVersion,
    step,
    threshold,
    scores: Object.fromEntries(modules.map(({ module, scores }) => [module, scores])),
  };
  await folder.write("slots.json", `${JSON.stringify(file)}\n`);
}

async function writePredictions(
  folder: RunFolder,
  splits: readonly EvaluationSplit[],
  selected: Snapshot,
): Promise<void> {
  const lines = splits.flatMap((split) => {
    // A run through a sequence that failed has not seen all of its tasks.
    const own = selected.evaluations.find((evaluation) => evaluation.split === split.name);
    if (own === undefined) return [];
    return split.targets.map((target, row) =>
      JSON.stringify({
        split: split.name,
        id: split.ids[row],
        target,
        prediction: own.predictions[row],
        ...(own.logits === undefined ? {} : { logits: own.logits[row] }),
      })
    );
  });
  await folder.write("predictions.jsonl", `${lines.join("\n")}\n`);
}

/** The lines of a snapshot in the journal of evaluations, the one that counts first. */
export function evaluationLines(snapshot: Snapshot): readonly EvaluationLine[] {
  return snapshot.evaluations.map(({ split, loss, metrics }) => ({
    step: snapshot.step,
    epoch: snapshot.epoch,
    split,
    loss,
    metrics,
  }));
}

/** What the journals of a run say that its record is made of. */
export interface JournalLines {
  readonly steps: readonly StepLine[];
  readonly evaluations: readonly EvaluationLine[];
}

async function linesOf<T>(
  folder: RunFolder,
  name: "steps" | "evaluations",
  parse: Parser<T>,
): Promise<readonly T[]> {
  return readJsonl(await folder.read(name), `${folder.path}/${name}.jsonl`, parse).lines;
}

/** The journals of a run's folder while the run is made. */
export class RunJournal implements JournalLines {
  readonly #folder: RunFolder;
  readonly #steps: StepLine[];
  readonly #evaluations: EvaluationLine[];

  private constructor(folder: RunFolder, earlier: JournalLines) {
    this.#folder = folder;
    this.#steps = [...earlier.steps];
    this.#evaluations = [...earlier.evaluations];
  }

  /**
   * Begins the journals of a run, or reads once what its earlier sittings wrote and goes on from there.
   *
   * @param folder As it was opened: its journals end where the run goes on.
   *
   * @throws {InputError} If a line of an earlier sitting is not JSON.
   * @throws {RecordFormatError} If it is JSON but not what the journal holds.
   */
  static async open(folder: RunFolder, isResumed: boolean): Promise<RunJournal> {
    const earlier = isResumed
      ? {
        steps: await linesOf(folder, "steps", parseStepLine),
        evaluations: await linesOf(folder, "evaluations", parseEvaluationLine),
      }
      : { steps: [], evaluations: [] };
    return new RunJournal(folder, earlier);
  }

  /** Every step so far, those of earlier sittings included. */
  get steps(): readonly StepLine[] {
    return this.#steps;
  }
  get evaluations(): readonly EvaluationLine[] {
    return this.#evaluations;
  }

  /** Writes an event as lines of its journal; they reach the disk with the folder's next flush. */
  add(event: TrainingEvent): void {
    if (event.kind === "evaluation") {
      for (const line of evaluationLines(event.snapshot)) {
        this.#folder.append("evaluations", line);
        this.#evaluations.push(line);
      }
      return;
    }
    if (event.kind === "step") {
      const { kind: _kind, ...line } = event;
      this.#folder.append("steps", line);
      this.#steps.push(line);
      return;
    }
    const { kind, ...line } = event;
    this.#folder.append(kind, line);
  }
}

/** Where the time of a run went, its earlier sittings included; it grows while the run is under way. */
export interface Timings {
  trainMillis: number;
  evaluateMillis: number;
  eventMillis: number;
  wallMillis: number;
  startedAt: string;
  /** The most runs that were made side by side in a sitting; absent where that is not known of one of them. */
  jobs?: number;
}

/**
 * The timings that a sitting of a run starts from.
 *
 * @param before Those of its earlier sittings, or null for a run that begins.
 * @param jobs Runs that are made side by side now, this one included.
 */
export function timingsBefore(before: Timings | null, jobs: number): Timings {
  if (before !== null) {
    const { jobs: most, ...timings } = before;
    return most === undefined ? timings : { ...timings, jobs: Math.max(most, jobs) };
  }
  return {
    trainMillis: 0,
    evaluateMillis: 0,
    eventMillis: 0,
    wallMillis: 0,
    startedAt: new Date().toISOString(),
    jobs,
  };
}
