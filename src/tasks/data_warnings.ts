/**
 * What is found in a task's data that cannot be meant.
 *
 * @module
 */

/** Something in a task's data that a reader of its results must know. */
export interface DataWarning {
  readonly task: string;
  readonly kind: "same-file" | "shared-texts" | "unseen-label" | "cut-texts";
  /** Texts, or labels, that it holds for, and how many there are. */
  readonly count: number;
  readonly of: number;
  /** The same in a sentence that needs no context, for instance `Tickets: 12 of 400 dev texts also occur in train.` */
  readonly text: string;
}
