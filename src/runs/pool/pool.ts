/**
 * The workers of a command: on one device, with the cores shared out among them, and open until all its work is done.
 *
 * @module
 */
import type { Choice } from "../../exec/choice.ts";
import { chooseExecutor } from "../../exec/choose.ts";
import type { LeaseSettings } from "../../record/leases.ts";
import type { Environment } from "../../record/provenance.ts";
import type { Followed, StopFlag, Tell } from "../events.ts";
import { loadedHashes } from "../method_modules.ts";
import { customNamesOf, type PlannedRun, type StudyPlan } from "../plan/planned_run.ts";
import { LocalWorker, type RunWorker, ThreadWorker } from "./workers.ts";
import type { ExecutorKind } from "../../exec/executor.ts";

/** Where runs are made, and how many at a time. */
export interface PoolOptions {
  /** `auto`, `webgpu`, `cpu`, `wasm` or `reference`. Default, and null: `auto`, or that of the records where runs have some. */
  readonly device?: string | null;
  /** Runs at a time. Default, and null: as many as suit the device. */
  readonly jobs?: number | null;
  /** Threads of each run. Default, and null: an equal part of the cores; for `verify` as many as each record says. */
  readonly threads?: number | null;
  /**
   * Seconds after which a run is taken over whose process gave no sign of life; more than the file system takes to show what other
   * hosts write. Default, and null: 30.
   */
  readonly leaseTimeout?: number | null;
  /** Milliseconds from one checkpoint of a run to the next. Default: 20,000, or more where checkpoints take long. */
  readonly checkpointMillis?: number;
}

/** Runs that are made in one folder. */
export interface PoolWork {
  /** What the work is, for instance `Tiny: 8 runs`. */
  readonly title: string;
  readonly plan: StudyPlan;
  readonly results: string;
  /** Runs of the whole study, which decide how many threads a run has. */
  readonly studyRuns: number;
}

interface Opening extends PoolWork {
  /** What is to be trained or ablated; there are no more workers than that. */
  readonly due: readonly PlannedRun[];
  readonly environment: Environment;
}

/** The kind of a run: those of a kind share their programs. */
export function kindOf({ run: { task, method, options, budget } }: PlannedRun): string {
  return JSON.stringify([task, method, options, budget]);
}

/** Workers that are opened with the first work, and kept for what follows, with the programs and models that they have loaded. */
export class Pool {
  readonly stop: StopFlag;
  readonly emit: Tell;
  /** How the runs that it makes are leased. */
  readonly leases: LeaseSettings;
  readonly #options: PoolOptions;
  readonly #open: (opening: Opening, pool: Pool) => Promise<readonly RunWorker[]>;
  #choice: Promise<Choice> | null = null;
  #workers: readonly RunWorker[] = [];
  /** What the open workers were opened for. */
  #key = "";
  #jobCount = 0;

  /** @param open Opens workers; as many as runs are due at most. Default: this thread for one run at a time, else a thread each. */
  constructor(
    options: PoolOptions,
    { stop, emit }: Followed,
    open: (opening: Opening, pool: Pool) => Promise<readonly RunWorker[]> = openWorkers,
  ) {
    const { leaseTimeout = null } = options;
    this.stop = stop;
    this.emit = emit;
    this.leases = leaseTimeout === null ? {} : { times: { timeoutMillis: 1_000 * leaseTimeout } };
    this.#options = options;
    this.#open = open;
  }

  get options(): PoolOptions {
    return this.#options;
  }

  /** The device that it computes on. */
  device(): Promise<Choice> {
    const { device, threads = null } = this.#options;
    return this.#choice ??= chooseExecutor(device ?? "auto", threads === null ? {} : { threads });
  }

  /**
   * Workers for some work: those of the work before, or new ones where that was in another folder, where more runs than then share
   * the cores, which decides their threads, or where there were fewer for want of runs.
   */
  async workersFor(opening: Opening): Promise<readonly RunWorker[]> {
    const { results, studyRuns, due: { length } } = opening;
    const key = JSON.stringify([results, Math.min(studyRuns, navigator.hardwareConcurrency)]);
    const wereFew = this.#workers.length >= this.#jobCount;
    if (key !== this.#key || this.#workers.length === 0 || wereFew && length > this.#jobCount) {
      await this[Symbol.asyncDispose]();
      this.#workers = await this.#open(opening, this);
      this.#key = key;
      this.#jobCount = length;
    }
    return this.#workers.slice(0, length);
  }

