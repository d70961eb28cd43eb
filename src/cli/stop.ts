/**
 * Stopping on a signal: what a signal does, and what the user is told of what is kept.
 *
 * A single Ctrl-C arrives twice under `deno task` and `npx`: from the terminal, and passed on by the parent. A cluster that
 * takes its machine back sends SIGTERM twice too. So a second signal means something only if it comes later.
 *
 * @module
 */
import type { RunsResult } from "../runs/pool/run_all.ts";
import type { StoppedRun } from "../runs/events.ts";
import { errorOutput, stoppedExitCode } from "./terminal.ts";

/** Signals that ask for a stop; SIGHUP comes when a terminal is closed. */
export const stopSignals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

type StopSignal = typeof stopSignals[number];

/** Milliseconds after a Ctrl-C until another one ends the process at once. */
const patienceMillis = 1_000;

/** What a signal does: ask the work to stop at a checkpoint, nothing, or end the process at once. */
type SignalEffect = "stop" | "none" | "exit";

/**
 * Says of each signal of a process what it does.
 *
 * The first one asks for a stop. After that only a SIGINT that comes at least {@linkcode patienceMillis} after the first SIGINT
 * ends the process; the others never do.
 *
 * @returns Takes a signal, and when it was heard in milliseconds of any clock that all signals share.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { signalEffects } from "./stop.ts";
 * const effectOf = signalEffects();
 * assertEquals(effectOf("SIGINT", 0), "stop");
 * assertEquals(effectOf("SIGINT", 20), "none");
 * assertEquals(effectOf("SIGINT", 1_500), "exit");
 * ```
 */
export function signalEffects(): (signal: StopSignal, at: number) => SignalEffect {
  let isStopping = false;
  let interruptedAt = Infinity;
  return (signal, at) => {
    const wasStopping = isStopping;
    const isLate = at - interruptedAt >= patienceMillis;
    isStopping = true;
    if (signal === "SIGINT") interruptedAt = Math.min(interruptedAt, at);
    if (!wasStopping) return "stop";
    return signal === "SIGINT" && isLate ? "exit" : "none";
  };
}

/** What is kept of runs under way, a line each. */
export function keptLines(runs: readonly StoppedRun[]): readonly string[] {
  return runs.map(({ title, step }) =>
    step === 0
      ? `${title}: no checkpoint yet, it starts again`
      : `${title}: kept up to its checkpoint at step ${step}`
  );
}

/** How many runs were done when a command stopped, and those that were under way. */
type StoppedRuns =
  & Pick<
    RunsResult,
    "total" | "finished" | "failed" | "skipped" | "elsewhere" | "stoppedRuns"
  >
  & {
    /** Trials that rest at a rung. Default 0. */
    readonly paused?: number;
  };

/** What a command says when its runs have stopped. */
export function stoppedText(
  { total, finished, failed, paused = 0, skipped, elsewhere, stoppedRuns }: StoppedRuns,
): string {
  const done = finished + failed + paused + skipped + elsewhere;
  return [
    `Stopped: ${done} of ${total} runs are done and kept`,
    ...keptLines(stoppedRuns),
    "The same command goes on from here",
  ].join("\n");
}

/** What a command says of a stop. */
export interface StopWords {
  /** Said at the first signal: what will be kept. */
  readonly onStop: () => string;
  /** Said when a later Ctrl-C ends the process: what is kept all the same. */
  readonly onExit: () => string;
}

/** Milliseconds between two ticks of an {@linkcode AwakeClock}. */
const tickMillis = 250;

/**
 * A clock that stands still while this thread computes and hears nothing.
 *
 * A native step blocks its thread; both signals of one Ctrl-C may then be heard seconds apart.
 */
class AwakeClock {
  #millis = 0;
  #isRunning = false;

  get millis(): number {
    return this.#millis;
  }

  start(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    Deno.unrefTimer(setInterval(() => this.#millis += tickMillis, tickMillis));
  }
}

/** Listens for signals while work is under way. */
export interface StopListener {
  /** Ends it when the work has ended. After a stop it stays, since the same Ctrl-C may arrive once more. */
  readonly dispose: () => void;
}

/**
 * Listens for signals that ask for a stop; see {@linkcode signalEffects}.
 *
 * @param stop Called at the first one.
 */
export function listenForStop(stop: () => void, { onStop, onExit }: StopWords): StopListener {
  const clock = new AwakeClock();
  const effectOf = signalEffects();
  let isStopping = false;
  const onSignal = (signal: StopSignal) => {
    clock.start();
    const effect = effectOf(signal, clock.millis);
    isStopping = true;
    if (effect === "stop") {
      stop();
      errorOutput.writeNow(`\n${onStop()}\n`);
    }
    if (effect !== "exit") return;
    try {
      errorOutput.writeNow(`\n${onExit()}\n`);
    } finally {
      Deno.exit(stoppedExitCode);
    }
  };
  const handlers = stopSignals.map((signal) => [signal, () => onSignal(signal)] as const);
  for (const [signal, handler] of handlers) Deno.addSignalListener(signal, handler);
  return {
    dispose: () => {
      if (isStopping) return;
      for (const [signal, handler] of handlers) Deno.removeSignalListener(signal, handler);
    },
  };
}
