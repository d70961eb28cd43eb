/**
 * Workers that stay open from one round of runs to the next, with the programs and models that they have loaded.
 *
 * @module
 */
import type { Opening } from "./open_workers.ts";
import type { RunWorker } from "./workers.ts";

/** Opens the workers of several rounds once. */
export class KeptWorkers {
  readonly #open: (opening: Opening) => Promise<readonly RunWorker[]>;
  #workers: readonly RunWorker[] = [];
  #jobCount = 0;

  /** @param open Opens workers; as many as jobs at most. */
  constructor(open: (opening: Opening) => Promise<readonly RunWorker[]>) {
    this.#open = open;
  }

  /** Workers of a round, whose closing leaves them open; new ones where there were fewer for want of jobs. */
  async forRound(opening: Opening): Promise<readonly RunWorker[]> {
    const jobCount = opening.due.length;
    const wereFew = this.#workers.length >= this.#jobCount;
    if (this.#workers.length === 0 || (wereFew && jobCount > this.#jobCount)) {
      await this.close();
      this.#workers = await this.#open(opening);
      this.#jobCount = jobCount;
    }
    return this.#workers.slice(0, jobCount).map((worker): RunWorker => ({
      run: (...asked) => worker.run(...asked),
      ablate: (...asked) => worker.ablate(...asked),
      close: () => Promise.resolve(),
    }));
  }

  /** Closes them all; nothing may be under way. */
  async close(): Promise<void> {
    const workers = this.#workers;
    this.#workers = [];
    for (const worker of workers) await worker.close();
  }
}
