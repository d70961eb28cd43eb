/**
 * BERT (Devlin et al., arXiv 1810.04805): learned positions, two token types, a pooler before the classifier. MiniLM has the
 * same graph. Heads and names follow `modeling_bert.py` of transformers.
 *
 * @module
 */
import * as z from "zod";
import { tanh, withScope } from "../graph/mod.ts";
import type { Architecture } from "./architecture.ts";
import { bertKeys, bertShape, type EncoderShape, readKeys } from "./config.ts";
import { dense, headLayer, pooled } from "./forward_context.ts";
import { checkpointName, linearParameters, type ParameterSpec } from "./parameters.ts";
import {
  bertLayers,
  embed,
  embeddingParameters,
  encodeLayers,
  layerParameters,
} from "./post_norm.ts";

/** The shape of a BERT encoder. */
export interface BertConfig extends EncoderShape {
  /** Tag of this family in {@linkcode EncoderConfig}. */
  readonly architecture: "bert";
}

const ownTokenizer = "BertTokenizer";

const fileSchema = z.object({
  ...bertKeys,
  ranklab_pooling: z.enum(["first", "mean"]).default("first"),
  ranklab_pooler: z.boolean().default(true),
});

function poolerParameters({ hidden, initializerRange }: BertConfig): readonly ParameterSpec[] {
  return linearParameters("pooler.dense", [hidden, hidden], initializerRange);
}

/** The BERT family. */
export const bert: Architecture<BertConfig> = {
  name: "bert",
  modelTypes: ["bert"],
  title: "BERT",
  source: "arXiv 1810.04805; transformers modeling_bert.py",
  parseConfig: (json, fileName) => {
    const file = readKeys(fileSchema, json, fileName);
    return {
      architecture: "bert",
      ...bertShape(file, fileName),
      tokenizerClass: file.tokenizer_class ?? ownTokenizer,
      paddingPosition: null,
      pooling: file.ranklab_pooling,
      pooler: file.ranklab_pooler,
    };
  },
  encoderParameters: (config) => [
    ...embeddingParameters(config, config.hidden),
    ...layerParameters(config, bertLayers),
  ],
  headParameters: (config, outputs) => [
    ...(config.pooler ? poolerParameters(config) : []),
    ...linearParameters("classifier", [outputs, config.hidden], config.initializerRange),
  ],
  pretrainedHead: (config) => config.pooler ? poolerParameters(config) : [],
  parameterName: (stored) => checkpointName(stored, "bert"),
  modulePath: bertLayers.modulePath,
  encode: (config, inputs, context, modules, wanted) => {
    const x = embed(config, { size: config.hidden, types: inputs.types }, inputs, context);
    return encodeLayers({ config, style: bertLayers, inputs, context, modules }, x, wanted);
  },
  taskHead: (config, states, inputs, context) =>
    withScope("head", () => {
      const text = pooled(config, states, inputs);
      const features = config.pooler ? tanh(dense(context, "pooler.dense", text)) : text;
      return headLayer(context, config, "classifier", features);
    }),
};

/** The `config.json` that is read back to the same config. */
export function configJson(config: BertConfig): string {
  const activation = { gelu: "gelu", gelu_tanh: "gelu_new", relu: "relu" }[config.activation];
  const file = {
    model_type: config.architecture,
    num_hidden_layers: config.layers,
    hidden_size: config.hidden,
    num_attention_heads: config.heads,
    intermediate_size: config.intermediate,
    vocab_size: config.vocabulary,
    ...(config.paddingId === 0 ? {} : { pad_token_id: config.paddingId }),
    ...(config.tokenizerClass === ownTokenizer ? {} : { tokenizer_class: config.tokenizerClass }),
    max_position_embeddings: config.maxPositions,
    type_vocab_size: config.tokenTypes,
    layer_norm_eps: config.layerNormEpsilon,
    hidden_act: activation,
    position_embedding_type: "absolute",
    initializer_range: config.initializerRange,
    ranklab_pooling: config.pooling,
    ranklab_pooler: config.pooler,
  };
  return JSON.stringify(file, null, 2) + "\n";
}
