/**
 * Rewriting programs node by node, so that sizes are computed or constants are inputs.
 *
 * @module
 */
import { makeProgram, type Program } from "./program.ts";
import {
  constant,
  type HostTensor,
  input,
  isStatic,
  makeNode,
  type Node,
  type Tensor,
  withScope,
} from "./tensor.ts";
import type { Dim, Shape } from "./dims.ts";
import { cast, mul } from "./ops/elementwise.ts";
import { concat, reshape } from "./ops/movement.ts";

/** What stands for a node's outputs, given its inputs as they are now; null leaves the node as it is. */
type Rewriting = (node: Node, inputs: readonly Tensor[]) => readonly Tensor[] | null;

/** The node itself where its inputs are unchanged, else one like it. */
function withInputs(node: Node, inputs: readonly Tensor[]): readonly Tensor[] {
  return inputs.every((tensor, i) => tensor === node.inputs[i])
    ? node.outputs
    : makeNode(node.op, inputs, node.attributes, node.outputs, node.constant).outputs;
}

/** The program with each node replaced as `change` says; new nodes get the label of the node that they stand for. */
export function rewrite(program: Program, change: Rewriting): Program {
  const changed = new Map<Tensor, Tensor>();
  for (const node of program.nodes) {
    const inputs = node.inputs.map((tensor) => changed.get(tensor)!);
    const outputs = withScope(
      node.label,
      () => change(node, inputs) ?? withInputs(node, inputs),
    );
    node.outputs.forEach((tensor, i) => changed.set(tensor, outputs[i]!));
  }
  return makeProgram(Object.fromEntries(
    [...program.outputs].map(([name, tensor]) => [name, changed.get(tensor)!]),
  ));
}

/** A program and what every run of it must be fed besides its own inputs. */
interface LiftedProgram {
  readonly program: Program;
  /** The constants that became inputs, by the inputs' names. */
  readonly lifted: ReadonlyMap<string, HostTensor>;
}

/**
 * The program with every float constant of at least `smallest` numbers made an input named `constant.`, number and name.
 *
 * @param smallest Default 16,384 numbers.
 */
export function liftConstants(program: Program, smallest = 2 ** 14): LiftedProgram {
  const lifted = new Map<string, HostTensor>();
  const changed = rewrite(program, (node) => {
    const host = node.constant;
    if (host === null || host.data.length < smallest || host.type !== "f32") return null;
    const name = `constant.${lifted.size}.${node.attributes["name"]}`;
    lifted.set(name, host);
    return [input(name, host.shape, host.type)];
  });
  return { program: changed, lifted };
}

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
 * import { computeDims } from "./rewrite.ts";
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
