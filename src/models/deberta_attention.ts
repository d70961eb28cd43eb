/**
 * Disentangled attention (He et al., arXiv 2006.03654, section 3.1): scores from contents, from a query's content and the
 * key's relative position, and from a key's content and the query's relative position, with a gradient written by hand.
 *
 * With d = i − j, query i and key j have the score (qᵢ·kⱼ + qᵢ·K(d) + kⱼ·Q(d)) / √(width · terms), where K and Q are the
 * projected rows of the position table. The two position terms are products with the rows of all `2*seq` distances, twice
 * the multiplications of qᵢ·kⱼ each, and a lookup along the distances; see `deberta_positions.ts`. For first tokens alone
 * there is one distance a key, and no lookup.
 *
 * @module
 */
import {
  add,
  concat,
  expand,
  gather,
  gatherElements,
  matMul,
  mul,
  reduceSum,
  reshape,
  softmax,
  split,
  sub,
  type Tensor,
  transpose,
  withGradient,
  withScope,
} from "../graph/mod.ts";
import { type AttentionRequest, headLayout, type Projection, swapped } from "./attention.ts";
import { distancePlaces, type RelativeInputs } from "./deberta_positions.ts";
import { dims } from "./token_rows.ts";

/** What disentangled attention is computed from. */
interface DisentangledRequest extends AttentionRequest {
  /**
   * The position table's rows as keys for contents' queries (`c2p`), in the order of distances, `[2*seq, …]`, or those of
   * the first token, `[seq, …]`; null without this term.
   */
  readonly positionKey: Projection | null;
  /** The same rows as queries for contents' keys (`p2c`); null without this term. */
  readonly positionQuery: Projection | null;
  readonly relative: RelativeInputs;
}

/** A term of the scores: a content with a position. */
interface PositionTerm {
  /** Not yet scaled, `[batch, heads, places, seq]`. */
  readonly scores: Tensor;
  /** The gradients of the content by head, and of the position rows, `[rows, hidden]`. */
  readonly back: (g: Tensor) => { readonly content: Tensor; readonly rows: Tensor };
}

const { batch, seq } = dims;

/** The factor of the scores; its root is taken in single precision, as transformers does for every precision of a model. */
function scoreScale(width: number, terms: number): number {
  return 1 / Math.fround(Math.sqrt(width * terms));
}

/** Sums over a batch of what each text adds to the positions by head, as rows. */
function rowsOf(byHead: Tensor, hidden: number): Tensor {
  const [, heads, count, width] = byHead.shape as readonly [unknown, number, string, number];
  const sum = reshape(reduceSum(byHead, { axes: [0] }), [heads, count, width]);
  return reshape(transpose(sum, [1, 0, 2]), [count, hidden]);
}

/** A content's rows against the positions at all distances, each score found by its distance: row minus column. */
function byDistance(
  content: Tensor,
  positions: Tensor,
  { toSquare, toDistances, inSquare }: RelativeInputs,
): PositionTerm {
  const [, heads, , width] = positions.shape as readonly [1, number, string, number];
  const places = expand(toSquare, [batch, heads, seq, seq]);
  return {
    scores: gatherElements(matMul(content, swapped(positions)), places, 3),
    back: (g) => {
      const columns = expand(toDistances, [batch, heads, seq, distancePlaces]);
      const atDistances = mul(gatherElements(g, columns, 3), inSquare);
      return {
        content: matMul(atDistances, positions),
        rows: rowsOf(matMul(swapped(atDistances), content), heads * width),
      };
    },
  };
}

/** Keys against the positions of first tokens: one product of two rows a key. */
function keysToFirst(keys: Tensor, positions: Tensor): PositionTerm {
  const [, heads, , width] = positions.shape as readonly [1, number, string, number];
  const products = reduceSum(mul(keys, positions), { axes: [-1], keepDims: true });
  return {
    scores: reshape(products, [batch, heads, 1, seq]),
    back: (g) => {
      const own = reshape(g, [batch, heads, seq, 1]);
      return { content: mul(own, positions), rows: rowsOf(mul(own, keys), heads * width) };
    },
  };
}

/** Queries of first tokens against the positions of keys. */
function firstToKeys(queries: Tensor, positions: Tensor): PositionTerm {
  const [, heads, , width] = positions.shape as readonly [1, number, string, number];
  return {
    scores: matMul(queries, swapped(positions)),
    back: (g) => ({
      content: matMul(g, positions),
      rows: rowsOf(matMul(swapped(g), queries), heads * width),
    }),
  };
}

/** Keys' contents with queries' positions: {@linkcode byDistance} of the opposite signs, with rows and columns exchanged. */
function keysByDistance(
  keys: Tensor,
  positions: (order: Tensor) => Tensor,
  relative: RelativeInputs,
): PositionTerm {
  const term = byDistance(keys, positions(relative.reversed), relative);
  return {
    scores: swapped(term.scores),
    back: (g) => {
      const { content, rows } = term.back(swapped(g));
      return { content, rows: gather(rows, relative.reversed) };
    },
  };
}

