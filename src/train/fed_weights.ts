/**
 * Weights of adapted layers that are fed to a run's programs, because the run changes them: its methods merge what they
 * have trained into them.
 *
 * The programs stay as they are when weights change. Between merges the weights lie on the device and cost a step nothing.
 *
 * @module
 */
import type { DeviceTensor, Executor } from "../exec/executor.ts";
import type { HostTensor } from "../graph/mod.ts";
import { mergedWeight, type WeightUpdate } from "../methods/weight_update.ts";
import type { LinearLayer } from "../models/forward_context.ts";

/** The weights of layers that share an input, one after the other, as one input of the programs. */
export interface FedWeight {
  /** Name of the program's input, made of the layers' paths. */
  readonly name: string;
  /** The layers' names in a checkpoint. */
  readonly paths: readonly string[];
  /** `[sum of out, in]`. */
  readonly shape: readonly [number, number];
}

/** Name of the input of some layers' weights. */
export function fedWeightName(layers: readonly Pick<LinearLayer, "path">[]): string {
  return `base.${layers.map(({ path }) => path).join("+")}`;
}

/**
 * The input of some layers' weights.
 *
 * @param tensors The encoder's weights by checkpoint name.
 */
export function fedWeight(
  layers: readonly Pick<LinearLayer, "path">[],
  tensors: ReadonlyMap<string, HostTensor>,
): FedWeight {
  const paths = layers.map(({ path }) => path);
  const rows = paths.reduce((sum, path) => sum + weightOf(tensors, path).shape[0]!, 0);
  return {
    name: fedWeightName(layers),
    paths,
    shape: [rows, weightOf(tensors, paths[0]!).shape[1]!],
  };
}

function weightOf(tensors: ReadonlyMap<string, HostTensor>, path: string): HostTensor {
  const weight = tensors.get(`${path}.weight`);
  if (weight === undefined) throw new RangeError(`The encoder has no weights named "${path}"`);
  return weight;
}

/** The current weights of a run on its device. */
export class RunWeights {
  readonly #executor: Executor;
  readonly #fed: readonly FedWeight[];
  readonly #tensors: ReadonlyMap<string, HostTensor>;
  #held: Readonly<Record<string, DeviceTensor>> = {};

  /**
   * The weights of the encoder with what was merged into them, block by block: the same numbers, to the bit, as those of a
   * run that merged these blocks one after the other.
   */
  constructor(
    executor: Executor,
    fed: readonly FedWeight[],
    tensors: ReadonlyMap<string, HostTensor>,
    blocks: readonly (readonly WeightUpdate[])[],
  ) {
    this.#executor = executor;
    this.#fed = fed;
    this.#tensors = tensors;
    this.#held = Object.fromEntries(fed.map((own) => {
      const data = this.#plain(own);
      for (const updates of blocks) this.#add(own, data, updates);
      return [own.name, this.#upload(own, data)];
    }));
  }

  /** What programs are fed. */
  get feeds(): Readonly<Record<string, DeviceTensor>> {
    return this.#held;
  }

  /** Adds updates to the weights: each sum is rounded once. */
  async merge(updates: readonly WeightUpdate[]): Promise<void> {
    const changed = this.#fed.filter(({ paths }) =>
      updates.some(({ path }) => paths.includes(path))
    );
    // One at a time, so that the host holds the weights of one stack of layers only.
    for (const own of changed) {
      const old = this.#held[own.name]!;
      const data = Float32Array.from((await this.#executor.read(old)).data as ArrayLike<number>);
      this.#add(own, data, updates);
      this.#held = { ...this.#held, [own.name]: this.#upload(own, data) };
      this.#executor.dispose(old);
    }
  }

  #plain({ paths, shape }: FedWeight): Float32Array {
    const data = new Float32Array(shape[0] * shape[1]);
    let at = 0;
    for (const path of paths) {
      const weight = weightOf(this.#tensors, path);
      data.set(weight.data as Float32Array | Float64Array, at);
      at += weight.data.length;
    }
    return data;
  }

  #add({ paths }: FedWeight, data: Float32Array, updates: readonly WeightUpdate[]): void {
    let at = 0;
    for (const path of paths) {
      const { shape, data: plain } = weightOf(this.#tensors, path);
      const own = data.subarray(at, at + plain.length);
      for (const update of updates.filter((each) => each.path === path)) {
        own.set(mergedWeight({ type: "f32", shape, data: own }, update).data as Float32Array);
      }
      at += plain.length;
    }
  }

  #upload({ shape }: FedWeight, data: Float32Array): DeviceTensor {
    return this.#executor.upload({ type: "f32", shape, data });
  }

  /** Frees everything. Disposing twice does nothing more. */
  dispose(): void {
    for (const held of Object.values(this.#held)) this.#executor.dispose(held);
    this.#held = {};
  }
}
