/**
 * What relative positions need, computed in the graph from the length of the texts: for models that plain runtimes feed with
 * nothing but texts. Programs for training are fed it, see `deberta_positions.ts`.
 *
 * @module
 */
import {
  add,
  cast,
  countUp,
  equal,
  gather,
  greater,
  integers,
  max,
  min,
  mul,
  reshape,
  sub,
  type Tensor,
} from "../graph/mod.ts";
import {
  distancePlaces,
  positionRow,
  type RelativeInputs,
  type RelativePositions,
} from "./deberta_positions.ts";
import { dims } from "./token_rows.ts";

const { seq } = dims;

/**
 * The inputs of relative positions without feeds.
 *
 * @param size The padded length `seq`, i64 `[1]`.
 * @param longest Tokens of the longest text that the model takes; a longer one has distances without a row.
 */
export function countedRelativeInputs(
  positions: RelativePositions,
  size: Tensor,
  longest: number,
): RelativeInputs {
  const one = (value: number) => integers([value], [1]);
  const length = cast(size, "i32");
  const twice = mul(length, one(2));
  const keys = countUp(size, seq);
  const places = countUp(cast(twice, "i64"), distancePlaces);
  const rowByDistance = integers(
    Array.from({ length: 2 * longest }, (_, i) => positionRow(i - longest, positions)),
    [2 * longest],
  );
  const rowOf = (distance: Tensor) => gather(rowByDistance, add(distance, one(longest)));
  const lines = reshape(keys, [1, 1, seq, 1]);
  /** The column of each line and place. */
  const columnsAt = (of: Tensor) => add(sub(lines, of), length);
  const columns = columnsAt(reshape(places, [1, 1, 1, distancePlaces]));
  const clamped = min(max(columns, one(0)), sub(length, one(1)));
  return {
    distances: rowOf(sub(places, length)),
    fromFirst: rowOf(sub(one(0), keys)),
    // Place 0 has no opposite and stays.
    reversed: mul(sub(twice, places), cast(greater(places, one(0)), "i32")),
    toSquare: columnsAt(reshape(keys, [1, 1, 1, seq])),
    toDistances: clamped,
    inSquare: reshape(cast(equal(columns, clamped), "f32"), [seq, distancePlaces]),
  };
}
