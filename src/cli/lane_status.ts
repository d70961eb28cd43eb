/**
 * What a command says of the work in its lanes: a line that changes while runs are made or ablated.
 *
 * @module
 */
import type { RunRecord } from "../record/types.ts";
import { flagsText } from "../report/run_flags.ts";
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
  const { outcome, best, last, keep, primaryMetric, time, ranksMoved, flags } = record.happened;
  if (outcome.state === "failed") return `${title}: failed (${outcome.cause}): ${outcome.message}`;
  const value = (keep === "best" ? best : last)?.metrics[primaryMetric];
  const moved = ranksMoved > 0 ? `, ${ranksMoved} ranks moved` : "";
  return `${title}: ${primaryMetric} ${value?.toFixed(3)} in ${clock(time.wallMillis)}${moved}${
    flagsText(flags)
  }`;
}

/** How far a piece of work is. */
export interface PieceProgress {
  /** From 0 to 1. */
  readonly share: number;
  /** The same in words. */
  readonly text: string;
}

/** How far a run is. */
export function runProgress({ step, totalSteps, loss }: RunProgress): PieceProgress {
  return {
    share: step / totalSteps,
    text: `step ${step}/${totalSteps}, loss ${loss.toFixed(3)}`,
  };
}

/** How far all the work is. */
export interface Position {
  /** What the pieces are called. */
  readonly noun: "runs" | "ablations";
  readonly total: number;
  /** Pieces that were done before. */
  readonly skipped: number;
  /** Pieces that are done now. */
  readonly executed: number;
  /** The pieces under way, by title, the one that reported last at the end. */
  readonly running: ReadonlyMap<string, PieceProgress>;
  /** Milliseconds since the work began. */
  readonly millis: number;
}

/**
 * The line that says how far the work is, with the time left if it goes on at the pace so far.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { positionText, runProgress } from "./lane_status.ts";
 * const at = (step: number) => runProgress({ step, totalSteps: 10, loss: 0.5, millis: 0, checkpointStep: 0 });
 * const running = new Map([["RTE, lora, r2, seed 1", at(2)], ["RTE, lora, r2, seed 2", at(3)]]);
 * assertEquals(
 *   positionText({ noun: "runs", total: 8, skipped: 2, executed: 1, running, millis: 15_000 }),
 *   "[3/8 runs] RTE, lora, r2, seed 2: step 3/10, loss 0.500, and 1 more, ETA 45s",
 * );
 * ```
 */
export function positionText(
  { noun, total, skipped, executed, running, millis }: Position,
): string {
  const parts = [...running.values()].reduce((sum, { share }) => sum + share, 0);
  const made = executed + parts;
  const left = millis / made * (total - skipped - made);
  const [title, { text }] = [...running].at(-1)!;
  const more = running.size > 1 ? `, and ${running.size - 1} more` : "";
  return `[${skipped + executed}/${total} ${noun}] ${title}: ${text}${more}, ETA ${clock(left)}`;
}

/** Shows how far the work is: on a terminal a few times a second, elsewhere a line every ten seconds. */
export class LaneStatus {
  readonly #noun: Position["noun"];
  readonly #total: number;
  readonly #skipped: number;
  readonly #running = new Map<string, PieceProgress>();
  readonly #began = performance.now();
  #executed = 0;
  #shownAt = 0;
  #loggedAt = performance.now();

  /** @param skipped Pieces that were done before. Default 0. */
  constructor(noun: Position["noun"], total: number, skipped = 0) {
    this.#noun = noun;
    this.#total = total;
    this.#skipped = skipped;
  }

  /** A piece is done. */
  done(title: string): void {
    this.#running.delete(title);
    this.#executed++;
  }

  /** A piece has come so far. */
  async report(title: string, progress: PieceProgress): Promise<void> {
    this.#running.delete(title);
    this.#running.set(title, progress);
    const now = performance.now();
    if (now - this.#shownAt < 200) return;
    this.#shownAt = now;
    const line = positionText({
      noun: this.#noun,
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
    return `[${this.#skipped + this.#executed}/${this.#total} ${this.#noun}]`;
  }
}
