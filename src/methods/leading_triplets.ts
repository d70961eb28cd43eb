/**
 * The leading singular triplets of a matrix, by Golub and Kahan's bidiagonalisation with full reorthogonalisation (SIAM J. Numer. Anal.
 * 2(2), 1965; Golub and Van Loan, Matrix Computations, section 10.4).
 *
 * A whole decomposition of a weight of 3,072 by 768 takes minutes in JavaScript. The leading triplets appear after a few dozen
 * products with the matrix, and by as many as its smaller side all are exact.
 *
 * @module
 */
import { Matrix, SingularValueDecomposition } from "ml-matrix";
import { RandomStream } from "../base/random.ts";
import type { HostTensor } from "../graph/mod.ts";
import { dot } from "./directions.ts";

/** Singular values and vectors, the largest value first. */
interface Triplets {
  readonly values: readonly number[];
  /** A vector `[rows]` for each value. */
  readonly left: readonly Float64Array[];
  /** A vector `[columns]` for each value, whose largest entry is positive. */
  readonly right: readonly Float64Array[];
}

/** A matrix by its products with vectors. */
interface Products {
  readonly rows: number;
  readonly columns: number;
  /** The matrix times a vector `[columns]`. */
  readonly times: (x: Float64Array) => Float64Array;
  /** The transposed matrix times a vector `[rows]`. */
  readonly transposedTimes: (y: Float64Array) => Float64Array;
}

function productsOf({ shape, data }: HostTensor): Products {
  const [rows, columns] = shape as readonly [number, number];
  return {
    rows,
    columns,
    times: (x) => {
      const y = new Float64Array(rows);
      for (let i = 0; i < rows; i++) {
        let sum = 0;
        for (let j = 0; j < columns; j++) sum += (data[i * columns + j] as number) * x[j]!;
        y[i] = sum;
      }
      return y;
    },
    transposedTimes: (y) => {
      const x = new Float64Array(columns);
      for (let i = 0; i < rows; i++) {
        const factor = y[i]!;
        for (let j = 0; j < columns; j++) x[j]! += factor * (data[i * columns + j] as number);
      }
      return x;
    },
  };
}

function transposed({ rows, columns, times, transposedTimes }: Products): Products {
  return { rows: columns, columns: rows, times: transposedTimes, transposedTimes: times };
}

/** Takes from a vector its parts along orthonormal ones, twice, so that rounding leaves none. */
function orthogonalise(vector: Float64Array, basis: readonly Float64Array[]): void {
  for (let pass = 0; pass < 2; pass++) {
    for (const other of basis) {
      const along = dot(vector, other);
      for (let i = 0; i < vector.length; i++) vector[i]! -= along * other[i]!;
    }
  }
}

/** Bidiagonalises a matrix of at least as many rows as columns, step by step. */
class Bidiagonalisation {
  readonly left: Float64Array[] = [];
  readonly right: Float64Array[] = [];
  /** The diagonal, and what stands right of it. */
  readonly diagonal: number[] = [];
  readonly beside: number[] = [];
  readonly #matrix: Products;
  readonly #stream = RandomStream.fromSeed(1).fork("leading-triplets");
  /** The largest number met so far: others are zero in comparison. */
  #largest = 0;

