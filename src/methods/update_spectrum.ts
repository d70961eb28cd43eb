/**
 * The singular values and vectors of an update s·BA, from its factors.
 *
 * @module
 */
import { Matrix, SingularValueDecomposition } from "ml-matrix";
import { factoredUpdate } from "./factored_update.ts";
import type { WeightUpdate } from "./weight_update.ts";

/** An update s·BA as Σ σ·u vᵀ. */
interface UpdateSpectrum {
  /** Singular values with the adapter's scale, the largest first. */
  readonly values: readonly number[];
  /** Unit vectors u of length `out`, one a value. */
  readonly left: readonly Float32Array[];
  /** Unit vectors v of length `in`, one a value. */
  readonly right: readonly Float32Array[];
}

/** The decomposition of BA as a whole, for more ranks than it has rows or columns. */
function dense({ A, B }: Pick<WeightUpdate, "A" | "B">): UpdateSpectrum {
  const [rank, inSize] = A.shape as readonly [number, number];
  const b = Matrix.from1DArray(B.shape[0]!, rank, B.data);
  const { diagonal, leftSingularVectors, rightSingularVectors } = new SingularValueDecomposition(
    b.mmul(Matrix.from1DArray(rank, inSize, A.data)),
    { autoTranspose: true },
  );
  const columnsOf = (vectors: Matrix) =>
    diagonal.map((_, i) => Float32Array.from(vectors.getColumn(i)));
  return {
    values: diagonal,
    left: columnsOf(leftSingularVectors),
    right: columnsOf(rightSingularVectors),
  };
}

/**
 * Decomposes the update of a layer, its scale included and the lengths of rows, where they are trained apart, not.
 *
 * @param update A `[r, in]`, B `[out, r]` and the scale.
 */
export function updateSpectrum({ A, B, scale }: WeightUpdate): UpdateSpectrum {
  const [rank, inSize] = A.shape as readonly [number, number];
  const outSize = B.shape[0]!;
  const scaled = (values: readonly number[]) => values.map((value) => value * Math.abs(scale));
  if (rank > Math.min(inSize, outSize)) {
    const { values, left, right } = dense({ A, B });
    return { values: scaled(values), left, right };
  }
  const slots = Array.from({ length: rank }, (_, slot) => slot);
  const { values, rows } = factoredUpdate({
    A: slots.map((slot) => Float32Array.from(A.data.slice(slot * inSize, (slot + 1) * inSize))),
    B: slots.map((slot) =>
      Float32Array.from({ length: outSize }, (_, row) => B.data[row * rank + slot]!)
    ),
    // With a part of single numbers A and B come back as unit vectors.
    E: slots.map(() => Float32Array.of(1)),
  });
  return { values: scaled(values), left: rows["B"]!, right: rows["A"]! };
}
