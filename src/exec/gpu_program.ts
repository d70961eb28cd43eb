/**
 * Programs on WebGPU, which the runtime issues operator by operator, and their memory.
 *
 * @module
 */
import type { InferenceSession, Tensor } from "onnxruntime-web";
import { liftConstants } from "../graph/rewrite.ts";
import {
  boundLeaf,
  type DimBindings,
  encodeProgram,
  type HostTensor,
  type Program,
  shapeSizes,
} from "../graph/mod.ts";
import { type Feeds, hostTensor, type LoadedProgram, type OnnxRuntime } from "./host_program.ts";

/** What programs of one device share. */
export interface GpuTools {
  readonly runtime: OnnxRuntime;
  readonly memory: GpuMemory;
  readonly sessionOptions: (
    options: Pick<InferenceSession.SessionOptions, "preferredOutputLocation">,
  ) => InferenceSession.SessionOptions;
  /** Rewrites a program into one that the device can run. */
  readonly lower: (program: Program) => Program;
}

function isFed(value: Tensor | HostTensor): value is HostTensor {
  return !("location" in value);
}

/** The outputs that stay on the device until they are asked for. */
function outputLocations(
  program: Program,
): Readonly<Record<string, "gpu-buffer">> {
  return Object.fromEntries(
    [...program.outputs].filter(([, { type }]) => type === "f32" || type === "i32")
      .map(([name]) => [name, "gpu-buffer"] as const),
  );
}

/**
 * Our own tensors for the outputs of a run, or null for those that come back on the host.
 *
 * The runtime's tensors would not do: they cannot be freed once the session that made them has been released.
 */
function outputTensors(
  memory: GpuMemory,
  program: Program,
  dims: DimBindings,
  fetches: readonly string[],
): Readonly<Record<string, Tensor | null>> {
  return Object.fromEntries(fetches.map((name) => {
    const output = program.outputs.get(name)!;
    const [type, shape] = [output.type, shapeSizes(output.shape, dims)];
    const isOurs = (type === "f32" || type === "i32") && fitsBuffer(type, shape);
    return [name, isOurs ? memory.allocate(type, shape) : null];
  }));
}

class DeviceConstants {
  readonly tensors: Readonly<Record<string, Tensor>>;
  readonly #memory: GpuMemory;
  readonly #hosts: readonly HostTensor[];

  constructor(memory: GpuMemory, lifted: ReadonlyMap<string, HostTensor>) {
    this.#memory = memory;
    this.#hosts = [...lifted.values()];
    this.tensors = Object.fromEntries(
      [...lifted].map(([name, host]) => [name, memory.useConstant(host)]),
    );
  }

  leave(): void {
    for (const host of this.#hosts) this.#memory.leaveConstant(host);
  }
}

/** Loads a program; sizes may change from run to run. */
export async function loadGpuProgram(tools: GpuTools, program: Program): Promise<LoadedProgram> {
  const { runtime, memory } = tools;
  const { program: lowered, lifted } = liftConstants(tools.lower(program));
  const { bytes, boundLeaves } = encodeProgram(lowered);
  const session = await runtime.InferenceSession.create(
    bytes,
    tools.sessionOptions({ preferredOutputLocation: outputLocations(program) }),
  );
  const constants = new DeviceConstants(memory, lifted);
  return {
    run: async (fed: Feeds, dims: DimBindings, fetches: readonly string[]) => {
      const ours: Tensor[] = [];
      const feeds: Record<string, Tensor> = { ...constants.tensors };
      const bound = [...boundLeaves].map(([name, node]) => [name, boundLeaf(node, dims)] as const);
      for (const [name, value] of [...Object.entries(fed), ...bound]) {
        if (!isFed(value)) feeds[name] = value;
        else if (!fitsBuffer(value.type, value.shape)) feeds[name] = hostTensor(runtime, value);
        else ours.push(feeds[name] = memory.upload(value));
      }
      const outputs = outputTensors(memory, program, dims, fetches);
      try {
        return await session.run(feeds, outputs) as Record<string, Tensor>;
      } catch (cause) {
        for (const tensor of Object.values(outputs)) tensor?.dispose();
        throw cause;
      } finally {
        for (const tensor of ours) tensor.dispose();
      }
    },
    release: async () => {
      await session.release();
      constants.leave();
    },
  };
}

/** The runtime's module, as far as tensors on a GPU go. */
type GpuTensorFactory = Pick<typeof import("onnxruntime-web/webgpu"), "Tensor">;

type GpuType = "f32" | "i32";

const runtimeTypes = { f32: "float32", i32: "int32" } as const;
/** Bytes of a number of either type. */
const elementBytes = 4;

/** Bytes of free buffers that are held for reuse. */
const mostFreeBytes = 2 ** 28;

/** Buffers are whole multiples of this, so that any of them can be bound and copied. */
const granuleBytes = 16;

function countOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** Whether tensors of a type and shape can lie in a buffer; others, and empty ones, stay on the host. */
export function fitsBuffer(type: string, shape: readonly number[]): type is GpuType {
  return Object.hasOwn(runtimeTypes, type) && countOf(shape) > 0;
}

/** The numbers of a host tensor as the device stores them. */
function storedAs(type: GpuType, { data }: HostTensor): Float32Array | Int32Array {
  const numbers = data as ArrayLike<number>;
  if (type === "i32") return data as Int32Array;
  return data instanceof Float32Array ? data : Float32Array.from(numbers);
}

/** A device's buffers. */
export class GpuMemory {
  readonly device: GPUDevice;
  readonly #factory: GpuTensorFactory;
  readonly #free = new Map<number, GPUBuffer[]>();
  #freeBytes = 0;
  /** Constants by their host numbers, with how many programs use them. */
  readonly #constants = new Map<HostTensor["data"], { readonly tensor: Tensor; uses: number }>();

