/**
 * Linear layers whose weight keeps length and direction of its rows apart: y = (x (W + BᵀA)ᵀ) · f + b with f = m / ‖W + BᵀA‖.
 *
 * Liu et al., arXiv 2402.09353, equation 5; the norm of a row, one for each output, counts as a constant in the backward
 * pass (section 4.3). So the gradients are those of the product of {@linkcode adaptedLinear} with thin factors scaled
 * by f, and the gradient of m needs one sum over the output more; nothing else of the weight's size is made.
 *
 * @module
 */
import {
  add,
  constant,
  gemm,
  type HostTensor,
  max,
  mul,
  reciprocal,
  reduceSum,
  reduceSumSquare,
  sqrt,
  sub,
  type Tensor,
  withGradient,
} from "../graph/mod.ts";
import type { AdaptedLinear } from "./low_rank.ts";

/** A layer, or several side by side, with lengths of their own. */
export interface DecomposedLinear extends AdaptedLinear {
  /** What the lengths have gained since the start, `[out]`: m = ‖W‖ + change. */
  readonly change: Tensor;
}

/** Squares of lengths below which a row counts as zero: a row of zeros has no direction. */
export const smallestSquare = 1e-24;

const held = new WeakMap<HostTensor, HostTensor>();

/** The length of each row of a weight `[out, in]`, in double precision; computed once for a tensor. */
export function rowNorms(weight: HostTensor): HostTensor {
  const before = held.get(weight);
  if (before !== undefined) return before;
  const [out, inner] = weight.shape as readonly [number, number];
  const data = new Float64Array(out);
  for (let i = 0; i < out; i++) {
    let squares = 0;
    for (let j = i * inner; j < (i + 1) * inner; j++) squares += Number(weight.data[j]) ** 2;
    data[i] = Math.sqrt(squares);
  }
  const norms: HostTensor = { type: "f32", shape: [out], data };
  held.set(weight, norms);
  return norms;
}

function frozenNorms({ node }: Tensor): Tensor {
  if (node.constant === null) {
    throw new RangeError(
      "Cannot keep the lengths of a weight's rows apart: found a weight that is trained, want a frozen one",
    );
  }
  return constant(rowNorms(node.constant), `${node.attributes["name"]}.norms`);
}

/**
 * The layers' output, `[rows, out]`.
 *
 * With dropout before the adapter, all that training has changed sees the dropped input, as in peft and the authors' code:
 * y = x Wᵀ + b + f · x̃ (W + BᵀA)ᵀ − x̃ Wᵀ, which costs a second product of the weight's size.
 *
 * @throws {RangeError} If the weight is not frozen.
 */
export function decomposedLinear(layer: DecomposedLinear): Tensor {
  const { x, weight, bias, mask } = layer;
  if (mask === null) return product(layer);
  const dropped = mul(x, mask);
  const kept = gemm(sub(x, dropped), weight, { transB: true, bias });
  return product({ ...layer, x: dropped, bias: kept });
}

/** y without dropout; a bias of `[rows, out]` differs from row to row. */
function product({ x, weight, bias, A, B, change }: DecomposedLinear): Tensor {
  const merged = gemm(B, A, { transA: true, bias: weight });
  const squares = reduceSumSquare(merged, { axes: [1] });
  const inverse = reciprocal(sqrt(max(squares, smallestSquare)));
  const factor = mul(add(frozenNorms(weight), change), inverse);
  const plain = gemm(x, merged, { transB: true });
  return withGradient(add(mul(plain, factor), bias), {
    inputs: [x, A, B, change, bias],
    rule: (g, needs) => [
      needs[0] ? gemm(mul(g, factor), merged) : null,
      needs[1] ? gemm(gemm(g, mul(B, factor), { transB: true }), x, { transA: true }) : null,
      needs[2] ? mul(gemm(gemm(x, A, { transB: true }), g, { transA: true }), factor) : null,
      needs[3] ? mul(reduceSum(mul(g, plain), { axes: [0] }), inverse) : null,
      needs[4] ? bias.shape.length === 1 ? reduceSum(g, { axes: [0] }) : g : null,
    ],
  });
}
