/**
 * Operators that move numbers without changing them, that pick and place by index, and that compute with the sizes of tensors.
 *
 * Programs for training do without the last: sizes are fed there, since integer arithmetic is what keeps a program off a GPU. They are
 * for models that plain runtimes load and feed with nothing but texts.
 *
 * @module
 */
import { broadcastShapes, type Dim, productOf, sameShape, type Shape, showShape } from "../dims.ts";
import { cast, where } from "./elementwise.ts";
import {
  constant,
  dimsVector,
  makeNode,
  makeTensor,
  type Tensor,
  withGradient,
} from "../tensor.ts";

/** The axes in another order: axis i of the result is axis `order[i]` of `x`. */
export function transpose(x: Tensor, order: readonly number[]): Tensor {
  const shape = order.map((axis) => x.shape[axis]!);
  if (order.length !== x.shape.length || shape.includes(undefined as never)) {
    throw new RangeError(`Transpose: order [${order}] does not fit shape ${showShape(x.shape)}`);
  }
  return makeTensor("Transpose", [x], { perm: order }, shape, x.type);
}

/**
 * The same numbers under another shape; nothing is done where the shape is the same already.
 *
 * @throws {RangeError} If the two shapes hold different counts.
 */
export function reshape(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x;
  if (productOf(x.shape) !== productOf(shape)) {
    throw new RangeError(`Reshape: ${showShape(x.shape)} cannot become ${showShape(shape)}`);
  }
  return makeTensor("Reshape", [x, dimsVector(shape)], {}, shape, x.type);
}

/**
 * `x`, `[rows * count, 1]`, as `[groups, count]`: neighbouring rows side by side.
 *
 * Sizes that are symbols cannot say that one is a multiple of the other, so the caller binds `groups` to fit.
 *
 * @param groups The number of groups, a size of its own.
 * @param count Rows a group.
 */
export function sideRows(x: Tensor, groups: string, count: number): Tensor {
  const shape = [groups, count];
  const made = makeTensor("Reshape", [x, dimsVector(shape)], {}, shape, x.type);
  return withGradient(made, {
    inputs: [x],
    rule: (g) => [makeTensor("Reshape", [g, dimsVector(x.shape)], {}, x.shape, x.type)],
  });
}

/** The same numbers, through which no gradient passes. */
export function stopGradient(x: Tensor): Tensor {
  const same = makeTensor("Reshape", [x, dimsVector(x.shape)], {}, x.shape, x.type);
  return withGradient(same, { inputs: [], rule: () => [] });
}

/** The same numbers, through which no gradient passes where `stopped`, which broadcasts to `x`, holds. */
export function stopGradientWhere(stopped: Tensor, x: Tensor): Tensor {
  const same = makeTensor("Reshape", [x, dimsVector(x.shape)], {}, x.shape, x.type);
  return withGradient(same, { inputs: [x], rule: (g) => [where(stopped, 0, g)] });
}

/** `x` broadcast to `shape`. */
export function expand(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x;
  if (!sameShape(broadcastShapes("Expand", x.shape, shape), shape)) {
    throw new RangeError(`Expand: ${showShape(x.shape)} does not broadcast to ${showShape(shape)}`);
  }
  return makeTensor("Expand", [x, dimsVector(shape)], {}, shape, x.type);
}

/** Tensors one after the other along a static axis. */
export function concat(pieces: readonly Tensor[], axis: number): Tensor {
  const [first] = pieces;
  if (first === undefined) throw new RangeError("Concat: no tensors were given, want at least one");
  if (pieces.length === 1) return first;
  let total = 0;
  for (const piece of pieces) {
    const size = piece.shape[axis];
    if (typeof size !== "number") {
      throw new RangeError(`Concat: axis ${axis} of ${showShape(piece.shape)} is not a number`);
    }
    total += size;
  }
  const shape = first.shape.map((dim, i) => (i === axis ? total : dim));
  return makeTensor("Concat", pieces, { axis }, shape, first.type);
}

/**
 * Pieces of the given sizes along an axis.
 *
 * @throws {RangeError} If the sizes do not add up to the axis.
 */
export function split(x: Tensor, sizes: readonly number[], axis: number): readonly Tensor[] {
  const total = sizes.reduce((sum, size) => sum + size, 0);
  if (x.shape[axis] !== total) {
    throw new RangeError(
      `Split: sizes [${sizes}] add up to ${total}, but axis ${axis} of ${
        showShape(x.shape)
      } does not`,
    );
  }
  if (sizes.length === 1) return [x];
  const outputs = sizes.map((size) => ({
    shape: x.shape.map((dim, i) => (i === axis ? size : dim)),
    type: x.type,
  }));
  return makeNode("Split", [x], { axis, sizes }, outputs).outputs;
}

/** Rows of `table` (`[rows, …]`) at `indices` (i32, any shape): `[…indices, …]`. */
export function gather(table: Tensor, indices: Tensor): Tensor {
  if (indices.type !== "i32") {
    throw new TypeError(`Gather: indices have type ${indices.type}, want i32`);
  }
  const shape = [...indices.shape, ...table.shape.slice(1)];
  return makeTensor("Gather", [table, indices], { axis: 0 }, shape, table.type);
}

/** Along `axis`, the element of `x` that `indices` (i32, shape of the result) names. */
export function gatherElements(x: Tensor, indices: Tensor, axis: number): Tensor {
  if (indices.type !== "i32" || indices.shape.length !== x.shape.length) {
    throw new TypeError(
      `GatherElements: indices are ${indices.type} ${showShape(indices.shape)}, ` +
        `want i32 with ${x.shape.length} axes`,
    );
  }
  return makeTensor("GatherElements", [x, indices], { axis }, indices.shape, x.type);
}

/** `x` with `updates` added at `indices` along `axis`; updates and indices have one shape. */
export function scatterAdd(x: Tensor, indices: Tensor, updates: Tensor, axis: number): Tensor {
  if (indices.type !== "i32" || !sameShape(indices.shape, updates.shape)) {
    throw new TypeError(
      `ScatterElements: indices are ${indices.type} ${showShape(indices.shape)}, ` +
        `want i32 ${showShape(updates.shape)}`,
    );
  }
  return makeTensor(
    "ScatterElements",
    [x, indices, updates],
    { axis, reduction: "add" },
    x.shape,
    x.type,
  );
}

/** Whole numbers of type i32 fixed in the graph. */
export function integers(data: readonly number[], shape: readonly number[]): Tensor {
  return constant({ type: "i32", shape, data: Int32Array.from(data) });
}

/** The sizes of `x`, i64 `[axes]`. */
export function shapeOf(x: Tensor): Tensor {
  return makeTensor("Shape", [x], {}, [x.shape.length], "i64");
}

/**
 * The numbers 0, 1, … below a size, i32 `[size]`.
 *
 * @param size i64 `[1]`.
 * @param dim How the dimension of the result is called.
 */
export function countUp(size: Tensor, dim: Dim): Tensor {
  const limit = reshape(cast(size, "i32"), []);
  return makeTensor("Range", [integers([0], []), limit, integers([1], [])], {}, [dim], "i32");
}

/** All numbers of `x` in one row, whose size is called `dim` from then on. */
export function flattenAs(x: Tensor, dim: Dim): Tensor {
  const whole = constant({ type: "i64", shape: [1], data: BigInt64Array.of(-1n) });
  return makeTensor("Reshape", [x, whole], {}, [dim], x.type);
}
