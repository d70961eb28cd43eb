/**
 * The native CPU executor, through `npm:onnxruntime-node`.
 *
 * @module
 */
import { type Executor, ExecutorError } from "./executor.ts";
import type { OnnxRuntime } from "./host_program.ts";
import { type OnnxRuntimeProfile, startOnnxExecutor } from "./onnx.ts";
import { remoteExecutor } from "./remote.ts";

/** Opens a port to a thread that serves the runtime, see `serve.ts`; null where this thread loads it itself. */
let openPort: (() => Promise<MessagePort>) | null = null;

/** Has all native executors of this thread that are made from now on compute in another one. */
export function computeElsewhere(open: () => Promise<MessagePort>): void {
  openPort = open;
}

/**
 * Loads the runtime's library.
 *
 * @throws {ExecutorError} If it cannot be loaded.
 */
export async function nativeProfile(threads: number): Promise<OnnxRuntimeProfile> {
  let module: typeof import("onnxruntime-node");
  try {
    module = await import("onnxruntime-node");
  } catch (cause) {
    throw new ExecutorError("Cannot load onnxruntime-node for the native executor", cause);
  }
  return {
    kind: "cpu",
    name: `onnxruntime-node ${module.env.versions.common ?? ""}`.trim(),
    threads,
    overlaps: true,
    sharesConstants: true,
    runtime: module as unknown as OnnxRuntime,
    sessionOptions: () => ({
      executionProviders: ["cpu"],
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      executionMode: "sequential",
      graphOptimizationLevel: "all",
      enableMemPattern: false,
      logSeverityLevel: 3,
      // Programs hold equal constants once already, so the runtime's search for them only takes time.
      extra: { optimization: { disable_specified_optimizers: "ConstantSharing" } },
    }),
  };
}

/**
 * Makes the native executor.
 *
 * @param threads Threads within an operator. Default: as many as `navigator.hardwareConcurrency` says.
 *
 * @throws {ExecutorError} If the runtime's library cannot be loaded.
 */
export async function nativeExecutor(
  threads: number = navigator.hardwareConcurrency,
): Promise<Executor> {
  if (openPort !== null) return await remoteExecutor(await openPort(), threads);
  return await startOnnxExecutor(await nativeProfile(threads));
}
