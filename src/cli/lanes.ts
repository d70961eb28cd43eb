/**
 * Where a sweep's runs are made, one at a time each: in this process, or in a worker with a runtime of its own.
 *
 * A native run blocks the thread that calls it, so that runs of one thread never overlap; hence the workers.
 *
 * @module
 */
import type { ExecutorKind } from "../exec/executor.ts";
import { ProgramCache } from "../train/programs.ts";
import {
  execute,
  type ExecutionContext,
  type ExecutionResult,
  type RunProgress,
} from "./execute.ts";
import type { InputFolders } from "./inputs.ts";
import type { OwnMethod } from "./method_modules.ts";
import type { PlannedRun, StudyPlan } from "./planning.ts";
import type { SharedModel } from "./shared_models.ts";

/** Told of every step, or of some of them where steps follow one another faster than anyone reads. */
export type OnStep = (progress: RunProgress) => Promise<void>;

/** A result, and the milliseconds that the executor was busy for it. */
export interface LaneResult {
  readonly result: ExecutionResult;
  readonly busyMillis: number;
}

/** Makes one run at a time. */
export interface Lane {
  run(planned: PlannedRun, onStep: OnStep): Promise<LaneResult>;
  /** Frees what it holds; no run may be under way. */
  close(): Promise<void>;
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

/** A lane of this thread. */
export class OwnLane implements Lane {
  readonly #context: Omit<ExecutionContext, "onStep">;

  constructor(
    context: Omit<ExecutionContext, "onStep" | "isStopping" | "programs">,
    stop: StopFlag,
  ) {
    const programs = new ProgramCache(context.executor);
    this.#context = { ...context, programs, isStopping: () => stop.isRaised };
  }

  async run(planned: PlannedRun, onStep: OnStep): Promise<LaneResult> {
    const { executor } = this.#context;
    const before = executor.busyMillis;
    const result = await execute(planned, { ...this.#context, onStep });
    return { result, busyMillis: executor.busyMillis - before };
  }

  async close(): Promise<void> {
    await this.#context.programs.clear();
  }
}

/** What a worker is told first. */
export interface WorkerStart {
  readonly executor: ExecutorKind;
  readonly threads: number;
  readonly study: StudyPlan["study"];
  /** The runs' methods that are not built in; the worker loads them itself. */
  readonly ownMethods: readonly OwnMethod[];
  readonly folders: InputFolders;
  readonly models: ReadonlyMap<string, SharedModel>;
  readonly surroundings: ExecutionContext["surroundings"];
  readonly results: string;
  readonly stop: SharedArrayBuffer;
}

/** A planned run as a message; the worker finds the method by its name. */
export type RunMessage = Omit<PlannedRun, "method">;

/** What a worker is told; it answers each with one `done` or `error`. */
export type ToWorker =
  | { readonly kind: "start"; readonly start: WorkerStart }
  | { readonly kind: "run"; readonly planned: RunMessage }
  | { readonly kind: "close" };

/** What a worker says. */
export type FromWorker =
  | { readonly kind: "step"; readonly progress: RunProgress }
  | { readonly kind: "done"; readonly result: LaneResult | null }
  | { readonly kind: "error"; readonly name: string; readonly message: string };

/** An error that ended a worker's work, with the name and message that it had there. */
export class WorkerError extends Error {
  constructor(name: string, message: string) {
    super(message);
    this.name = name;
  }
}

/** A lane in a worker. */
export class WorkerLane implements Lane {
  readonly #worker: Worker;
  readonly #stop: StopFlag;
  #isLost = false;

  private constructor(stop: StopFlag) {
    this.#stop = stop;
    this.#worker = new Worker(new URL("./run_worker.ts", import.meta.url), { type: "module" });
  }

  /** Starts a worker and its executor. */
  static async open(start: WorkerStart): Promise<WorkerLane> {
    const lane = new WorkerLane(new StopFlag(start.stop));
    try {
      await lane.#ask({ kind: "start", start });
    } catch (error) {
      lane.#worker.terminate();
      throw error;
    }
    return lane;
  }

  async run(planned: PlannedRun, onStep: OnStep): Promise<LaneResult> {
    const { method: _method, ...message } = planned;
    const result = await this.#ask({ kind: "run", planned: message }, onStep);
    if (result === null) throw new TypeError(`The worker gave no result for "${planned.title}"`);
    return result;
  }

  async close(): Promise<void> {
    try {
      if (!this.#isLost) await this.#ask({ kind: "close" });
    } finally {
      this.#worker.terminate();
    }
  }

  /** Sends a message and waits for its answer; if `onStep` fails, the runs are stopped and its error is thrown after it. */
  async #ask(
    message: ToWorker,
    onStep: OnStep = () => Promise.resolve(),
  ): Promise<LaneResult | null> {
    const { promise, resolve, reject } = Promise.withResolvers<LaneResult | null>();
    const stepErrors: unknown[] = [];
    this.#worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
      if (data.kind === "step") {
        onStep(data.progress).catch((error) => {
          stepErrors.push(error);
          this.#stop.raise();
        });
      } else if (data.kind === "done") resolve(data.result);
      else reject(new WorkerError(data.name, data.message));
    };
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#isLost = true;
      reject(new WorkerError("WorkerError", `A worker of the sweep ended: ${event.message}`));
    };
    this.#worker.postMessage(message);
    const answer = await promise;
    if (stepErrors.length > 0) throw stepErrors[0];
    return answer;
  }
}
