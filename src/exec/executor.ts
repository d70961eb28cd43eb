/**
 * The one interface behind which programs run, whatever the runtime.
 *
 * @module
 */
import type { DimBindings, HostTensor, Program } from "../graph/mod.ts";

/** The runtimes: a plain interpreter, ONNX Runtime on the CPU, in WebAssembly, and on WebGPU. */
export type ExecutorKind = "reference" | "cpu" | "wasm" | "webgpu";

/** Numbers that live where the executor computes; only the executor that made them can use them. */
export interface DeviceTensor {
  readonly executor: ExecutorKind;
  readonly shape: readonly number[];
}

/** What a run is given and asked for. */
export interface RunRequest {
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
  readonly kept: Readonly<Record<string, DeviceTensor>>;
  readonly read: Readonly<Record<string, HostTensor>>;
}

/** A loaded program. */
export interface Session {
  /** Runs once. Runs of one session must not overlap. */
  run(request: RunRequest): Promise<RunResult>;
  /** Frees what the session holds. */
  release(): Promise<void>;
}

/** How a program is loaded. */
export interface LoadOptions {
  /** Outputs that runs may keep on the device. Default none. */
  readonly resident?: readonly string[];
}

/** A runtime. */
export interface Executor {
  readonly kind: ExecutorKind;
  /** The device as people know it, for instance `onnxruntime-node 1.30.0`. */
  readonly name: string;
  /** Threads used for computing; 1 where the question makes no sense. */
  readonly threads: number;
  load(program: Program, options?: LoadOptions): Promise<Session>;
  /** Puts numbers on the device. */
  upload(host: HostTensor): DeviceTensor;
  /** Reads numbers back. */
  read(tensor: DeviceTensor): Promise<HostTensor>;
  /** Frees a device tensor; it must not be used afterwards. */
  dispose(tensor: DeviceTensor): void;
  /** Milliseconds spent inside runs so far, as the host sees it. */
  readonly busyMillis: number;
}

/** An executor could not be made or a run failed; `cause` holds what the runtime said. */
export class ExecutorError extends Error {
  override readonly name = "ExecutorError";
  /** Whether the runtime ran out of memory. */
  readonly outOfMemory: boolean;

  constructor(message: string, cause: unknown) {
    const said = cause instanceof Error ? cause.message : String(cause);
    super(`${message}: ${said}`, { cause });
    this.outOfMemory = /out of memory|bad_alloc|allocat/i.test(said);
  }
}
