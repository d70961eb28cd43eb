/**
 * Operators that compute with the sizes of tensors, for models that plain runtimes load and feed with nothing but texts.
 *
 * Programs for training do without them: sizes are fed there, since integer arithmetic is what keeps a program off a GPU.
 *
 * @module
 */
import type { Dim } from "../dims.ts";
import { constant, makeTensor, type Tensor } from "../tensor.ts";
import { cast } from "./elementwise.ts";
import { reshape } from "./movement.ts";

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
