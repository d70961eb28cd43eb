/**
 * What a command says of its jobs: a line that changes while runs are trained or ablated.
 *
 * @module
 */
import { columnsOf, shortened } from "../base/text_width.ts";
import type { RunAblation, RunRecord } from "../record/types.ts";
import { fixed } from "../base/format.ts";
import { meritOf } from "../tasks/metrics.ts";
import { metricInfo } from "../analysis/metrics.ts";
import { flagsText } from "../analysis/run_flags.ts";
import type { RunProgress } from "../runs/events.ts";
import type { SweepResult } from "../runs/sweep.ts";
import { selectedOf } from "../study/grid/steps.ts";
import { clearStatus, complain, outputColumns, say, showStatus } from "./terminal.ts";

/** A duration such as `45s`, `3m05s` or `2h07m`. */
function clock(millis: number): string {
  const seconds = Math.round(millis / 1000);
  const minutes = Math.floor(seconds / 60);
  const two = (value: number) => String(value).padStart(2, "0");
  if (minutes >= 60) return `${Math.floor(minutes / 60)}h${two(minutes % 60)}m`;
  return minutes === 0 ? `${seconds}s` : `${minutes}m${two(seconds % 60)}s`;
}

/** A metric as reports write it, with two decimals: those within [−1, 1] times 100, for instance `accuracy 81.20`. */
export function scoreText(metric: string, value: number | undefined): string {
  const { title, scale } = metricInfo(metric);
  return `${title} ${fixed((value ?? NaN) * scale, 2)}`;
}

/** What a line says about a run that has been recorded, after the run's title. */
export function summaryOf(record: RunRecord): string {
  const { outcome, best, last, keep, primaryMetric, time, ranksMoved, flags } = record.happened;
  if (outcome.state === "failed") return `failed (${outcome.cause}): ${outcome.message}`;
  const value = selectedOf(keep, { best, last })?.metrics[primaryMetric];
  const moved = ranksMoved > 0 ? `, ${ranksMoved} ranks moved` : "";
  return `${scoreText(primaryMetric, value)} in ${clock(time.wallMillis)}${moved}${
    flagsText(flags)
  }`;
}

/** What an ablation found, in a few words. */
export function ablationText(
  { metric, baseline, removals, truncations = [] }: RunAblation,
): string {
  const layers = removals.filter(({ kind }) => kind === "layer");
  const hurt = ({ loss }: typeof layers[number]) => meritOf(metric, loss);
  const worst = layers.reduce((most, next) => hurt(next) > hurt(most) ? next : most, layers[0]!);
  const cuts = truncations.map(({ rank, metric: left }) => `${scoreText(metric, left)} at ${rank}`);
  const cut = cuts.length === 0 ? "" : `; cut to fewer ranks, ${cuts.join(", ")}`;
  const without = `${scoreText(metric, worst.metric)} without ${worst.name}`;
  return `${scoreText(metric, baseline)}, ${without}${cut}`;
}

/** What a sweep came to, in a line. */
export function sweptText(
  { finished, failed, skipped, elsewhere, executorShare }: Pick<
    SweepResult,
    "finished" | "failed" | "skipped" | "elsewhere" | "executorShare"
  >,
  millis: number,
): string {
  const others = elsewhere === 0 ? "" : `, ${elsewhere} done by other processes`;
  return `${finished} finished, ${failed} failed, ${skipped} done before${others}, in ${
    clock(millis)
  } ` +
    `(executor busy ${Math.round(100 * executorShare)} %)`;
}

interface JobProgress {
  /** From 0 to 1. */
  readonly share: number;
  /** The same in words. */
  readonly text: string;
}

/** How far a run is. */
export function runProgress({ step, totalSteps, loss }: RunProgress): JobProgress {
  return {
    share: step / totalSteps,
    text: `step ${step}/${totalSteps}, loss ${loss.toFixed(3)}`,
  };
}

interface Position {
  /** What the jobs are called. */
  readonly noun: "runs" | "ablations";
  readonly total: number;
  /** Jobs that were done before. */
  readonly skipped: number;
  /** Jobs that are done now. */
  readonly executed: number;
  /** The jobs under way, by title, the one that reported last at the end. */
  readonly running: ReadonlyMap<string, JobProgress>;
  /** Milliseconds since the work began. */
  readonly millis: number;
}

/** Columns below which a title says nothing. */
const leastTitle = 10;

/**
 * A line about a job that fits a terminal where its title can be shortened so far, else null.
 *
 * @param columns Columns at most, or null for no limit.
 */
function fittedLine(
  head: string,
  title: string,
  rest: string,
  columns: number | null,
): string | null {
  const whole = `${head} ${title}: ${rest}`;
  if (columns === null || columnsOf(whole) <= columns) return whole;
  const room = columns - columnsOf(`${head} : ${rest}`);
  return room < leastTitle ? null : `${head} ${shortened(title, room)}: ${rest}`;
}

