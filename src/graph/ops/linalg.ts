/**
 * Matrix products.
 *
 * @module
 */
import { broadcastShapes, sameShape, showShape } from "../dims.ts";
import { makeTensor, type Tensor } from "../tensor.ts";

/**
 * Batched matrix product of `[…, m, k]` and `[…, k, n]`; leading axes broadcast.
 *
 * @throws {RangeError} If the inner sizes differ or an operand has fewer than two axes.
 */
export function matMul(a: Tensor, b: Tensor): Tensor {
  const inner = a.shape[a.shape.length - 1];
  if (a.shape.length < 2 || b.shape.length < 2 || inner !== b.shape[b.shape.length - 2]) {
    throw new RangeError(
      `MatMul: shapes ${showShape(a.shape)} and ${
        showShape(b.shape)
      } do not chain, want […, m, k] and […, k, n]`,
    );
  }
  const lead = broadcastShapes("MatMul", a.shape.slice(0, -2), b.shape.slice(0, -2));
  const shape = [...lead, a.shape[a.shape.length - 2]!, b.shape[b.shape.length - 1]!];
  return makeTensor("MatMul", [a, b], {}, shape, "f32");
}

/** Options of {@linkcode gemm}. */
export interface GemmOptions {
  /** Use `a` transposed. Default false. */
  readonly transA?: boolean;
  /** Use `b` transposed. Default false. */
  readonly transB?: boolean;
  /** Factor of the product. Default 1. */
  readonly alpha?: number;
  /** Added to every row, `[n]`, or to the whole, `[m, n]`. Default none. */
  readonly bias?: Tensor;
}

/**
 * Product of two matrices, either of them transposed, times a factor, plus a bias.
 *
 * @throws {RangeError} If an operand is not a matrix, the inner sizes differ, or the bias is neither `[n]` nor `[m, n]`.
 */
export function gemm(a: Tensor, b: Tensor, options: GemmOptions = {}): Tensor {
  const { transA = false, transB = false, alpha = 1, bias } = options;
  const [rows, innerA] = transA ? [a.shape[1], a.shape[0]] : [a.shape[0], a.shape[1]];
  const [innerB, columns] = transB ? [b.shape[1], b.shape[0]] : [b.shape[0], b.shape[1]];
  if (a.shape.length !== 2 || b.shape.length !== 2 || innerA !== innerB) {
    throw new RangeError(
      `Gemm: shapes ${showShape(a.shape)}${transA ? "ᵀ" : ""} and ${showShape(b.shape)}${
        transB ? "ᵀ" : ""
      } do not chain`,
    );
  }
  const shape = [rows!, columns!];
  if (
    bias !== undefined && !sameShape(bias.shape, [columns!]) && !sameShape(bias.shape, shape)
  ) {
    throw new RangeError(
      `Gemm: bias has shape ${showShape(bias.shape)}, want [${columns}] or ${showShape(shape)}`,
    );
  }
  return makeTensor(
    "Gemm",
    bias === undefined ? [a, b] : [a, b, bias],
    { transA: transA ? 1 : 0, transB: transB ? 1 : 0, ...(alpha === 1 ? {} : { alpha }) },
    shape,
    "f32",
  );
}
