/**
 * DistilBERT (Sanh et al., arXiv 1910.01108): BERT's layers with names of their own, neither token types nor a pooler, and no
 * dropout between attention and its sum. Heads and names follow `modeling_distilbert.py` of transformers.
 *
 * @module
 */
import * as z from "zod";
import { relu, withScope } from "../graph/mod.ts";
import type { ModulePart } from "../study/schema/settings.ts";
import type { Architecture } from "./architecture.ts";
import {
  activations,
  checkHeads,
  columnCount,
  commonKeys,
  type EncoderShape,
  knownValue,
  layerCount,
  paddingRow,
  readKeys,
} from "./config.ts";
import { dense, headLayer, pooled } from "./forward_context.ts";
import { checkpointName, linearParameters } from "./parameters.ts";
import {
  embed,
  embeddingParameters,
  encodeLayers,
  layerParameters,
  type LayerStyle,
} from "./post_norm.ts";

/** The shape of a DistilBERT encoder. */
export interface DistilbertConfig extends EncoderShape {
  /** Tag of this family in {@linkcode EncoderConfig}. */
  readonly architecture: "distilbert";
}

const fileSchema = z.object({
  ...commonKeys,
  n_layers: layerCount,
  n_heads: columnCount,
  dim: columnCount,
  hidden_dim: columnCount,
  activation: z.string().default("gelu"),
});

const names: Readonly<Record<ModulePart, string>> = {
  query: "attention.q_lin",
  key: "attention.k_lin",
  value: "attention.v_lin",
  attention_output: "attention.out_lin",
  intermediate: "ffn.lin1",
  output: "ffn.lin2",
};

const style: LayerStyle = {
  modulePath: (layer, part) => `transformer.layer.${layer}.${names[part]}`,
  attentionNorm: (layer) => `transformer.layer.${layer}.sa_layer_norm`,
  outputNorm: (layer) => `transformer.layer.${layer}.output_layer_norm`,
  attentionOutputDropout: "none",
};

/** The DistilBERT family. */
export const distilbert: Architecture<DistilbertConfig> = {
  name: "distilbert",
  modelTypes: ["distilbert"],
  title: "DistilBERT",
  source: "arXiv 1910.01108; transformers modeling_distilbert.py",
  parseConfig: (json, fileName) => {
    const file = readKeys(fileSchema, json, fileName);
    const shape = {
      layers: file.n_layers,
      hidden: file.dim,
      heads: file.n_heads,
      intermediate: file.hidden_dim,
      vocabulary: file.vocab_size,
      paddingId: paddingRow(file, fileName),
      tokenizerClass: file.tokenizer_class ?? "BertTokenizer",
      maxPositions: file.max_position_embeddings,
      tokenTypes: 0,
      activation: knownValue("activation", file.activation, activations, fileName),
      // Fixed in modeling_distilbert.py.
      layerNormEpsilon: 1e-12,
      initializerRange: file.initializer_range,
    };
    checkHeads(shape, { hidden: "dim", heads: "n_heads" }, fileName);
    return {
      architecture: "distilbert",
      ...shape,
      paddingPosition: null,
      pooling: "first",
      pooler: false,
    };
  },
  encoderParameters: (config) => [
    ...embeddingParameters(config, config.hidden),
    ...layerParameters(config, style),
  ],
  headParameters: ({ hidden, initializerRange }, outputs) => [
    ...linearParameters("pre_classifier", [hidden, hidden], initializerRange),
    ...linearParameters("classifier", [outputs, hidden], initializerRange),
  ],
  pretrainedHead: () => [],
  parameterName: (stored) => checkpointName(stored, "distilbert"),
  modulePath: style.modulePath,
  encode: (config, inputs, context, modules, wanted) => {
    const x = embed(config, { size: config.hidden, types: null }, inputs, context);
    return encodeLayers({ config, style, inputs, context, modules }, x, wanted);
  },
  taskHead: (config, states, inputs, context) =>
    withScope("head", () => {
      const features = relu(dense(context, "pre_classifier", pooled(config, states, inputs)));
      return headLayer(context, config, "classifier", features);
    }),
};
