/**
 * Linear layers whose weight keeps length and direction of its rows apart: y = (x (W + BᵀA)ᵀ) · f + b with f = m / ‖W + BᵀA‖.
 *
 * Liu et al., arXiv 2402.09353, equation 5; the norm of a row, one for each output, counts as a constant in the backward
 * pass (section 4.3). The rows of the merged weight are scaled, so that the layer stays one product in both directions; the
 * gradients of A and B are those of {@linkcode adaptedLinear} with thin factors scaled by f. That of m is a sum over the output:
 * ∂y/∂m = (y − b) / m, so that the product without f need not be made.
 *
 * @module
 */
import {
  add,
  constant,
  div,
  gemm,
  type HostTensor,
  max,
  mul,
  reciprocal,
  reduceSum,
  reshape,
  sqrt,
  sub,
  type Tensor,
  withGradient,
} from "../graph/mod.ts";
import type { AdaptedLinear } from "./low_rank.ts";

/** A layer, or several side by side, with lengths of their own. */
interface DecomposedLinear extends AdaptedLinear {
  /** What the lengths have gained since the start, `[out]`: m = ‖W‖ + change. */
  readonly change: Tensor;
}

/** Squares of lengths below which a row counts as zero: a row of zeros has no direction. */
export const smallestSquare = 1e-24;

/**
 * The share of a frozen row's length below which a length counts as zero where it is divided by: its gradient fades there, as
 * the output, of which it is made, does.
 */
const smallestShare = 1e-4;

/** Numbers in double precision. */
type Doubles = HostTensor & { readonly data: Float64Array };

const held = new WeakMap<HostTensor, Doubles>();

/** The length of each row of a weight `[out, in]`, in double precision; computed once for a tensor. */
export function rowNorms(weight: HostTensor): Doubles {
  const before = held.get(weight);
  if (before !== undefined) return before;
  const [out, inner] = weight.shape as readonly [number, number];
  const data = new Float64Array(out);
  for (let i = 0; i < out; i++) {
    let squares = 0;
    for (let j = i * inner; j < (i + 1) * inner; j++) squares += Number(weight.data[j]) ** 2;
    data[i] = Math.sqrt(squares);
  }
  const norms: Doubles = { type: "f32", shape: [out], data };
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

/** The output without dropout; a bias of `[rows, out]` differs from row to row. */
function product({ x, weight, bias, A, B, change }: DecomposedLinear): Tensor {
  const merged = gemm(B, A, { transA: true, bias: weight });
  // A third of the time that ReduceSumSquare takes on the native CPU.
  const squares = reduceSum(mul(merged, merged), { axes: [1] });
  const norms = frozenNorms(weight);
  const length = add(norms, change);
  const factor = mul(length, reciprocal(sqrt(max(squares, smallestSquare))));
  const scaled = mul(merged, reshape(factor, [weight.shape[0]!, 1]));
  const y: Tensor = withGradient(gemm(x, scaled, { transB: true }), {
    inputs: [x, A, B, change],
    rule: (g, needs) => [
      needs[0] ? gemm(g, scaled) : null,
      needs[1] ? gemm(gemm(g, mul(B, factor), { transB: true }), x, { transA: true }) : null,
      needs[2] ? mul(gemm(gemm(x, A, { transB: true }), g, { transA: true }), factor) : null,
      needs[3] ? mul(reduceSum(mul(g, y), { axes: [0] }), inverseLength(length, norms)) : null,
    ],
  });
  return add(y, bias);
}

/** 1/m, fading to zero where m does. */
function inverseLength(length: Tensor, norms: Tensor): Tensor {
  const least = max(mul(mul(norms, norms), smallestShare ** 2), smallestSquare);
  return div(length, max(mul(length, length), least));
}
