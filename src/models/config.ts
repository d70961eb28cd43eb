/**
 * The shape of an encoder, and how its `config.json` (that of Hugging Face folders) is read.
 *
 * @module
 */
import { InputError, shown } from "../base/input_error.ts";
import { problemsOf } from "../study/check/problems.ts";
import type { Pooling } from "./token_rows.ts";
import { type ModulePart, moduleParts } from "../study/schema/settings.ts";
import type { ModuleShape } from "../study/types.ts";
import * as z from "zod";

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

/**
 * Sizes of a `config.json` at most: well above every encoder that was published, and so small that what a graph of them holds
 * before its weights are read stays below a few megabytes.
 */
export const mostOf = {
  layers: 512,
  /** Columns, heads and token types. */
  columns: 65_536,
  /** Rows of a table of tokens or of positions. */
  rows: 4_194_304,
} as const;

/** A number of layers in a `config.json`. */
export const layerCount = z.int().positive().max(mostOf.layers);

/** A number of columns, heads or token types in a `config.json`. */
export const columnCount = z.int().positive().max(mostOf.columns);

/** A number of rows in a `config.json`. */
export const rowCount = z.int().positive().max(mostOf.rows);

/** Keys that several families have under the same names, with the defaults of transformers. */
export const commonKeys = {
  vocab_size: rowCount,
  max_position_embeddings: rowCount,
  pad_token_id: z.int().nullable().default(0),
  tokenizer_class: z.string().nullish(),
  initializer_range: z.number().positive().default(0.02),
} as const;

/** Keys of the families whose layers are named as BERT's. */
export const bertKeys = {
  ...commonKeys,
  num_hidden_layers: layerCount,
  hidden_size: columnCount,
  num_attention_heads: columnCount,
  intermediate_size: columnCount,
  type_vocab_size: columnCount.default(2),
  layer_norm_eps: z.number().positive().default(1e-12),
  hidden_act: z.string().default("gelu"),
} as const;

/**
 * The keys of a config.
 *
 * @param fileName For messages.
 *
 * @throws {InputError} If one is missing or wrong; the message names the first.
 */
export function readKeys<T>(schema: z.ZodType<T>, json: unknown, fileName: string): T {
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const [problem] = problemsOf(parsed.error.issues, json);
  throw keyError(fileName, problem!.where, problem!.message);
}

/**
 * The error of a key with a wrong value.
 *
 * @param message What was found and wanted, as validators say it.
 */
export function keyError(fileName: string, key: string, message: string): InputError {
  const [found = message, wanted = "another value"] = message.split(", wanted ");
  return new InputError({
    file: fileName,
    place: `key "${key}"`,
    found: found.replace(/^found /, ""),
    wanted,
    message: `Cannot read "${fileName}": key "${key}": ${message}`,
  });
}

/**
 * The error of a config whose encoder cannot be built.
 *
 * @param message What is said after the file's name.
 */
export function variantError(
  fileName: string,
  about: { readonly key: string; readonly found: string; readonly wanted: string },
  message: string,
): InputError {
  return new InputError({
    file: fileName,
    place: `key "${about.key}"`,
    found: about.found,
    wanted: about.wanted,
    message: `Cannot build the encoder of "${fileName}": ${message}`,
  });
}

/**
 * The value of a key, out of those that can be built.
 *
 * @param known What each value of the key stands for.
 *
 * @throws {InputError} If it is none of them.
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
  const said = shown(value);
  throw variantError(
    fileName,
    { key, found: `"${said}"`, wanted: names.join(", ") },
    `${key} is "${said}", known ${names.length === 1 ? "is" : "are"} ${names.join(", ")}`,
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
 * @throws {InputError} If not.
 */
export function checkHeads(
  { hidden, heads }: Pick<EncoderShape, "hidden" | "heads">,
  keys: { readonly hidden: string; readonly heads: string },
  fileName: string,
): void {
  if (hidden % heads === 0) return;
  throw variantError(
    fileName,
    { key: keys.hidden, found: String(hidden), wanted: `a multiple of ${keys.heads} ${heads}` },
    `${keys.hidden} ${hidden} is not a multiple of ${keys.heads} ${heads}`,
  );
}

/**
 * The row of the word embedding that a `pad_token_id` means; a negative one counts from the end, as in torch.
 *
 * @throws {InputError} If there is no such row.
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
  const wanted = `null or a row of the word embedding, which has ${vocabulary} (vocab_size)`;
  throw variantError(
    fileName,
    { key: "pad_token_id", found: String(id), wanted },
    `pad_token_id is ${id}, want ${wanted}`,
  );
}

/** What the keys of {@linkcode bertKeys} stand for. */
type BertKeys = z.infer<z.ZodObject<typeof bertKeys>>;

/**
 * The shape that keys as BERT's give.
 *
 * @throws {InputError} If they ask for a variant that cannot be built.
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

/** The target modules of the chosen parts, layer by layer. */
export function targetModules(
  config: EncoderShape,
  parts: readonly ModulePart[] = moduleParts,
): readonly ModuleShape[] {
  return Array.from(
    { length: config.layers },
    (_, layer) =>
      moduleParts.filter((part) => parts.includes(part)).map((part) => ({
        name: `layer.${layer}.${part}`,
        layer,
        part,
        inSize: part === "output" ? config.intermediate : config.hidden,
        outSize: part === "intermediate" ? config.intermediate : config.hidden,
      })),
  ).flat();
}

/** All target modules by name. */
export function modulesByName(config: EncoderShape): ReadonlyMap<string, ModuleShape> {
  return new Map(targetModules(config).map((module) => [module.name, module]));
}
