/**
 * ELECTRA's discriminator (Clark et al., arXiv 2003.10555): BERT's layers over embeddings that may be narrower than the hidden
 * states. Heads and names follow `modeling_electra.py` of transformers.
 *
 * @module
 */
import * as z from "zod";
import { gelu } from "../graph/mod.ts";
import type { Architecture } from "./architecture.ts";
import { bertKeys, bertShape, columnCount, type EncoderShape, readKeys } from "./config.ts";
import { dense, twoLayerHead, twoLayerHeadParameters } from "./forward_context.ts";
import { checkpointName, linearParameters } from "./parameters.ts";
import {
  bertLayers,
  embed,
  embeddingParameters,
  encodeLayers,
  layerParameters,
} from "./post_norm.ts";

/** The shape of an ELECTRA encoder. */
export interface ElectraConfig extends EncoderShape {
  /** Tag of this family in {@linkcode EncoderConfig}. */
  readonly architecture: "electra";
  /** Columns of the embedding tables; a linear layer follows where they are not `hidden`. */
  readonly embeddingSize: number;
}

const fileSchema = z.object({ ...bertKeys, embedding_size: columnCount.default(128) });

const projection = "embeddings_project";

/** The ELECTRA family. */
export const electra: Architecture<ElectraConfig> = {
  name: "electra",
  modelTypes: ["electra"],
  title: "ELECTRA",
  source: "arXiv 2003.10555; transformers modeling_electra.py",
  parseConfig: (json, fileName) => {
    const file = readKeys(fileSchema, json, fileName);
    return {
      architecture: "electra",
      ...bertShape(file, fileName),
      tokenizerClass: file.tokenizer_class ?? "BertTokenizer",
      embeddingSize: file.embedding_size,
      paddingPosition: null,
      pooling: "first",
      pooler: false,
    };
  },
  encoderParameters: (config) => {
    const { hidden, embeddingSize, initializerRange } = config;
    return [
      ...embeddingParameters(config, embeddingSize),
      ...(embeddingSize === hidden
        ? []
        : linearParameters(projection, [hidden, embeddingSize], initializerRange)),
      ...layerParameters(config, bertLayers),
    ];
  },
  headParameters: twoLayerHeadParameters,
  pretrainedHead: () => [],
  parameterName: (stored) => checkpointName(stored, "electra"),
  modulePath: bertLayers.modulePath,
  encode: (config, inputs, context, modules, wanted) => {
    const { hidden, embeddingSize } = config;
    const embedded = embed(config, { size: embeddingSize, types: inputs.types }, inputs, context);
    const x = embeddingSize === hidden ? embedded : dense(context, projection, embedded);
    return encodeLayers({ config, style: bertLayers, inputs, context, modules }, x, wanted);
  },
  taskHead: (config, states, inputs, context) =>
    twoLayerHead({ config, activation: gelu }, states, inputs, context),
};
