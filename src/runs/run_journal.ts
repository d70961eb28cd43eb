/**
 * The journals of a run that is being made: what happened is written line by line, and kept for the record.
 *
 * @module
 */
import { readJsonl } from "../record/read_jsonl.ts";
import type { RunFolder } from "../record/run_folder.ts";
import { parseEvaluationLine, parseStepLine } from "../record/schema.ts";
import type { Parser } from "../record/parser.ts";
import type { EvaluationLine, StepLine } from "../record/types.ts";
import type { Snapshot, TrainingEvent } from "../train/run_types.ts";

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

  /** Every evaluation so far, those of earlier sittings included. */
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
