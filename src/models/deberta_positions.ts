/**
 * Relative positions of DeBERTa: which row of its table a distance between two tokens has, and the index tensors that a
 * forward pass is fed for them.
 *
 * All of them depend on the padded length alone, and distances on nothing but i − j. So the table's rows are first put in
 * the order of distances, `2*seq` of them, and a score is found by its distance: row r and column c of a square have place
 * r − c + seq among the distances. No two columns of a row share a place, so the way back is a lookup too: the gradient has
 * no scatter.
 *
 * @module
 */
import { type HostTensor, productOf, type Shape, type Tensor } from "../graph/mod.ts";

/** How distances are numbered. */
export interface RelativePositions {
  /** Buckets for distances of either sign (`position_buckets`); 0 where every distance has its own row. */
  readonly buckets: number;
  /** Distances from here on are not told apart (`max_relative_positions`). */
  readonly maxDistance: number;
}

/** Rows of the table for distances of one sign; the whole has twice as many. */
export function positionSpan({ buckets, maxDistance }: RelativePositions): number {
  return buckets > 0 ? buckets : maxDistance;
}

/**
 * The signed bucket of a distance: the distance itself up to half the buckets, from there on by its logarithm.
 *
 * He et al., arXiv 2111.09543 (the released models), as transformers' `make_log_bucket_position` computes it: in single
 * precision, since a ceiling is taken of it.
 */
function logBucket(distance: number, { buckets, maxDistance }: RelativePositions): number {
  const middle = Math.floor(buckets / 2);
  const size = Math.abs(distance);
  if (size <= middle) return distance;
  const log = (x: number) => Math.fround(Math.log(Math.fround(x)));
  const share = Math.fround(log(size / middle) / log((maxDistance - 1) / middle));
  const steps = Math.ceil(Math.fround(share * (middle - 1)));
  return Math.sign(distance) * (steps + middle);
}

/** The row of the table for the distance i − j between a query at i and a key at j. */
export function positionRow(distance: number, positions: RelativePositions): number {
  const span = positionSpan(positions);
  const bucket = positions.buckets > 0 ? logBucket(distance, positions) : distance;
  return Math.min(Math.max(bucket + span, 0), 2 * span - 1);
}

/** The inputs that relative positions need; all are fed by name. */
export interface RelativeInputs {
  /** The table's row for each distance from −seq to seq − 1, i32 `[2*seq]`. */
  readonly distances: Tensor;
  /** The table's row for the distance from the first token to each other, i32 `[seq]`. */
  readonly fromFirst: Tensor;
  /** Where the distance of the opposite sign stands, i32 `[2*seq]`; it is its own inverse. */
  readonly reversed: Tensor;
  /** The place among distances of row r and column c, r − c + seq, i32 `[1, 1, seq, seq]`. */
  readonly toSquare: Tensor;
  /** The column of row r and a place among distances, i32 `[1, 1, seq, 2*seq]`, clamped to the square. */
  readonly toDistances: Tensor;
  /** 1 where that column lies in the square, else 0, `[seq, 2*seq]`. */
  readonly inSquare: Tensor;
}

const seq = "seq";
/** Places among distances. */
export const distancePlaces = productOf([2, seq]);

/**
 * Declares the inputs.
 *
 * @param declare Declares an input by name, once.
 */
export function relativeInputs(
  { buckets, maxDistance }: RelativePositions,
  declare: (name: string, shape: Shape, type: "f32" | "i32") => Tensor,
): RelativeInputs {
  const rule = `${buckets}.${maxDistance}`;
  return {
    get distances() {
      return declare(`relative.distances.${rule}`, [distancePlaces], "i32");
    },
    get fromFirst() {
      return declare(`relative.first.${rule}`, [seq], "i32");
    },
    get reversed() {
      return declare("relative.reversed", [distancePlaces], "i32");
    },
    get toSquare() {
      return declare("relative.square", [1, 1, seq, seq], "i32");
    },
    get toDistances() {
      return declare("relative.places", [1, 1, seq, distancePlaces], "i32");
    },
    get inSquare() {
      return declare("relative.inside", [seq, distancePlaces], "f32");
    },
  };
}

/** Numbers of a matrix by row and column. */
function matrixOf(
  rows: number,
  columns: number,
  of: (row: number, column: number) => number,
): Int32Array {
  return Int32Array.from(
    { length: rows * columns },
    (_, i) => of(Math.floor(i / columns), i % columns),
  );
}

/**
 * What an input of {@linkcode relativeInputs} is fed for texts of a padded length; null for any other name.
 *
 * @param name The input's name; those that depend on how distances are numbered end in `buckets.maxDistance`.
 */
export function relativeFeed(name: string, length: number): HostTensor | null {
  if (!name.startsWith("relative.")) return null;
  const [, kind, buckets, maxDistance] = name.split(".");
  const places = 2 * length;
  const positions = { buckets: Number(buckets), maxDistance: Number(maxDistance) };
  const i32 = (shape: readonly number[], data: Int32Array): HostTensor => ({
    type: "i32",
    shape,
    data,
  });
  const columnAt = (row: number, place: number) => row - place + length;
  switch (kind) {
    case "distances":
      return i32(
        [places],
        matrixOf(1, places, (_, place) => positionRow(place - length, positions)),
      );
    case "first":
      return i32([length], matrixOf(1, length, (_, key) => positionRow(-key, positions)));
    case "reversed":
      return i32([places], matrixOf(1, places, (_, place) => (places - place) % places));
    case "square":
      return i32([1, 1, length, length], matrixOf(length, length, columnAt));
    case "places":
      return i32(
        [1, 1, length, places],
        matrixOf(
          length,
          places,
          (row, place) => Math.min(Math.max(columnAt(row, place), 0), length - 1),
        ),
      );
    case "inside": {
      const inside = (row: number, place: number) => {
        const column = columnAt(row, place);
        return column >= 0 && column < length ? 1 : 0;
      };
      return {
        type: "f32",
        shape: [length, places],
        data: Float32Array.from(matrixOf(length, places, inside)),
      };
    }
    default:
      return null;
  }
}