/**
 * The line that says how far the work is, with the time left if it goes on at the pace so far.
 *
 * In few columns the title is shortened, then the number of other jobs, the title and the job's own progress are left out;
 * the time left stays.
 *
 * @param columns Columns at most, or null for no limit. Default null.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { positionText, runProgress } from "./work_status.ts";
 * const at = (step: number) =>
 *   runProgress({ step, totalSteps: 10, loss: 0.5, millis: 0, checkpointStep: 0 });
 * const running = new Map([["RTE, lora, r2, seed 1", at(2)], ["RTE, lora, r2, seed 2", at(3)]]);
 * const position = { noun: "runs", total: 8, skipped: 2, executed: 1, running, millis: 15_000 } as const;
 * assertEquals(
 *   positionText(position),
 *   "[3/8 runs] RTE, lora, r2, seed 2: step 3/10, loss 0.500, +1 more, ETA 45s",
 * );
 * assertEquals(
 *   positionText(position, 56),
 *   "[3/8 runs] RTE, l…seed 2: step 3/10, loss 0.500, ETA 45s",
 * );
 * ```
 */
export function positionText(
  { noun, total, skipped, executed, running, millis }: Position,
  columns: number | null = null,
): string {
  const parts = [...running.values()].reduce((sum, { share }) => sum + share, 0);
  const made = executed + parts;
  const left = millis / made * (total - skipped - made);
  const [title, { text }] = [...running].at(-1)!;
  const more = running.size > 1 ? `, +${running.size - 1} more` : "";
  const head = `[${skipped + executed}/${total} ${noun}]`;
  const eta = `ETA ${clock(left)}`;
  const line = fittedLine(head, title, `${text}${more}, ${eta}`, columns) ??
    fittedLine(head, title, `${text}, ${eta}`, columns);
  if (line !== null) return line;
  const room = columns ?? Infinity;
  const poor = [`${head} ${text}, ${eta}`, `${head} ${eta}`, eta];
  return poor.find((line) => columnsOf(line) <= room) ?? shortened(eta, room);
}

/** Milliseconds from one status line on a terminal to the next. */
const showMillis = 200;

/** Milliseconds from one line to the next where standard error is no terminal. */
const logMillis = 10_000;

/** Shows how far the work is: on a terminal a few times a second, elsewhere a line every ten seconds. */
export class WorkStatus {
  readonly #noun: Position["noun"];
  readonly #total: number;
  #skipped: number;
  readonly #running = new Map<string, JobProgress>();
  readonly #began = performance.now();
  #executed = 0;
  #shownAt = 0;
  #loggedAt = performance.now();

  /** @param skipped Jobs that were done before. Default 0. */
  constructor(noun: Position["noun"], total: number, skipped = 0) {
    this.#noun = noun;
    this.#total = total;
    this.#skipped = skipped;
  }

  /** Jobs in all: where those to come follow from what is done, they may be more than were foreseen. */
  get #all(): number {
    return Math.max(this.#total, this.#skipped + this.#executed + this.#running.size);
  }

  /** Jobs in all, before and now. */
  get counts(): { readonly total: number; readonly skipped: number; readonly done: number } {
    return { total: this.#total, skipped: this.#skipped, done: this.#executed };
  }

  /** A job was done by another process. */
  doneElsewhere(): void {
    this.#skipped++;
  }

  /** A job is done. */
  done(title: string): void {
    this.#running.delete(title);
    this.#executed++;
  }

  /** A job has come so far. */
  async report(title: string, progress: JobProgress): Promise<void> {
    this.#running.delete(title);
    this.#running.set(title, progress);
    const now = performance.now();
    if (now - this.#shownAt < showMillis) return;
    this.#shownAt = now;
    const position: Position = {
      noun: this.#noun,
      total: this.#all,
      skipped: this.#skipped,
      executed: this.#executed,
      running: this.#running,
      millis: now - this.#began,
    };
    await showStatus((columns) => positionText(position, columns));
    if (!Deno.stderr.isTerminal() && now - this.#loggedAt > logMillis) {
      this.#loggedAt = now;
      await complain(positionText(position));
    }
  }

  /** Says something of a job, for instance `[3/60 runs] RTE, lora, r2, seed 1: accuracy 81.20 in 12s`. */
  async tell(title: string, rest: string): Promise<void> {
    const head = `[${this.#skipped + this.#executed}/${this.#all} ${this.#noun}]`;
    await clearStatus();
    await say(fittedLine(head, title, rest, outputColumns()) ?? `${head} ${title}: ${rest}`);
  }
}
