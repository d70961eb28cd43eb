/**
 * What the three ONNX runtimes share: they offer the same JavaScript interface, so one executor serves all.
 *
 * @module
 */
import type { InferenceSession, Tensor } from "onnxruntime-web";
import {
  add,
  boundLeaf,
  type ElementType,
  encodeProgram,
  type HostTensor,
  input,
  makeProgram,
  type Program,
} from "../graph/mod.ts";
import {
  checkRequest,
  type DeviceTensor,
  type Executor,
  ExecutorError,
  type ExecutorKind,
  isDeviceTensor,
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
  /** Threads that compute; read anew at each use, since a runtime may settle it only when it starts. */
  readonly threads: number;
  readonly runtime: OnnxRuntime;
  /** Session options, given the outputs that stay on the device. */
  readonly sessionOptions: (resident: readonly string[]) => InferenceSession.SessionOptions;
  /** Whether loads and runs may overlap; where not, they wait for one another. */
  readonly overlaps: boolean;
  /** Rewrites a program into one that the device can run. Default: leaves it as it is. */
  readonly lower?: (program: Program) => Program;
  /** Moves a tensor from host memory to the device's. Default: it stays, as the device computes in host memory. */
  readonly toDevice?: (tensor: Tensor) => Tensor;
  /** What the device reported outside any call since this was last asked, or null. */
  readonly takeFault?: () => unknown;
}

interface OnnxTensor extends DeviceTensor {
  readonly tensor: Tensor;
}

const elementTypes: Readonly<Record<string, ElementType>> = {
  float32: "f32",
  int32: "i32",
  int64: "i64",
};

function isOnHost(tensor: Tensor): boolean {
  return tensor.location === "cpu" || tensor.location === "cpu-pinned";
}

function typeOf(tensor: Tensor): ElementType {
  const type = elementTypes[tensor.type];
  if (type === undefined) throw new TypeError(`Cannot read a tensor of type ${tensor.type}`);
  return type;
}

async function toHost(tensor: Tensor): Promise<HostTensor> {
  const type = typeOf(tensor);
  const data = isOnHost(tensor) ? tensor.data : await tensor.getData();
  return { type, shape: tensor.dims, data: data as HostTensor["data"] };
}

