/**
 * Rewriting programs node by node.
 *
 * @module
 */
import { makeProgram, type Program } from "./program.ts";
import { makeNode, type Node, type Tensor, withScope } from "./tensor.ts";

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
