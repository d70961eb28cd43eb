/**
 * The layout of a flat vector: where each parameter lies in it.
 *
 * All trainable parameters are slices of one vector, and so are their moments: a step feeds and returns a handful of
 * tensors instead of hundreds.
 *
 * @module
 */
import { reshape, split, type Tensor } from "../graph/mod.ts";

/** A named slice of a flat vector. */
export interface Slice {
  /** A parameter's checkpoint name, or group and part of an adapter. */
  readonly name: string;
  /** Shape of the parameter that the slice is a view of. */
  readonly shape: readonly number[];
  /** Index of its first number. */
  readonly offset: number;
  /** Numbers in it, the product of `shape`. */
  readonly size: number;
  /** Whether weight decay applies. */
  readonly decay: boolean;
}

/** The slices of a flat vector, in order and without gaps. */
export interface Layout {
  /** Adapters first, then the encoder's trained parameters, then the head. */
  readonly slices: readonly Slice[];
  /** Numbers in the whole vector. */
  readonly size: number;
}

/** Lays parameters out one after the other. */
export function makeLayout(
  parameters: readonly {
    readonly name: string;
    readonly shape: readonly number[];
    readonly decay: boolean;
  }[],
): Layout {
  let size = 0;
  const slices = parameters.map(({ name, shape, decay }) => {
    const slice = {
      name,
      shape,
      decay,
      offset: size,
      size: shape.reduce((product, dim) => product * dim, 1),
    };
    size += slice.size;
    return slice;
  });
  return { slices, size };
}

/** The parameters as tensors of their own shapes, cut from the flat vector `[size]`. */
export function viewsOf(layout: Layout, vector: Tensor): ReadonlyMap<string, Tensor> {
  const pieces = split(vector, layout.slices.map(({ size }) => size), 0);
  return new Map(layout.slices.map(({ name, shape }, i) => [name, reshape(pieces[i]!, shape)]));
}

/**
 * The slice of a name.
 *
 * @throws {RangeError} If the layout has none.
 */
export function sliceOf(layout: Layout, name: string): Slice {
  const slice = layout.slices.find((candidate) => candidate.name === name);
  if (slice === undefined) throw new RangeError(`The layout has no parameter "${name}"`);
  return slice;
}

/** Fills a new flat vector with the values of each parameter. */
export function flatten(
  layout: Layout,
  valuesOf: (slice: Slice) => ArrayLike<number>,
): Float32Array {
  const vector = new Float32Array(layout.size);
  for (const slice of layout.slices) {
    const values = valuesOf(slice);
    if (values.length !== slice.size) {
      throw new RangeError(
        `Cannot place parameter "${slice.name}": found ${values.length} numbers, want ${slice.size} for [${slice.shape}]`,
      );
    }
    vector.set(values, slice.offset);
  }
  return vector;
}

/** 1 where weight decay applies, else 0. */
export function decayMask(layout: Layout): Float32Array {
  const mask = new Float32Array(layout.size);
  for (const { decay, offset, size } of layout.slices) {
    if (decay) mask.fill(1, offset, offset + size);
  }
  return mask;
}