/** An executor on one of the ONNX runtimes. */
export class OnnxExecutor implements Executor {
  readonly kind: ExecutorKind;
  readonly name: string;
  busyMillis = 0;
  readonly #profile: OnnxRuntimeProfile;
  readonly #disposed = new WeakSet<DeviceTensor>();
  /** Settles when the last call that must not overlap another has ended. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(profile: OnnxRuntimeProfile) {
    this.kind = profile.kind;
    this.name = profile.name;
    this.#profile = profile;
  }

  get threads(): number {
    return this.#profile.threads;
  }

  #inTurn<T>(task: () => Promise<T>): Promise<T> {
    if (this.#profile.overlaps) return task();
    const result = this.#turn.then(task);
    // The next call waits for the end of this one, whichever it is; the caller of this one is told of a failure.
    this.#turn = result.then(() => {}, () => {});
    return result;
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

  #wrap(tensor: Tensor): DeviceTensor {
    const wrapped: OnnxTensor = {
      executor: this.kind,
      type: typeOf(tensor),
      shape: tensor.dims,
      tensor,
    };
    return wrapped;
  }

  #unwrap(tensor: DeviceTensor): Tensor {
    if (tensor.executor !== this.kind) {
      throw new TypeError(`A tensor of the ${tensor.executor} executor is no use to ${this.kind}`);
    }
    if (this.#disposed.has(tensor)) {
      throw new TypeError(`Cannot use a tensor of shape [${tensor.shape}]: it was disposed of`);
    }
    return (tensor as OnnxTensor).tensor;
  }

  #throwFault(doing: string): void {
    const fault = this.#profile.takeFault?.() ?? null;
    if (fault !== null) throw new ExecutorError(`${doing} on ${this.name} failed`, fault);
  }

  async load(program: Program, options: LoadOptions = {}): Promise<Session> {
    const { runtime, sessionOptions, lower } = this.#profile;
    const resident = options.resident ?? [];
    const { bytes, boundLeaves } = encodeProgram(lower?.(program) ?? program);
    const session = await this.#inTurn(async () => {
      try {
        return await runtime.InferenceSession.create(bytes, sessionOptions(resident));
      } catch (cause) {
        throw new ExecutorError(`Cannot load a program on ${this.name}`, cause);
      }
    });
    let isReleased = false;

    const run = async (request: RunRequest): Promise<RunResult> => {
      checkRequest(this.kind, program, resident, request);
      const feeds: Record<string, Tensor> = {};
      for (const name of program.inputs.keys()) {
        const value = request.feeds[name]!;
        feeds[name] = isDeviceTensor(value) ? this.#unwrap(value) : this.#toTensor(value);
      }
      for (const [name, node] of boundLeaves) {
        feeds[name] = this.#toTensor(boundLeaf(node, request.dims));
      }
      return await this.#inTurn(async () => {
        if (isReleased) {
          throw new ExecutorError(`A run on ${this.name} failed`, "the session was released");
        }
        const started = performance.now();
        try {
          return await this.#runOnce(session, feeds, request);
        } finally {
          this.busyMillis += performance.now() - started;
        }
      });
    };

    const release = () =>
      this.#inTurn(async () => {
        if (isReleased) return;
        isReleased = true;
        await session.release();
      });
    return { run, release };
  }

  async #runOnce(
    session: InferenceSession,
    feeds: Readonly<Record<string, Tensor>>,
    { keep = [], read = [] }: RunRequest,
  ): Promise<RunResult> {
    let results: InferenceSession.OnnxValueMapType | null = null;
    try {
      results = await session.run(feeds, [...new Set([...keep, ...read])]);
      const values: Record<string, HostTensor> = {};
      for (const name of read) values[name] = await toHost(results[name] as Tensor);
      this.#throwFault("A run");
      for (const name of read) if (!keep.includes(name)) free(results[name] as Tensor);
      const kept = keep.map((name) => [name, this.#wrap(results![name] as Tensor)] as const);
      return { kept: Object.fromEntries(kept), read: values };
    } catch (cause) {
      for (const tensor of Object.values(results ?? {})) free(tensor as Tensor);
      if (cause instanceof ExecutorError) throw cause;
      const fault = this.#profile.takeFault?.() ?? null;
      throw new ExecutorError(`A run on ${this.name} failed`, fault ?? cause);
    }
  }

  upload(host: HostTensor): DeviceTensor {
    const { toDevice } = this.#profile;
    if (toDevice) return this.#wrap(toDevice(this.#toTensor(host)));
    return this.#wrap(this.#toTensor({ ...host, data: host.data.slice() }));
  }

  async read(tensor: DeviceTensor): Promise<HostTensor> {
    const held = this.#unwrap(tensor);
    return await this.#inTurn(async () => {
      try {
        const host = await toHost(held);
        this.#throwFault("A read");
        return isOnHost(held) ? { ...host, data: host.data.slice() } : host;
      } catch (cause) {
        if (cause instanceof ExecutorError) throw cause;
        throw new ExecutorError(`A read on ${this.name} failed`, cause);
      }
    });
  }

  dispose(tensor: DeviceTensor): void {
    if (this.#disposed.has(tensor)) return;
    free(this.#unwrap(tensor));
    this.#disposed.add(tensor);
  }
}

/** Frees device memory; host memory is the garbage collector's. */
function free(tensor: Tensor): void {
  if (!isOnHost(tensor) && tensor.location !== "none") tensor.dispose();
}

/**
 * An executor whose runtime has been started and has added two numbers rightly.
 *
 * The runtimes load their libraries with the first session, so that only this tells whether they work here.
 *
 * @throws {ExecutorError} If the runtime does not start.
 */
export async function startOnnxExecutor(profile: OnnxRuntimeProfile): Promise<Executor> {
  const executor = new OnnxExecutor(profile);
  const x = input("x", [2]);
  const session = await executor.load(makeProgram({ y: add(x, x) }));
  try {
    const { read } = await session.run({
      feeds: { x: { type: "f32", shape: [2], data: Float32Array.of(1, -3) } },
      dims: {},
      read: ["y"],
    });
    const found = [...read["y"]!.data];
    if (found[0] !== 2 || found[1] !== -6) {
      throw new ExecutorError(
        `${profile.name} does not compute`,
        `doubling 1 and -3 gave ${found.join(" and ")}`,
      );
    }
  } finally {
    await session.release();
  }
  executor.busyMillis = 0;
  return executor;
}
