/**
 * New directions for ranks that are added while training.
 *
 * @module
 */

/**
 * How a new row of A (column of B) is kept apart from those that exist:
 * `orthonormal` projects on an orthonormal basis of them, twice, and gives a unit vector that is
 * orthogonal up to rounding; `upstream` follows ElaLoRA's code, one pass v ← v − Aᵀ(A·v) and
 * v ← v / (‖v‖ + 1e-6), which is orthogonal only where the rows are orthonormal already.
 */
export type DirectionMode = "orthonormal" | "upstream";

/**
 * A direction for a new slot, made of standard normal numbers.
 *
 * @param existing Rows of A (or columns of B), each as long as `normals`; not changed.
 * @param normals Standard normal numbers, one an input (output); not changed.
 * @throws RangeError where lengths differ, or (orthonormal) where no direction is left.
 */
export function newDirection(
  existing: readonly ArrayLike<number>[],
  normals: ArrayLike<number>,
  mode: DirectionMode,
): Float64Array {
  const size = normals.length;
  existing.forEach((row, i) => {
    if (row.length !== size) {
      throw new RangeError(
        `Cannot make a direction of length ${size}: vector ${i} has length ${row.length}`,
      );
    }
  });
  const v = Float64Array.from(normals);
  if (mode === "upstream") {
    subtractParts(v, existing);
    return scale(v, 1 / (norm(v) + 1e-6));
  }
  if (existing.length >= size) {
    throw new RangeError(
      `Cannot make a direction orthogonal to ${existing.length} vectors of length ${size}: ` +
        `none is left, cap the rank at ${size}`,
    );
  }
  const direction = residual(v, orthonormalBasis(existing));
  if (direction === null) {
    throw new RangeError(
      `Cannot make a direction of length ${size}: the random vector lies in the span of the ` +
        `${existing.length} that exist, draw another`,
    );
  }
  return direction;
}

/** The E of a new slot: min(min |E|, 1e-13), so that the loss hardly notices it (ElaLoRA's code). */
export function newSlotScale(existing: ArrayLike<number>): number {
  let smallest = 1e-13;
  for (let i = 0; i < existing.length; i++) {
    smallest = Math.min(smallest, Math.abs(existing[i]!));
  }
  return smallest;
}

/** An orthonormal basis of the span (Gram and Schmidt, each vector projected twice). */
export function orthonormalBasis(vectors: readonly ArrayLike<number>[]): Float64Array[] {
  const basis: Float64Array[] = [];
  for (const vector of vectors) {
    const direction = residual(Float64Array.from(vector), basis);
    if (direction !== null) basis.push(direction);
  }
  return basis;
}

/** The unit vector of what is left of `v` outside the basis; null where rounding is all that is left. */
function residual(v: Float64Array, basis: readonly Float64Array[]): Float64Array | null {
  const whole = norm(v);
  subtractParts(v, basis);
  const rest = norm(v);
  if (!(rest > 1e-10 * whole)) return null;
  scale(v, 1 / rest);
  subtractParts(v, basis);
  return scale(v, 1 / norm(v));
}

/** v ← v − Σ (row·v) row, all products with the v that was given. */
function subtractParts(v: Float64Array, rows: readonly ArrayLike<number>[]): void {
  const products = rows.map((row) => dot(row, v));
  rows.forEach((row, i) => {
    for (let j = 0; j < v.length; j++) v[j]! -= products[i]! * row[j]!;
  });
}

/** The inner product of two vectors of one length. */
export function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

function norm(v: Float64Array): number {
  return Math.sqrt(dot(v, v));
}

function scale(v: Float64Array, factor: number): Float64Array {
  for (let i = 0; i < v.length; i++) v[i]! *= factor;
  return v;
}
