/** The executors that tests run on, made once a thread, before its tests start. */
import type { Executor, ExecutorKind } from "../../src/exec/executor.ts";
import { nativeExecutor } from "../../src/exec/native.ts";
import { ReferenceExecutor } from "../../src/exec/reference.ts";
import { remoteExecutor } from "../../src/exec/remote.ts";
import { serveExecutor } from "../../src/exec/serve.ts";
import { wasmExecutor } from "../../src/exec/wasm.ts";
import { findAdapter, webgpuExecutor } from "../../src/exec/webgpu.ts";
import { inGpuTurn } from "./gpu_turn.ts";

/** An executor under test; a device that the machine lacks has no executor, and the reason is part of the test's name. */
export interface Subject {
  readonly kind: ExecutorKind | "cpu through a port";
  readonly executor: Executor | null;
  readonly missing: string;
}

function present(executor: Executor): Subject {
  return { kind: executor.kind, executor, missing: "" };
}

/** The executors of this thread, by the number of threads of those that have them. */
const made = new Map<number, Promise<readonly Subject[]>>();

/** The native executor through a port, as it is where the runtime is in another thread; outputs of one or two numbers cross. */
export async function remoteSubject(threads: number): Promise<Subject> {
  const { port1, port2 } = new MessageChannel();
  serveExecutor(port2, 2);
  return { ...present(await remoteExecutor(port1, threads)), kind: "cpu through a port" };
}

/**
 * All four executors; only WebGPU may be missing.
 *
 * @param threads Threads of those that have them. Default 1: threads that wait for work that is this small take a core each.
 */
export function subjects(threads = 1): Promise<readonly Subject[]> {
  const all = made.get(threads) ?? makeSubjects(threads);
  made.set(threads, all);
  return all;
}

async function makeSubjects(threads: number): Promise<readonly Subject[]> {
  const webgpu: Subject = await findAdapter() === null
    ? { kind: "webgpu", executor: null, missing: " (this machine offers no WebGPU adapter)" }
    : present(await webgpuExecutor({ allowSoftware: true }));
  return [
    present(new ReferenceExecutor()),
    present(await nativeExecutor(threads)),
    present(await wasmExecutor(threads)),
    webgpu,
  ];
}

/** Registers a test for each executor; it is ignored exactly where the machine lacks the device. */
export function testEach(
  all: readonly Subject[],
  name: string,
  check: (executor: Executor) => Promise<void>,
): void {
  for (const { kind, executor, missing } of all) {
    Deno.test({
      name: `${kind}: ${name}${missing}`,
      ignore: executor === null,
      fn: () => kind === "webgpu" ? inGpuTurn(() => check(executor!)) : check(executor!),
    });
  }
}
