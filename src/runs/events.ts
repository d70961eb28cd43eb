/**
 * The events of a study's work while it is under way, and how it is asked to stop.
 *
 * @module
 */
import type { Fetching } from "../fetch/model_files.ts";
import type { RunAblation, RunRecord } from "../record/types.ts";
import type { RunSpectra } from "../record/spectra.ts";
import type { RunVerification } from "../record/verification.ts";
import type { ClaimLook } from "../analysis/claims/claims_report.ts";
import type { Undecidable } from "../analysis/power/text.ts";
import type { DamagedFile, DamagedRun } from "../analysis/results.ts";
import type { DataWarning } from "../tasks/data_warnings.ts";

/** Where a run stands. */
export interface RunProgress {
  /** Optimiser steps done. */
  readonly step: number;
  /** Optimiser steps of the whole run. */
  readonly totalSteps: number;
  /** Training loss of the latest step, without the regulariser. */
  readonly loss: number;
  /** Wall time of the run so far, its earlier sittings included, in milliseconds. */
  readonly millis: number;
  /** Steps up to the last checkpoint; 0 where there is none. */
  readonly checkpointStep: number;
}

/** Something that happened to a study's work; `title` names the run. */
export type WorkEvent =
  /** Something in the data that can hardly be meant. */
  | { readonly kind: "warning"; readonly warning: DataWarning }
  /** The study states no encoder, and takes the one that is given beside it. */
  | { readonly kind: "encoder"; readonly given: string }
  /** A folder of data is given, and no run reads it. */
  | { readonly kind: "unused data"; readonly given: string }
  /** Claims that will hardly be decided with the seeds that are planned. */
  | { readonly kind: "hardly decidable"; readonly undecidable: Undecidable }
  /** A recorded run is left out, since its files are not what was written. */
  | { readonly kind: "damaged"; readonly run: DamagedRun }
  /** A file that a command made is left out, since it is not what was written. */
  | { readonly kind: "damaged file"; readonly file: DamagedFile }
  /** Work begins on a device: so many runs at a time, each with so many threads. */
  | {
    readonly kind: "device";
    readonly work: string;
    /** The executor's own name, and its description with what it computes with. */
    readonly name: string;
    readonly description: string;
    readonly jobs: number;
    readonly threads: number;
  }
  /** So many runs or ablations are asked for, of which `skipped` were done before. */
  | {
    readonly kind: "begun";
    readonly noun: "runs" | "ablations";
    readonly total: number;
    readonly skipped: number;
  }
  /** A file could not be written, and the work goes on without it. */
  | { readonly kind: "not written"; readonly path: string; readonly message: string }
  /** A run is left to another process, which is making it; `by` names the process. */
  | { readonly kind: "left"; readonly title: string; readonly by: string }
  /** A run that was left to another process is done. */
  | { readonly kind: "done elsewhere"; readonly title: string }
  /** A run is gone on with whose process has ended, or gave no sign of life for too long. */
  | { readonly kind: "taken over"; readonly title: string; readonly from: string }
  /** A run that had been begun starts anew, since it cannot go on from what is there. */
  | { readonly kind: "anew"; readonly title: string; readonly reason: string }
  /** A run was made that another process had finished meanwhile; theirs was kept, and this differs in these parts. */
  | {
    readonly kind: "done twice";
    readonly title: string;
    readonly differences: readonly string[];
  }
  /** A run is at a step. Told often; a worker leaves some out. */
  | { readonly kind: "step"; readonly title: string; readonly progress: RunProgress }
  /** A share of a run's removals is done, from 0 to 1. */
  | { readonly kind: "share"; readonly title: string; readonly share: number }
  /** A run has its record, finished or failed. */
  | { readonly kind: "recorded"; readonly title: string; readonly record: RunRecord }
  /** A run was trained up to a step at which it is compared with others; it may go on later. */
  | {
    readonly kind: "paused";
    readonly title: string;
    readonly step: number;
    readonly metric: string;
    readonly score: number | null;
  }
  /** A run was stopped; `step` is that of its last checkpoint, 0 where it has none. */
  | { readonly kind: "stopped"; readonly title: string; readonly step: number }
  /** A run's layer-rank ablation is written. */
  | { readonly kind: "ablated"; readonly title: string; readonly ablation: RunAblation }
  /** The spectra of a run's updates were found. */
  | { readonly kind: "measured"; readonly title: string; readonly spectra: RunSpectra }
  /** A run cannot be ablated, or has no spectra, for want of its weights or for what its method is. */
  | { readonly kind: "left out"; readonly title: string; readonly reason: string }
  /** A run was repeated and compared. */
  | { readonly kind: "verified"; readonly title: string; readonly verification: RunVerification }
  /** A claim was looked at after some seeds. */
  | { readonly kind: "look"; readonly look: ClaimLook }
  /** Seeds are added for claims that are not decided, with so many runs. */
  | {
    readonly kind: "seeds added";
    readonly seeds: readonly number[];
    readonly claims: readonly string[];
    readonly runs: number;
  }
  /** A claim gets no more seeds although it is not decided. */
  | { readonly kind: "left open"; readonly claim: string; readonly reason: string }
  /** There is no run whose ranks could be replayed. */
  | { readonly kind: "nothing to replay" };

/** Told of each event, one after the other within a run; what it throws stops the work at checkpoints and is thrown on. */
export type Observer = (event: WorkEvent) => void | Promise<void>;

/** How work is followed and stopped. */
export interface Watch {
  /** Default: nobody receives them. */
  readonly onEvent?: Observer;
  /** Aborting it stops runs under way at a checkpoint. Default: nothing stops them. */
  readonly signal?: AbortSignal;
  /** How encoders of the hub are fetched. Default: by this process's environment and network. */
  readonly fetching?: Fetching;
}

/** Tells an observer, if there is one. */
export type Tell = (event: WorkEvent) => Promise<void>;

/** How work tells of itself, and learns that it is to stop. */
export interface Followed {
  /** Raised when the signal is aborted. */
  readonly stop: StopFlag;
  readonly emit: Tell;
}

/** A watch as work uses it. */
export function followed({ onEvent, signal }: Watch): Followed {
  const stop = new StopFlag();
  if (signal?.aborted === true) stop.raise();
  else signal?.addEventListener("abort", () => stop.raise(), { once: true });
  return {
    stop,
    emit: async (event) => {
      await onEvent?.(event);
    },
  };
}

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
