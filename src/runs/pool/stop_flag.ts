/**
 * Asking runs to stop, in this thread and in workers.
 *
 * @module
 */

/** Whether runs are to stop at the next step: one flag in shared memory, which workers see at once. */
export class StopFlag {
  readonly memory: SharedArrayBuffer;
  readonly #flag: Int32Array;

  /** @param memory That of another thread's flag. Default: memory of its own, not yet raised. */
  constructor(memory: SharedArrayBuffer = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)) {
    this.memory = memory;
    this.#flag = new Int32Array(memory);
  }

  /** Asks for a stop. */
  raise(): void {
    Atomics.store(this.#flag, 0, 1);
  }

  get isRaised(): boolean {
    return Atomics.load(this.#flag, 0) !== 0;
  }
}

/** The work was stopped before its end; the message says what is kept. */
export class StoppedError extends Error {
  /** `StoppedError`; the commands end with exit code 130 for it. */
  override readonly name = "StoppedError";
}

/** A run under way when the work was stopped. */
export interface StoppedRun {
  /** Task, method, budget and seed in one line. */
  readonly title: string;
  /** Steps up to its last checkpoint; 0 where it has none. */
  readonly step: number;
}
