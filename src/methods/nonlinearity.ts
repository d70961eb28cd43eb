/**
 * What may stand between the two projections of a bottleneck adapter, σ.
 *
 * @module
 */
import { add, mul, relu, tanh, type Tensor } from "../graph/mod.ts";
import { activate } from "../models/forward_context.ts";

/** Names of σ. */
export const nonlinearities = ["gelu", "gelu_tanh", "relu", "swish"] as const;

/** One of {@linkcode nonlinearities}. */
export type Nonlinearity = (typeof nonlinearities)[number];

/** x · sigmoid(x) (Ramachandran et al., arXiv 1710.05941). */
function swish(x: Tensor): Tensor {
  return mul(mul(x, 0.5), add(tanh(mul(x, 0.5)), 1));
}

/** σ of a name. */
export function activationOf(nonlinearity: Nonlinearity): (x: Tensor) => Tensor {
  if (nonlinearity === "swish") return swish;
  return nonlinearity === "relu" ? relu : (x) => activate(nonlinearity, x);
}
