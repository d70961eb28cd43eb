/**
 * Transformer layers that normalise after each sum (Vaswani et al., arXiv 1706.03762, section 3.1): the layers of BERT,
 * RoBERTa, DistilBERT, ELECTRA and DeBERTa, which differ in names, in one place of dropout and, in DeBERTa, in attention.
 *
 * @module
 */
import {
  add,
  equal,
  gather,
  gemm,
  integers,
  mul,
  productOf,
  reshape,
  stopGradientWhere,
  sub,
  type Tensor,
  withScope,
} from "../graph/mod.ts";
import { type ModulePart, moduleParts } from "../study/schema/settings.ts";
import type { ModuleShape } from "../study/types.ts";
import { attention, type AttentionRequest } from "./attention.ts";
import type { EncoderShape } from "./config.ts";
import {
  activate,
  drop,
  type DropoutSite,
  type ForwardContext,
  norm,
  type WantedStates,
} from "./forward_context.ts";
import { linearParameters, matrix, normParameters, type ParameterSpec } from "./parameters.ts";
import { dims, type EncoderInputs } from "./token_rows.ts";

const { batch, seq, tokens } = dims;

/** What a family calls the parts of a layer, and whether the output of attention has dropout before it is added. */
export interface LayerStyle {
  readonly modulePath: (layer: number, part: ModulePart) => string;
  /** The norm after attention. */
  readonly attentionNorm: (layer: number) => string;
  /** The norm at the end of the layer. */
  readonly outputNorm: (layer: number) => string;
  readonly attentionOutputDropout: "hidden" | "none";
}

/** The layers of BERT, and of the families that kept its names. */
export const bertLayers: LayerStyle = {
  modulePath: (layer, part) => {
    const names: Readonly<Record<ModulePart, string>> = {
      query: "attention.self.query",
      key: "attention.self.key",
      value: "attention.self.value",
      attention_output: "attention.output.dense",
      intermediate: "intermediate.dense",
      output: "output.dense",
    };
    return `encoder.layer.${layer}.${names[part]}`;
  },
  attentionNorm: (layer) => `encoder.layer.${layer}.attention.output.LayerNorm`,
  outputNorm: (layer) => `encoder.layer.${layer}.output.LayerNorm`,
  attentionOutputDropout: "hidden",
};

/** The parameters of all layers, in the order of the forward pass. */
export function layerParameters(
  config: EncoderShape,
  style: LayerStyle,
): readonly ParameterSpec[] {
  const { layers, hidden, intermediate, initializerRange } = config;
  return Array.from({ length: layers }, (_, layer) =>
    moduleParts.flatMap((part) => {
      const shape = [
        part === "intermediate" ? intermediate : hidden,
        part === "output" ? intermediate : hidden,
      ] as const;
      const linear = linearParameters(style.modulePath(layer, part), shape, initializerRange);
      if (part === "attention_output") {
        return [...linear, ...normParameters(style.attentionNorm(layer), hidden)];
      }
      return part === "output"
        ? [...linear, ...normParameters(style.outputNorm(layer), hidden)]
        : linear;
    })).flat();
}

/**
 * The parameters of the sum of embeddings and of its norm.
 *
 * @param size Columns of the tables.
 */
export function embeddingParameters(config: EncoderShape, size: number): readonly ParameterSpec[] {
  const table = (name: string, rows: number) =>
    rows === 0
      ? []
      : [matrix(`embeddings.${name}_embeddings.weight`, [rows, size], config.initializerRange)];
  return [
    ...table("word", config.vocabulary),
    ...table("position", config.maxPositions),
    ...table("token_type", config.tokenTypes),
    ...normParameters("embeddings.LayerNorm", size),
  ];
}

/**
 * Rows of a table.
 *
 * @param indices i32, `[rows]`.
 * @param fixed The row that is not trained where it is looked up here (`padding_idx` of torch's Embedding); null for none.
 * @returns `[rows, size]`.
 */
export function lookup(table: Tensor, indices: Tensor, fixed: number | null): Tensor {
  const rows = gather(table, indices);
  if (fixed === null) return rows;
  const isFixed = equal(indices, integers([fixed], []));
  return stopGradientWhere(reshape(isFixed, [indices.shape[0]!, 1]), rows);
}

/**
 * The vectors that the first layer takes: words, positions and, where there are any, token types; normalised, with dropout.
 *
 * @param size Columns of the tables.
 * @param types The token types, i32, one a row of tokens or one for all; null where the family has none.
 * @returns `[tokens, size]`.
 */
export function embed(
  config: EncoderShape,
  { size, types }: { readonly size: number; readonly types: Tensor | null },
  inputs: Pick<EncoderInputs, "ids" | "positions">,
  context: ForwardContext,
): Tensor {
  return withScope("embeddings", () => {
    const table = (name: string, indices: Tensor, fixed: number | null) =>
      lookup(context.parameter(`embeddings.${name}_embeddings.weight`), indices, fixed);
    const words = table("word", inputs.ids, config.paddingId);
    const typed = types === null ? words : add(words, table("token_type", types, null));
    const sum = add(typed, table("position", inputs.positions, config.paddingPosition));
    return drop(
      context,
      { name: "embeddings", kind: "hidden", rows: tokens, columns: size },
      norm(context, config, "embeddings.LayerNorm", sum),
    );
  });
}

/** What all layers of a forward pass have in common. */
export interface Pass {
  readonly config: EncoderShape;
  readonly style: LayerStyle;
  readonly inputs: EncoderInputs;
  readonly context: ForwardContext;
  readonly modules: ReadonlyMap<string, ModuleShape>;
  /** Added to attention scores: 0 for tokens, −10⁹ for padding, `[batch, 1, 1, seq]`. */
  readonly bias: Tensor;
}

