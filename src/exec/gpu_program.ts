/**
 * Programs on WebGPU, which the runtime issues operator by operator.
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
import { fitsBuffer, type GpuMemory } from "./gpu_memory.ts";
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
