/**
 * The shape of an encoder of the BERT family, from a Hugging Face `config.json`.
 *
 * @module
 */
import * as z from "zod";
import type { Pooling } from "./token_rows.ts";

/** The shape of an encoder (Devlin et al., arXiv 1810.04805). */
export interface EncoderConfig {
  readonly architecture: "bert";
  readonly layers: number;
  readonly hidden: number;
  readonly heads: number;
  readonly intermediate: number;
  readonly vocabulary: number;
  readonly maxPositions: number;
  readonly tokenTypes: number;
  readonly layerNormEpsilon: number;
  readonly pooling: Pooling;
  /** Whether a dense layer with tanh stands between the pooled vector and the classifier. */
  readonly pooler: boolean;
  /** Standard deviation of freshly drawn weights. */
  readonly initializerRange: number;
}

/** Architectures that can be built, by the `model_type` of their `config.json`. */
export const knownArchitectures: readonly string[] = ["bert"];

const positive = z.int().positive();

const fileSchema = z.object({
  model_type: z.string(),
  num_hidden_layers: positive,
  hidden_size: positive,
  num_attention_heads: positive,
  intermediate_size: positive,
  vocab_size: positive,
  max_position_embeddings: positive,
  type_vocab_size: positive.default(2),
  layer_norm_eps: z.number().positive().default(1e-12),
  hidden_act: z.string().default("gelu"),
  position_embedding_type: z.string().default("absolute"),
  initializer_range: z.number().positive().default(0.02),
  ranklab_pooling: z.enum(["first", "mean"]).default("first"),
  ranklab_pooler: z.boolean().default(true),
});

/**
 * Reads a `config.json`.
 *
 * @param text Contents of the file.
 * @param fileName Its name, for messages.
 *
 * @throws {SyntaxError} If the text is not JSON.
 * @throws {TypeError} If a key is missing or wrong, or the architecture or a variant of it is not known.
 */
export function parseConfig(text: string, fileName: string): EncoderConfig {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new SyntaxError(`Cannot read "${fileName}": it is not JSON`, { cause });
  }
  const parsed = fileSchema.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new TypeError(
      `Cannot read "${fileName}": key "${issue?.path.join(".")}": ${issue?.message}`,
    );
  }
  const file = parsed.data;
  const known = knownArchitectures.map((name) => `"${name}"`).join(", ");
  if (!knownArchitectures.includes(file.model_type)) {
    throw new TypeError(
      `Cannot build the encoder of "${fileName}": model_type is "${file.model_type}", known are ${known}`,
    );
  }
  if (file.hidden_act !== "gelu") {
    throw new TypeError(
      `Cannot build the encoder of "${fileName}": hidden_act is "${file.hidden_act}", known is "gelu"`,
    );
  }
  if (file.position_embedding_type !== "absolute") {
    throw new TypeError(
      `Cannot build the encoder of "${fileName}": position_embedding_type is ` +
        `"${file.position_embedding_type}", known is "absolute"`,
    );
  }
  if (file.hidden_size % file.num_attention_heads !== 0) {
    throw new TypeError(
      `Cannot build the encoder of "${fileName}": hidden_size ${file.hidden_size} is not a multiple of ` +
        `num_attention_heads ${file.num_attention_heads}`,
    );
  }
  return {
    architecture: "bert",
    layers: file.num_hidden_layers,
    hidden: file.hidden_size,
    heads: file.num_attention_heads,
    intermediate: file.intermediate_size,
    vocabulary: file.vocab_size,
    maxPositions: file.max_position_embeddings,
    tokenTypes: file.type_vocab_size,
    layerNormEpsilon: file.layer_norm_eps,
    pooling: file.ranklab_pooling,
    pooler: file.ranklab_pooler,
    initializerRange: file.initializer_range,
  };
}

/** The `config.json` that {@linkcode parseConfig} reads back to the same config. */
export function configJson(config: EncoderConfig): string {
  const file = {
    model_type: config.architecture,
    num_hidden_layers: config.layers,
    hidden_size: config.hidden,
    num_attention_heads: config.heads,
    intermediate_size: config.intermediate,
    vocab_size: config.vocabulary,
    max_position_embeddings: config.maxPositions,
    type_vocab_size: config.tokenTypes,
    layer_norm_eps: config.layerNormEpsilon,
    hidden_act: "gelu",
    position_embedding_type: "absolute",
    initializer_range: config.initializerRange,
    ranklab_pooling: config.pooling,
    ranklab_pooler: config.pooler,
  };
  return JSON.stringify(file, null, 2) + "\n";
}
