/**
 * Operators that pick and place by index.
 *
 * @module
 */
import { sameShape, showShape } from "../dims.ts";
import { makeTensor, type Tensor } from "../tensor.ts";

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
