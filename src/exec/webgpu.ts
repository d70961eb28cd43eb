/**
 * The WebGPU executor, through `npm:onnxruntime-web/webgpu`.
 *
 * @module
 */
import type { Tensor } from "onnxruntime-web";
import { lowerWideMovement } from "../graph/lower.ts";
import { type Executor, ExecutorError } from "./executor.ts";
import { startOnnxExecutor } from "./onnx.ts";

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
  return [facts.vendor, facts.architecture].filter((word) => word !== "").join(" ") ||
    "unnamed GPU";
}

/** The adapter that WebGPU offers here, or null where it offers none. */
export async function findAdapter(): Promise<GPUAdapter | null> {
  const gpu: GPU | undefined = navigator.gpu;
  return await gpu?.requestAdapter({ powerPreference: "high-performance" }) ?? null;
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
 * Storage buffers of a shader stage. Left at what every WebGPU device grants, so that a program is lowered in
 * the same way, and runs the same operators, on all of them.
 */
const storageBuffers = 8;

async function requestDevice(adapter: GPUAdapter): Promise<GPUDevice> {
  return await adapter.requestDevice({
    requiredFeatures: (["subgroups", "shader-f16"] as GPUFeatureName[])
      .filter((feature) => adapter.features.has(feature)),
    requiredLimits: Object.fromEntries(raisedLimits.map((name) => [name, adapter.limits[name]])),
  });
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

/** Reads a buffer's first `sizeBytes` back through a staging buffer. */
async function download(device: GPUDevice, buffer: GPUBuffer, sizeBytes: number) {
  const staging = device.createBuffer({
    size: buffer.size,
    usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ,
  });
  try {
    const encoder = device.createCommandEncoder();
    encoder.copyBufferToBuffer(buffer, 0, staging, 0, buffer.size);
    device.queue.submit([encoder.finish()]);
    await staging.mapAsync(GPUMapMode.READ);
    return staging.getMappedRange().slice(0, sizeBytes);
  } finally {
    staging.destroy();
  }
}

type Runtime = typeof import("onnxruntime-web/webgpu");

/** Copies a float or int32 tensor to a buffer of the device; others, and empty ones, stay on the host. */
function toDevice({ Tensor: Factory }: Runtime, device: GPUDevice, tensor: Tensor): Tensor {
  const { data, dims } = tensor;
  const isFloat = data instanceof Float32Array;
  if (tensor.size === 0 || !(isFloat || data instanceof Int32Array)) return tensor;
  const buffer = device.createBuffer({
    size: Math.ceil(data.byteLength / 16) * 16,
    usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST,
  });
  device.queue.writeBuffer(buffer, 0, data as BufferSource);
  const dispose = () => buffer.destroy();
  const bytes = () => download(device, buffer, data.byteLength);
  return isFloat
    ? Factory.fromGpuBuffer(buffer, {
      dataType: "float32",
      dims,
      dispose,
      download: async () => new Float32Array(await bytes()),
    })
    : Factory.fromGpuBuffer(buffer, {
      dataType: "int32",
      dims,
      dispose,
      download: async () => new Int32Array(await bytes()),
    });
}

/** How the WebGPU executor is made. */
export interface WebGpuOptions {
  /** Whether a software GPU will do. Default false. */
  readonly allowSoftware?: boolean;
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
    device = await requestDevice(adapter);
    module = await import("onnxruntime-web/webgpu");
  } catch (cause) {
    throw new ExecutorError(`${attempt} on ${name}`, cause);
  }
  module.env.wasm.numThreads = 1;
  module.env.logLevel = "error";

  const takeFault = watchDevice(device);
  const version = module.env.versions.web ?? module.env.versions.common;
  return await startOnnxExecutor({
    kind: "webgpu",
    name: `onnxruntime-web ${version} (WebGPU on ${name}${isSoftware ? ", a software GPU" : ""})`,
    threads: 1,
    overlaps: false,
    runtime: module,
    lower: (program) => lowerWideMovement(program, storageBuffers - 1),
    toDevice: (tensor) => toDevice(module, device, tensor),
    takeFault,
    sessionOptions: (resident) => ({
      executionProviders: [{ name: "webgpu", device }],
      preferredOutputLocation: Object.fromEntries(resident.map((output) => [output, "gpu-buffer"])),
      graphOptimizationLevel: "all",
      enableMemPattern: false,
      logSeverityLevel: 3,
      extra: { session: { disable_cpu_ep_fallback: "1" } },
    }),
  });
}
