/**
 * The tokens of a batch as rows of one matrix, without its padding.
 *
 * Linear layers, norms and dropout act on each token alone, so they run on rows of real tokens only; all padding of a batch
 * is one row. Attention needs the rectangle of the batch: rows are gathered into `[batch, heads, seq, width]` and back
 * by indices that the host counts out. The row that stands for padding reaches neither the keys that attention
 * looks at nor the pooled vector, so its gradient is zero and it adds nothing to any other.
 *
 * @module
 */
import { type HostTensor, input, productOf, type Shape, type Tensor } from "../graph/mod.ts";
import {
  relativeFeed,
  type RelativeInputs,
  relativeInputs,
  type RelativePositions,
} from "./deberta_positions.ts";

/** The symbolic sizes of a batch: texts, tokens of a padded text, and rows of tokens. */
export const dims = { batch: "batch", seq: "seq", tokens: "tokens" } as const;

/** Tokens of a batch, padded. */
interface PaddedTokens {
  readonly size: number;
  /** Padded length in tokens. */
  readonly length: number;
  /** `[size, length]`. */
  readonly ids: Int32Array;
  readonly types: Int32Array;
  /** 1 for a token, 0 for padding. */
  readonly mask: Float32Array;
}

/** Which row each place of the padded rectangle has, and the reverse. */
interface TokenRows {
  /** Number of rows. */
  readonly count: number;
  /** The row of each place, `[size * length]`. */
  readonly rowOf: Int32Array;
  /** A place of each row, `[count]`: its own, or for the row of all padding the first padded one. */
  readonly placeOf: Int32Array;
}

/** A batch, of which only the mask decides. */
type MaskedTokens = Pick<PaddedTokens, "size" | "length" | "mask">;

/** The rows of batches that are in use: several parts of a pass ask for them, and evaluations see the same batches again. */
const held = new WeakMap<MaskedTokens, TokenRows>();

/** Gives the places of a batch their rows. */
export function tokenRows(batch: MaskedTokens): TokenRows {
  const before = held.get(batch);
  if (before !== undefined) return before;
  const rows = rowsOf(batch);
  held.set(batch, rows);
  return rows;
}

function rowsOf({ size, length, mask }: MaskedTokens): TokenRows {
  const places = size * length;
  const rowOf = new Int32Array(places);
  const placeOf = new Int32Array(places);
  let count = 0;
  let firstPadding = -1;
  for (let place = 0; place < places; place++) {
    if (mask[place] === 1) {
      placeOf[count] = place;
      rowOf[place] = count++;
    } else if (firstPadding < 0) {
      firstPadding = place;
    }
  }
  if (firstPadding >= 0) {
    for (let place = firstPadding; place < places; place++) {
      if (mask[place] !== 1) rowOf[place] = count;
    }
    placeOf[count++] = firstPadding;
  }
  return { count, rowOf, placeOf: placeOf.subarray(0, count) };
}

/** The inputs of a forward pass; all are fed by name. */
export interface EncoderInputs {
  /** Token ids, i32 `[tokens]`. */
  readonly ids: Tensor;
  /** Token types, i32 `[tokens]`. */
  readonly types: Tensor;
  /** Rows of the position table, i32 `[tokens]`. */
  readonly positions: Tensor;
  /** 1 for tokens and 0 for padding, `[batch, seq]`. */
  readonly mask: Tensor;
  /** How much each token counts for the vector of its text, `[batch, tokens]`. */
  readonly pool: Tensor;
  /**
   * Where the heads of a text's tokens lie in rows of `parts` projections side by side, i32 `[batch*heads*seq]`.
   *
   * @param part Which of the projections.
   */
  readonly toHeads: (part: number, parts: number) => Tensor;
  /** Where the projections of a row's heads lie in `[batch, parts, heads, seq]`, i32 `[tokens*parts*heads]`. */
  readonly fromHeads: (parts: number) => Tensor;
  /** What relative positions need. */
  readonly relative: (positions: RelativePositions) => RelativeInputs;
}

/** Declares the inputs; each index tensor is declared when it is first asked for. */
export function encoderInputs(heads: number): EncoderInputs {
  const { batch, seq, tokens } = dims;
  const declared = new Map<string, Tensor>();
  const declare = (name: string, shape: Shape, type: "f32" | "i32") => {
    const tensor = declared.get(name) ?? input(name, shape, type);
    declared.set(name, tensor);
    return tensor;
  };
  const indices = (name: string, size: string | number) => declare(name, [size], "i32");
  return {
    ids: input("ids", [tokens], "i32"),
    types: input("types", [tokens], "i32"),
    positions: input("positions", [tokens], "i32"),
    mask: input("mask", [batch, seq]),
    pool: input("pool", [batch, tokens]),
    toHeads: (part, parts) => indices(`heads.to.${part}of${parts}`, productOf([batch, heads, seq])),
    fromHeads: (parts) => indices(`heads.from.${parts}`, productOf([tokens, parts * heads])),
    relative: (positions) => relativeInputs(positions, declare),
  };
}

