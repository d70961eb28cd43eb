/**
 * A program whose sizes are computed in it, so that a runtime needs nothing but its inputs.
 *
 * @module
 */
import type { Dim, Shape } from "./dims.ts";
import { cast, mul } from "./ops/elementwise.ts";
import { concat, reshape } from "./ops/movement.ts";
import type { Program } from "./program.ts";
import { rewrite } from "./rewrite.ts";
import { constant, isStatic, type Tensor } from "./tensor.ts";

/**
 * The same program with `Dims` and `Size` leaves computed from the sizes that they are products of.
 *
 * @param sizes The number of each symbolic dimension, i64 `[1]`, computed from inputs of the program.
 *
 * @throws {RangeError} If a dimension has no size.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { input, makeProgram, reshape } from "./mod.ts";
 * import { shapeOf } from "./ops/movement.ts";
 * import { computeDims } from "./compute_dims.ts";
 * const x = input("x", ["rows"]);
 * const program = computeDims(makeProgram({ y: reshape(x, ["rows", 1]) }), { rows: shapeOf(x) });
 * assertEquals(program.nodes.map(({ op }) => op), ["Input", "Shape", "Constant", "Concat", "Reshape"]);
 * ```
 */
export function computeDims(program: Program, sizes: Readonly<Record<string, Tensor>>): Program {
  const known = new Map<Dim, Tensor>();
  const made = (dim: Dim): Tensor => {
    if (typeof dim === "number" || /^\d+$/.test(dim)) {
      return constant({ type: "i64", shape: [1], data: BigInt64Array.of(BigInt(dim)) });
    }
    const factors = dim.split("*");
    if (factors.length > 1) return factors.map(sizeFor).reduce((a, b) => mul(a, b));
    const size = sizes[dim];
    if (size === undefined) {
      throw new RangeError(
        `Cannot compute dimension "${dim}": found sizes of ${
          Object.keys(sizes).join(", ") || "none"
        }`,
      );
    }
    return size;
  };
  const sizeFor = (dim: Dim): Tensor => {
    const size = known.get(dim) ?? made(dim);
    known.set(dim, size);
    return size;
  };
  return rewrite(program, ({ op, attributes }) => {
    if (op !== "Dims" && op !== "Size") return null;
    const dims = attributes["dims"] as Shape;
    if (isStatic(dims)) return null;
    if (op === "Dims") return [concat(dims.map(sizeFor), 0)];
    const product = dims.map(sizeFor).reduce((a, b) => mul(a, b));
    return [cast(reshape(product, []), "f32")];
  });
}