/** What attention is computed from in a layer. */
interface AttendedStates {
  /** The states of all tokens, `[tokens, hidden]`. */
  readonly x: Tensor;
  /** Those of the queries: `x`, or those of first tokens, `[batch, hidden]`. */
  readonly own: Tensor;
  readonly queries: WantedStates;
}

/** Gives the mixed values of a layer's attention, before their linear layer; rows are those of `own`. */
export type Mixing = (pass: Pass, layer: number, states: AttendedStates) => Tensor;

/** Linear layers of a layer that share an input, side by side. */
export function linear(
  { style, context, modules }: Pass,
  layer: number,
  parts: readonly ModulePart[],
  from: Tensor,
): Tensor {
  return withScope(parts.join("+"), () =>
    context.linear(
      parts.map((part) => ({
        path: style.modulePath(layer, part),
        module: modules.get(`layer.${layer}.${part}`) ?? null,
      })),
      from,
    ));
}

/** The dropout factors of a layer's attention weights, `[batch, heads, places, seq]`; null without dropout. */
export function weightsMask(
  { config: { heads }, context }: Pass,
  layer: number,
  queries: WantedStates,
): Tensor | null {
  const places = queries === "first" ? 1 : seq;
  const mask = context.mask({
    name: `layer.${layer}.attention`,
    kind: "attention",
    rows: String(productOf([batch, heads, places])),
    columns: seq,
  });
  return mask === null ? null : reshape(mask, [batch, heads, places, seq]);
}

/** What attention in a layer is computed from, but for the dropout of its weights. */
export function attentionOf(
  pass: Pass,
  layer: number,
  { x, own, queries }: AttendedStates,
): Omit<AttentionRequest, "mask"> {
  const { config: { hidden, heads }, inputs, bias } = pass;
  const first = queries === "first";
  const projections = first
    ? [linear(pass, layer, ["query"], own), linear(pass, layer, ["key", "value"], x)]
    : [linear(pass, layer, ["query", "key", "value"], x)];
  const keys = projections.at(-1)!;
  const parts = first ? 2 : 3;
  return {
    heads,
    width: hidden / heads,
    queries,
    query: { tensor: projections[0]!, part: 0, parts: first ? 1 : 3 },
    key: { tensor: keys, part: parts - 2, parts },
    value: { tensor: keys, part: parts - 1, parts },
    bias,
    inputs,
  };
}

/** The mixed values of {@linkcode attention}. */
const mixedValues: Mixing = (pass, layer, states) =>
  attention({
    ...attentionOf(pass, layer, states),
    mask: weightsMask(pass, layer, states.queries),
  });

/** A module's output, after dropout, and what goes around it: summed and normalised, with an adapter's own layers if any. */
function summed(
  { config, style, context, modules }: Pass,
  layer: number,
  part: "attention_output" | "output",
  { output, around }: { readonly output: Tensor; readonly around: Tensor },
): Tensor {
  const module = modules.get(`layer.${layer}.${part}`);
  const branch = module === undefined ? null : context.branch?.(module) ?? null;
  const name = part === "output" ? style.outputNorm(layer) : style.attentionNorm(layer);
  const normed = (x: Tensor) => norm(context, config, name, x, branch?.norm ?? null);
  if (branch === null) return normed(add(output, around));
  if (branch.place === "output") return normed(add(add(output, branch.added(output)), around));
  const sum = add(output, around);
  return normed(add(sum, branch.added(normed(sum))));
}

function layerStates(
  pass: Pass,
  layer: number,
  { x, queries, mixing }: {
    readonly x: Tensor;
    readonly queries: WantedStates;
    readonly mixing: Mixing;
  },
): Tensor {
  const { config, style, inputs, context } = pass;
  const own = queries === "first" ? gemm(inputs.pool, x) : x;
  const site = (name: string): DropoutSite => ({
    name: `layer.${layer}.${name}`,
    kind: "hidden",
    rows: queries === "first" ? batch : tokens,
    columns: config.hidden,
  });
  const mixed = mixing(pass, layer, { x, own, queries });
  const projected = linear(pass, layer, ["attention_output"], mixed);
  const added = style.attentionOutputDropout === "none"
    ? projected
    : drop(context, site("mixed"), projected);
  const attended = summed(pass, layer, "attention_output", { output: added, around: own });
  const wide = activate(config.activation, linear(pass, layer, ["intermediate"], attended));
  const narrow = drop(context, site("output"), linear(pass, layer, ["output"], wide));
  return summed(pass, layer, "output", { output: narrow, around: attended });
}

/**
 * The hidden states after all layers.
 *
 * @param x What the first layer takes, `[tokens, hidden]`.
 * @param wanted Of which tokens; the last layer leaves out what is not.
 * @param mixing Attention of a layer. Default: scaled dot products alone.
 * @returns `[tokens, hidden]`, or `[batch, hidden]` for first tokens.
 */
export function encodeLayers(
  pass: Omit<Pass, "bias">,
  x: Tensor,
  wanted: WantedStates,
  mixing: Mixing = mixedValues,
): Tensor {
  const { config: { layers }, inputs, context } = pass;
  const bias = reshape(mul(sub(inputs.mask, 1), 1e9), [batch, 1, 1, seq]);
  let states = x;
  for (let i = 0; i < layers; i++) {
    const queries = i === layers - 1 ? wanted : "all";
    const entering = context.entering?.(i, states) ?? states;
    states = withScope(
      `layer.${i}`,
      () => layerStates({ ...pass, bias }, i, { x: entering, queries, mixing }),
    );
  }
  return states;
}
