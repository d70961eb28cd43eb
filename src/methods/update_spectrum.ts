/**
 * The singular value decomposition of an adapter's update, from its thin factors.
 *
 * With Q_A R_A = Aᵀ and Q_B R_B = B, the update B diag(e) A is Q_B (R_B diag(e) R_Aᵀ) Q_Aᵀ, so the decomposition of a square matrix of
 * the rank's size gives that of the whole.
 *
 * @module
 */
import { Matrix, QrDecomposition, SingularValueDecomposition } from "ml-matrix";
import type { WeightUpdate } from "./weight_update.ts";

/** An update as its singular values and vectors. */
interface FactoredUpdate {
  /** Singular values of B diag(e) A without the adapter's scale, the largest first; as many as there are ranks. */
  readonly values: readonly number[];
  /** Rows of the parts that make the same update, a rank a singular value, in the same order. */
  readonly rows: Readonly<Record<string, readonly Float32Array[]>>;
}

/** The rows as the columns of a matrix. */
function columns(rows: readonly ArrayLike<number>[]): Matrix {
  return new Matrix(rows.map((row) => Array.from(row))).transpose();
}

/**
 * The update of a module, factored anew.
 *
 * Where there is a part of single numbers it takes the singular values and A and B are orthonormal; else A and B take a root of them
 * each.
 *
 * @param rows Rows of each part by rank: A `[in]`, B `[out]`, and a part of single numbers or none.
 */
export function factoredUpdate(
  rows: Readonly<Record<string, readonly Float32Array[]>>,
): FactoredUpdate {
  const { A = [], B = [] } = rows;
  const rank = A.length;
  const [entry] = Object.keys(rows).filter((part) => part !== "A" && part !== "B");
  const empty = Object.fromEntries(Object.keys(rows).map((part) => [part, []]));
  if (rank === 0) return { values: [], rows: empty };
  const entries = entry === undefined
    ? Array<number>(rank).fill(1)
    : rows[entry]!.map(([value]) => value!);
  const a = new QrDecomposition(columns(A));
  const b = new QrDecomposition(columns(B));
  const core = b.upperTriangularMatrix.mmul(Matrix.diag(entries)).mmul(
    a.upperTriangularMatrix.transpose(),
  );
  const { leftSingularVectors, rightSingularVectors, diagonal } = new SingularValueDecomposition(
    core,
    { autoTranspose: true },
  );
  const left = b.orthogonalMatrix.mmul(leftSingularVectors);
  const right = a.orthogonalMatrix.mmul(rightSingularVectors);
  const rowsOf = (vectors: Matrix) =>
    diagonal.map((value, i) =>
      Float32Array.from(
        vectors.getColumn(i),
        (entryOf) => entryOf * (entry === undefined ? Math.sqrt(value) : 1),
      )
    );
  return {
    values: diagonal,
    rows: {
      A: rowsOf(right),
      B: rowsOf(left),
      ...(entry === undefined ? {} : { [entry]: diagonal.map((value) => Float32Array.of(value)) }),
    },
  };
}

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
