/**
 * RoBERTa (Liu et al., arXiv 1907.11692): BERT's layers, positions that start after that of padding, one token type. XLM-R
 * and CamemBERT have the same graph. Heads and names follow `modeling_roberta.py` of transformers.
 *
 * @module
 */
import * as z from "zod";
import { integers, tanh } from "../graph/mod.ts";
import type { Architecture } from "./architecture.ts";
import { bertKeys, bertShape, type EncoderShape, readKeys, variantError } from "./config.ts";
import { checkpointName } from "./parameters.ts";
import {
  bertLayers,
  embed,
  embeddingParameters,
  encodeLayers,
  layerParameters,
} from "./post_norm.ts";
import { twoLayerHead, twoLayerHeadParameters } from "./forward_context.ts";

/** The shape of a RoBERTa encoder; its `paddingPosition` is the `pad_token_id`. */
export interface RobertaConfig extends EncoderShape {
  /** Tag of this family in {@linkcode EncoderConfig}. */
  readonly architecture: "roberta";
  /** Never null here: tokens have the positions that follow it. */
  readonly paddingPosition: number;
}

const fileSchema = z.object({
  ...bertKeys,
  pad_token_id: z.int().nonnegative().default(1),
});

/** The RoBERTa family. */
export const roberta: Architecture<RobertaConfig> = {
  name: "roberta",
  modelTypes: ["roberta", "xlm-roberta", "camembert"],
  title: "RoBERTa",
  source: "arXiv 1907.11692; transformers modeling_roberta.py",
  parseConfig: (json, fileName) => {
    const file = readKeys(fileSchema, json, fileName);
    const shape = bertShape(file, fileName);
    if (shape.maxPositions <= file.pad_token_id + 1) {
      const [found, wanted] = [String(shape.maxPositions), `more than ${file.pad_token_id + 1}`];
      throw variantError(
        fileName,
        { key: "max_position_embeddings", found, wanted },
        `max_position_embeddings is ${found}, want ${wanted}, since positions start after pad_token_id`,
      );
    }
    return {
      architecture: "roberta",
      ...shape,
      tokenizerClass: file.tokenizer_class ?? "RobertaTokenizer",
      paddingPosition: file.pad_token_id,
      pooling: "first",
      pooler: false,
    };
  },
  encoderParameters: (config) => [
    ...embeddingParameters(config, config.hidden),
    ...layerParameters(config, bertLayers),
  ],
  headParameters: twoLayerHeadParameters,
  pretrainedHead: () => [],
  parameterName: (stored) => checkpointName(stored, "roberta"),
  modulePath: bertLayers.modulePath,
  encode: (config, inputs, context, modules, wanted) => {
    // Published checkpoints have one type, 0, whatever the tokenizer says.
    const types = config.tokenTypes === 1 ? integers([0], [1]) : inputs.types;
    const x = embed(config, { size: config.hidden, types }, inputs, context);
    return encodeLayers({ config, style: bertLayers, inputs, context, modules }, x, wanted);
  },
  taskHead: (config, states, inputs, context) =>
    twoLayerHead({ config, activation: tanh }, states, inputs, context),
};