function headIndices(
  { rowOf }: TokenRows,
  { size, length }: PaddedTokens,
  [heads, part, parts]: readonly [number, number, number],
): Int32Array {
  const indices = new Int32Array(size * heads * length);
  let at = 0;
  for (let text = 0; text < size; text++) {
    for (let head = 0; head < heads; head++) {
      const within = part * heads + head;
      for (let i = text * length; i < (text + 1) * length; i++) {
        indices[at++] = rowOf[i]! * parts * heads + within;
      }
    }
  }
  return indices;
}

function rowIndices(
  { count, placeOf }: TokenRows,
  { length }: PaddedTokens,
  [heads, parts]: readonly [number, number],
): Int32Array {
  const indices = new Int32Array(count * parts * heads);
  let at = 0;
  for (let row = 0; row < count; row++) {
    const text = Math.floor(placeOf[row]! / length);
    const place = placeOf[row]! - text * length;
    for (let lane = 0; lane < parts * heads; lane++) {
      indices[at++] = (text * parts * heads + lane) * length + place;
    }
  }
  return indices;
}

/** Name of the input that is 1 for rows of tokens and 0 for rows of padding, f32 `[1, tokens]`. */
export const realRowsName = "tokens.real";

/** How token vectors become one vector a text: the first token's, or the mean over tokens. */
export type Pooling = "first" | "mean";

function poolMatrix(rows: TokenRows, batch: PaddedTokens, pooling: Pooling): Float32Array {
  const { size, length, mask } = batch;
  const matrix = new Float32Array(size * rows.count);
  for (let text = 0; text < size; text++) {
    const start = text * length;
    if (pooling === "first") {
      matrix[text * rows.count + rows.rowOf[start]!] = 1;
      continue;
    }
    let tokens = 0;
    for (let i = start; i < start + length; i++) tokens += mask[i]!;
    for (let i = start; i < start + length; i++) {
      if (mask[i] === 1) matrix[text * rows.count + rows.rowOf[i]!] = 1 / tokens;
    }
  }
  return matrix;
}

/** What the feeds of a batch depend on besides its tokens; see the config's fields of the same names. */
export interface TokenLayout {
  readonly heads: number;
  readonly pooling: Pooling;
  readonly paddingPosition: number | null;
}

/**
 * The row of the position table for each place: the place in the padded text, or with `paddingPosition` that one for the
 * token of padding, in a text too, and those that follow for the other tokens of a text in turn
 * (`create_position_ids_from_input_ids` of transformers' `modeling_roberta.py`).
 */
function positionsOf(
  { size, length, ids }: PaddedTokens,
  paddingPosition: number | null,
): Int32Array {
  const positions = new Int32Array(size * length);
  for (let text = 0; text < size; text++) {
    let tokens = 0;
    for (let place = 0; place < length; place++) {
      const at = text * length + place;
      if (paddingPosition === null) positions[at] = place;
      else positions[at] = paddingPosition + (ids[at] === paddingPosition ? 0 : ++tokens);
    }
  }
  return positions;
}

/**
 * What a forward pass over a batch is fed, but for its parameters.
 *
 * @param names The inputs that are wanted; the others are not made.
 */
export function tokenFeeds(
  batch: PaddedTokens,
  { heads, pooling, paddingPosition }: TokenLayout,
  names: Iterable<string>,
): Readonly<Record<string, HostTensor>> {
  const { size, length } = batch;
  const rows = tokenRows(batch);
  const i32 = (data: Int32Array): HostTensor => ({ type: "i32", shape: [data.length], data });
  const ofRows = (of: (place: number) => number) => i32(rows.placeOf.map(of));
  const makers: Readonly<Record<string, () => HostTensor>> = {
    ids: () => ofRows((place) => batch.ids[place]!),
    types: () => ofRows((place) => batch.types[place]!),
    positions: () => {
      const positions = positionsOf(batch, paddingPosition);
      return ofRows((place) => positions[place]!);
    },
    mask: () => ({ type: "f32", shape: [size, length], data: batch.mask }),
    [realRowsName]: () => ({
      type: "f32",
      shape: [1, rows.count],
      data: Float32Array.from(rows.placeOf, (place) => batch.mask[place]!),
    }),
    pool: () => ({
      type: "f32",
      shape: [size, rows.count],
      data: poolMatrix(rows, batch, pooling),
    }),
  };
  const feeds: Record<string, HostTensor> = {};
  for (const name of names) {
    const made = name.startsWith("heads.")
      ? i32(headFeed(name, rows, batch, heads))
      : makers[name]?.() ?? relativeFeed(name, length);
    if (made !== null) feeds[name] = made;
  }
  return feeds;
}

/** The numbers of an input that {@linkcode EncoderInputs.toHeads} or `fromHeads` declared. */
function headFeed(name: string, rows: TokenRows, batch: PaddedTokens, heads: number): Int32Array {
  const [, direction, counts = ""] = name.split(".");
  const [first = NaN, second = NaN] = counts.split("of").map(Number);
  return direction === "to"
    ? headIndices(rows, batch, [heads, first, second])
    : rowIndices(rows, batch, [heads, first]);
}
