/**
 * What a sweep says of its runs: a line that changes while they are made, and one for each that is recorded.
 *
 * @module
 */
import type { RunRecord } from "../record/types.ts";
import type { RunProgress } from "./execute.ts";
import { complain, showStatus } from "./terminal.ts";

/** A duration such as `3m05s`. */
export function clock(millis: number): string {
  const seconds = Math.round(millis / 1000);
  const minutes = Math.floor(seconds / 60);
  return minutes === 0 ? `${seconds}s` : `${minutes}m${String(seconds % 60).padStart(2, "0")}s`;
}

/** One line about a run that has been recorded. */
export function summaryOf(title: string, record: RunRecord): string {
  const { outcome, best, last, keep, primaryMetric, time, ranksMoved } = record.happened;
  if (outcome.state === "failed") return `${title}: failed (${outcome.cause}): ${outcome.message}`;
  const value = (keep === "best" ? best : last)?.metrics[primaryMetric];
  const moved = ranksMoved > 0 ? `, ${ranksMoved} ranks moved` : "";
  return `${title}: ${primaryMetric} ${value?.toFixed(3)} in ${clock(time.wallMillis)}${moved}`;
}

/** How far a sweep is. */
export interface SweepPosition {
  /** Runs of the plan. */
  readonly total: number;
  /** Runs that were done before this sweep. */
  readonly skipped: number;
  /** Runs that this sweep has recorded. */
  readonly executed: number;
  /** The runs under way, by title, the one that reported last at the end. */
  readonly running: ReadonlyMap<string, RunProgress>;
  /** Milliseconds since the sweep began. */
  readonly millis: number;
}

/**
 * The line that says how far a sweep is, with the time left if runs go on at the pace so far.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { positionText } from "./sweep_status.ts";
 * const at = (step: number) => ({ step, totalSteps: 10, loss: 0.5, millis: 0 });
 * const running = new Map([["RTE, lora, r2, seed 1", at(2)], ["RTE, lora, r2, seed 2", at(3)]]);
 * assertEquals(
 *   positionText({ total: 8, skipped: 2, executed: 1, running, millis: 15_000 }),
 *   "[3/8 runs] RTE, lora, r2, seed 2: step 3/10, loss 0.500, and 1 more, ETA 45s",
 * );
 * ```
 */
export function positionText(
  { total, skipped, executed, running, millis }: SweepPosition,
): string {
  const parts = [...running.values()]
    .reduce((sum, { step, totalSteps }) => sum + step / totalSteps, 0);
  const made = executed + parts;
  const left = millis / made * (total - skipped - made);
  const [title, progress] = [...running].at(-1)!;
  const { step, totalSteps, loss } = progress;
  const more = running.size > 1 ? `, and ${running.size - 1} more` : "";
  return `[${skipped + executed}/${total} runs] ${title}: step ${step}/${totalSteps}, ` +
    `loss ${loss.toFixed(3)}${more}, ETA ${clock(left)}`;
}

/** Shows where a sweep stands, at most a few times a second. */
export class SweepStatus {
  readonly #total: number;
  readonly #skipped: number;
  readonly #running = new Map<string, RunProgress>();
  readonly #began = performance.now();
  #executed = 0;
  #shownAt = 0;
  #loggedAt = performance.now();

  constructor(total: number, skipped: number) {
    this.#total = total;
    this.#skipped = skipped;
  }

  /** A run has been recorded. */
  recorded(title: string): void {
    this.#running.delete(title);
    this.#executed++;
  }

  /** A run has made a step. */
  async step(title: string, progress: RunProgress): Promise<void> {
    this.#running.delete(title);
    this.#running.set(title, progress);
    const now = performance.now();
    if (now - this.#shownAt < 200) return;
    this.#shownAt = now;
    const line = positionText({
      total: this.#total,
      skipped: this.#skipped,
      executed: this.#executed,
      running: this.#running,
      millis: now - this.#began,
    });
    await showStatus(line);
    if (!Deno.stderr.isTerminal() && now - this.#loggedAt > 10_000) {
      this.#loggedAt = now;
      await complain(line);
    }
  }

  /** For instance `[3/60 runs]`. */
  progress(): string {
    return `[${this.#skipped + this.#executed}/${this.#total} runs]`;
  }
}
