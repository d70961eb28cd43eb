/**
 * What the three ONNX runtimes share: they offer the same JavaScript interface, so one executor serves all.
 *
 * @module
 */
import type { InferenceSession, Tensor, TypedTensor } from "onnxruntime-web";
import {
  boundLeaf,
  encodeProgram,
  type ElementType,
  type HostTensor,
  type Program,
} from "../graph/mod.ts";
import {
  type DeviceTensor,
  type Executor,
  ExecutorError,
  type ExecutorKind,
  type LoadOptions,
  type RunRequest,
  type RunResult,
  type Session,
} from "./executor.ts";

/** The part of a runtime's module that is used. */
export interface OnnxRuntime {
  readonly InferenceSession: {
    create(bytes: Uint8Array, options?: InferenceSession.SessionOptions): Promise<InferenceSession>;
  };
  readonly Tensor: new (
    type: "float32" | "int32" | "int64",
    data: Float32Array | Int32Array | BigInt64Array,
    dims: readonly number[],
  ) => Tensor;
}

/** What tells the runtimes apart. */
export interface OnnxRuntimeProfile {
  readonly kind: ExecutorKind;
  readonly name: string;
  readonly threads: number;
  readonly runtime: OnnxRuntime;
  /** Session options, given the outputs that stay on the device. */
  readonly sessionOptions: (resident: readonly string[]) => InferenceSession.SessionOptions;
}

interface OnnxTensor extends DeviceTensor {
  readonly tensor: Tensor;
}

const elementTypes: Readonly<Record<string, ElementType>> = { float32: "f32", int32: "i32", int64: "i64" };

/** An executor on one of the ONNX runtimes. */
export class OnnxExecutor implements Executor {
  readonly kind: ExecutorKind;
  readonly name: string;
  readonly threads: number;
  readonly #profile: OnnxRuntimeProfile;
  busyMillis = 0;

  constructor(profile: OnnxRuntimeProfile) {
    this.kind = profile.kind;
    this.name = profile.name;
    this.threads = profile.threads;
    this.#profile = profile;
  }

  #toTensor(host: HostTensor): Tensor {
    const { Tensor } = this.#profile.runtime;
    if (host.type === "f32") {
      const data = host.data instanceof Float32Array
        ? host.data
        : Float32Array.from(host.data as ArrayLike<number>);
      return new Tensor("float32", data, host.shape);
    }
    if (host.type === "i32") return new Tensor("int32", host.data as Int32Array, host.shape);
    if (host.type === "i64") return new Tensor("int64", host.data as BigInt64Array, host.shape);
    throw new TypeError(`Cannot feed a tensor of type ${host.type}: want f32, i32 or i64`);
  }

  #onDevice(tensor: Tensor): DeviceTensor {
    const wrapped: OnnxTensor = { executor: this.kind, shape: tensor.dims, tensor };
    return wrapped;
  }

  async #toHost(tensor: Tensor): Promise<HostTensor> {
    const data = tensor.location === "cpu" || tensor.location === "cpu-pinned"
      ? tensor.data
      : await tensor.getData();
    const type = elementTypes[tensor.type];
    if (type === undefined) throw new TypeError(`Cannot read a tensor of type ${tensor.type}`);
    return { type, shape: tensor.dims, data: data as HostTensor["data"] };
  }

  async load(program: Program, options: LoadOptions = {}): Promise<Session> {
    const { bytes, boundLeaves } = encodeProgram(program);
    const { runtime, sessionOptions } = this.#profile;
    let session: InferenceSession;
    try {
      session = await runtime.InferenceSession.create(bytes, sessionOptions(options.resident ?? []));
    } catch (cause) {
      throw new ExecutorError(`Cannot load a program on ${this.name}`, cause);
    }
    const run = async (request: RunRequest): Promise<RunResult> => {
      const started = performance.now();
      const feeds: Record<string, Tensor> = {};
      for (const [name, value] of Object.entries(request.feeds)) {
        if (!program.inputs.has(name)) continue;
        feeds[name] = "executor" in value ? (value as OnnxTensor).tensor : this.#toTensor(value);
      }
      for (const [name, node] of boundLeaves) {
        feeds[name] = this.#toTensor(boundLeaf(node, request.dims));
      }
      const { keep = [], read = [] } = request;
      let results: InferenceSession.OnnxValueMapType;
      try {
        results = await session.run(feeds, [...keep, ...read]);
      } catch (cause) {
        throw new ExecutorError(`A run on ${this.name} failed`, cause);
      }
      const kept: Record<string, DeviceTensor> = {};
      for (const name of keep) kept[name] = this.#onDevice(results[name] as TypedTensor<"float32">);
      const values: Record<string, HostTensor> = {};
      for (const name of read) {
        const tensor = results[name] as TypedTensor<"float32">;
        values[name] = await this.#toHost(tensor);
        if (tensor.location !== "cpu" && tensor.location !== "cpu-pinned") tensor.dispose();
      }
      this.busyMillis += performance.now() - started;
      return { kept, read: values };
    };
    return { run, release: () => session.release() };
  }

  upload(host: HostTensor): DeviceTensor {
    return this.#onDevice(this.#toTensor(host));
  }

  read(tensor: DeviceTensor): Promise<HostTensor> {
    return this.#toHost((tensor as OnnxTensor).tensor);
  }

  dispose(tensor: DeviceTensor): void {
    const { tensor: held } = tensor as OnnxTensor;
    if (held.location !== "cpu") held.dispose();
  }
}
