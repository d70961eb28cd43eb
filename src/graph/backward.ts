/**
 * The reverse walk: from a scalar loss back to the wanted tensors, through the gradient table.
 *
 * @module
 */
import { sameShape, showShape } from "./dims.ts";
import { gradients } from "./gradients.ts";
import { add, reduceSum, reshape } from "./ops/mod.ts";
import {
  isStatic,
  type Node,
  scalar,
  type Tensor,
  topologicalOrder,
  withScope,
  zeros,
} from "./tensor.ts";

/** Sums a gradient over the axes that broadcasting had added or stretched. */
function unbroadcast(gradient: Tensor, target: Tensor): Tensor {
  if (sameShape(gradient.shape, target.shape)) return gradient;
  const added = gradient.shape.length - target.shape.length;
  const axes = gradient.shape.flatMap((dim, axis) =>
    axis < added || (target.shape[axis - added] === 1 && dim !== 1) ? [axis] : []
  );
  const summed = axes.length === 0 ? gradient : reduceSum(gradient, { axes, keepDims: true });
  return reshape(summed, target.shape);
}

/**
 * The gradients of a scalar loss with respect to `wanted`, as tensors of the same graph.
 *
 * Only nodes on a path from a wanted tensor to the loss are differentiated, so frozen weights cost nothing.
 *
 * @param loss A tensor of shape `[]`.
 * @param wanted The tensors to differentiate by.
 * @returns One gradient a wanted tensor, in its shape; zeros where the loss does not depend on it.
 *
 * @throws {RangeError} If the loss is not a scalar.
 * @throws {TypeError} If an operator on the way has no gradient, or belongs to a program that lost gradients of its own by
 * being optimised.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { input, sumOfSquares } from "./mod.ts";
 * import { grad } from "./backward.ts";
 * const x = input("x", [3]);
 * const [dx] = grad(sumOfSquares(x), [x]);
 * assertEquals(dx!.shape, [3]);
 * ```
 */
export function grad(loss: Tensor, wanted: readonly Tensor[]): readonly Tensor[] {
  if (loss.shape.length !== 0) {
    throw new RangeError(`grad: the loss has shape ${showShape(loss.shape)}, want a scalar`);
  }
  const order = topologicalOrder([loss]);
  const ownOf = ({ gradient }: Node) => gradient === "lost" ? null : gradient;
  const sourcesOf = (node: Node) => ownOf(node)?.inputs ?? node.inputs;
  const wantedSet = new Set(wanted);
  const reaching = new Set<Node>();
  const needsGradient = (tensor: Tensor) =>
    tensor.type === "f32" && (wantedSet.has(tensor) || reaching.has(tensor.node));
  for (const node of order) {
    if (sourcesOf(node).some(needsGradient)) reaching.add(node);
  }

  const found = new Map<Tensor, Tensor>([[loss, scalar(1)]]);
  for (const node of [...order].reverse()) {
    const outputs = node.outputs.map((output) => found.get(output) ?? null);
    const sources = sourcesOf(node);
    const needs = sources.map(needsGradient);
    const first = outputs.find((output) => output !== null);
    if (!first || !needs.includes(true)) continue;
    const own = ownOf(node)?.rule;
    const rule = own === undefined
      ? gradients[node.op]
      : (_node: Node, g: Tensor, needs: readonly boolean[]) => own(g, needs);
    if (node.gradient === "lost") {
      throw new TypeError(
        `grad: ${node.op} ("${node.label}") belongs to an optimised program, which has lost gradients that values brought ` +
          "themselves; take gradients first, then optimise the program that holds them",
      );
    }
    if (rule === undefined) {
      throw new TypeError(
        `grad: ${node.op} ("${node.label}") lies between a wanted tensor and the loss but has no gradient`,
      );
    }
    withScope(`grad/${node.label}`, () => {
      rule(node, first, needs, outputs).forEach((gradient, i) => {
        const target = sources[i];
        if (gradient === null || target === undefined || !needs[i]) return;
        const part = unbroadcast(gradient, target);
        const before = found.get(target);
        found.set(target, before === undefined ? part : add(before, part));
      });
    });
  }
  return wanted.map((tensor) => {
    const gradient = found.get(tensor);
    if (gradient !== undefined) return gradient;
    if (!isStatic(tensor.shape)) {
      throw new RangeError(
        `grad: the loss does not depend on a tensor of shape ${showShape(tensor.shape)}`,
      );
    }
    return zeros(tensor.shape);
  });
}
