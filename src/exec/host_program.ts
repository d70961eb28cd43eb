/**
 * Programs on a runtime that computes in host memory, and what all runtimes offer.
 *
 * @module
 */
import type { InferenceSession, Tensor } from "onnxruntime-web";
import {
  boundLeaf,
  type DimBindings,
  type EncodedProgram,
  encodeProgram,
  type HostTensor,
  type Program,
  sameShape,
  type Shape,
  shapeSizes,
} from "../graph/mod.ts";
import { liftConstants } from "../graph/rewrite.ts";

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

/** A runtime that computes in host memory. */
export interface HostRuntime {
  readonly runtime: OnnxRuntime;
  readonly sessionOptions: () => InferenceSession.SessionOptions;
  /**
   * Whether large constants are fed to each run, so that the programs of an encoder use one copy of its weights; pays where
   * feeding copies nothing. Default false: they are part of the program.
   */
  readonly sharesConstants?: boolean;
  /** A tensor for numbers that are fed to several runs. Default: {@linkcode hostTensor}. */
  readonly hold?: (host: HostTensor) => Tensor;
}

/** What depends on the sizes of a run alone; most of it is as in the run before. */
class LeafTensors {
  readonly #hold: (host: HostTensor) => Tensor;
  readonly #leaves: EncodedProgram["boundLeaves"];
  /** The tensor of each leaf in the last run, with the sizes that it holds. */
  readonly #last = new Map<
    string,
    { readonly sizes: readonly number[]; readonly tensor: Tensor }
  >();

  constructor(hold: (host: HostTensor) => Tensor, leaves: EncodedProgram["boundLeaves"]) {
    this.#hold = hold;
    this.#leaves = leaves;
  }

  of(name: string, bindings: DimBindings): Tensor {
    const node = this.#leaves.get(name)!;
    const sizes = shapeSizes(node.attributes["dims"] as Shape, bindings);
    const last = this.#last.get(name);
    if (last !== undefined && sameShape(last.sizes, sizes)) return last.tensor;
    const tensor = this.#hold(boundLeaf(node, bindings));
    this.#last.set(name, { sizes, tensor });
    return tensor;
  }
}

/**
 * Loads a program on a runtime that computes in host memory.
 *
 * @param shared The constants that are fed, by the numbers that they hold.
 */
export async function loadOnHost(
  profile: HostRuntime,
  whole: Program,
  shared: WeakMap<HostTensor, Tensor>,
): Promise<LoadedProgram> {
  const { runtime, sessionOptions, sharesConstants = false } = profile;
  const hold = profile.hold ?? ((host: HostTensor) => hostTensor(runtime, host));
  const { program, lifted } = sharesConstants
    ? liftConstants(whole)
    : { program: whole, lifted: new Map<string, HostTensor>() };
  const constants = Object.fromEntries([...lifted].map(([name, host]) => {
    const tensor = shared.get(host) ?? hold(host);
    shared.set(host, tensor);
    return [name, tensor] as const;
  }));
  const { bytes, boundLeaves } = encodeProgram(program);
  const leaves = new LeafTensors(hold, boundLeaves);
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
