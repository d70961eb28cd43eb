/**
 * Splits that runs are evaluated by, kept with their batches for the next run that is evaluated by the same rows.
 *
 * @module
 */
import type { Encoded } from "../tasks/types.ts";
import type { EvaluationSplit } from "./evaluate.ts";

/** What a split that is evaluated follows from. */
export interface SplitSource {
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
