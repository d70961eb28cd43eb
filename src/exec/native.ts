/**
 * The native CPU executor, through `npm:onnxruntime-node`.
 *
 * @module
 */
import type { Executor } from "./executor.ts";
import { OnnxExecutor, type OnnxRuntime } from "./onnx.ts";

/**
 * Makes the native executor.
 *
 * @param threads Threads within an operator. Default: as many as `navigator.hardwareConcurrency` says.
 */
export async function nativeExecutor(
  threads: number = navigator.hardwareConcurrency,
): Promise<Executor> {
  const module = await import("onnxruntime-node");
  return new OnnxExecutor({
    kind: "cpu",
    name: `onnxruntime-node ${module.env.versions.common ?? ""}`.trim(),
    threads,
    runtime: module as unknown as OnnxRuntime,
    sessionOptions: () => ({
      executionProviders: ["cpu"],
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      executionMode: "sequential",
      graphOptimizationLevel: "all",
      enableMemPattern: false,
      logSeverityLevel: 3,
    }),
  });
}
