/**
 * Programs on WebGPU: run operator by operator, or recorded once for each set of sizes and replayed.
 *
 * @module
 */
import type { InferenceSession, Tensor } from "onnxruntime-web";
import { bindDims } from "../graph/bind_dims.ts";
import { liftConstants } from "../graph/lift_constants.ts";
import {
  boundLeaf,
  type DimBindings,
  encodeProgram,
  type HostTensor,
  type Program,
  shapeSizes,
} from "../graph/mod.ts";
import { fitsBuffer, type GpuMemory } from "./gpu_memory.ts";
import { type Feeds, hostTensor, isOnHost, type LoadedProgram, type OnnxRuntime } from "./onnx.ts";

/** What programs of one device share. */
export interface GpuTools {
  readonly runtime: OnnxRuntime;
  readonly memory: GpuMemory;
  readonly sessionOptions: (
    options: Pick<
      InferenceSession.SessionOptions,
      "enableGraphCapture" | "preferredOutputLocation"
    >,
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

/** The constants of a program on the device. */
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

/** Loads a program whose operators the runtime issues anew in each run; sizes may change from run to run. */
export async function loadIssued(tools: GpuTools, program: Program): Promise<LoadedProgram> {
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

/** A program recorded for one set of sizes, with the buffers that the recording reads. */
interface Recording {
  readonly session: InferenceSession;
  readonly program: Program;
  /** Our buffers of the inputs, without the constants. */
  readonly inputs: ReadonlyMap<string, Tensor>;
  /** The device tensor that an input's buffer was last filled from; device tensors never change. */
  readonly filledFrom: Map<string, Tensor>;
  isRecorded: boolean;
}

/** Counts the copies between buffers that are encoded on a device while a task runs. */
async function countingCopies(device: GPUDevice, task: () => Promise<void>): Promise<number> {
  let copies = 0;
  const create = device.createCommandEncoder.bind(device);
  device.createCommandEncoder = (descriptor) => {
    const encoder = create(descriptor);
    const copy = encoder.copyBufferToBuffer.bind(encoder) as (...all: unknown[]) => void;
    encoder.copyBufferToBuffer = (...all: unknown[]) => {
      copies++;
      copy(...all);
    };
    return encoder;
  };
  try {
    await task();
  } finally {
    device.createCommandEncoder = create;
  }
  return copies;
}

/** A program that is recorded in its first run with each set of sizes and replayed in later ones. */
class RecordedProgram implements LoadedProgram {
  readonly #tools: GpuTools;
  readonly #program: Program;
  readonly #recordings = new Map<string, Promise<Recording>>();
  /** Shared by the recordings of all sizes. */
  #constants: DeviceConstants | null = null;

  constructor(tools: GpuTools, program: Program) {
    this.#tools = tools;
    this.#program = program;
  }

  async #prepare(dims: DimBindings): Promise<Recording> {
    const { runtime, memory, sessionOptions, lower } = this.#tools;
    const { program, lifted } = liftConstants(lower(bindDims(this.#program, dims)));
    for (const [name, { type, shape }] of [...program.inputs, ...program.outputs]) {
      if (!fitsBuffer(type, shape as readonly number[])) {
        throw new TypeError(
          `Cannot record a program with "${name}" of ${type} [${shape}]: want f32 or i32, and not empty ` +
            `(load it without capture)`,
        );
      }
    }
    const { bytes } = encodeProgram(program);
    const session = await runtime.InferenceSession.create(
      bytes,
      sessionOptions({ enableGraphCapture: true, preferredOutputLocation: "gpu-buffer" }),
    );
    this.#constants ??= new DeviceConstants(memory, lifted);
    const inputs = new Map<string, Tensor>();
    for (const [name, { type, shape }] of program.inputs) {
      if (lifted.has(name)) continue;
      inputs.set(name, memory.allocate(type as "f32" | "i32", shape as readonly number[]));
    }
    return { session, program, inputs, filledFrom: new Map(), isRecorded: false };
  }

  #recordingOf(dims: DimBindings): Promise<Recording> {
    const key = JSON.stringify(Object.entries(dims).sort());
    const held = this.#recordings.get(key);
    if (held !== undefined) return held;
    const made = this.#prepare(dims);
    this.#recordings.set(key, made);
    made.catch(() => this.#recordings.delete(key));
    return made;
  }

  async run(
    fed: Feeds,
    dims: DimBindings,
    fetches: readonly string[],
  ): Promise<Record<string, Tensor>> {
    const { memory } = this.#tools;
    const recording = await this.#recordingOf(dims);
    this.#fill(recording, fed);
    const results = await this.#issue(recording);
    // The recording writes the same buffers in every run, so the results are copied out of its way.
    const copies = fetches.map((name) => {
      const { type, shape } = recording.program.outputs.get(name)!;
      return {
        name,
        from: results[name]!,
        to: memory.allocate(type as "f32" | "i32", shape as readonly number[]),
      };
    });
    memory.copy(copies);
    for (const tensor of Object.values(results)) tensor.dispose();
    return Object.fromEntries(copies.map(({ name, to }) => [name, to]));
  }

  #fill({ inputs, filledFrom }: Recording, fed: Feeds): void {
    const { memory } = this.#tools;
    const copies: { from: Tensor; to: Tensor }[] = [];
    for (const [name, to] of inputs) {
      const value = fed[name]!;
      if (isFed(value)) {
        memory.write(to, value);
        filledFrom.delete(name);
      } else if (isOnHost(value)) {
        throw new TypeError(`Cannot replay with input "${name}": its tensor lies on the host`);
      } else if (filledFrom.get(name) !== value) {
        copies.push({ from: value, to });
        filledFrom.set(name, value);
      }
    }
    memory.copy(copies);
  }

  async #issue(recording: Recording): Promise<Record<string, Tensor>> {
    const { session, program, inputs } = recording;
    const feeds = { ...this.#constants!.tensors, ...Object.fromEntries(inputs) };
    let results: Record<string, Tensor> = {};
    const task = async () => {
      results = await session.run(feeds, [...program.outputs.keys()]) as Record<string, Tensor>;
    };
    if (recording.isRecorded) {
      await task();
      return results;
    }
    const copies = await countingCopies(this.#tools.memory.device, task);
    if (copies > 0) {
      for (const tensor of Object.values(results)) tensor.dispose();
      throw new Error(
        `Cannot record the program: the runtime copies between buffers ${copies} times in a run ` +
          `(ScatterElements and the like do), which a replay leaves out; load it without capture`,
      );
    }
    recording.isRecorded = true;
    return results;
  }

  async release(): Promise<void> {
    const all = await Promise.all(this.#recordings.values());
    this.#recordings.clear();
    for (const { session, inputs } of all) {
      await session.release();
      for (const tensor of inputs.values()) tensor.dispose();
    }
    this.#constants?.leave();
    this.#constants = null;
  }
}

/** Loads a program that is recorded and replayed; nothing is sent to the runtime before the first run. */
export function loadRecorded(tools: GpuTools, program: Program): LoadedProgram {
  return new RecordedProgram(tools, program);
}
