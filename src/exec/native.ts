/**
 * The native CPU executor, through `npm:onnxruntime-node`.
 *
 * @module
 */
import { type Executor, ExecutorError } from "./executor.ts";
import type { OnnxRuntime } from "./host_program.ts";
import { startOnnxExecutor } from "./onnx.ts";

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
  let module: typeof import("onnxruntime-node");
  try {
    module = await import("onnxruntime-node");
  } catch (cause) {
    throw new ExecutorError("Cannot load onnxruntime-node for the native executor", cause);
  }
  return await startOnnxExecutor({
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
  });
}
