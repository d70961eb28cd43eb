/**
 * The shape of an encoder, and how its `config.json` (that of Hugging Face folders) is read.
 *
 * @module
 */
import * as z from "zod";
import type { Pooling } from "./token_rows.ts";

/** The activation between a layer's two wide products: exact GELU, its tanh form, or max(x, 0). */
export type Activation = "gelu" | "gelu_tanh" | "relu";

/** What the configs of all families have. */
export interface EncoderShape {
  /** Names the family; see `architectures.ts`. */
  readonly architecture: string;
  /** Transformer layers, embeddings not counted. */
  readonly layers: number;
  /** Numbers of a token's state. */
  readonly hidden: number;
  /** Attention heads a layer; `hidden` is a multiple of it. */
  readonly heads: number;
  /** Numbers between a layer's two wide products. */
  readonly intermediate: number;
  /** Rows of the word embedding. */
  readonly vocabulary: number;
  /**
   * The row of the word embedding that stays as it is where it is looked up, also for a token in a text (`padding_idx` of
   * torch, the `pad_token_id`); null where all are trained.
   */
  readonly paddingId: number | null;
  /**
   * The class in transformers of the tokenizer, where `tokenizer_config.json` names none: the `tokenizer_class`, or else the
   * family's own.
   */
  readonly tokenizerClass: string;
  /** Rows of the position table. */
  readonly maxPositions: number;
  /**
   * The row of the position table for padding; a text's tokens have the ones that follow. Null where a token's position
   * is its place in the padded text.
   */
  readonly paddingPosition: number | null;
  /** Rows of the token type table; 0 without one. */
  readonly tokenTypes: number;
  /** Function between the two wide products; a config that names another is refused. */
  readonly activation: Activation;
  /** Number added to the variance in layer norms: 1e-12 in most published configs, 1e-5 or 1e-7 in others. */
  readonly layerNormEpsilon: number;
  /** Which last states the task head takes: the first token's, or the mean of all tokens. */
  readonly pooling: Pooling;
  /** Whether a dense layer with tanh stands between the pooled vector and the classifier (BERT's pooler). */
  readonly pooler: boolean;
  /** Standard deviation of freshly drawn weights. */
  readonly initializerRange: number;
}

/** Tokens of the longest text that an encoder has positions for, special ones included. */
export function maxTokens(
  { maxPositions, paddingPosition }: Pick<EncoderShape, "maxPositions" | "paddingPosition">,
): number {
  return paddingPosition === null ? maxPositions : maxPositions - paddingPosition - 1;
}

/** A size in a `config.json`. */
export const positive = z.int().positive();

/** Keys that several families have under the same names, with the defaults of transformers. */
export const commonKeys = {
  vocab_size: positive,
  max_position_embeddings: positive,
  pad_token_id: z.int().nullable().default(0),
  tokenizer_class: z.string().nullish(),
  initializer_range: z.number().positive().default(0.02),
} as const;

/** Keys of the families whose layers are named as BERT's. */
export const bertKeys = {
  ...commonKeys,
  num_hidden_layers: positive,
  hidden_size: positive,
  num_attention_heads: positive,
  intermediate_size: positive,
  type_vocab_size: positive.default(2),
  layer_norm_eps: z.number().positive().default(1e-12),
  hidden_act: z.string().default("gelu"),
} as const;

/**
 * The keys of a config.
 *
 * @param fileName For messages.
 *
 * @throws {TypeError} If one is missing or wrong; the message names the first.
 */
export function readKeys<T>(schema: z.ZodType<T>, json: unknown, fileName: string): T {
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new TypeError(
    `Cannot read "${fileName}": key "${issue?.path.join(".")}": ${issue?.message}`,
  );
}

/**
 * The value of a key, out of those that can be built.
 *
 * @param known What each value of the key stands for.
 *
 * @throws {TypeError} If it is none of them.
 */
export function knownValue<T>(
  key: string,
  value: string,
  known: Readonly<Record<string, T>>,
  fileName: string,
): T {
  const found = Object.hasOwn(known, value) ? known[value] : undefined;
  if (found !== undefined) return found;
  const names = Object.keys(known).map((name) => `"${name}"`);
  throw new TypeError(
    `Cannot build the encoder of "${fileName}": ${key} is "${value}", known ` +
      `${names.length === 1 ? "is" : "are"} ${names.join(", ")}`,
  );
}

/** Activations by their names in a `config.json`. */
export const activations: Readonly<Record<string, Activation>> = {
  gelu: "gelu",
  gelu_new: "gelu_tanh",
  gelu_pytorch_tanh: "gelu_tanh",
  relu: "relu",
};

/**
 * Checks that heads have a whole number of columns.
 *
 * @param keys What the config's file calls the two.
 *
 * @throws {TypeError} If not.
 */
export function checkHeads(
  { hidden, heads }: Pick<EncoderShape, "hidden" | "heads">,
  keys: { readonly hidden: string; readonly heads: string },
  fileName: string,
): void {
  if (hidden % heads === 0) return;
  throw new TypeError(
    `Cannot build the encoder of "${fileName}": ${keys.hidden} ${hidden} is not a multiple of ` +
      `${keys.heads} ${heads}`,
  );
}

/**
 * The row of the word embedding that a `pad_token_id` means; a negative one counts from the end, as in torch.
 *
 * @throws {TypeError} If there is no such row.
 */
export function paddingRow(
  { pad_token_id: id, vocab_size: vocabulary }: {
    readonly pad_token_id: number | null;
    readonly vocab_size: number;
  },
  fileName: string,
): number | null {
  if (id === null) return null;
  const row = id < 0 ? vocabulary + id : id;
  if (row >= 0 && row < vocabulary) return row;
  throw new TypeError(
    `Cannot build the encoder of "${fileName}": pad_token_id is ${id}, want null or a row of the word embedding, ` +
      `which has ${vocabulary} (vocab_size)`,
  );
}

/** What the keys of {@linkcode bertKeys} stand for. */
type BertKeys = z.infer<z.ZodObject<typeof bertKeys>>;

/**
 * The shape that keys as BERT's give.
 *
 * @throws {TypeError} If they ask for a variant that cannot be built.
 */
export function bertShape(
  file: BertKeys,
  fileName: string,
): Omit<
  EncoderShape,
  "architecture" | "paddingPosition" | "pooling" | "pooler" | "tokenizerClass"
> {
  const shape = {
    layers: file.num_hidden_layers,
    hidden: file.hidden_size,
    heads: file.num_attention_heads,
    intermediate: file.intermediate_size,
    vocabulary: file.vocab_size,
    paddingId: paddingRow(file, fileName),
    maxPositions: file.max_position_embeddings,
    tokenTypes: file.type_vocab_size,
    activation: knownValue("hidden_act", file.hidden_act, activations, fileName),
    layerNormEpsilon: file.layer_norm_eps,
    initializerRange: file.initializer_range,
  };
  checkHeads(shape, { hidden: "hidden_size", heads: "num_attention_heads" }, fileName);
  return shape;
}
