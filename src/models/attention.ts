/**
 * Multi-head attention over rows of tokens (Vaswani et al., arXiv 1706.03762, section 3.2), with a gradient written by hand.
 *
 * @module
 */
import {
  add,
  concat,
  gather,
  matMul,
  mul,
  productOf,
  reduceSum,
  reshape,
  softmax,
  sub,
  type Tensor,
  transpose,
  withGradient,
  withScope,
} from "../graph/mod.ts";
import { dims, type EncoderInputs } from "./token_rows.ts";

/** One of several projections that lie side by side in the rows of a tensor. */
export interface Projection {
  /** `[rows, parts * hidden]`. */
  readonly tensor: Tensor;
  /** Which of the projections, from 0. */
  readonly part: number;
  readonly parts: number;
}

/** What attention is computed from. */
export interface AttentionRequest {
  readonly heads: number;
  /** Numbers a head has. */
  readonly width: number;
  /** Rows are tokens, or for `first` one row a text, the only one whose output is wanted. */
  readonly queries: "all" | "first";
  readonly query: Projection;
  readonly key: Projection;
  readonly value: Projection;
  /** Added to the scores, broadcast to `[batch, heads, seq, seq]`. */
  readonly bias: Tensor;
  /** Dropout factors of the attention weights, in the shape of the scores; null without dropout. */
  readonly mask: Tensor | null;
  readonly inputs: Pick<EncoderInputs, "toHeads" | "fromHeads">;
}

/** The last two of four axes exchanged. */
export function swapped(x: Tensor): Tensor {
  return transpose(x, [0, 1, 3, 2]);
}

/** Rows of tokens taken apart into heads, and together again. */
interface HeadLayout {
  /** What {@linkcode HeadLayout.spread} gives, or for the queries of first tokens `[batch, heads, 1, width]`. */
  readonly ofQueries: (projection: Projection) => Tensor;
  /** `[batch, heads, seq, width]` of rows of tokens. */
  readonly spread: (projection: Projection) => Tensor;
  /** Rows of what `spread` took apart, all projections side by side. */
  readonly collect: (parts: readonly Tensor[]) => Tensor;
  /** Rows of what `ofQueries` took apart. */
  readonly collectQueries: (x: Tensor) => Tensor;
}

/** How the heads of an attention lie in rows of tokens. */
export function headLayout(
  { heads, width, queries, inputs }: Pick<
    AttentionRequest,
    "heads" | "width" | "queries" | "inputs"
  >,
): HeadLayout {
  const { batch, seq, tokens } = dims;
  const spread = ({ tensor, part, parts }: Projection): Tensor => {
    const [rows, columns] = tensor.shape as readonly [string, number];
    const lanes = reshape(tensor, [productOf([rows, columns / width]), width]);
    return reshape(gather(lanes, inputs.toHeads(part, parts)), [batch, heads, seq, width]);
  };
  const collect = (parts: readonly Tensor[]): Tensor => {
    const sides = parts.map((x) => reshape(x, [batch, 1, heads, seq, width]));
    const count = productOf([batch, parts.length * heads, seq]);
    const whole = reshape(concat(sides, 1), [count, width]);
    const lanes = gather(whole, inputs.fromHeads(parts.length));
    return reshape(lanes, [tokens, parts.length * heads * width]);
  };
  return {
    spread,
    collect,
    ofQueries: (projection) =>
      queries === "first"
        ? reshape(projection.tensor, [batch, heads, 1, width])
        : spread(projection),
    collectQueries: (x) => queries === "first" ? reshape(x, [batch, heads * width]) : collect([x]),
  };
}

/**
 * The mixed values, `[tokens, hidden]`, or `[batch, hidden]` for the queries of first tokens.
 *
 * The gradient of the scores is P∘(dP − D) with D = Σ dO∘O over a head's width, which equals Σ dP∘P over the keys but reads
 * far fewer numbers (Dao et al., arXiv 2205.14135, appendix B.2).
 */
export function attention(request: AttentionRequest): Tensor {
  const { heads, width, queries, query, key, value, bias, mask } = request;
  const { batch, seq, tokens } = dims;
  const scale = 1 / Math.sqrt(width);
  const places = queries === "first" ? 1 : seq;
  const rows = queries === "first" ? batch : tokens;
  const { ofQueries, spread, collect, collectQueries } = headLayout(request);
  const q = ofQueries(query);
  const k = spread(key);
  const v = spread(value);
  const weights = softmax(add(mul(matMul(q, swapped(k)), scale), bias));
  const dropped = mask === null ? weights : mul(weights, mask);
  const mixed = matMul(dropped, v);
  const sources = [...new Set([query.tensor, key.tensor, value.tensor])];

  return withGradient(collectQueries(mixed), {
    inputs: sources,
    rule: (g, needs) =>
      withScope("attention", () => {
        const own: Projection = { tensor: reshape(g, [rows, heads * width]), part: 0, parts: 1 };
        const outer = reshape(ofQueries(own), [batch, heads, places, width]);
        const along = reduceSum(mul(outer, mixed), { axes: [-1], keepDims: true });
        const toWeights = matMul(outer, swapped(v));
        const kept = mask === null ? toWeights : mul(toWeights, mask);
        const toScores = mul(weights, sub(kept, along));
        const toQuery = mul(matMul(toScores, k), scale);
        const toKey = mul(matMul(swapped(toScores), q), scale);
        const toValue = matMul(swapped(dropped), outer);
        const found = [[query, toQuery], [key, toKey], [value, toValue]] as const;
        return sources.map((source, i) => {
          if (!needs[i]) return null;
          const parts = found
            .filter(([{ tensor }]) => tensor === source)
            .sort(([a], [b]) => a.part - b.part)
            .map(([, gradient]) => gradient);
          return source === query.tensor && queries === "first"
            ? collectQueries(parts[0]!)
            : collect(parts);
        });
      }),
  });
}
