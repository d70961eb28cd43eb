/**
 * An executor whose runtime is in another thread, which runs no code of a study; `serve.ts` is its other end.
 *
 * Programs cross as ONNX models. What stays resident is a number here and a tensor there; a tensor of few numbers crosses with the
 * run that made it, as asking for it would take longer.
 *
 * @module
 */
import type { InferenceSession, Tensor } from "onnxruntime-web";
import { AskedThread } from "../base/ask_thread.ts";
import type { HostTensor } from "../graph/mod.ts";
import { type Executor, ExecutorError } from "./executor.ts";
import { loadOnHost, type OnnxRuntime } from "./host_program.ts";
import { startOnnxExecutor } from "./onnx.ts";

/** A tensor as a message: its numbers, or where it is without them. */
export interface SentTensor {
  readonly type: Tensor.Type;
  readonly dims: readonly number[];
  readonly data?: HostTensor["data"];
}

/** What the thread is asked. */
export type Asked =
  | { readonly kind: "start"; readonly threads: number }
  | { readonly kind: "load"; readonly bytes: Uint8Array }
  | {
    readonly kind: "run";
    readonly session: number;
    /** A number is that of a tensor there. */
    readonly feeds: Readonly<Record<string, SentTensor | number>>;
    readonly fetches: readonly string[];
    /** Numbers for the outputs, should they stay there. */
    readonly numbers: readonly number[];
  }
  | { readonly kind: "read"; readonly numbers: readonly number[] }
  | { readonly kind: "release"; readonly session: number };

/** What the thread is told. */
export type Told =
  | { readonly kind: "hold"; readonly number: number; readonly tensor: HostTensor }
  | { readonly kind: "free"; readonly numbers: readonly number[] };

/** A tensor of the runtime's interface, for numbers that lie here. */
class LocalTensor {
  readonly location = "cpu";
  constructor(
    readonly type: Tensor.Type,
    readonly data: HostTensor["data"],
    readonly dims: readonly number[],
  ) {}
}

/** The thread's end here. */
class Connection {
  readonly #thread: AskedThread;
  #last = 0;
  #freed: number[] = [];
  readonly #collected = new FinalizationRegistry<number>((number) => this.#freed.push(number));

  constructor(port: MessagePort) {
    this.#thread = new AskedThread(port, "that computes");
  }

  #tell(told: Told): void {
    this.#thread.tell(told);
  }

  ask<T>(asked: Asked): Promise<T> {
    if (this.#freed.length > 0) this.#tell({ kind: "free", numbers: this.#freed });
    this.#freed = [];
    return this.#thread.ask<T>(asked);
  }

  next(): number {
    return ++this.#last;
  }

  /** The tensor of a number there; it is freed there when it is disposed of here, or is no longer used. */
  tensor(number: number, { type, dims }: SentTensor): Tensor {
    const tensor = {
      // Any place but this thread's memory.
      location: "ml-tensor",
      type,
      dims,
      number,
      dispose: () => this.#freed.push(number),
    };
    this.#collected.register(tensor, number);
    return tensor as unknown as Tensor;
  }

  hold(tensor: HostTensor): Tensor {
    const number = this.next();
    this.#tell({ kind: "hold", number, tensor });
    const types = { f32: "float32", i32: "int32", i64: "int64", bool: "bool" } as const;
    return this.tensor(number, { type: types[tensor.type], dims: tensor.shape });
  }
}

/** The number of a tensor there, or null for one that lies here. */
function numberOf(tensor: Tensor): number | null {
  return (tensor as Tensor & { readonly number?: number }).number ?? null;
}

/** The part of a session that is used. */
function remoteSession(connection: Connection, session: number) {
  return {
    run: async (fed: Readonly<Record<string, Tensor>>, fetches: readonly string[]) => {
      const feeds = Object.fromEntries(
        Object.entries(fed).map(([name, tensor]) => {
          const { type, dims, data } = tensor as unknown as LocalTensor;
          return [name, numberOf(tensor) ?? { type, dims, data }];
        }),
      );
      const numbers = fetches.map(() => connection.next());
      const asked = { kind: "run", session, feeds, fetches, numbers } as const;
      const made = await connection.ask<readonly SentTensor[]>(asked);
      return Object.fromEntries(made.map((sent, i) => [
        fetches[i],
        sent.data === undefined
          ? connection.tensor(numbers[i]!, sent)
          : new LocalTensor(sent.type, sent.data, sent.dims),
      ]));
    },
    release: () => connection.ask<void>({ kind: "release", session }),
  };
}

/**
 * An executor that computes in a thread that serves the native runtime.
 *
 * @param port The way to it.
 *
 * @throws {ExecutorError} If the runtime's library cannot be loaded there.
 */
export async function remoteExecutor(port: MessagePort, threads: number): Promise<Executor> {
  const connection = new Connection(port);
  const runtime = {
    InferenceSession: {
      create: async (bytes: Uint8Array) => {
        const session = await connection.ask<number>({ kind: "load", bytes });
        return remoteSession(connection, session) as unknown as InferenceSession;
      },
    },
    Tensor: LocalTensor as unknown as OnnxRuntime["Tensor"],
  };
  const host = {
    runtime,
    sessionOptions: () => ({}),
    sharesConstants: true,
    hold: (host: HostTensor) => connection.hold(host),
  };
  let name: string;
  try {
    name = await connection.ask<string>({ kind: "start", threads });
  } catch (cause) {
    throw new ExecutorError("Cannot start the native executor in a thread of its own", cause);
  }
  const constants = new WeakMap<HostTensor, Tensor>();
  return await startOnnxExecutor({
    ...host,
    kind: "cpu",
    name,
    threads,
    overlaps: true,
    device: {
      load: (program) => loadOnHost(host, program, constants),
      upload: (host) => connection.hold(host),
      read: (tensors) =>
        connection.ask({ kind: "read", numbers: tensors.map((tensor) => numberOf(tensor)!) }),
    },
  });
}
