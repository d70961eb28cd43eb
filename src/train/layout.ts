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
export interface Slot {
  readonly name: string;
  readonly shape: readonly number[];
  readonly offset: number;
  readonly size: number;
  /** Whether weight decay applies. */
  readonly decay: boolean;
}

/** The slices of a flat vector, in order and without gaps. */
export interface Layout {
  readonly slots: readonly Slot[];
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
  const slots = parameters.map(({ name, shape, decay }) => {
    const slot = {
      name,
      shape,
      decay,
      offset: size,
      size: shape.reduce((product, dim) => product * dim, 1),
    };
    size += slot.size;
    return slot;
  });
  return { slots, size };
}

/** The parameters as tensors of their own shapes, cut from the flat vector `[size]`. */
export function viewsOf(layout: Layout, vector: Tensor): ReadonlyMap<string, Tensor> {
  const pieces = split(vector, layout.slots.map(({ size }) => size), 0);
  return new Map(layout.slots.map(({ name, shape }, i) => [name, reshape(pieces[i]!, shape)]));
}

/**
 * The slot of a name.
 *
 * @throws {RangeError} If the layout has none.
 */
export function slotOf(layout: Layout, name: string): Slot {
  const slot = layout.slots.find((candidate) => candidate.name === name);
  if (slot === undefined) throw new RangeError(`The layout has no parameter "${name}"`);
  return slot;
}

/** Fills a new flat vector with the values of each parameter. */
export function flatten(layout: Layout, valuesOf: (slot: Slot) => ArrayLike<number>): Float32Array {
  const vector = new Float32Array(layout.size);
  for (const slot of layout.slots) {
    const values = valuesOf(slot);
    if (values.length !== slot.size) {
      throw new RangeError(
        `Cannot place parameter "${slot.name}": found ${values.length} numbers, want ${slot.size} for [${slot.shape}]`,
      );
    }
    vector.set(values, slot.offset);
  }
  return vector;
}

/** 1 where weight decay applies, else 0. */
export function decayMask(layout: Layout): Float32Array {
  const mask = new Float32Array(layout.size);
  for (const { decay, offset, size } of layout.slots) {
    if (decay) mask.fill(1, offset, offset + size);
  }
  return mask;
}
