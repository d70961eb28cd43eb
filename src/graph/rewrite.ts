/**
 * Rewriting programs node by node.
 *
 * @module
 */
import { makeProgram, type Program } from "./program.ts";
import { type HostTensor, input, makeNode, type Node, type Tensor, withScope } from "./tensor.ts";

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
