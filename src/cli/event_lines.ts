/**
 * Events of a study's work as lines of JSON, for programs that follow a command by `--json`.
 *
 * @module
 */
import type { WorkEvent } from "../runs/events.ts";

/** Milliseconds between two lines about the steps, or the share, of one job. */
const pauseMillis = 1_000;

/** Events as lines; of the many about a job's progress one a second is given. */
export class EventLines {
  readonly #toldAt = new Map<string, number>();

  /**
   * The event as one line of JSON, its `kind` first; numbers that JSON has no word for are null.
   *
   * @param at Milliseconds of any clock that goes forward.
   * @returns null where a line about the same job's progress was given less than a second before.
   */
  lineOf(event: WorkEvent, at: number): string | null {
    if (event.kind === "step" || event.kind === "share") {
      if (at - (this.#toldAt.get(event.title) ?? -Infinity) < pauseMillis) return null;
      this.#toldAt.set(event.title, at);
    }
    return JSON.stringify(event);
  }
}
