/**
 * The same program in fewer operators: equal sub-expressions computed once, scalar factors folded into products, and chains
 * of reshapes, transposes and scalings made one.
 *
 * What nothing depends on any more disappears, since a program holds what its outputs need.
 *
 * @module
 */
import { sameShape } from "./dims.ts";
import { gemm, mul, transpose } from "./ops/mod.ts";
import type { Program } from "./program.ts";
import { rewrite } from "./rewrite.ts";
import { makeNode, type Node, type Tensor } from "./tensor.ts";

/** Constants of at most so many numbers are compared by value. */
const comparedByValue = 16;

/** The number that a tensor is a constant scalar of, or null. */
function scalarValue({ node, shape }: Tensor): number | null {
  return node.constant !== null && shape.length === 0 ? Number(node.constant.data[0]) : null;
}

/** A tensor as another times a number; the number is 1 where it is not the product of a tensor and a scalar. */
function factored(tensor: Tensor): { readonly tensor: Tensor; readonly factor: number } {
  const { node } = tensor;
  if (node.op !== "Mul") return { tensor, factor: 1 };
  const [a, b] = node.inputs as readonly [Tensor, Tensor];
  const factor = scalarValue(b);
  if (factor === null || !sameShape(a.shape, tensor.shape)) return { tensor, factor: 1 };
  const inner = factored(a);
  return { tensor: inner.tensor, factor: factor * inner.factor };
}

/** A Gemm node with other operands or another factor. */
function gemmLike(node: Node, inputs: readonly Tensor[], alpha: number): Tensor {
  const [a, b, bias] = inputs as readonly [Tensor, Tensor, Tensor | undefined];
  return gemm(a, b, {
    transA: node.attributes["transA"] === 1,
    transB: node.attributes["transB"] === 1,
    alpha,
    ...(bias === undefined ? {} : { bias }),
  });
}

function alphaOf(node: Node): number {
  return Number(node.attributes["alpha"] ?? 1);
}

/** x · c, as one operator with what x itself is a multiple of. */
function simplifiedMul(node: Node, inputs: readonly Tensor[], isOnlyUse: boolean): Tensor | null {
  const [x, scalar] = inputs as readonly [Tensor, Tensor];
  const factor = scalarValue(scalar);
  if (factor === null || !sameShape(x.shape, node.outputs[0]!.shape)) return null;
  if (factor === 1) return x;
  if (isOnlyUse && x.node.op === "Gemm" && x.node.inputs.length === 2) {
    return gemmLike(x.node, x.node.inputs, factor * alphaOf(x.node));
  }
  const inner = factored(x);
  return inner.factor === 1 ? null : mul(inner.tensor, factor * inner.factor);
}

function simplifiedGemm(node: Node, inputs: readonly Tensor[]): Tensor | null {
  const [a, b] = [factored(inputs[0]!), factored(inputs[1]!)];
  if (a.factor === 1 && b.factor === 1) return null;
  const operands = [a.tensor, b.tensor, ...inputs.slice(2)];
  return gemmLike(node, operands, alphaOf(node) * a.factor * b.factor);
}

function simplifiedReshape(node: Node, inputs: readonly Tensor[]): Tensor | null {
  const [x, dims] = inputs as readonly [Tensor, Tensor];
  const { shape, type } = node.outputs[0]!;
  const source = x.node.op === "Reshape" ? x.node.inputs[0]! : x;
  if (sameShape(source.shape, shape)) return source;
  return source === x
    ? null
    : makeNode("Reshape", [source, dims], {}, [{ shape, type }]).outputs[0]!;
}

function simplifiedTranspose(node: Node, inputs: readonly Tensor[]): Tensor | null {
  const [x] = inputs as readonly [Tensor];
  const order = node.attributes["perm"] as readonly number[];
  const isInner = x.node.op === "Transpose";
  const inner = isInner ? x.node.attributes["perm"] as readonly number[] : order.map((_, i) => i);
  const whole = order.map((axis) => inner[axis]!);
  const source = isInner ? x.node.inputs[0]! : x;
  if (whole.every((axis, i) => axis === i)) return source;
  return isInner ? transpose(source, whole) : null;
}

