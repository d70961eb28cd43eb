/**
 * A program: the named tensors that a run is asked for, and the inputs that they need.
 *
 * @module
 */
import { type DimBindings, dimSize, type Shape, shapeSizes } from "./dims.ts";
import { type HostTensor, type Node, type Tensor, topologicalOrder } from "./tensor.ts";

/** A graph with named outputs. */
export interface Program {
  /** In an order in which every node stands after its inputs. */
  readonly nodes: readonly Node[];
  /** The inputs by name, in order of first use. */
  readonly inputs: ReadonlyMap<string, Tensor>;
  /** What a run can keep or read, by the names that `makeProgram` was given. */
  readonly outputs: ReadonlyMap<string, Tensor>;
}

/**
 * Collects what the outputs depend on.
 *
 * @throws {TypeError} If two inputs share a name.
 */
export function makeProgram(outputs: Readonly<Record<string, Tensor>>): Program {
  const nodes = topologicalOrder(Object.values(outputs));
  const inputs = new Map<string, Tensor>();
  for (const node of nodes) {
    if (node.op !== "Input") continue;
    const name = String(node.attributes["name"]);
    if (inputs.has(name)) throw new TypeError(`Two inputs of the program are named "${name}"`);
    inputs.set(name, node.outputs[0]!);
  }
  return { nodes, inputs, outputs: new Map(Object.entries(outputs)) };
}

/** The numbers of a `Dims` or `Size` leaf under a run's bindings. */
export function boundLeaf(node: Node, bindings: DimBindings): HostTensor {
  const dims = node.attributes["dims"] as Shape;
  const sizes = shapeSizes(dims, bindings);
  if (node.op === "Dims") {
    return { type: "i64", shape: [sizes.length], data: BigInt64Array.from(sizes, BigInt) };
  }
  const value = dims.reduce<number>((product, dim) => product * dimSize(dim, bindings), 1);
  return { type: "f32", shape: [], data: Float32Array.of(value) };
}