  constructor(matrix: Products) {
    this.#matrix = matrix;
    this.right.push(this.#unit(new Float64Array(matrix.columns), []).vector);
  }

  /** One more triplet; the last of `beside` then says how far the space is from closed. */
  step(): void {
    const { times, transposedTimes, columns } = this.#matrix;
    const v = this.right.at(-1)!;
    const u = this.#unit(times(v), this.left);
    this.left.push(u.vector);
    this.diagonal.push(u.length);
    if (this.right.length === columns) {
      this.beside.push(0);
      return;
    }
    const next = this.#unit(transposedTimes(u.vector), this.right);
    this.right.push(next.vector);
    this.beside.push(next.length);
  }

  /** A vector at right angles to others, of length 1, with the length that it had; a drawn one where nothing is left of it. */
  #unit(vector: Float64Array, basis: readonly Float64Array[]) {
    orthogonalise(vector, basis);
    const length = Math.sqrt(dot(vector, vector));
    this.#largest = Math.max(this.#largest, length);
    if (length > 1e-14 * this.#largest) {
      return { vector: vector.map((value) => value / length), length };
    }
    const drawn = Float64Array.from(this.#stream.normals(vector.length));
    orthogonalise(drawn, basis);
    const own = Math.sqrt(dot(drawn, drawn));
    return { vector: drawn.map((value) => value / own), length: 0 };
  }
}

/** Σ of basis vectors times a column's entries. */
function combined(basis: readonly Float64Array[], column: readonly number[]): Float64Array {
  const sum = new Float64Array(basis[0]!.length);
  column.forEach((factor, k) => {
    const vector = basis[k]!;
    for (let i = 0; i < sum.length; i++) sum[i]! += factor * vector[i]!;
  });
  return sum;
}

function negated(vector: Float64Array): Float64Array {
  return vector.map((value) => -value);
}

function largestEntry(vector: Float64Array): number {
  return vector.reduce((top, value) => Math.abs(value) > Math.abs(top) ? value : top, 0);
}

function tripletsOf(matrix: Products, count: number, tolerance: number): Triplets {
  const found = new Bidiagonalisation(matrix);
  for (
    let size = Math.min(matrix.columns, 2 * count + 20);;
    size = Math.min(matrix.columns, 2 * size)
  ) {
    while (found.left.length < size) found.step();
    const core = Matrix.zeros(size, size);
    found.diagonal.forEach((value, i) => core.set(i, i, value));
    found.beside.forEach((value, i) => i + 1 < size ? core.set(i, i + 1, value) : core);
    const { leftSingularVectors: P, rightSingularVectors: Q, diagonal: values } =
      new SingularValueDecomposition(core);
    const open = found.beside[size - 1]!;
    const isDone = Array.from({ length: count }, (_, i) => Math.abs(open * P.get(size - 1, i)))
      .every((residual) => residual <= tolerance * values[0]!);
    if (!isDone && size < matrix.columns) continue;
    const columns = Array.from({ length: count }, (_, i) => i);
    return {
      values: values.slice(0, count),
      left: columns.map((i) => combined(found.left, P.getColumn(i))),
      right: columns.map((i) => combined(found.right.slice(0, size), Q.getColumn(i))),
    };
  }
}

/** What was found before, by matrix, and by count and tolerance: runs that differ in their seeds only share their weights. */
const known = new WeakMap<HostTensor, Map<string, Triplets>>();

/**
 * The leading singular triplets of a matrix.
 *
 * @param matrix `[rows, columns]`; it must not change afterwards, since what is found is kept with it.
 * @param count From 1 to the smaller side.
 * @param tolerance Residuals up to this share of the largest singular value count as none. Default 1e-10, which single precision does not
 * see.
 * @throws {RangeError} If there are fewer.
 */
export function leadingTriplets(
  matrix: HostTensor,
  count: number,
  tolerance: number = 1e-10,
): Triplets {
  const products = productsOf(matrix);
  const { rows, columns } = products;
  if (!Number.isInteger(count) || count < 1 || count > Math.min(rows, columns)) {
    throw new RangeError(
      `Cannot find ${count} singular triplets of a matrix of ${rows} by ${columns}: want 1 to ${
        Math.min(rows, columns)
      }`,
    );
  }
  const before = known.get(matrix) ?? new Map<string, Triplets>();
  known.set(matrix, before);
  const key = `${count} ${tolerance}`;
  const kept = before.get(key);
  if (kept !== undefined) return kept;
  const turned = rows < columns;
  const { values, left, right } = tripletsOf(
    turned ? transposed(products) : products,
    count,
    tolerance,
  );
  const [ofRows, ofColumns] = turned ? [right, left] : [left, right];
  const flips = ofColumns.map((vector) => largestEntry(vector) < 0);
  const signed = (vectors: readonly Float64Array[]) =>
    vectors.map((vector, i) => flips[i] ? negated(vector) : vector);
  const found = { values, left: signed(ofRows), right: signed(ofColumns) };
  before.set(key, found);
  return found;
}