function simplified(node: Node, inputs: readonly Tensor[], isOnlyUse: boolean): Tensor | null {
  if (node.op === "Mul") return simplifiedMul(node, inputs, isOnlyUse);
  if (node.op === "Gemm") return simplifiedGemm(node, inputs);
  if (node.op === "Reshape") return simplifiedReshape(node, inputs);
  if (node.op === "Transpose") return simplifiedTranspose(node, inputs);
  return null;
}

/** Numbers that tell objects apart. */
class Identities {
  readonly #known = new Map<object, number>();

  of(value: object): number {
    const id = this.#known.get(value) ?? this.#known.size;
    this.#known.set(value, id);
    return id;
  }
}

/** What two nodes must have in common to yield the same numbers. */
function keyOf(
  { op, attributes, constant, outputs }: Node,
  inputs: readonly Tensor[],
  identities: Identities,
): string {
  const sources = inputs.map((tensor) => `${identities.of(tensor.node)}.${tensor.index}`);
  if (constant === null) {
    const shapes = outputs.map(({ shape, type }) => `${type}[${shape}]`);
    return JSON.stringify([op, attributes, sources, shapes]);
  }
  const { type, shape, data } = constant;
  return JSON.stringify(
    data.length <= comparedByValue
      ? [type, shape, Array.from(data, String)]
      : ["Constant", identities.of(constant)],
  );
}

/** How many inputs of nodes and outputs of the program a tensor is. */
function useCounts(program: Program): ReadonlyMap<Tensor, number> {
  const counts = new Map<Tensor, number>();
  const used = [...program.nodes.flatMap(({ inputs }) => inputs), ...program.outputs.values()];
  for (const tensor of used) counts.set(tensor, (counts.get(tensor) ?? 0) + 1);
  return counts;
}

/**
 * The program in fewer operators, with the same inputs, outputs and, but for rounding, numbers.
 *
 * Gradients come first: where a value of the program brought its own, `grad` refuses what comes out.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { add, exp, input, makeProgram } from "./mod.ts";
 * import { optimise } from "./optimise.ts";
 * const x = input("x", [3]);
 * const program = optimise(makeProgram({ y: add(exp(x), exp(x)) }));
 * assertEquals(program.nodes.map(({ op }) => op), ["Input", "Exp", "Add"]);
 * ```
 */
export function optimise(program: Program): Program {
  const counts = useCounts(program);
  const identities = new Identities();
  const known = new Map<string, readonly Tensor[]>();
  const optimised = rewrite(program, (node, inputs) => {
    if (node.op === "Input") return null;
    const isOnlyUse = counts.get(node.inputs[0]!) === 1;
    const simpler = simplified(node, inputs, isOnlyUse);
    const source = simpler?.node ?? node;
    // A simpler form may be a tensor that was there already; its node then is its own representative.
    const key = keyOf(source, simpler === null ? inputs : source.inputs, identities);
    const before = known.get(key);
    if (simpler !== null) {
      if (before === undefined) known.set(key, source.outputs);
      return [before?.[simpler.index] ?? simpler];
    }
    if (before !== undefined) return before;
    const outputs = inputs.every((tensor, i) => tensor === node.inputs[i])
      ? node.outputs
      : makeNode(node.op, inputs, node.attributes, node.outputs, node.constant).outputs;
    known.set(key, outputs);
    return outputs;
  });
  return program.nodes.some(({ gradient }) => gradient !== null)
    ? withoutGradients(optimised)
    : optimised;
}

/** The same program of nodes that `grad` refuses. */
function withoutGradients(program: Program): Program {
  return rewrite(
    program,
    ({ op, attributes, outputs, constant }, inputs) =>
      inputs.length === 0
        ? null
        : makeNode(op, inputs, attributes, outputs, constant, "lost").outputs,
  );
}
