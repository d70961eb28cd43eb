/**
 * What singular values and vectors say of a change of a matrix: how many directions it uses, how far it goes, whether it brings
 * directions that were not there, and whether two changes use the same ones.
 *
 * Vectors are of unit length; a set of them is a list, the largest singular value first.
 *
 * @module
 */
import { EigenvalueDecomposition, Matrix } from "ml-matrix";

/** A matrix by rows, `[rows, columns]`. */
interface DenseMatrix {
  readonly rows: number;
  readonly columns: number;
  readonly data: ArrayLike<number>;
}

/** Unit vectors of equal lengths. */
export type Vectors = readonly Float32Array[];

/** The share of the largest singular value below which a direction counts as none: what single precision leaves of zero. */
const leastShare = 1e-6;

/**
 * The effective rank: the exponential of the entropy of the singular values over their sum (Roy and Vetterli, The effective rank: a
 * measure of effective dimensionality, EUSIPCO 2007, definition 1). Between 1 and their number; 0 where all are zero.
 *
 * @param values Singular values.
 */
export function effectiveRank(values: readonly number[]): number {
  const total = values.reduce((sum, value) => sum + value, 0);
  if (total === 0) return 0;
  const entropy = values.reduce((sum, value) => {
    const share = value / total;
    return share === 0 ? sum : sum - share * Math.log(share);
  }, 0);
  return Math.exp(entropy);
}

/**
 * The stable rank: the squared Frobenius norm over the squared largest singular value (Rudelson and Vershynin, Sampling from large
 * matrices, 2007). Between 1 and their number; 0 where all are zero.
 *
 * @param values Singular values.
 */
export function stableRank(values: readonly number[]): number {
  const largest = Math.max(0, ...values);
  return largest === 0 ? 0 : values.reduce((sum, value) => sum + (value / largest) ** 2, 0);
}

/** The Frobenius norm of a matrix by its numbers, or by its singular values. */
export function frobeniusNorm(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]! ** 2;
  return Math.sqrt(sum);
}

/** The vectors whose singular values are not zero but for rounding. */
export function spanOf(vectors: Vectors, values: readonly number[]): Vectors {
  const least = leastShare * Math.max(0, ...values);
  return vectors.filter((_, i) => values[i]! > least);
}

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

/**
 * The overlap of two subspaces: ‖UᵀV‖²_F over the smaller dimension (Hu et al., arXiv 2106.09685, equation 4). From 0, orthogonal,
 * to 1, where one contains the other; null where one is empty.
 *
 * @param first An orthonormal basis.
 * @param second Another, in the same space.
 */
export function subspaceOverlap(first: Vectors, second: Vectors): number | null {
  const least = Math.min(first.length, second.length);
  if (least === 0) return null;
  const sum = first.reduce(
    (total, u) => total + second.reduce((own, v) => own + dot(u, v) ** 2, 0),
    0,
  );
  return Math.min(1, sum / least);
}

/** The overlap that {@linkcode subspaceOverlap} has on average for subspaces drawn at random in `size` dimensions. */
export function chanceOverlap(first: Vectors, second: Vectors, size: number): number {
  return Math.max(first.length, second.length) / size;
}

/** M Mᵀ, or Mᵀ M where that is smaller. */
function smallerGram({ rows, columns, data }: DenseMatrix): Matrix {
  const isWide = rows <= columns;
  const size = isWide ? rows : columns;
  const gram = Array.from({ length: size }, () => new Float64Array(size));
  if (isWide) {
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j <= i; j++) {
        let sum = 0;
        for (let k = 0; k < columns; k++) sum += data[i * columns + k]! * data[j * columns + k]!;
        gram[i]![j] = sum;
      }
    }
  } else {
    for (let row = 0; row < rows; row++) {
      const start = row * columns;
      for (let i = 0; i < columns; i++) {
        const factor = data[start + i]!;
        const own = gram[i]!;
        for (let j = 0; j <= i; j++) own[j]! += factor * data[start + j]!;
      }
    }
  }
  for (let i = 0; i < size; i++) for (let j = 0; j < i; j++) gram[j]![i] = gram[i]![j]!;
  return new Matrix(gram);
}

/**
 * The left singular vectors of a matrix, as many as it has singular values that are not zero but for rounding.
 *
 * They come from the eigenvectors of M Mᵀ or Mᵀ M, the smaller of the two, in double precision. That halves the digits of small
 * singular values, which weights in single precision have no more of.
 *
 * @param count The most that are given, those of the largest singular values. Default all.
 */
export function leftSingularVectors(matrix: DenseMatrix, count = Infinity): Vectors {
  const { rows, columns, data } = matrix;
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(smallerGram(matrix), {
    assumeSymmetric: true,
  });
  const order = realEigenvalues.map((_, i) => i)
    .sort((a, b) => realEigenvalues[b]! - realEigenvalues[a]!);
  const least = leastShare ** 2 * Math.max(0, ...realEigenvalues);
  return order.filter((i) => realEigenvalues[i]! > least).slice(0, count).map((i) => {
    const vector = eigenvectorMatrix.getColumn(i);
    if (rows <= columns) return Float32Array.from(vector);
    const size = Math.sqrt(realEigenvalues[i]!);
    return Float32Array.from({ length: rows }, (_, row) => {
      let sum = 0;
      for (let k = 0; k < columns; k++) sum += data[row * columns + k]! * vector[k]!;
      return sum / size;
    });
  });
}

/**
 * How many directions are intruders: vectors whose cosine with each of those from before is below a threshold (Shuttleworth et al.,
 * arXiv 2410.21228, algorithm 1).
 *
 * @param before All left singular vectors of the weight before training.
 * @param after The first left singular vectors of the weight after it.
 * @param threshold The cosine from which two directions count as the same.
 */
export function intruderCount(before: Vectors, after: Vectors, threshold: number): number {
  return after.filter((found) => before.every((known) => Math.abs(dot(found, known)) < threshold))
    .length;
}
