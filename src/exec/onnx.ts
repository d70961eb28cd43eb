/**
 * What the three ONNX runtimes share: they offer the same JavaScript interface, so one executor serves all.
 *
 * @module
 */
import type { InferenceSession, Tensor } from "onnxruntime-web";
import {
  add,
  boundLeaf,
  type DimBindings,
  type ElementType,
  type EncodedProgram,
  encodeProgram,
  type HostTensor,
  input,
  makeProgram,
  type Program,
  sameShape,
  type Shape,
  shapeSizes,
} from "../graph/mod.ts";
import { liftConstants } from "../graph/lift_constants.ts";
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

/** What a loaded program is fed by name: numbers of the host, or tensors of the device. */
export type Feeds = Readonly<Record<string, HostTensor | Tensor>>;

/** A program as one of the runtimes holds it. */
export interface LoadedProgram {
  /** Runs once and returns the outputs asked for, which are the caller's to free. */
  run(feeds: Feeds, dims: DimBindings, fetches: readonly string[]): Promise<Record<string, Tensor>>;
  release(): Promise<void>;
}

/** What tells the runtimes apart. */
export interface OnnxRuntimeProfile {
  readonly kind: ExecutorKind;
  readonly name: string;
  /** Threads that compute; read anew at each use, since a runtime may settle it only when it starts. */
  readonly threads: number;
  readonly runtime: OnnxRuntime;
  readonly sessionOptions: () => InferenceSession.SessionOptions;
  /** Whether loads and runs may overlap; where not, they wait for one another. */
  readonly overlaps: boolean;
  /** Runs to start before reading, see {@linkcode Executor.runsAhead}. Default 1. */
  readonly runsAhead?: number;
  /**
   * Whether large constants are fed to each run, so that the programs of an encoder use one copy of its weights; pays where
   * feeding copies nothing. Default false: they are part of the program.
   */
  readonly sharesConstants?: boolean;
  /** How a device with memory of its own does things. Default: it computes in host memory. */
  readonly device?: DeviceProfile;
  /** What the device reported outside any call since this was last asked, or null. */
  readonly takeFault?: () => unknown;
}

/** A device with memory of its own. */
export interface DeviceProfile {
  readonly load: (program: Program) => Promise<LoadedProgram>;
  /** A tensor with a copy of some numbers. */
  readonly upload: (host: HostTensor) => Tensor;
  /** The numbers of some tensors, none of which lies on the host. */
  readonly read: (tensors: readonly Tensor[]) => Promise<readonly HostTensor["data"][]>;
}

interface OnnxTensor extends DeviceTensor {
  readonly tensor: Tensor;
}

const elementTypes: Readonly<Record<string, ElementType>> = {
  float32: "f32",
  int32: "i32",
  int64: "i64",
};

/** Whether a tensor lies in host memory. */
export function isOnHost(tensor: Tensor): boolean {
  return tensor.location === "cpu" || tensor.location === "cpu-pinned";
}

function typeOf(tensor: Tensor): ElementType {
  const type = elementTypes[tensor.type];
  if (type === undefined) throw new TypeError(`Cannot read a tensor of type ${tensor.type}`);
  return type;
}

/**
 * The runtime's tensor for numbers of the host.
 *
 * Nothing is copied but numbers in double precision, and those in memory that workers share, which runtimes do not take.
 */
export function hostTensor({ Tensor }: OnnxRuntime, host: HostTensor): Tensor {
  if (host.type === "f32") {
    const isReady = host.data instanceof Float32Array && host.data.buffer instanceof ArrayBuffer;
    const data = isReady ? host.data : Float32Array.from(host.data as ArrayLike<number>);
    return new Tensor("float32", data, host.shape);
  }
  if (host.type === "i32") return new Tensor("int32", host.data as Int32Array, host.shape);
  if (host.type === "i64") return new Tensor("int64", host.data as BigInt64Array, host.shape);
  throw new TypeError(`Cannot feed a tensor of type ${host.type}: want f32, i32 or i64`);
}

/** What depends on the sizes of a run alone; most of it is as in the run before. */
class LeafTensors {
  readonly #runtime: OnnxRuntime;
  readonly #leaves: EncodedProgram["boundLeaves"];
  /** The tensor of each leaf in the last run, with the sizes that it holds. */
  readonly #last = new Map<
    string,
    { readonly sizes: readonly number[]; readonly tensor: Tensor }
  >();

  constructor(runtime: OnnxRuntime, leaves: EncodedProgram["boundLeaves"]) {
    this.#runtime = runtime;
    this.#leaves = leaves;
  }