  /** Closes the workers; nothing may be under way. */
  async [Symbol.asyncDispose](): Promise<void> {
    const workers = this.#workers;
    this.#workers = [];
    for (const worker of workers) await worker.close();
  }
}

async function openWorkers(opening: Opening, pool: Pool): Promise<readonly RunWorker[]> {
  const { title, due, plan: { inputs }, results, environment } = opening;
  const { executor, description } = await pool.device();
  const { checkpointMillis } = pool.options;
  const { jobs, threads } = shareCores({
    cores: navigator.hardwareConcurrency,
    executor: executor.kind,
    runs: opening.studyRuns,
    jobs: pool.options.jobs ?? null,
    threads: pool.options.threads ?? null,
  });
  const workers = jobs === 1 ? 1 : Math.min(jobs, due.length);
  const { name } = executor;
  await pool.emit({ kind: "device", work: title, name, description, jobs: workers, threads });
  if (jobs > 1) return await openThreads(opening, pool, { jobs: workers, threads });
  const context = { executor, inputs, environment, results, jobs, checkpointMillis };
  return [new LocalWorker(context, pool.stop)];
}

async function openThreads(
  { plan: { study, runs, inputs }, due, results, environment }: Opening,
  pool: Pool,
  { jobs, threads }: Share,
): Promise<readonly RunWorker[]> {
  const custom = customNamesOf(runs);
  await inputs.encodeFor(due.map(({ run }) => run));
  const start = {
    executor: (await pool.device()).executor.kind,
    threads,
    study,
    custom,
    trust: loadedHashes(custom),
    folders: inputs.folders,
    models: inputs.shareModels(),
    data: inputs.shareData(),
    stop: pool.stop.memory,
    context: { environment, results, jobs, checkpointMillis: pool.options.checkpointMillis },
  };
  const opened = await Promise.allSettled(
    Array.from({ length: jobs }, () => ThreadWorker.open(start)),
  );
  const workers = opened.flatMap((worker) => worker.status === "fulfilled" ? [worker.value] : []);
  const failed = opened.find((worker) => worker.status === "rejected");
  if (failed === undefined) return workers;
  for (const worker of workers) await worker.close();
  throw failed.reason;
}

interface Share {
  readonly jobs: number;
  readonly threads: number;
}

interface ShareRequest {
  readonly cores: number;
  readonly executor: ExecutorKind;
  /** Runs of the plan, finished ones included: a sweep that goes on must compute with as many threads as before. */
  readonly runs: number;
  /** As asked for, or null for {@linkcode defaultJobs}, fewer if there are fewer runs or each takes more threads. */
  readonly jobs: number | null;
  /** As asked for, or null for an equal part of the cores. */
  readonly threads: number | null;
}

/** Each job holds programs of its own, and with them a copy of the frozen weights in the runtime's memory. */
const mostJobs = 8;

/**
 * Runs at a time unless a sweep is given another number: on the native CPU one a core, at most 8; elsewhere one.
 *
 * A step of a small encoder is a thousand small operators, at each of which the threads of a run wait for one another,
 * while runs never do. `bench/scale_bench.ts` measures how much that is; its figures stand in `bench/README.md`.
 * A GPU is one device, WebAssembly starts threads of its own, and the reference interpreter is for tests.
 */
function defaultJobs(cores: number, executor: ExecutorKind): number {
  return executor === "cpu" ? Math.max(1, Math.min(cores, mostJobs)) : 1;
}

/**
 * Shares the cores out; jobs times threads is at most the cores unless both are asked for, or more jobs than cores.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { shareCores } from "./pool.ts";
 * const request = { cores: 8, executor: "cpu", runs: 60, jobs: null, threads: null } as const;
 * assertEquals(shareCores({ ...request, jobs: 3 }), { jobs: 3, threads: 2 });
 * assertEquals(shareCores({ ...request, threads: 4 }), { jobs: 2, threads: 4 });
 * ```
 */
export function shareCores({ cores, executor, runs, jobs, threads }: ShareRequest): Share {
  const perRun = (jobs: number) => threads ?? Math.max(1, Math.floor(cores / jobs));
  if (jobs !== null) return { jobs, threads: perRun(jobs) };
  const room = threads === null ? cores : Math.max(1, Math.floor(cores / threads));
  const chosen = Math.max(1, Math.min(defaultJobs(cores, executor), room, runs));
  return { jobs: chosen, threads: perRun(chosen) };
}
