/**
 * The WebGPU executor, through `npm:onnxruntime-web/webgpu`.
 *
 * @module
 */
import { lowerScatters, lowerWideMovement } from "../graph/lower.ts";
import type { Program } from "../graph/mod.ts";
import { type Executor, ExecutorError } from "./executor.ts";
import { fitsBuffer, GpuMemory, type GpuTools, loadGpuProgram } from "./gpu_program.ts";
import { hostTensor, type OnnxRuntime } from "./host_program.ts";
import { startOnnxExecutor } from "./onnx.ts";

/** What a GPU adapter says about itself; the part of `GPUAdapterInfo` that is looked at. */
interface AdapterFacts {
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
  return [facts.vendor, facts.architecture].filter((word) => word !== "").join(" ") ||
    "unnamed GPU";
}

/** Deno where it is the host; a browser has none. */
const { Deno: host } = globalThis as { readonly Deno?: typeof Deno };

/** A folder that drivers of Linux look for; they complain on standard error where it is none. */
const runtimeFolder = "XDG_RUNTIME_DIR";

/** Does something while drivers find a runtime folder, if the environment may be read and set; it is as before afterwards. */
async function withRuntimeFolder<T>(work: () => Promise<T>): Promise<T> {
  const permission = host?.permissions.querySync({ name: "env", variable: runtimeFolder });
  const env = permission?.state === "granted" ? host?.env : undefined;
  const before = env?.get(runtimeFolder);
  if (before?.startsWith("/")) return await work();
  env?.set(runtimeFolder, "/");
  try {
    return await work();
  } finally {
    if (before === undefined) env?.delete(runtimeFolder);
    else env?.set(runtimeFolder, before);
  }
}

/** The adapter that WebGPU offers here, or null where it offers none. */
export async function findAdapter(): Promise<GPUAdapter | null> {
  const gpu: GPU | undefined = navigator.gpu;
  if (gpu === undefined) return null;
  return await withRuntimeFolder(() => gpu.requestAdapter({ powerPreference: "high-performance" }));
}

/** Limits that are raised to what the adapter grants: sizes of buffers and of workgroups. */
const raisedLimits = [
  "maxBufferSize",
  "maxStorageBufferBindingSize",
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupSizeX",
  "maxComputeWorkgroupSizeY",
  "maxComputeWorkgroupSizeZ",
  "maxComputeWorkgroupsPerDimension",
] as const;

/**
 * Storage buffers that a shader binds. Left at what every WebGPU device grants, so that a program is lowered in
 * the same way, and runs the same operators, on all of them.
 */
const storageBuffers = 8;

/** Runs that are queued before anything of them is read, see `Executor.runsAhead`. */
const runsAhead = 16;

/**
 * The adapters of devices, held as long as these: Deno 2.9 ends the process when the runtime asks a device about an
 * adapter that has been collected.
 */
const adapters = new WeakMap<GPUDevice, GPUAdapter>();

/**
 * A device with all that the adapter grants of sizes and of the features that the runtime makes use of.
 *
 * @param more Further features, taken where the adapter has them. Default none.
 */
export async function requestDevice(
  adapter: GPUAdapter,
  more: readonly GPUFeatureName[] = [],
): Promise<GPUDevice> {
  const device = await adapter.requestDevice({
    requiredFeatures: (["subgroups", "shader-f16", ...more] as GPUFeatureName[])
      .filter((feature) => adapter.features.has(feature)),
    requiredLimits: Object.fromEntries(raisedLimits.map((name) => [name, adapter.limits[name]])),
  });
  adapters.set(device, adapter);
  return device;
}

/**
 * Notes what a device reports outside any call.
 *
 * @returns A function that tells the first report since it was last asked, or null; the loss of the device it tells
 *   every time.
 */
export function watchDevice(device: GPUDevice): () => Error | null {
  let fault: Error | null = null;
  let loss: Error | null = null;
  device.addEventListener("uncapturederror", (event) => {
    event.preventDefault();
    const { error } = event as GPUUncapturedErrorEvent;
    const kind = error instanceof GPUOutOfMemoryError ? "out of memory: " : "";
    fault ??= new Error(`the GPU reported an error: ${kind}${error.message}`);
  });
  device.lost.then(({ reason, message }) => {
    loss = new Error(`the GPU device was lost (${reason}): ${message}`);
  });
  return () => {
    const taken = loss ?? fault;
    fault = null;
    return taken;
  };
}

type Runtime = typeof import("onnxruntime-web/webgpu");

interface WebGpuOptions {
  /** Whether a software GPU will do. Default false. */
  readonly allowSoftware?: boolean;
  /** The device to use, of the adapter that {@linkcode findAdapter} finds. Default: a new one. */
  readonly device?: GPUDevice;
  /** The address of the folder with the package's files. Default: where it looks by itself. */
  readonly runtime?: string;
}

/**
 * Makes the WebGPU executor. Every node runs on the GPU, or loading the program fails.
 *
 * @throws {ExecutorError} If there is no adapter, or only a software one and that is not allowed.
 */
export async function webgpuExecutor(options: WebGpuOptions = {}): Promise<Executor> {
  const attempt = "Cannot make a WebGPU executor";
  const adapter = await findAdapter();
  if (adapter === null) throw new ExecutorError(attempt, "this machine offers no WebGPU adapter");
  const name = adapterName(adapter.info);
  const isSoftware = isSoftwareAdapter(adapter.info);
  if (isSoftware && options.allowSoftware !== true) {
    throw new ExecutorError(attempt, `the only adapter is the software GPU "${name}"`);
  }
  let device: GPUDevice;
  let module: Runtime;
  try {
    device = options.device ?? await requestDevice(adapter);
    module = await import("onnxruntime-web/webgpu");
  } catch (cause) {
    throw new ExecutorError(`${attempt} on ${name}`, cause);
  }
  module.env.wasm.numThreads = 1;
  if (options.runtime !== undefined) module.env.wasm.wasmPaths = options.runtime;
  module.env.logLevel = "error";

  const version = module.env.versions.web ?? module.env.versions.common;
  const runtime = module as unknown as OnnxRuntime;
  const memory = new GpuMemory(device, module);
  const tools: GpuTools = {
    runtime,
    memory,
    sessionOptions: (own) => ({
      executionProviders: [{ name: "webgpu", device }],
      graphOptimizationLevel: "all",
      enableMemPattern: false,
      logSeverityLevel: 3,
      extra: { session: { disable_cpu_ep_fallback: "1" } },
      ...own,
    }),
    lower: lowered,
  };
  return await startOnnxExecutor({
    kind: "webgpu",
    name: `onnxruntime-web ${version} (WebGPU on ${name}${isSoftware ? ", a software GPU" : ""})`,
    threads: 1,
    overlaps: false,
    runsAhead,
    runtime,
    sessionOptions: () => tools.sessionOptions({}),
    takeFault: watchDevice(device),
    device: {
      load: (program) => loadGpuProgram(tools, program),
      upload: (host) =>
        fitsBuffer(host.type, host.shape) ? memory.upload(host) : hostTensor(runtime, {
          ...host,
          data: host.data.slice(),
        }),
      read: (tensors) => memory.read(tensors),
    },
  });
}

function lowered(program: Program): Program {
  return lowerWideMovement(lowerScatters(program), storageBuffers - 1);
}
