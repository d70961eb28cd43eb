/**
 * What evaluations are fed of their batches, kept for the next evaluation on the same ones.
 *
 * @module
 */
import type { HostTensor } from "../graph/mod.ts";
import type { Batch } from "../tasks/types.ts";

/** The feeds of batches to one program. */
export class KeptFeeds {
  readonly #kept = new Map<Batch, Readonly<Record<string, HostTensor>>>();
  #room: number;

  /**
   * Keeps nothing yet.
   *
   * @param limit Numbers at most. Default 2²², which are 16 MiB.
   */
  constructor(limit: number = 2 ** 22) {
    this.#room = limit;
  }

  /**
   * The feeds of a batch: those that are kept, or else those that are made now. They are kept as long as there is room: evaluations
   * take batches in turn, so that of a large split none would be kept if new ones took the place of old ones.
   */
  of(
    batch: Batch,
    make: () => Readonly<Record<string, HostTensor>>,
  ): Readonly<Record<string, HostTensor>> {
    const kept = this.#kept.get(batch);
    if (kept !== undefined) return kept;
    const made = make();
    const numbers = Object.values(made).reduce((sum, { data }) => sum + data.length, 0);
    if (numbers <= this.#room) {
      this.#room -= numbers;
      this.#kept.set(batch, made);
    }
    return made;
  }
}
