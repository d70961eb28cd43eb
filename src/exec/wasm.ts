/**
 * The WebAssembly executor, through `npm:onnxruntime-web`.
 *
 * The package's default entry is used because it is the one that can start threads under Deno; its
 * `/wasm` and `/webgpu` entries start their workers from `blob:` URLs, which fails there.
 *
 * @module
 */
import { type Executor, ExecutorError } from "./executor.ts";
import { startOnnxExecutor } from "./onnx.ts";

/** Set by the first executor of the process: the module can be initialised only once. */
let threadsInUse: number | null = null;

/**
 * Makes the WebAssembly executor.
 *
 * The number of threads is fixed by the first executor of a process, since the runtime initialises its
 * WebAssembly module once.
 *
 * @param threads Threads within an operator; 1 where the platform does not share memory between threads. Default: as
 *   many as `navigator.hardwareConcurrency` says.
 * @param runtime The address of the folder with the package's files. Default: where it looks by itself.
 *
 * @throws {ExecutorError} If the runtime cannot be loaded, or runs with another number of threads already.
 */
export async function wasmExecutor(
  threads: number = navigator.hardwareConcurrency,
  runtime?: string,
): Promise<Executor> {
  if (threadsInUse !== null && threadsInUse !== threads) {
    throw new ExecutorError(
      `Cannot make a WASM executor with ${threads} threads`,
      `this process runs it with ${threadsInUse} already; use that number or another process`,
    );
  }
  let module: typeof import("onnxruntime-web");
  try {
    module = await import("onnxruntime-web");
  } catch (cause) {
    throw new ExecutorError("Cannot load onnxruntime-web for the WASM executor", cause);
  }
  threadsInUse = threads;
  module.env.wasm.numThreads = threads;
  if (runtime !== undefined) module.env.wasm.wasmPaths = runtime;
  module.env.logLevel = "error";
  return await startOnnxExecutor({
    kind: "wasm",
    name: `onnxruntime-web ${module.env.versions.web ?? module.env.versions.common} (WASM)`,
    get threads() {
      return module.env.wasm.numThreads ?? threads;
    },
    overlaps: false,
    runtime: module,
    sessionOptions: () => ({
      executionProviders: ["wasm"],
      executionMode: "sequential",
      graphOptimizationLevel: "all",
      enableMemPattern: false,
      logSeverityLevel: 3,
    }),
  });
}
