/**
 * How the cores of a machine are shared among runs that are made side by side.
 *
 * @module
 */
import type { ExecutorKind } from "../../exec/executor.ts";

/** Runs at a time, and threads of each. */
export interface Share {
  readonly jobs: number;
  readonly threads: number;
}

/** What the share depends on. */
export interface ShareRequest {
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
 * Runs at a time unless a sweep is told otherwise: on the native CPU one a core, at most 8; elsewhere one.
 *
 * A step of a small encoder is a thousand small operators, at each of which the threads of a run wait for one another,
 * while runs never do. `bench/scale_bench.ts` measures how much that is; its figures stand in `bench/README.md`.
 * A GPU is one device, WebAssembly starts threads of its own, and the reference interpreter is for tests.
 */
export function defaultJobs(cores: number, executor: ExecutorKind): number {
  return executor === "cpu" ? Math.max(1, Math.min(cores, mostJobs)) : 1;
}

/**
 * Shares the cores out; jobs times threads is at most the cores unless both are asked for, or more jobs than cores.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { shareCores } from "./share_cores.ts";
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
