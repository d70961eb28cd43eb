/**
 * Sums and maxima over axes, and what is built from them.
 *
 * @module
 */
import { type Shape, showShape } from "../dims.ts";
import { isStatic, makeNode, makeTensor, type OpName, sizeOf, type Tensor } from "../tensor.ts";
import { div, mul } from "./elementwise.ts";

/** Which axes to reduce and whether they stay as size 1. */
export interface ReduceOptions {
  /** Default all. */
  readonly axes?: readonly number[];
  /** Default false. */
  readonly keepDims?: boolean;
}

function resolveAxes(x: Tensor, axes: readonly number[] | undefined): readonly number[] {
  if (axes === undefined) return x.shape.map((_, axis) => axis);
  return axes.map((axis) => {
    const resolved = axis < 0 ? axis + x.shape.length : axis;
    if (resolved < 0 || resolved >= x.shape.length) {
      throw new RangeError(
        `Reduce: axis ${axis} does not exist in a tensor of ${x.shape.length} axes`,
      );
    }
    return resolved;
  });
}

function reduce(op: OpName, x: Tensor, options: ReduceOptions): Tensor {
  const axes = resolveAxes(x, options.axes);
  if (axes.length === 0) return x;
  const keepDims = options.keepDims ?? false;
  const shape: Shape = x.shape.flatMap((dim, axis) =>
    axes.includes(axis) ? (keepDims ? [1] : []) : [dim]
  );
  return makeTensor(op, [x], { axes, keepdims: keepDims ? 1 : 0 }, shape, x.type);
}

/** The sum over axes. */
export function reduceSum(x: Tensor, options: ReduceOptions = {}): Tensor {
  return reduce("ReduceSum", x, options);
}

/** The sum of squares over axes. */
export function reduceSumSquare(x: Tensor, options: ReduceOptions = {}): Tensor {
  return reduce("ReduceSumSquare", x, options);
}

/** The largest element over axes; elements that share it share its gradient. */
export function reduceMax(x: Tensor, options: ReduceOptions = {}): Tensor {
  return reduce("ReduceMax", x, options);
}

/** The mean over axes: the sum divided by the count, which the bindings of a run give where it is symbolic. */
export function reduceMean(x: Tensor, options: ReduceOptions = {}): Tensor {
  const counted: Shape = resolveAxes(x, options.axes).map((axis) => x.shape[axis]!);
  const sum = reduceSum(x, options);
  if (!isStatic(counted)) return div(sum, sizeOf(counted));
  const sizes: readonly number[] = counted;
  return mul(sum, 1 / sizes.reduce((product, size) => product * size, 1));
}

/** Softmax over the last axis. */
export function softmax(x: Tensor): Tensor {
  return makeTensor("Softmax", [x], { axis: -1 }, x.shape, x.type);
}

/**
 * Layer normalisation over the last axis (Ba et al., arXiv 1607.06450): (x − mean) / √(variance + epsilon) · scale + shift.
 *
 * @param x `[…, size]`.
 * @param scale `[size]`.
 * @param shift `[size]`.
 * @param epsilon Default 1e-12, as in BERT.
 */
export function layerNorm(x: Tensor, scale: Tensor, shift: Tensor, epsilon = 1e-12): Tensor {
  const size = x.shape[x.shape.length - 1];
  if (scale.shape[0] !== size || shift.shape[0] !== size) {
    throw new RangeError(
      `LayerNormalization: scale ${showShape(scale.shape)} and shift ${showShape(shift.shape)} ` +
        `do not fit ${showShape(x.shape)}`,
    );
  }
  const statistics = { shape: [...x.shape.slice(0, -1), 1], type: "f32" } as const;
  return makeNode("LayerNormalization", [x, scale, shift], { axis: -1, epsilon }, [
    { shape: x.shape, type: "f32" },
    statistics,
    statistics,
  ]).outputs[0]!;
}
