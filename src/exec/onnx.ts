/**
 * What the three ONNX runtimes share: they offer the same JavaScript interface, so one executor serves all.
 *
 * @module
 */
import type { Tensor } from "onnxruntime-web";
import {
  add,
  type ElementType,
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
import {
  type Feeds,
  type HostRuntime,
  hostTensor,
  type LoadedProgram,
  loadOnHost,
} from "./host_program.ts";

/**
 * What starts threads. The runtime's WebAssembly puts Node's class in its place when it starts, by which a thread would have no
 * `self` and all permissions.
 */
const { Worker } = globalThis;

/** What tells the runtimes apart. */
export interface OnnxRuntimeProfile extends HostRuntime {
  readonly kind: ExecutorKind;
  readonly name: string;
  /** Threads that compute; read anew at each use, since a runtime may settle it only when it starts. */
  readonly threads: number;
  /** Whether loads and runs may overlap; where not, they wait for one another. */
  readonly overlaps: boolean;
  /** Runs to start before reading, see {@linkcode Executor.runsAhead}. Default 1. */
  readonly runsAhead?: number;
  /** How a device with memory of its own does things. Default: it computes in host memory. */
  readonly device?: DeviceProfile;
  /** What the device reported outside any call since this was last asked, or null. */
  readonly takeFault?: () => unknown;
}

/** A device with memory of its own. */
interface DeviceProfile {
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

function isOnHost(tensor: Tensor): boolean {
  return tensor.location === "cpu" || tensor.location === "cpu-pinned";
}

function typeOf(tensor: Tensor): ElementType {
  const type = elementTypes[tensor.type];
  if (type === undefined) throw new TypeError(`Cannot read a tensor of type ${tensor.type}`);
  return type;
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
    // The next call waits for the end of this one, whichever it is; the caller of this one receives a failure.
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
  const session = await executor.load(makeProgram({ y: add(x, x) })).finally(() => {
    globalThis.Worker = Worker;
  });
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