  constructor(device: GPUDevice, factory: GpuTensorFactory) {
    this.device = device;
    this.#factory = factory;
  }

  #take(sizeBytes: number): GPUBuffer {
    const size = Math.ceil(sizeBytes / granuleBytes) * granuleBytes;
    const held = this.#free.get(size)?.pop();
    if (held !== undefined) {
      this.#freeBytes -= size;
      return held;
    }
    return this.device.createBuffer({
      size,
      usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST,
    });
  }

  /** What was queued with a buffer comes before what is queued with it later, so it can be reused at once. */
  #give(buffer: GPUBuffer): void {
    if (this.#freeBytes + buffer.size > mostFreeBytes) {
      buffer.destroy();
      return;
    }
    this.#freeBytes += buffer.size;
    const held = this.#free.get(buffer.size);
    if (held === undefined) this.#free.set(buffer.size, [buffer]);
    else held.push(buffer);
  }

  /** A tensor with a buffer of its own, whose numbers are not yet anything; disposing of it frees the buffer. */
  allocate(type: GpuType, shape: readonly number[]): Tensor {
    const buffer = this.#take(countOf(shape) * elementBytes);
    return this.#factory.Tensor.fromGpuBuffer(buffer, {
      dataType: runtimeTypes[type],
      dims: shape,
      dispose: () => this.#give(buffer),
    });
  }

  /** A tensor with a copy of a host tensor's numbers, which must fit a buffer. */
  upload(host: HostTensor): Tensor {
    const type = host.type as GpuType;
    const tensor = this.allocate(type, host.shape);
    this.device.queue.writeBuffer(
      tensor.gpuBuffer as GPUBuffer,
      0,
      storedAs(type, host) as BufferSource,
    );
    return tensor;
  }

  /** Reads float and int32 tensors of the device back, all in one go. */
  async read(tensors: readonly Tensor[]): Promise<readonly (Float32Array | Int32Array)[]> {
    const sizes = tensors.map(({ dims }) => elementBytes * countOf(dims));
    const starts: number[] = [];
    let total = 0;
    for (const size of sizes) {
      starts.push(total);
      total += Math.ceil(size / granuleBytes) * granuleBytes;
    }
    const staging = this.device.createBuffer({
      size: total,
      usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ,
    });
    try {
      const encoder = this.device.createCommandEncoder();
      tensors.forEach((tensor, i) =>
        encoder.copyBufferToBuffer(
          tensor.gpuBuffer as GPUBuffer,
          0,
          staging,
          starts[i]!,
          sizes[i]!,
        )
      );
      this.device.queue.submit([encoder.finish()]);
      await staging.mapAsync(GPUMapMode.READ);
      const mapped = staging.getMappedRange();
      return tensors.map(({ type }, i) => {
        const bytes = mapped.slice(starts[i]!, starts[i]! + sizes[i]!);
        return type === "int32" ? new Int32Array(bytes) : new Float32Array(bytes);
      });
    } finally {
      staging.destroy();
    }
  }

  /** The tensor of a constant, uploaded by the first program that uses it. */
  useConstant(host: HostTensor): Tensor {
    const held = this.#constants.get(host.data);
    if (held !== undefined) {
      held.uses++;
      return held.tensor;
    }
    const tensor = this.upload(host);
    this.#constants.set(host.data, { tensor, uses: 1 });
    return tensor;
  }

  /** Says that a program needs a constant no more; the last one frees it. */
  leaveConstant(host: HostTensor): void {
    const held = this.#constants.get(host.data);
    if (held === undefined || --held.uses > 0) return;
    this.#constants.delete(host.data);
    held.tensor.dispose();
  }
}
