/**
 * The gradient of every operator, on one page: given the gradient of a node's output, the gradients of its inputs.
 *
 * A rule returns gradients in the shape of the output's broadcast; the reverse walk sums them down to each
 * input's own shape. Rules are asked only for inputs that need a gradient and are written in the same operators
 * that the forward pass uses, so that any runtime of the forward pass can run them.
 *
 * @module
 */
import { productOf, type Shape } from "./dims.ts";
import {
  add,
  cast,
  concat,
  div,
  equal,
  erf,
  exp,
  expand,
  gatherElements,
  gemm,
  less,
  matMul,
  mul,
  neg,
  reduceSum,
  reshape,
  scatterAdd,
  split,
  sub,
  transpose,
  where,
} from "./ops/mod.ts";
import { isStatic, type Node, type OpName, scalar, type Tensor, zeros } from "./tensor.ts";

/**
 * The gradients of a node's inputs.
 *
 * @param node The node.
 * @param g The gradient of its first output.
 * @param needs Whether each input needs a gradient; the others may be null.
 * @param all The gradients of all outputs (null where an output does not reach the loss).
 */
type GradientRule = (
  node: Node,
  g: Tensor,
  needs: readonly boolean[],
  all: readonly (Tensor | null)[],
) => readonly (Tensor | null)[];

function unary(rule: (g: Tensor, x: Tensor, y: Tensor) => Tensor): GradientRule {
  return (node, g) => [rule(g, node.inputs[0]!, node.outputs[0]!)];
}

function binary(
  left: (g: Tensor, a: Tensor, b: Tensor, y: Tensor) => Tensor,
  right: (g: Tensor, a: Tensor, b: Tensor, y: Tensor) => Tensor,
): GradientRule {
  return (node, g, needs) => {
    const [a, b] = node.inputs as readonly [Tensor, Tensor];
    const y = node.outputs[0]!;
    return [needs[0] ? left(g, a, b, y) : null, needs[1] ? right(g, a, b, y) : null];
  };
}

function swapped(x: Tensor): Tensor {
  const order = x.shape.map((_, axis) => axis);
  const last = order.length - 1;
  [order[last - 1], order[last]] = [last, last - 1];
  return transpose(x, order);
}

function attribute(node: Node, name: string): number {
  const value = node.attributes[name];
  if (typeof value !== "number") {
    throw new TypeError(`${node.op}: attribute "${name}" is not a number`);
  }
  return value;
}

function gemmRule(node: Node, g: Tensor, needs: readonly boolean[]): readonly (Tensor | null)[] {
  const [a, b] = node.inputs as readonly [Tensor, Tensor];
  const transA = attribute(node, "transA") === 1;
  const transB = attribute(node, "transB") === 1;
  // y = a' b' with a' = a or aᵀ: da' = g b'ᵀ and db' = a'ᵀ g, transposed back where needed.
  const alpha = Number(node.attributes["alpha"] ?? 1);
  const forA = () =>
    transA
      ? gemm(b, g, { transA: transB, transB: true, alpha })
      : gemm(g, b, { transB: !transB, alpha });
  const forB = () =>
    transB
      ? gemm(g, a, { transA: true, transB: transA, alpha })
      : gemm(a, g, { transA: !transA, alpha });
  const bias = node.inputs[2];
  const forBias = () => bias?.shape.length === 1 ? reduceSum(g, { axes: [0] }) : g;
  return [
    needs[0] ? forA() : null,
    needs[1] ? forB() : null,
    ...(bias === undefined ? [] : [needs[2] ? forBias() : null]),
  ];
}

/** The gradient of a reduction with size 1 on the axes that were reduced. */
function keptAxes(node: Node, g: Tensor): Tensor {
  const axes = node.attributes["axes"] as readonly number[];
  return reshape(g, node.inputs[0]!.shape.map((dim, axis) => (axes.includes(axis) ? 1 : dim)));
}

/** Elements that share the maximum share its gradient, as in PyTorch's `amax`. */
function reduceMaxRule(node: Node, g: Tensor): readonly Tensor[] {
  const x = node.inputs[0]!;
  const isLargest = equal(x, keptAxes(node, node.outputs[0]!));
  const axes = node.attributes["axes"] as readonly number[];
  const sharing = reduceSum(where(isLargest, expand(scalar(1), x.shape), 0), {
    axes,
    keepDims: true,
  });
  return [where(isLargest, expand(div(keptAxes(node, g), sharing), x.shape), 0)];
}

/** Zeros of any shape. */
function zerosOf(shape: Shape): Tensor {
  return isStatic(shape) ? zeros(shape) : expand(scalar(0), shape);
}

function gatherRule(node: Node, g: Tensor): readonly (Tensor | null)[] {
  const [table, indices] = node.inputs as readonly [Tensor, Tensor];
  const width = productOf(table.shape.slice(1));
  const count = productOf(indices.shape);
  const places = expand(reshape(indices, [count, 1]), [count, width]);
  const rows = scatterAdd(zerosOf([table.shape[0]!, width]), places, reshape(g, [count, width]), 0);
  return [reshape(rows, table.shape), null];
}