function positionTerms(
  { heads, width, queries, positionKey, positionQuery, relative }: DisentangledRequest,
  q: Tensor,
  k: Tensor,
): { readonly ofKey: PositionTerm | null; readonly ofQuery: PositionTerm | null } {
  const hidden = heads * width;
  /** `[1, heads, rows, width]` of one of the projections, its rows in another order where one is given. */
  const byHead = ({ tensor, part, parts }: Projection, order: Tensor | null = null): Tensor => {
    const pieces = split(tensor, Array.from({ length: parts }, () => hidden), 1);
    const own = order === null ? pieces[part]! : gather(pieces[part]!, order);
    const count = own.shape[0]!;
    const lanes = transpose(reshape(own, [count, heads, width]), [1, 0, 2]);
    return reshape(lanes, [1, heads, count, width]);
  };
  const isFirst = queries === "first";
  const ofKey = (projection: Projection) =>
    isFirst ? firstToKeys(q, byHead(projection)) : byDistance(q, byHead(projection), relative);
  const ofQuery = (projection: Projection) =>
    isFirst
      ? keysToFirst(k, byHead(projection))
      : keysByDistance(k, (order) => byHead(projection, order), relative);
  return {
    ofKey: positionKey === null ? null : ofKey(positionKey),
    ofQuery: positionQuery === null ? null : ofQuery(positionQuery),
  };
}

/**
 * The mixed values, `[tokens, hidden]`, or `[batch, hidden]` for the queries of first tokens.
 *
 * The gradient of the scores is that of {@linkcode attention}; the position terms add theirs to the contents' before these
 * become rows of tokens.
 */
export function disentangledAttention(request: DisentangledRequest): Tensor {
  const { width, queries, query, key, value, bias, mask } = request;
  const { positionKey, positionQuery } = request;
  const { ofQueries, spread, collect, collectQueries } = headLayout(request);
  const q = ofQueries(query);
  const k = spread(key);
  const v = spread(value);
  const { ofKey, ofQuery } = positionTerms(request, q, k);
  const terms = [ofKey, ofQuery].filter((term) => term !== null);
  const scale = scoreScale(width, 1 + terms.length);
  const scores = terms.reduce((sum, term) => add(sum, term.scores), matMul(q, swapped(k)));
  const weights = softmax(add(mul(scores, scale), bias));
  const dropped = mask === null ? weights : mul(weights, mask);
  const mixed = matMul(dropped, v);

  const tokenSources = [...new Set([query.tensor, key.tensor, value.tensor])];
  const positions = [positionKey, positionQuery].filter((projection) => projection !== null);
  const positionSources = [...new Set(positions.map(({ tensor }) => tensor))];

  return withGradient(collectQueries(mixed), {
    inputs: [...tokenSources, ...positionSources],
    rule: (g, needs) =>
      withScope("attention", () => {
        const outer = ofQueries({ tensor: g, part: 0, parts: 1 });
        const along = reduceSum(mul(outer, mixed), { axes: [-1], keepDims: true });
        const toWeights = matMul(outer, swapped(v));
        const kept = mask === null ? toWeights : mul(toWeights, mask);
        const toScores = mul(mul(weights, sub(kept, along)), scale);
        const keyTerm = ofKey?.back(toScores) ?? null;
        const queryTerm = ofQuery?.back(toScores) ?? null;
        const plus = (a: Tensor, b: Tensor | undefined) => b === undefined ? a : add(a, b);
        const ofTokens: readonly Found[] = [
          [query, plus(matMul(toScores, k), keyTerm?.content)],
          [key, plus(matMul(swapped(toScores), q), queryTerm?.content)],
          [value, matMul(swapped(dropped), outer)],
        ];
        const ofPositions: readonly Found[] = [
          ...(keyTerm === null ? [] : [[positionKey!, keyTerm.rows] as const]),
          ...(queryTerm === null ? [] : [[positionQuery!, queryTerm.rows] as const]),
        ];
        const tokenGradients = tokenSources.map((source) => {
          const parts = partsOf(source, ofTokens);
          return source === query.tensor && queries === "first"
            ? collectQueries(parts[0]!)
            : collect(parts);
        });
        const positionGradients = positionSources.map((source) =>
          concat(partsOf(source, ofPositions), 1)
        );
        return [...tokenGradients, ...positionGradients].map((gradient, i) =>
          needs[i] ? gradient : null
        );
      }),
  });
}

/** The gradient of a projection. */
type Found = readonly [Projection, Tensor];

/** The gradients of the projections that lie in one tensor, in their order there. */
function partsOf(source: Tensor, found: readonly Found[]): readonly Tensor[] {
  return found
    .filter(([{ tensor }]) => tensor === source)
    .toSorted(([a], [b]) => a.part - b.part)
    .map(([, gradient]) => gradient);
}
