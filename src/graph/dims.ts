/**
 * Dimensions of tensors: a number, or a product of named sizes that a run binds, such as `4*batch*seq`.
 *
 * @module
 */

/** A size known when the graph is built, or a monomial such as `batch`, `batch*seq` or `12*batch`. */
export type Dim = number | string;

/** The dimensions of a tensor, outermost first. */
export type Shape = readonly Dim[];

/** The numbers that a run gives to the names, for instance `{batch: 32, seq: 64}`. */
export type DimBindings = Readonly<Record<string, number>>;

interface Factors {
  readonly factor: number;
  readonly names: readonly string[];
}

/** Monomials that have been taken apart: every run of a program asks for those of its inputs again. */
const known = new Map<string, Factors>();

/** So many are known at most; a program has a dozen. */
const mostKnown = 1000;

function factors(dim: Dim): Factors {
  if (typeof dim === "number") return { factor: dim, names: [] };
  const before = known.get(dim);
  if (before !== undefined) return before;
  if (known.size >= mostKnown) known.clear();
  const parts = factorsOf(dim);
  known.set(dim, parts);
  return parts;
}

function factorsOf(dim: string): Factors {
  let factor = 1;
  const names: string[] = [];
  for (const piece of dim.split("*")) {
    if (/^\d+$/.test(piece)) factor *= Number(piece);
    else names.push(piece);
  }
  return { factor, names };
}

/** The product of dimensions in its one canonical spelling: number first, then names in order. */
export function productOf(dims: Shape): Dim {
  let factor = 1;
  const names: string[] = [];
  for (const dim of dims) {
    const parts = factors(dim);
    factor *= parts.factor;
    names.push(...parts.names);
  }
  if (names.length === 0 || factor === 0) return factor;
  const symbols = names.sort().join("*");
  return factor === 1 ? symbols : `${factor}*${symbols}`;
}

/**
 * The number that a dimension stands for.
 *
 * @throws {RangeError} If a name has no number.
 */
export function dimSize(dim: Dim, bindings: DimBindings): number {
  const { factor, names } = factors(dim);
  let size = factor;
  for (const name of names) {
    const bound = bindings[name];
    if (bound === undefined) {
      const known = Object.keys(bindings).join(", ") || "none";
      throw new RangeError(
        `Cannot size dimension "${dim}": "${name}" is not bound (bound are: ${known})`,
      );
    }
    size *= bound;
  }
  return size;
}

/** The numbers of a whole shape. */
export function shapeSizes(shape: Shape, bindings: DimBindings): number[] {
  return shape.map((dim) => dimSize(dim, bindings));
}

/** Whether two shapes are the same, symbol by symbol. */
export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((dim, i) => dim === b[i]);
}

/** A shape as people write it, `[batch, 4, seq]`. */
export function showShape(shape: Shape): string {
  return `[${shape.join(", ")}]`;
}

/**
 * The common shape of two broadcast operands (NumPy's rule).
 *
 * @throws {RangeError} If a pair of dimensions is neither equal nor 1.
 */
export function broadcastShapes(op: string, a: Shape, b: Shape): Shape {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, axis) => {
    const left = a[axis - rank + a.length] ?? 1;
    const right = b[axis - rank + b.length] ?? 1;
    if (left === right || right === 1) return left;
    if (left === 1) return right;
    throw new RangeError(
      `${op}: cannot broadcast ${showShape(a)} with ${showShape(b)}: ` +
        `dimensions ${left} and ${right} are neither equal nor 1`,
    );
  });
}
