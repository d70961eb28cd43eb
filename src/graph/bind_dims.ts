/**
 * A program for one set of sizes: every symbolic dimension replaced by its number.
 *
 * @module
 */
import { type DimBindings, type Shape, shapeSizes } from "./dims.ts";
import type { Program } from "./program.ts";
import { rewrite } from "./rewrite.ts";
import { type Attributes, makeNode } from "./tensor.ts";

function boundAttributes(attributes: Attributes, bindings: DimBindings): Attributes {
  const dims = attributes["dims"];
  return dims === undefined
    ? attributes
    : { ...attributes, dims: shapeSizes(dims as Shape, bindings) };
}

/**
 * The same program with all shapes static, so that nothing about sizes is fed to a run.
 *
 * Constants keep their host tensors; every number stays the same.
 *
 * @param bindings The number of each symbolic dimension.
 *
 * @throws {RangeError} If a dimension of the program is not bound.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { input, makeProgram, neg } from "./mod.ts";
 * import { bindDims } from "./bind_dims.ts";
 * const program = makeProgram({ y: neg(input("x", ["2*batch"])) });
 * assertEquals(bindDims(program, { batch: 3 }).outputs.get("y")?.shape, [6]);
 * ```
 */
export function bindDims(program: Program, bindings: DimBindings): Program {
  return rewrite(program, (node, inputs) =>
    makeNode(
      node.op,
      inputs,
      boundAttributes(node.attributes, bindings),
      node.outputs.map(({ shape, type }) => ({ shape: shapeSizes(shape, bindings), type })),
      node.constant,
    ).outputs);
}
