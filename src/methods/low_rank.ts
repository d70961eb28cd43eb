/**
 * Linear layers with what an adapter of low rank adds to them: y = x (W + BᵀA)ᵀ + b.
 *
 * Without dropout before the adapter, W + BᵀA is made once a step and the layer is one product, forward and backward, as
 * in the frozen encoder. The gradients of A and B are those of x Wᵀ + (x Aᵀ) B: four thin products, so that the
 * gradient of the whole weight, as large as W, is never made (Hu et al., arXiv 2106.09685, section 4.1).
 *
 * @module
 */
import {
  concat,
  constant,
  gemm,
  mul,
  reduceSum,
  reshape,
  split,
  type Tensor,
  withGradient,
  zeros,
} from "../graph/mod.ts";

/** A layer, or several that share an input, side by side, with an adapter for each. */
export interface AdaptedLinear {
  /** `[rows, in]`. */
  readonly x: Tensor;
  /** `[out, in]`. */
  readonly weight: Tensor;
  /** `[out]`. */
  readonly bias: Tensor;
  /** `[ranks, in]`. */
  readonly A: Tensor;
  /** B transposed, `[ranks, out]`; for several layers block-diagonal, see {@linkcode blockDiagonal}. */
  readonly B: Tensor;
  /** Dropout factors of the adapter's input, `[rows, in]`; null without dropout. */
  readonly mask: Tensor | null;
}

/** The layers' output, `[rows, out]`. */
export function adaptedLinear({ x, weight, bias, A, B, mask }: AdaptedLinear): Tensor {
  if (mask !== null) {
    const inner = gemm(mul(x, mask), A, { transB: true });
    return gemm(inner, B, { bias: gemm(x, weight, { transB: true, bias }) });
  }
  const merged = gemm(B, A, { transA: true, bias: weight });
  return withGradient(gemm(x, merged, { transB: true, bias }), {
    inputs: [x, A, B, weight, bias],
    rule: (g, needs) => [
      needs[0] ? gemm(g, merged) : null,
      needs[1] ? gemm(gemm(g, B, { transB: true }), x, { transA: true }) : null,
      needs[2] ? gemm(gemm(x, A, { transB: true }), g, { transA: true }) : null,
      needs[3] ? gemm(g, x, { transA: true }) : null,
      needs[4] ? reduceSum(g, { axes: [0] }) : null,
    ],
  });
}

/** The B of some layers that share an input, and where their outputs lie among those of all. */
export interface BlockRows {
  /** `[layers, ranks, out]`. */
  readonly rows: Tensor;
  /** Index of each of the layers among those that lie side by side. */
  readonly blocks: readonly number[];
}

/**
 * The B of layers side by side: rows of a layer are zero in the columns of the others.
 *
 * @param pieces The layers' own B; all have the same number of outputs.
 * @param count Layers side by side, adapted or not.
 * @returns `[sum of ranks, count * out]`.
 */
export function blockDiagonal(pieces: readonly BlockRows[], count: number): Tensor {
  const placed = pieces.map(({ rows, blocks }) => {
    const [layers, ranks, out] = rows.shape as readonly [number, number, number];
    const flat = reshape(rows, [layers * ranks, out]);
    if (count === 1) return flat;
    const data = new Float32Array(layers * ranks * count * out);
    blocks.forEach((block, layer) => {
      for (let row = layer * ranks; row < (layer + 1) * ranks; row++) {
        const start = (row * count + block) * out;
        data.fill(1, start, start + out);
      }
    });
    const own = constant({ type: "f32", shape: [layers * ranks, count * out], data }, "blocks");
    return mul(concat(Array.from({ length: count }, () => flat), 1), own);
  });
  return concat(placed, 0);
}

/**
 * Numbers of layers side by side: those of each of the layers at its place, zeros for layers without.
 *
 * @param pieces The layers' own rows; `[layers, 1, out]`, all with the same number of outputs.
 * @param count Layers side by side, adapted or not.
 * @returns `[count * out]`.
 */
export function sideBySide(pieces: readonly BlockRows[], count: number): Tensor {
  const out = pieces[0]!.rows.shape[2] as number;
  const [only] = pieces;
  if (pieces.length === 1 && only!.blocks.length === count) {
    if (only!.blocks.every((block, i) => block === i)) return reshape(only!.rows, [count * out]);
  }
  const columns = new Map(pieces.flatMap(({ rows, blocks }) => {
    const layers = split(rows, blocks.map(() => 1), 0);
    return blocks.map((block, i) => [block, reshape(layers[i]!, [out])] as const);
  }));
  return concat(
    Array.from({ length: count }, (_, block) => columns.get(block) ?? zeros([out])),
    0,
  );
}
