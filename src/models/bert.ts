/**
 * The BERT encoder as a graph function (Devlin et al., arXiv 1810.04805): post-norm Transformer layers with learned
 * positions. MiniLM has the same graph. Tokens are rows of one matrix (see `token_rows.ts`), so that linear layers are plain
 * matrix products.
 *
 * @module
 */
import {
  add,
  gather,
  gelu,
  gemm,
  layerNorm,
  mul,
  productOf,
  reshape,
  sub,
  tanh,
  type Tensor,
  withScope,
} from "../graph/mod.ts";
import type { ModulePart, ModuleShape } from "../spec/types.ts";
import { attention } from "./attention.ts";
import type { EncoderConfig } from "./config.ts";
import { partPaths } from "./modules.ts";
import { stacked } from "./stacked.ts";
import { dims, type EncoderInputs } from "./token_rows.ts";

const { batch, seq, tokens } = dims;

/** A linear layer by its name in a checkpoint, and the module that can be adapted there. */
export interface LinearLayer {
  readonly path: string;
  readonly module: ModuleShape | null;
}

/** What a forward pass is built from: where parameters come from, and what adapters and dropout add. */
export interface ForwardContext {
  /** The parameter of a checkpoint name, frozen or trained. */
  readonly parameter: (name: string) => Tensor;
  /**
   * Linear layers that share an input, their outputs side by side.
   *
   * @param x Their input, `[rows, in]`.
   * @returns `[rows, sum of out]`.
   */
  readonly linear: (layers: readonly LinearLayer[], x: Tensor) => Tensor;
  /** The factors of dropout at a named place, `[rows, columns]` as the site says; null without dropout. */
  readonly mask: (site: DropoutSite) => Tensor | null;
}

/** A place where dropout may act. */
export interface DropoutSite {
  readonly name: string;
  /** Which rate applies. */
  readonly kind: "hidden" | "attention" | "head" | "adapter";
  /** Rows and columns of the mask. */
  readonly rows: string;
  readonly columns: number | string;
}

/** Which hidden states of the last layer are wanted: those of all tokens, or of each text's first token alone. */
export type WantedStates = "all" | "first";

/** Linear layers as they are in the checkpoint, side by side. */
export function plainLinear(
  parameter: ForwardContext["parameter"],
  layers: readonly LinearLayer[],
  x: Tensor,
): Tensor {
  return gemm(x, stacked(layers.map(({ path }) => parameter(`${path}.weight`))), {
    transB: true,
    bias: stacked(layers.map(({ path }) => parameter(`${path}.bias`))),
  });
}

/** The hidden states that a task head needs. */
export function wantedStates({ pooling }: Pick<EncoderConfig, "pooling">): WantedStates {
  return pooling === "first" ? "first" : "all";
}

function drop(context: ForwardContext, site: DropoutSite, x: Tensor): Tensor {
  const mask = context.mask(site);
  return mask === null ? x : mul(x, reshape(mask, x.shape));
}

function norm(context: ForwardContext, config: EncoderConfig, name: string, x: Tensor): Tensor {
  return layerNorm(
    x,
    context.parameter(`${name}.weight`),
    context.parameter(`${name}.bias`),
    config.layerNormEpsilon,
  );
}

function embeddings(config: EncoderConfig, inputs: EncoderInputs, context: ForwardContext): Tensor {
  const table = (name: string, indices: Tensor) =>
    gather(context.parameter(`embeddings.${name}_embeddings.weight`), indices);
  const words = table("word", inputs.ids);
  const places = table("position", inputs.positions);
  const sum = add(add(words, table("token_type", inputs.types)), places);
  return drop(
    context,
    { name: "embeddings", kind: "hidden", rows: tokens, columns: config.hidden },
    norm(context, config, "embeddings.LayerNorm", sum),
  );
}

/**
 * The hidden states of the last layer.
 *
 * Where only first tokens are wanted, the last layer computes keys and values of all tokens and the rest for those alone.
 *
 * @param modules The adaptable modules, by name; a linear layer that is not among them is not adapted.
 * @returns `[tokens, hidden]`, or `[batch, hidden]`.
 */