function layerNormRule(
  node: Node,
  g: Tensor,
  needs: readonly boolean[],
): readonly (Tensor | null)[] {
  const [x, scale] = node.inputs as readonly [Tensor, Tensor];
  const [, mean, inverse] = node.outputs as readonly [Tensor, Tensor, Tensor];
  const size = x.shape[x.shape.length - 1] as number;
  const forX = () => {
    // dx = (h − mean(h) − x̂ · mean(h · x̂)) / σ with h = g · scale (Ba et al., arXiv 1607.06450), written with x itself so
    // that all but three operators on whole tensors act on one number a row: dx = h/σ − x·k + (mean(x)·k − mean(h)/σ)
    // with k = mean(h · x̂)/σ².
    const h = mul(g, scale);
    const meanOf = (tensor: Tensor) =>
      mul(reduceSum(tensor, { axes: [-1], keepDims: true }), 1 / size);
    const meanH = meanOf(h);
    const meanHx = mul(sub(meanOf(mul(h, x)), mul(meanH, mean)), inverse);
    const k = mul(meanHx, mul(inverse, inverse));
    return add(sub(mul(h, inverse), mul(x, k)), sub(mul(mean, k), mul(meanH, inverse)));
  };
  const forScale = () => mul(g, mul(sub(x, mean), inverse));
  return [needs[0] ? forX() : null, needs[1] ? forScale() : null, needs[2] ? g : null];
}

function splitRule(
  node: Node,
  _g: Tensor,
  _needs: readonly boolean[],
  all: readonly (Tensor | null)[],
): readonly Tensor[] {
  const pieces = node.outputs.map((output, i) => {
    return all[i] ?? zerosOf(output.shape);
  });
  return [concat(pieces, attribute(node, "axis"))];
}

const twoOverRootPi = 2 / Math.sqrt(Math.PI);

/** One row an operator. An operator without a row has no gradient; asking for one is an error that names it. */
export const gradients: Readonly<Partial<Record<OpName, GradientRule>>> = {
  Neg: unary((g) => neg(g)),
  Exp: unary((g, _x, y) => mul(g, y)),
  Log: unary((g, x) => div(g, x)),
  Sqrt: unary((g, _x, y) => div(mul(g, 0.5), y)),
  Reciprocal: unary((g, _x, y) => neg(mul(g, mul(y, y)))),
  Erf: unary((g, x) => mul(g, mul(exp(neg(mul(x, x))), twoOverRootPi))),
  Tanh: unary((g, _x, y) => sub(g, mul(g, mul(y, y)))),
  Abs: unary((g, x) => where(less(x, 0), neg(g), where(less(neg(x), 0), g, 0))),
  // d/dx x·Φ(x) = Φ(x) + x·φ(x) = ½·(1 + erf(a) + a·(2/√π)·exp(−a²)) with a = x/√2.
  Gelu: unary((g, x) => {
    const a = mul(x, Math.SQRT1_2);
    const density = mul(a, exp(sub(scalar(Math.log(twoOverRootPi)), mul(a, a))));
    const half = mul(g, 0.5);
    return add(half, mul(half, add(erf(a), density)));
  }),
  Relu: unary((g, x) => where(less(neg(x), 0), g, 0)),
  Cast: (node, g) => [cast(g, node.inputs[0]!.type)],
  Add: binary((g) => g, (g) => g),
  Sub: binary((g) => g, (g) => neg(g)),
  Mul: binary((g, _a, b) => mul(g, b), (g, a) => mul(g, a)),
  Div: binary((g, _a, b) => div(g, b), (g, _a, b, y) => neg(div(mul(g, y), b))),
  Max: binary((g, a, b) => where(less(a, b), 0, g), (g, a, b) => where(less(a, b), g, 0)),
  Min: binary((g, a, b) => where(less(b, a), 0, g), (g, a, b) => where(less(b, a), g, 0)),
  Where: (node, g, needs) => [
    null,
    needs[1] ? where(node.inputs[0]!, g, 0) : null,
    needs[2] ? where(node.inputs[0]!, 0, g) : null,
  ],
  MatMul: binary((g, _a, b) => matMul(g, swapped(b)), (g, a) => matMul(swapped(a), g)),
  Gemm: gemmRule,
  Transpose: (node, g) => {
    const order = node.attributes["perm"] as readonly number[];
    return [transpose(g, order.map((_, axis) => order.indexOf(axis)))];
  },
  Reshape: (node, g) => [reshape(g, node.inputs[0]!.shape), null],
  Expand: (_node, g) => [g, null],
  Concat: (node, g) => {
    const axis = attribute(node, "axis");
    return split(g, node.inputs.map((piece) => piece.shape[axis] as number), axis);
  },
  Split: splitRule,
  ReduceSum: (node, g) => [expand(keptAxes(node, g), node.inputs[0]!.shape)],
  ReduceMax: reduceMaxRule,
  // Constant but where it jumps.
  Floor: () => [null],
  ReduceSumSquare: (node, g) => [mul(node.inputs[0]!, mul(keptAxes(node, g), 2))],
  Gather: gatherRule,
  GatherElements: (node, g) => {
    const [x, indices] = node.inputs as readonly [Tensor, Tensor];
    return [scatterAdd(zerosOf(x.shape), indices, g, attribute(node, "axis")), null];
  },
  ScatterElements: (node, g, needs) => [
    needs[0] ? g : null,
    null,
    needs[2] ? gatherElements(g, node.inputs[1]!, attribute(node, "axis")) : null,
  ],
  Softmax: unary((g, _x, y) => {
    const weighted = mul(g, y);
    return sub(weighted, mul(y, reduceSum(weighted, { axes: [-1], keepDims: true })));
  }),
  LayerNormalization: layerNormRule,
};
