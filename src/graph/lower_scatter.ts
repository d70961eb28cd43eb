/**
 * Lowering of scatters that put one number into each row.
 *
 * The WebGPU provider starts a ScatterElements with a copy between buffers, which breaks up its compute passes.
 * The gradient of a cross entropy is such a scatter.
 *
 * @module
 */
import { add, equal, where } from "./ops/mod.ts";
import type { Program } from "./program.ts";
import { rewrite } from "./rewrite.ts";
import { constant, type Node, type Tensor } from "./tensor.ts";

/** x + [j = index]·update along the last axis, where there is one index a row; null for any other scatter. */
function asSelection(node: Node, inputs: readonly Tensor[]): Tensor | null {
  const [x, indices, updates] = inputs as readonly [Tensor, Tensor, Tensor];
  const last = x.shape.length - 1;
  const width = x.shape[last];
  const isOneEach = indices.shape[last] === 1 &&
    indices.shape.slice(0, last).join() === x.shape.slice(0, last).join();
  if (node.attributes["axis"] !== last || !isOneEach || typeof width !== "number") return null;
  const places = constant({
    type: "i32",
    shape: [width],
    data: Int32Array.from({ length: width }, (_, j) => j),
  });
  return add(x, where(equal(indices, places), updates, 0));
}

/**
 * The program with every scatter-add of one number a row made a comparison and a selection; others stay.
 *
 * Inputs and outputs stay the same, and every number to the bit.
 */
export function lowerScatters(program: Program): Program {
  return rewrite(program, (node, inputs) => {
    const selection = node.op === "ScatterElements" ? asSelection(node, inputs) : null;
    return selection === null ? null : [selection];
  });
}