export function encode(
  config: EncoderConfig,
  inputs: EncoderInputs,
  context: ForwardContext,
  modules: ReadonlyMap<string, ModuleShape>,
  wanted: WantedStates,
): Tensor {
  const { hidden, heads } = config;
  // Added to attention scores: 0 for tokens, −10⁹ for padding.
  const bias = reshape(mul(sub(inputs.mask, 1), 1e9), [batch, 1, 1, seq]);

  const layer = (index: number, x: Tensor, queries: WantedStates): Tensor => {
    const prefix = `encoder.layer.${index}`;
    const linear = (parts: readonly ModulePart[], from: Tensor): Tensor =>
      withScope(parts.join("+"), () =>
        context.linear(
          parts.map((part) => ({
            path: `${prefix}.${partPaths[part]}`,
            module: modules.get(`layer.${index}.${part}`) ?? null,
          })),
          from,
        ));
    const rows = queries === "first" ? batch : tokens;
    const own = queries === "first" ? gemm(inputs.pool, x) : x;
    const hiddenSite = (name: string): DropoutSite => ({
      name: `layer.${index}.${name}`,
      kind: "hidden",
      rows,
      columns: hidden,
    });

    const projections = queries === "first"
      ? [linear(["query"], own), linear(["key", "value"], x)]
      : [linear(["query", "key", "value"], x)];
    const keys = projections.at(-1)!;
    const parts = queries === "first" ? 2 : 3;
    const places = queries === "first" ? 1 : seq;
    const mask = context.mask({
      name: `layer.${index}.attention`,
      kind: "attention",
      rows: String(productOf([batch, heads, places])),
      columns: seq,
    });
    const mixed = attention({
      heads,
      width: hidden / heads,
      queries,
      query: { tensor: projections[0]!, part: 0, parts: queries === "first" ? 1 : 3 },
      key: { tensor: keys, part: parts - 2, parts },
      value: { tensor: keys, part: parts - 1, parts },
      bias,
      mask: mask === null ? null : reshape(mask, [batch, heads, places, seq]),
      inputs,
    });
    const attended = norm(
      context,
      config,
      `${prefix}.attention.output.LayerNorm`,
      add(drop(context, hiddenSite("mixed"), linear(["attention_output"], mixed)), own),
    );
    const wide = gelu(linear(["intermediate"], attended));
    return norm(
      context,
      config,
      `${prefix}.output.LayerNorm`,
      add(drop(context, hiddenSite("output"), linear(["output"], wide)), attended),
    );
  };

  let x = withScope("embeddings", () => embeddings(config, inputs, context));
  for (let i = 0; i < config.layers; i++) {
    const queries = i === config.layers - 1 ? wanted : "all";
    x = withScope(`layer.${i}`, () => layer(i, x, queries));
  }
  return x;
}

/**
 * Logits (or the score) of a task head: pooled hidden states, the pooler where there is one, dropout, the classifier.
 *
 * @param states What {@linkcode encode} gives for {@linkcode wantedStates}.
 * @returns `[batch, outputs]`.
 */
export function taskHead(
  config: EncoderConfig,
  states: Tensor,
  inputs: EncoderInputs,
  context: ForwardContext,
): Tensor {
  return withScope("head", () => {
    const { hidden } = config;
    const pooled = wantedStates(config) === "first" ? states : gemm(inputs.pool, states);
    const dense = (path: string, x: Tensor) => context.linear([{ path, module: null }], x);
    const features = config.pooler ? tanh(dense("pooler.dense", pooled)) : pooled;
    const site: DropoutSite = { name: "classifier", kind: "head", rows: batch, columns: hidden };
    return dense("classifier", drop(context, site, features));
  });
}

/**
 * Logits over the vocabulary at chosen positions, with the word embedding as output matrix.
 *
 * @param hiddenStates `[tokens, hidden]`.
 * @param chosen Rows of `hiddenStates`, i32 `[masked]`.
 * @returns `[masked, vocabulary]`.
 */
export function maskedModelHead(
  config: EncoderConfig,
  hiddenStates: Tensor,
  chosen: Tensor,
  context: ForwardContext,
): Tensor {
  return withScope("mlm", () => {
    const rows = gather(hiddenStates, chosen);
    const base = "cls.predictions.transform";
    const transformed = norm(
      context,
      config,
      `${base}.LayerNorm`,
      gelu(context.linear([{ path: `${base}.dense`, module: null }], rows)),
    );
    return gemm(transformed, context.parameter("embeddings.word_embeddings.weight"), {
      transB: true,
      bias: context.parameter("cls.predictions.bias"),
    });
  });
}
