/**
 * The WebGPU executor, through `npm:onnxruntime-web/webgpu`.
 *
 * @module
 */
import { type Executor, ExecutorError } from "./executor.ts";
import { OnnxExecutor } from "./onnx.ts";

/** What a GPU adapter says about itself; the part of `GPUAdapterInfo` that is looked at. */
export interface AdapterFacts {
  readonly vendor: string;
  readonly architecture: string;
  readonly device: string;
  readonly description: string;
  /** Newer browsers and Deno only. */
  readonly isFallbackAdapter?: boolean;
}

/** Whether an adapter computes on the CPU (Mesa's llvmpipe, SwiftShader, Microsoft's WARP). */
export function isSoftwareAdapter(facts: AdapterFacts): boolean {
  const said = `${facts.vendor} ${facts.architecture} ${facts.device} ${facts.description}`;
  return facts.isFallbackAdapter === true ||
    /llvmpipe|lavapipe|softpipe|swiftshader|basic render|\bwarp\b|software/i.test(said);
}

/** An adapter's name as people know it. */
export function adapterName(facts: AdapterFacts): string {
  if (facts.description !== "") return facts.description;
  return [facts.vendor, facts.architecture].filter((word) => word !== "").join(" ") || "unnamed GPU";
}

/** How the WebGPU executor is made. */
export interface WebGpuOptions {
  /** Whether a software GPU will do. Default false. */
  readonly allowSoftware?: boolean;
}

/**
 * The adapter that WebGPU offers here, or null where it offers none.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { findAdapter } from "./webgpu.ts";
 * const adapter = await findAdapter();
 * assert(adapter === null || adapter.limits.maxBufferSize > 0);
 * ```
 */
export async function findAdapter(): Promise<GPUAdapter | null> {
  if (!("gpu" in navigator) || navigator.gpu === undefined) return null;
  return await navigator.gpu.requestAdapter({ powerPreference: "high-performance" });
}

/**
 * Makes the WebGPU executor. Every node runs on the GPU, or loading the program fails.
 *
 * @throws {ExecutorError} If there is no adapter, or only a software one and that is not allowed.
 */
export async function webgpuExecutor(options: WebGpuOptions = {}): Promise<Executor> {
  const adapter = await findAdapter();
  if (adapter === null) {
    throw new ExecutorError("Cannot make a WebGPU executor", "this machine offers no WebGPU adapter");
  }
  const name = adapterName(adapter.info);
  const isSoftware = isSoftwareAdapter(adapter.info);
  if (isSoftware && options.allowSoftware !== true) {
    throw new ExecutorError(
      "Cannot make a WebGPU executor",
      `the only adapter is the software GPU "${name}"`,
    );
  }
  let module: typeof import("onnxruntime-web/webgpu");
  try {
    module = await import("onnxruntime-web/webgpu");
  } catch (cause) {
    throw new ExecutorError("Cannot load onnxruntime-web/webgpu for the WebGPU executor", cause);
  }
  module.env.wasm.numThreads = 1;
  module.env.logLevel = "error";
  const version = module.env.versions.web ?? module.env.versions.common;
  return new OnnxExecutor({
    kind: "webgpu",
    name: `onnxruntime-web ${version} (WebGPU on ${name}${isSoftware ? ", a software GPU" : ""})`,
    threads: 1,
    runtime: module,
    sessionOptions: (resident) => ({
      executionProviders: ["webgpu"],
      preferredOutputLocation: Object.fromEntries(resident.map((output) => [output, "gpu-buffer"])),
      graphOptimizationLevel: "all",
      enableMemPattern: false,
      logSeverityLevel: 3,
      extra: { session: { disable_cpu_ep_fallback: "1" } },
    }),
  });
}
