/**
 * Lowering: the same program with no operator that reads or writes more tensors than a device can bind.
 *
 * A WebGPU shader binds only a few storage buffers (8 unless a device grants more), and the runtime's
 * Split and Concat bind one a piece.
 *
 * @module
 */
import type { Shape } from "./dims.ts";
import { makeProgram, type Program } from "./program.ts";
import { makeNode, type Node, type Tensor, withScope } from "./tensor.ts";

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

function lowerNode(node: Node, inputs: readonly Tensor[], limit: number): readonly Tensor[] {
  const { op, attributes } = node;
  if (op === "Split" && node.outputs.length > limit) {
    const sizes = attributes["sizes"] as readonly number[];
    return splitTree(inputs[0]!, sizes, attributes["axis"] as number, limit);
  }
  if (op === "Concat" && inputs.length > limit) {
    return [concatTree(inputs, attributes["axis"] as number, limit)];
  }
  if (inputs.every((tensor, i) => tensor === node.inputs[i])) return node.outputs;
  return makeNode(op, inputs, attributes, node.outputs, node.constant).outputs;
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
  const lowered = new Map<Tensor, Tensor>();
  for (const node of program.nodes) {
    const inputs = node.inputs.map((tensor) => lowered.get(tensor)!);
    const outputs = withScope(node.label, () => lowerNode(node, inputs, limit));
    node.outputs.forEach((tensor, i) => lowered.set(tensor, outputs[i]!));
  }
  return makeProgram(Object.fromEntries(
    [...program.outputs].map(([name, tensor]) => [name, lowered.get(tensor)!]),
  ));
}
