/**
 * Layer normalisation.
 *
 * @module
 */
import { showShape } from "../dims.ts";
import { makeNode, type Tensor } from "../tensor.ts";

/**
 * Layer normalisation over the last axis (Ba et al., arXiv 1607.06450): (x − mean) / √(variance + epsilon) · scale + shift.
 *
 * @param x `[…, size]`.
 * @param scale `[size]`.
 * @param shift `[size]`.
 * @param epsilon Default 1e-12, as in BERT.
 */
export function layerNorm(x: Tensor, scale: Tensor, shift: Tensor, epsilon = 1e-12): Tensor {
  const size = x.shape[x.shape.length - 1];
  if (scale.shape[0] !== size || shift.shape[0] !== size) {
    throw new RangeError(
      `LayerNormalization: scale ${showShape(scale.shape)} and shift ${showShape(shift.shape)} ` +
        `do not fit ${showShape(x.shape)}`,
    );
  }
  const statistics = { shape: [...x.shape.slice(0, -1), 1], type: "f32" } as const;
  return makeNode("LayerNormalization", [x, scale, shift], { axis: -1, epsilon }, [
    { shape: x.shape, type: "f32" },
    statistics,
    statistics,
  ]).outputs[0]!;
}
