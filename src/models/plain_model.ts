/**
 * An encoder with its task head as a model that a plain runtime runs: padded token ids in, logits out.
 *
 * It is the same graph as in training and evaluation. The rows and indices that the host feeds there are
 * computed in the graph here, and so are all sizes; every place of the padded rectangle has a row of its own.
 *
 * @module
 */
import {
  add,
  cast,
  computeDims,
  countUp,
  div,
  equal,
  expand,
  flattenAs,
  gather,
  greater,
  type HostTensor,
  input,
  integers,
  less,
  makeProgram,
  matMul,
  max,
  min,
  mul,
  optimise,
  productOf,
  type Program,
  reduceSum,
  reshape,
  scalar,
  shapeOf,
  split,
  sub,
  type Tensor,
  withScope,
} from "../graph/mod.ts";
import { architectureOf, type EncoderConfig } from "./architectures.ts";
import { frozenContext, type ModuleBranch, wantedStates } from "./forward_context.ts";
import { modulesByName } from "./config.ts";
import { dims, type EncoderInputs } from "./token_rows.ts";
import {
  distancePlaces,
  positionRow,
  type RelativeInputs,
  type RelativePositions,
} from "./deberta_positions.ts";

const { batch, seq, tokens } = dims;

/** Inputs of the encoder, computed from texts that are padded to one length. */
interface PaddedInputs {
  readonly inputs: EncoderInputs;
  /** The number of each symbolic dimension, i64 `[1]`. */
  readonly sizes: Readonly<Record<string, Tensor>>;
}

/**
 * Declares `input_ids`, `attention_mask` and `token_type_ids`, i64 `[batch, seq]`, and computes what the encoder takes.
 *
 * With rows for all places, place i of text t is row t·seq + i.
 */
function paddedInputs(config: EncoderConfig): PaddedInputs {
  const { heads, pooling, paddingPosition, maxPositions } = config;
  const [ids, attended, types] = ["input_ids", "attention_mask", "token_type_ids"].map((name) =>
    input(name, [batch, seq], "i64")
  ) as [Tensor, Tensor, Tensor];
  const [batchSize, seqSize] = split(shapeOf(ids), [1, 1], 0) as [Tensor, Tensor];
  const sizes = { [batch]: batchSize, [seq]: seqSize, [tokens]: mul(batchSize, seqSize) };
  const length = cast(seqSize, "i32");
  const texts = countUp(batchSize, batch);
  const places = countUp(seqSize, seq);
  const mask = cast(attended, "f32");
  const rows = (x: Tensor) => flattenAs(x, tokens);
  const times = (x: Tensor, factor: number) => mul(x, integers([factor], [1]));
  const lanes = (first: number, count: number) =>
    Array.from({ length: count }, (_, i) => first + i);

  /** How much each row counts for each text, `[batch, tokens]`. */
  const pool = (): Tensor => {
    const column = reshape(texts, [batch, 1]);
    if (pooling === "first") {
      const all = reshape(countUp(sizes[tokens]!, tokens), [1, tokens]);
      return cast(equal(all, mul(column, length)), "f32");
    }
    const owner = reshape(rows(expand(column, [batch, seq])), [1, tokens]);
    const own = mul(cast(equal(owner, column), "f32"), reshape(rows(mask), [1, tokens]));
    return div(own, reduceSum(mask, { axes: [1], keepDims: true }));
  };
  /** Tokens are counted from the one after that of padding, which stays where it is, in a text too. */
  const countedFrom = (padding: number): Tensor => {
    const isPadding = cast(equal(cast(ids, "i32"), integers([padding], [1])), "f32");
    const counts = sub(scalar(1), isPadding);
    const after = add(reshape(places, [1, seq]), integers([1], [1]));
    const upTo = cast(less(reshape(places, [seq, 1]), after), "f32");
    return add(cast(mul(matMul(counts, upTo), counts), "i32"), integers([padding], [1]));
  };
  const positions = paddingPosition === null
    ? expand(places, [batch, seq])
    : countedFrom(paddingPosition);
  const toHeads = (part: number, parts: number): Tensor => {
    const row = add(mul(reshape(texts, [batch, 1, 1]), length), reshape(places, [1, 1, seq]));
    const lane = integers(lanes(part * heads, heads), [1, heads, 1]);
    const indices = add(times(row, parts * heads), lane);
    return reshape(indices, [productOf([batch, heads, seq])]);
  };
  const fromHeads = (parts: number): Tensor => {
    const count = parts * heads;
    const lane = add(
      times(reshape(texts, [batch, 1, 1]), count),
      integers(lanes(0, count), [1, 1, count]),
    );
    const indices = add(mul(lane, length), reshape(places, [1, seq, 1]));
    return flattenAs(indices, productOf([tokens, count]));
  };
  const inputs: EncoderInputs = {
    ids: rows(cast(ids, "i32")),
    types: rows(cast(types, "i32")),
    positions: rows(positions),
    mask,
    pool: pool(),
    toHeads,
    fromHeads,
    relative: (positions) => countedRelativeInputs(positions, seqSize, maxPositions),
  };
  return { inputs, sizes };
}

/**
 * Builds the model.
 *
 * @param tensors Every parameter of the encoder and its head by checkpoint name, adapters of weights merged into them.
 * @param branches What other adapters have beside modules, by module. Default: none.
 * @returns A program with the inputs `input_ids`, `attention_mask` and, where the family has token types, `token_type_ids`, i64
 * `[batch, seq]`, padded on the right, and the output `logits`, f32 `[batch, outputs]`; nothing else is fed.
 *
 * @throws {RangeError} If a parameter is missing.
 */
export function plainModel(
  config: EncoderConfig,
  tensors: ReadonlyMap<string, HostTensor>,
  branches: ReadonlyMap<string, ModuleBranch> = new Map(),
): Program {
  const context = frozenContext(tensors, { branch: ({ name }) => branches.get(name) ?? null });
  const { inputs, sizes } = withScope("inputs", () => paddedInputs(config));
  const architecture = architectureOf(config);
  const states = architecture.encode(
    config,
    inputs,
    context,
    modulesByName(config),
    wantedStates(config),
  );
  const logits = architecture.taskHead(config, states, inputs, context);
  return optimise(computeDims(makeProgram({ logits }), sizes));
}

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
