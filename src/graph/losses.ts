/**
 * Losses and norms, composed of operators.
 *
 * @module
 */
import {
  exp,
  gatherElements,
  log,
  mul,
  reduceMax,
  reduceMean,
  reduceSum,
  reduceSumSquare,
  reshape,
  sub,
} from "./ops/mod.ts";
import { type Tensor, withGradient } from "./tensor.ts";

/** Σ x², a scalar. */
export function sumOfSquares(x: Tensor): Tensor {
  return reduceSumSquare(x);
}

/**
 * Cross entropy of each row from its logits, stable for any size of logits: log Σ exp(z − max z) − (z_label − max z).
 *
 * @param logits `[rows, classes]`.
 * @param labels `[rows]`, i32.
 * @returns `[rows]`.
 */
export function crossEntropy(logits: Tensor, labels: Tensor): Tensor {
  const rows = logits.shape[0]!;
  // What the largest logit adds to the two terms cancels, so that its gradient is left out.
  const largest = withGradient(reduceMax(logits, { axes: [1], keepDims: true }), {
    inputs: [],
    rule: () => [],
  });
  const shifted = sub(logits, largest);
  const logSum = log(reduceSum(exp(shifted), { axes: [1] }));
  const own = gatherElements(shifted, reshape(labels, [rows, 1]), 1);
  return sub(logSum, reshape(own, [rows]));
}

/** Mean of the squared differences of two tensors of one shape. */
export function meanSquaredError(predicted: Tensor, wanted: Tensor): Tensor {
  const difference = sub(predicted, wanted);
  return reduceMean(mul(difference, difference));
}
