/**
 * The one interface behind which programs run, whatever the runtime.
 *
 * @module
 */
import { errorMessage } from "../base/input_error.ts";
import {
  type DimBindings,
  type ElementType,
  type HostTensor,
  type Program,
  sameShape,
  shapeSizes,
} from "../graph/mod.ts";

/** The runtimes: a plain interpreter, ONNX Runtime on the CPU, in WebAssembly, and on WebGPU. */
export type ExecutorKind = "reference" | "cpu" | "wasm" | "webgpu";

/** Numbers that live where the executor computes; only the executor that made them can use them. */
export interface DeviceTensor {
  /** Kind of the executor that holds the numbers; another one refuses them. */
  readonly executor: ExecutorKind;
  /** Element type, as the program's output declares it. */
  readonly type: ElementType;
  /** Sizes with every symbolic dimension bound; `[]` for a scalar. */
  readonly shape: readonly number[];
}

/** What a run is given and asked for. */
export interface RunRequest {
  /** A value for every input of the program, by its name. */
  readonly feeds: Readonly<Record<string, HostTensor | DeviceTensor>>;
  /** The numbers of symbolic dimensions. */
  readonly dims: DimBindings;
  /** Outputs that stay on the device; each must have been declared resident when the program was loaded. */
  readonly keep?: readonly string[];
  /** Outputs that are read back to the host. */
  readonly read?: readonly string[];
}

/** What a run returns. */
export interface RunResult {
  /** Outputs named in `keep`, to be fed again or disposed of. */
  readonly kept: Readonly<Record<string, DeviceTensor>>;
  /** Outputs named in `read`, copied to the host. */
  readonly read: Readonly<Record<string, HostTensor>>;
}

/** A loaded program. */
export interface Session {
  /**
   * Runs once. Where the runtime cannot overlap runs, a second one waits for the first.
   *
   * @throws {TypeError} If an input is not fed, or not as declared, or an output is not there to be fetched.
   * @throws {ExecutorError} If the runtime fails, or the session was released.
   */
  run(request: RunRequest): Promise<RunResult>;
  /** Frees what the session holds; tensors that it made live on. Releasing twice does nothing more. */
  release(): Promise<void>;
}

/** How a program is loaded. */
export interface LoadOptions {
  /** Outputs that runs may keep on the device. Default none. */
  readonly resident?: readonly string[];
}

/** A runtime. */
export interface Executor {
  /** Runtime behind it, which its device tensors carry too. */
  readonly kind: ExecutorKind;
  /** The device as people know it, for instance `onnxruntime-node 1.30.0`. */
  readonly name: string;
  /** Threads used for computing; 1 where the question makes no sense. */
  readonly threads: number;
  /**
   * Runs that a loop had better start before it reads anything of them: 1 where a run ends with its results at hand,
   * more where runs are queued on a device and reading waits for it.
   */
  readonly runsAhead: number;
  /** Whether loaded programs with the same large constants, such as an encoder's weights, use one copy of them. */
  readonly sharesConstants: boolean;
  /**
   * Makes a program ready to run.
   *
   * @throws {ExecutorError} If the runtime refuses the program.
   */
  load(program: Program, options?: LoadOptions): Promise<Session>;
  /** Copies numbers to the device. */
  upload(host: HostTensor): DeviceTensor;
  /** Copies numbers back. */
  read(tensor: DeviceTensor): Promise<HostTensor>;
  /** Copies the numbers of several tensors back, waiting for the device only once. */
  readAll(tensors: readonly DeviceTensor[]): Promise<readonly HostTensor[]>;
  /** Frees a device tensor; it must not be used afterwards. Disposing twice does nothing more. */
  dispose(tensor: DeviceTensor): void;
  /** Milliseconds spent inside runs and in waiting for their results so far, as the host sees it. */
  readonly busyMillis: number;
}

/** An executor could not be made or a run failed; `cause` holds what the runtime said. */
export class ExecutorError extends Error {
  /** `ExecutorError`, also where the runtime threw an error of another class. */
  override readonly name = "ExecutorError";
  /** Whether the runtime ran out of memory. */
  readonly outOfMemory: boolean;

  /**
   * The message is what was attempted followed by what the runtime said.
   *
   * @param message What was attempted.
   * @param cause What the runtime threw; its text is appended and searched for signs of exhausted memory.
   */
  constructor(message: string, cause: unknown) {
    const said = errorMessage(cause);
    super(`${message}: ${said}`, { cause });
    this.outOfMemory = /out of memory|bad_alloc|allocat/i.test(said);
  }
}

/** Whether a fed value lives on a device. */
export function isDeviceTensor(value: HostTensor | DeviceTensor): value is DeviceTensor {
  return "executor" in value;
}

/**
 * Checks a request against the program, in the same words for every executor.
 *
 * @throws {TypeError} If an input is not fed, or in another shape, type or on another executor than wanted; if an
 *   output does not exist, or is to be kept but was not declared resident.
 */
export function checkRequest(
  kind: ExecutorKind,
  program: Program,
  resident: readonly string[],
  request: RunRequest,
): void {
  for (const [name, { shape, type }] of program.inputs) {
    const fed = request.feeds[name];
    if (fed === undefined) {
      const given = Object.keys(request.feeds).map((key) => `"${key}"`).join(", ") || "nothing";
      throw new TypeError(`Input "${name}" of the program was not fed (fed were: ${given})`);
    }
    const wanted = shapeSizes(shape, request.dims);
    if (fed.type !== type || !sameShape(fed.shape, wanted)) {
      throw new TypeError(
        `Input "${name}" was fed ${fed.type} [${fed.shape}], want ${type} [${wanted}]`,
      );
    }
    if (isDeviceTensor(fed) && fed.executor !== kind) {
      throw new TypeError(
        `Input "${name}" was fed a tensor of the ${fed.executor} executor to the ${kind} executor; ` +
          `read it there and upload it here`,
      );
    }
  }
  for (const name of [...request.keep ?? [], ...request.read ?? []]) {
    if (!program.outputs.has(name)) {
      const known = [...program.outputs.keys()].map((key) => `"${key}"`).join(", ");
      throw new TypeError(`The program has no output "${name}" (it has: ${known})`);
    }
  }
  for (const name of request.keep ?? []) {
    if (!resident.includes(name)) {
      throw new TypeError(
        `Output "${name}" cannot be kept on the device: name it in "resident" when loading the program`,
      );
    }
  }
}
