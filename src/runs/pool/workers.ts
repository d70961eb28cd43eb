/**
 * Where runs are trained and ablated, one at a time in each worker: this thread, or a thread with a runtime of its own.
 *
 * A native run blocks the thread that calls it, so that runs of one thread never overlap; hence the threads.
 *
 * @module
 */
import { AskedThread } from "../../base/ask_thread.ts";
import type { ExecutorKind } from "../../exec/executor.ts";
import { ProgramCache } from "../../train/programs.ts";
import { execute, type ExecutionContext, type ExecutionResult } from "../execute.ts";
import type { InputFolders, SharedData } from "../inputs.ts";
import { type AblatedRun, type AblationOutcome, LayerAblation } from "../after/layer_ablation.ts";
import type { CustomNames, PlannedRun, StudyPlan } from "../plan/planned_run.ts";
import type { SharedModel } from "../shared_models.ts";
import { type RunProgress, StopFlag } from "../events.ts";
import { openThread } from "./threads.ts";

/** Told of every step, or of some of them where steps follow one another faster than anyone reads. */
type OnStep = (progress: RunProgress) => Promise<void>;

interface WorkerResult {
  readonly result: ExecutionResult;
  readonly busyMillis: number;
}

/** Told now and then what share of a run's ablation is done. */
type OnShare = (share: number) => Promise<void>;

interface RunWatch {
  readonly onStep: OnStep;
  /** Told why a run that had been begun starts anew. */
  readonly onAnew: (reason: string) => Promise<void>;
}

/** Trains or ablates one run at a time. */
export interface RunWorker {
  /**
   * Trains a run.
   *
   * @param attempt The token of the lease that it is trained under.
   * @param pauseAt Step at which it pauses. Default: it does not.
   */
  run(
    planned: PlannedRun,
    attempt: string,
    watch: RunWatch,
    pauseAt?: number,
  ): Promise<WorkerResult>;
  /** Removes adapters from a finished run, see {@linkcode LayerAblation.run}. */
  ablate(recorded: AblatedRun, onShare: OnShare): Promise<AblationOutcome>;
  /** Frees what it holds; nothing may be under way. */
  close(): Promise<void>;
}

/** What all runs of a worker share besides what they are computed with. */
type WorkContext = Pick<ExecutionContext, "environment" | "results" | "jobs" | "checkpointMillis">;

/** This thread as a worker. */
export class LocalWorker implements RunWorker {
  readonly #context: Omit<ExecutionContext, "onStep" | "onAnew" | "attempt" | "pauseAt">;
  readonly #ablation: LayerAblation;
  readonly #stop: StopFlag;

  constructor(
    context: WorkContext & Pick<ExecutionContext, "executor" | "inputs">,
    stop: StopFlag,
  ) {
    const { executor, inputs } = context;
    const programs = new ProgramCache(executor);
    this.#stop = stop;
    this.#context = { ...context, programs, isStopping: () => stop.isRaised };
    this.#ablation = new LayerAblation(executor, inputs, () => stop.isRaised);
  }

  async run(
    planned: PlannedRun,
    attempt: string,
    { onStep, onAnew }: RunWatch,
    pauseAt: number = Infinity,
  ): Promise<WorkerResult> {
    const { executor } = this.#context;
    const before = executor.busyMillis;
    // What fails while progress is shown is no outcome of the run.
    const heardErrors: unknown[] = [];
    const hear = async (telling: Promise<void>) => {
      try {
        await telling;
      } catch (error) {
        heardErrors.push(error);
        this.#stop.raise();
      }
    };
    const result = await execute(planned, {
      ...this.#context,
      attempt,
      pauseAt,
      onAnew: (reason) => hear(onAnew(reason)),
      onStep: (progress) => hear(onStep(progress)),
    });
    if (heardErrors.length > 0) throw heardErrors[0];
    return { result, busyMillis: executor.busyMillis - before };
  }

  ablate(recorded: AblatedRun, onShare: OnShare): Promise<AblationOutcome> {
    return this.#ablation.run(recorded, onShare);
  }

