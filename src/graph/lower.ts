/**
 * Lowering: the same program without what WebGPU cannot run, or runs slowly.
 *
 * A shader binds only a few storage buffers (8 unless a device grants more), and the runtime's Split and Concat bind one a
 * piece. The provider starts a ScatterElements with a copy between buffers, which breaks up its compute passes; the gradient of
 * a cross entropy is such a scatter.
 *
 * @module
 */
import type { Shape } from "./dims.ts";
import type { Program } from "./program.ts";
import { rewrite } from "./rewrite.ts";
import { constant, makeNode, type Node, type Tensor } from "./tensor.ts";
import { add, equal, where } from "./ops/mod.ts";

/** Consecutive runs of `items`: at most `limit` of them, each itself a tree of the least depth. */
function groupsOf<T>(items: readonly T[], limit: number): readonly (readonly T[])[] {
  let capacity = 1;
  while (capacity * limit < items.length) capacity *= limit;
  const groups: T[][] = [];
  for (let at = 0; at < items.length; at += capacity) groups.push(items.slice(at, at + capacity));
  return groups;
}

function withAxis(shape: Shape, axis: number, size: number): Shape {
  return shape.map((dim, i) => (i === axis ? size : dim));
}

function splitTree(x: Tensor, sizes: readonly number[], axis: number, limit: number): Tensor[] {
  if (sizes.length === 1) return [x];
  const groups = groupsOf(sizes, limit);
  const totals = groups.map((group) => group.reduce((sum, size) => sum + size, 0));
  const parts = makeNode(
    "Split",
    [x],
    { axis, sizes: totals },
    totals.map((total) => ({ shape: withAxis(x.shape, axis, total), type: x.type })),
  ).outputs;
  return groups.flatMap((group, i) => splitTree(parts[i]!, group, axis, limit));
}

function concatTree(pieces: readonly Tensor[], axis: number, limit: number): Tensor {
  if (pieces.length === 1) return pieces[0]!;
  const parts = groupsOf(pieces, limit).map((group) => concatTree(group, axis, limit));
  const total = parts.reduce((sum, part) => sum + (part.shape[axis] as number), 0);
  const shape = withAxis(parts[0]!.shape, axis, total);
  return makeNode("Concat", parts, { axis }, [{ shape, type: parts[0]!.type }]).outputs[0]!;
}

function narrowed(
  { op, attributes, outputs }: Node,
  inputs: readonly Tensor[],
  limit: number,
): readonly Tensor[] | null {
  const axis = attributes["axis"] as number;
  if (op === "Split" && outputs.length > limit) {
    return splitTree(inputs[0]!, attributes["sizes"] as readonly number[], axis, limit);
  }
  return op === "Concat" && inputs.length > limit ? [concatTree(inputs, axis, limit)] : null;
}

/**
 * The program with every Split and Concat of more than `limit` pieces made a tree of smaller ones.
 *
 * Inputs, outputs and every number stay the same; a program without such an operator keeps all its nodes.
 *
 * @param limit The most pieces that one operator may have, at least 2.
 *
 * @throws {RangeError} If the limit is below 2.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { concat, input, makeProgram } from "./mod.ts";
 * import { lowerWideMovement } from "./lower.ts";
 * const pieces = ["a", "b", "c"].map((name) => input(name, [1]));
 * const lowered = lowerWideMovement(makeProgram({ y: concat(pieces, 0) }), 2);
 * assertEquals(lowered.nodes.filter((node) => node.op === "Concat").length, 2);
 * ```
 */
export function lowerWideMovement(program: Program, limit: number): Program {
  if (!(limit >= 2)) {
    throw new RangeError(`Cannot lower a program to ${limit} pieces, want at least 2`);
  }
  return rewrite(program, (node, inputs) => narrowed(node, inputs, limit));
}

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
