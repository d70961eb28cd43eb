/**
 * The BERT encoder as a graph function (Devlin et al., arXiv 1810.04805): post-norm Transformer layers with learned
 * positions. MiniLM has the same graph. Tokens are rows of one matrix, so that linear layers are plain matrix products.
 *
 * @module
 */
import {
  add,
  gather,
  gelu,
  gemm,
  input,
  layerNorm,
  matMul,
  mul,
  productOf,
  reshape,
  softmax,
  sub,
  tanh,
  type Tensor,
  transpose,
  withScope,
} from "../graph/mod.ts";
import type { ModulePart, ModuleShape } from "../spec/types.ts";
import type { EncoderConfig } from "./config.ts";
import { partPaths } from "./modules.ts";

/** The symbolic sizes of a batch. */
const batch = "batch";
const seq = "seq";
/** Tokens of a batch, padding included. */
const tokens = productOf([batch, seq]);

/** What a forward pass is built from: where parameters come from, and what adapters and dropout add. */
export interface ForwardContext {
  /** The parameter of a checkpoint name, frozen or trained. */
  readonly parameter: (name: string) => Tensor;
  /**
   * The output of an adapted module.
   *
   * @param module The module.
   * @param x Its input, `[tokens, in]`.
   * @param y What the frozen layer makes of it, `[tokens, out]`.
   */
  readonly adapt: (module: ModuleShape, x: Tensor, y: Tensor) => Tensor;
  /** Dropout at a named place; `x` has the sizes that `site` says. */
  readonly drop: (site: DropoutSite, x: Tensor) => Tensor;
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

/** The inputs of a forward pass; all are fed by these names. */
export interface EncoderInputs {
  /** Token ids, i32 `[batch, seq]`. */
  readonly ids: Tensor;
  /** Token types, i32 `[batch, seq]`. */
  readonly types: Tensor;
  /** 1 for tokens and 0 for padding, `[batch, seq]`. */
  readonly mask: Tensor;
  /** 0 … seq − 1, i32 `[seq]`. */
  readonly positions: Tensor;
}

/** Declares the inputs. */
export function encoderInputs(): EncoderInputs {
  return {
    ids: input("ids", [batch, seq], "i32"),
    types: input("types", [batch, seq], "i32"),
    mask: input("mask", [batch, seq]),
    positions: input("positions", [seq], "i32"),
  };
}

function linear(context: ForwardContext, name: string, x: Tensor): Tensor {
  return gemm(x, context.parameter(`${name}.weight`), {
    transB: true,
    bias: context.parameter(`${name}.bias`),
  });
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
  const { hidden } = config;
  const words = gather(context.parameter("embeddings.word_embeddings.weight"), inputs.ids);
  const types = gather(context.parameter("embeddings.token_type_embeddings.weight"), inputs.types);
  const places = gather(
    context.parameter("embeddings.position_embeddings.weight"),
    inputs.positions,
  );
  const sum = add(add(words, types), places);
  const normed = norm(context, config, "embeddings.LayerNorm", reshape(sum, [tokens, hidden]));
  return context.drop(
    { name: "embeddings", kind: "hidden", rows: String(tokens), columns: hidden },
    normed,
  );
}

/**
 * The hidden states of the last layer.
 *
 * @param modules The adaptable modules, by name; a linear layer that is not among them is not adapted.
 * @returns `[batch*seq, hidden]`.
 */
export function encode(
  config: EncoderConfig,
  inputs: EncoderInputs,
  context: ForwardContext,
  modules: ReadonlyMap<string, ModuleShape>,
): Tensor {
  const { hidden, heads } = config;
  const width = hidden / heads;
  const perHead = [batch, seq, heads, width];
  const hiddenSite = (name: string): DropoutSite => ({
    name,
    kind: "hidden",
    rows: String(tokens),
    columns: hidden,
  });
  // Added to attention scores: 0 for tokens, −10⁹ for padding.
  const bias = reshape(mul(sub(inputs.mask, 1), 1e9), [batch, 1, 1, seq]);

  const layer = (index: number, x: Tensor): Tensor => {
    const prefix = `encoder.layer.${index}`;
    const module = (part: ModulePart, from: Tensor): Tensor =>
      withScope(part, () => {
        const y = linear(context, `${prefix}.${partPaths[part]}`, from);
        const shape = modules.get(`layer.${index}.${part}`);
        return shape === undefined ? y : context.adapt(shape, from, y);
      });
    const split = (part: ModulePart, order: readonly number[]) =>
      transpose(reshape(module(part, x), perHead), order);

    const query = split("query", [0, 2, 1, 3]);
    const key = split("key", [0, 2, 3, 1]);
    const value = split("value", [0, 2, 1, 3]);
    const scores = add(mul(matMul(query, key), 1 / Math.sqrt(width)), bias);
    const weights = context.drop(
      {
        name: `layer.${index}.attention`,
        kind: "attention",
        rows: String(productOf([batch, heads, seq])),
        columns: seq,
      },
      softmax(scores),
    );
    const mixed = reshape(transpose(matMul(weights, value), [0, 2, 1, 3]), [tokens, hidden]);
    const attended = norm(
      context,
      config,
      `${prefix}.attention.output.LayerNorm`,
      add(context.drop(hiddenSite(`layer.${index}.mixed`), module("attention_output", mixed)), x),
    );
    const wide = gelu(module("intermediate", attended));
    return norm(
      context,
      config,
      `${prefix}.output.LayerNorm`,
      add(context.drop(hiddenSite(`layer.${index}.output`), module("output", wide)), attended),
    );
  };

  let x = withScope("embeddings", () => embeddings(config, inputs, context));
  for (let i = 0; i < config.layers; i++) x = withScope(`layer.${i}`, () => layer(i, x));
  return x;
}

/**
 * Logits (or the score) of a task head: pooled hidden states, the pooler where there is one, dropout, the classifier.
 *
 * @param hiddenStates `[batch*seq, hidden]`.
 * @param poolWeights `[batch, seq]`: how much each token counts, fed as `poolWeights`.
 * @returns `[batch, outputs]`.
 */
export function taskHead(
  config: EncoderConfig,
  hiddenStates: Tensor,
  poolWeights: Tensor,
  context: ForwardContext,
): Tensor {
  return withScope("head", () => {
    const { hidden } = config;
    const states = reshape(hiddenStates, [batch, seq, hidden]);
    const pooled = reshape(
      matMul(reshape(poolWeights, [batch, 1, seq]), states),
      [batch, hidden],
    );
    const drop = (name: string, x: Tensor) =>
      context.drop({ name, kind: "head", rows: batch, columns: hidden }, x);
    const features = config.pooler ? tanh(linear(context, "pooler.dense", pooled)) : pooled;
    return linear(context, "classifier", drop("classifier", features));
  });
}

/** The pooling weights of a batch, `[batch, seq]`: a one at the first token, or the mean over tokens. */
export function poolWeightsOf(
  pooling: EncoderConfig["pooling"],
  mask: Float32Array,
  size: number,
  length: number,
): Float32Array {
  const weights = new Float32Array(size * length);
  for (let row = 0; row < size; row++) {
    if (pooling === "first") {
      weights[row * length] = 1;
      continue;
    }
    const own = mask.subarray(row * length, (row + 1) * length);
    const count = own.reduce((sum, value) => sum + value, 0);
    own.forEach((value, i) => weights[row * length + i] = value / count);
  }
  return weights;
}

/**
 * Logits over the vocabulary at chosen positions, with the word embedding as output matrix.
 *
 * @param hiddenStates `[batch*seq, hidden]`.
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
      gelu(linear(context, `${base}.dense`, rows)),
    );
    return gemm(transformed, context.parameter("embeddings.word_embeddings.weight"), {
      transB: true,
      bias: context.parameter("cls.predictions.bias"),
    });
  });
}