  async close(): Promise<void> {
    await this.#context.programs.clear();
    await this.#ablation.release();
  }
}

/** What a worker receives first. */
export interface WorkerStart {
  readonly executor: ExecutorKind;
  readonly threads: number;
  readonly study: StudyPlan["study"];
  /** The code of the study's own that the runs need; the worker loads it itself. */
  readonly custom: CustomNames;
  /** Hashes of the study modules that it may load. */
  readonly trust: readonly string[];
  readonly folders: InputFolders;
  readonly models: ReadonlyMap<string, SharedModel>;
  /** What the inputs of the sweep have read and tokenised. Default: nothing. */
  readonly data?: SharedData;
  readonly stop: SharedArrayBuffer;
  readonly context: WorkContext;
}

/** A planned run as a message; the worker finds the method by its name. */
export type RunMessage = Omit<PlannedRun, "method">;

/** What a worker is asked. */
export type ToWorker =
  | { readonly kind: "start"; readonly start: WorkerStart }
  | {
    readonly kind: "run";
    readonly planned: RunMessage;
    readonly attempt: string;
    readonly pauseAt: number;
  }
  | {
    readonly kind: "ablate";
    readonly stored: AblatedRun["stored"];
    readonly planned: RunMessage;
  }
  | { readonly kind: "close" };

/** What a worker says while it works. */
export type Progress =
  | { readonly kind: "step"; readonly progress: RunProgress }
  | { readonly kind: "anew"; readonly reason: string }
  | { readonly kind: "share"; readonly share: number };

function messageOf({ method: _method, ...message }: PlannedRun): RunMessage {
  return message;
}

/** A thread as a worker. */
export class ThreadWorker implements RunWorker {
  readonly #thread: AskedThread;
  readonly #stop: StopFlag;

  private constructor(thread: AskedThread, stop: StopFlag) {
    this.#thread = thread;
    this.#stop = stop;
  }

  /** Starts a worker and its executor. */
  static async open(start: WorkerStart): Promise<ThreadWorker> {
    const thread = new AskedThread(await openThread(start.executor), "that makes runs");
    try {
      await thread.ask<void>({ kind: "start", start } satisfies ToWorker);
    } catch (error) {
      thread.close();
      throw error;
    }
    return new ThreadWorker(thread, new StopFlag(start.stop));
  }

  async run(
    planned: PlannedRun,
    attempt: string,
    { onStep, onAnew }: RunWatch,
    pauseAt: number = Infinity,
  ): Promise<WorkerResult> {
    const message = { kind: "run", planned: messageOf(planned), attempt, pauseAt } as const;
    return await this.#ask<WorkerResult>(message, async (said) => {
      if (said.kind === "step") await onStep(said.progress);
      if (said.kind === "anew") await onAnew(said.reason);
    });
  }

  async ablate({ stored, planned }: AblatedRun, onShare: OnShare): Promise<AblationOutcome> {
    const { folder, record, predictions } = stored;
    const message = {
      kind: "ablate",
      stored: { folder, record, predictions },
      planned: messageOf(planned),
    } as const;
    return await this.#ask<AblationOutcome>(message, async (said) => {
      if (said.kind === "share") await onShare(said.share);
    });
  }

  async close(): Promise<void> {
    try {
      if (!this.#thread.isLost) await this.#thread.ask<void>({ kind: "close" } satisfies ToWorker);
    } finally {
      this.#thread.close();
    }
  }

  /** Asks, and waits for the answer; if `hear` fails, the runs are stopped and its error is thrown after it. */
  async #ask<T>(asked: ToWorker, hear: (said: Progress) => Promise<void>): Promise<T> {
    const heardErrors: unknown[] = [];
    const value = await this.#thread.ask<T>(asked, (said) => {
      hear(said as Progress).catch((error) => {
        heardErrors.push(error);
        this.#stop.raise();
      });
    });
    if (heardErrors.length > 0) throw heardErrors[0];
    return value;
  }
}