  of(name: string, bindings: DimBindings): Tensor {
    const node = this.#leaves.get(name)!;
    const sizes = shapeSizes(node.attributes["dims"] as Shape, bindings);
    const last = this.#last.get(name);
    if (last !== undefined && sameShape(last.sizes, sizes)) return last.tensor;
    const tensor = hostTensor(this.#runtime, boundLeaf(node, bindings));
    this.#last.set(name, { sizes, tensor });
    return tensor;
  }
}

/**
 * Loads a program on a runtime that computes in host memory.
 *
 * @param shared The constants that are fed, by the numbers that they hold.
 */
async function loadOnHost(
  profile: OnnxRuntimeProfile,
  whole: Program,
  shared: WeakMap<HostTensor, Tensor>,
): Promise<LoadedProgram> {
  const { runtime, sessionOptions, sharesConstants = false } = profile;
  const { program, lifted } = sharesConstants
    ? liftConstants(whole)
    : { program: whole, lifted: new Map<string, HostTensor>() };
  const constants = Object.fromEntries([...lifted].map(([name, host]) => {
    const tensor = shared.get(host) ?? hostTensor(runtime, host);
    shared.set(host, tensor);
    return [name, tensor] as const;
  }));
  const { bytes, boundLeaves } = encodeProgram(program);
  const leaves = new LeafTensors(runtime, boundLeaves);
  const session = await runtime.InferenceSession.create(bytes, sessionOptions());
  return {
    run: async (fed, dims, fetches) => {
      const feeds: Record<string, Tensor> = { ...constants };
      for (const [name, value] of Object.entries(fed)) {
        feeds[name] = "location" in value ? value : hostTensor(runtime, value);
      }
      for (const name of boundLeaves.keys()) feeds[name] = leaves.of(name, dims);
      return await session.run(feeds, [...fetches]) as Record<string, Tensor>;
    },
    release: () => session.release(),
  };
}

/** An executor on one of the ONNX runtimes. */
export class OnnxExecutor implements Executor {
  readonly kind: ExecutorKind;
  readonly name: string;
  busyMillis = 0;
  readonly #profile: OnnxRuntimeProfile;
  readonly #disposed = new WeakSet<DeviceTensor>();
  readonly #constants = new WeakMap<HostTensor, Tensor>();
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

  get runsAhead(): number {
    return this.#profile.runsAhead ?? 1;
  }

  get sharesConstants(): boolean {
    return this.#profile.device !== undefined || this.#profile.sharesConstants === true;
  }

  #inTurn<T>(task: () => Promise<T>): Promise<T> {
    if (this.#profile.overlaps) return task();
    const result = this.#turn.then(task);
    // The next call waits for the end of this one, whichever it is; the caller of this one is told of a failure.
    this.#turn = result.then(() => {}, () => {});
    return result;
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
    const resident = options.resident ?? [];
    const loaded = await this.#inTurn(async () => {
      try {
        return await (this.#profile.device?.load(program) ??
          loadOnHost(this.#profile, program, this.#constants));
      } catch (cause) {
        throw new ExecutorError(`Cannot load a program on ${this.name}`, cause);
      }
    });
    let isReleased = false;

    const run = async (request: RunRequest): Promise<RunResult> => {
      checkRequest(this.kind, program, resident, request);
      const feeds: Record<string, HostTensor | Tensor> = {};
      for (const name of program.inputs.keys()) {
        const value = request.feeds[name]!;
        feeds[name] = isDeviceTensor(value) ? this.#unwrap(value) : value;
      }
      return await this.#inTurn(async () => {
        if (isReleased) {
          throw new ExecutorError(`A run on ${this.name} failed`, "the session was released");
        }
        return await this.#timed(() => this.#runOnce(loaded, feeds, request));
      });
    };

    const release = () =>
      this.#inTurn(async () => {
        if (isReleased) return;
        isReleased = true;
        await loaded.release();
      });
    return { run, release };
  }

  async #timed<T>(task: () => Promise<T>): Promise<T> {
    const started = performance.now();
    try {
      return await task();
    } finally {
      this.busyMillis += performance.now() - started;
    }
  }

  async #runOnce(
    loaded: LoadedProgram,
    feeds: Feeds,
    { dims, keep = [], read = [] }: RunRequest,
  ): Promise<RunResult> {
    let results: Record<string, Tensor> = {};
    try {
      results = await loaded.run(feeds, dims, [...new Set([...keep, ...read])]);
      const hosts = await this.#toHost(read.map((name) => results[name]!));
      this.#throwFault("A run");
      for (const name of read) if (!keep.includes(name)) free(results[name]!);
      return {
        kept: Object.fromEntries(keep.map((name) => [name, this.#wrap(results[name]!)])),
        read: Object.fromEntries(read.map((name, i) => [name, hosts[i]!])),
      };
    } catch (cause) {
      for (const tensor of Object.values(results)) free(tensor);
      if (cause instanceof ExecutorError) throw cause;
      const fault = this.#profile.takeFault?.() ?? null;
      throw new ExecutorError(`A run on ${this.name} failed`, fault ?? cause);
    }
  }

  /** The numbers of tensors; those on the device are fetched together where the profile can. */
  async #toHost(tensors: readonly Tensor[]): Promise<readonly HostTensor[]> {
    const away = tensors.filter((tensor) => !isOnHost(tensor));
    const fetched = away.length === 0
      ? []
      : await (this.#profile.device?.read(away) ?? Promise.all(away.map((each) => each.getData())));
    return tensors.map((tensor) => ({
      type: typeOf(tensor),
      shape: tensor.dims,
      data: (isOnHost(tensor) ? tensor.data : fetched[away.indexOf(tensor)]) as HostTensor["data"],
    }));
  }

  upload(host: HostTensor): DeviceTensor {
    const { device, runtime } = this.#profile;
    if (device) return this.#wrap(device.upload(host));
    return this.#wrap(hostTensor(runtime, { ...host, data: host.data.slice() }));
  }

  async read(tensor: DeviceTensor): Promise<HostTensor> {
    return (await this.readAll([tensor]))[0]!;
  }

  async readAll(tensors: readonly DeviceTensor[]): Promise<readonly HostTensor[]> {
    const held = tensors.map((tensor) => this.#unwrap(tensor));
    return await this.#inTurn(async () => {
      try {
        const hosts = await this.#timed(() => this.#toHost(held));
        this.#throwFault("A read");
        return hosts.map((host, i) =>
          isOnHost(held[i]!) ? { ...host, data: host.data.slice() } : host
        );
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
