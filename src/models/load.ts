/**
 * Loading an encoder from the contents of a Hugging Face folder: configuration, weights by name, tokenizer.
 *
 * @module
 */
import { distance } from "fastest-levenshtein";
import { hashBytes, hashParts } from "../base/hash.ts";
import type { HostTensor } from "../graph/mod.ts";
import { loadTokenizer } from "../tasks/tokenizer.ts";
import type { Tokenizer } from "../tasks/types.ts";
import { type EncoderConfig, parseConfig } from "./config.ts";
import { encoderParameters, type ParameterSpec, poolerParameters } from "./parameters.ts";
import { readSafetensors, type StoredTensor } from "./safetensors.ts";

/** The contents of an encoder's files; `tokenizerJson` goes before `vocab` where both are there. */
export interface EncoderFiles {
  /** `config.json`. */
  readonly config: string;
  /** `model.safetensors`. */
  readonly weights: Uint8Array;
  /** `tokenizer.json`. */
  readonly tokenizerJson?: string | null;
  /** `vocab.txt`. */
  readonly vocab?: string | null;
  /** `tokenizer_config.json`. Default: the tokenizer's own defaults. */
  readonly tokenizerConfig?: string | null;
}

/** An encoder as values: what a graph, a run's identity and its texts need. */
export interface EncoderModel {
  readonly config: EncoderConfig;
  /** Every parameter of the encoder, and the pooler's where the config has a pooler and the file its weights. */
  readonly tensors: ReadonlyMap<string, HostTensor>;
  readonly tokenizer: Tokenizer;
  /** SHA-256 of the weights' file. */
  readonly weightsHash: string;
  /** SHA-256 over the hashes of the tokenizer's files, by name. */
  readonly tokenizerHash: string;
}

/**
 * The name of a stored tensor as `parameters.ts` has it: without `bert.` or `model.` before it, and with `weight` and
 * `bias` for the `gamma` and `beta` of old norms.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * assertEquals(parameterName("bert.embeddings.LayerNorm.gamma"), "embeddings.LayerNorm.weight");
 * ```
 */
export function parameterName(stored: string): string {
  return stored
    .replace(/^(?:(?:bert|model)\.)+/, "")
    .replace(/\bLayerNorm\.gamma$/, "LayerNorm.weight")
    .replace(/\bLayerNorm\.beta$/, "LayerNorm.bias");
}

/**
 * Builds an encoder from its files.
 *
 * @param files Their contents.
 * @param folder How messages call the folder that they are from.
 *
 * @throws {SyntaxError} If a file cannot be parsed or the weights are truncated.
 * @throws {TypeError} If the config is not of a known architecture, a tensor is missing or stored twice, or there is
 * neither `tokenizer.json` nor `vocab.txt`.
 * @throws {RangeError} If a tensor has another shape than the config says, or the tokenizer has ids beyond the word
 * embedding.
 * @throws {Error} If the tokenizer has another layout.
 */
export function loadEncoder(files: EncoderFiles, folder: string): EncoderModel {
  const config = parseConfig(files.config, `${folder}/config.json`);
  const tensors = loadTensors(config, files.weights, folder);
  const { tokenizer, tokenizerHash, fileName } = readTokenizer(files, folder);
  if (tokenizer.vocabularySize > config.vocabulary) {
    throw new RangeError(
      `Cannot use the tokenizer "${fileName}" with the encoder of "${folder}": found ids up to ` +
        `${tokenizer.vocabularySize - 1}, want at most ${
          config.vocabulary - 1
        } (the word embedding has ` +
        `${config.vocabulary} rows, vocab_size of config.json); take both from one checkpoint`,
    );
  }
  return { config, tensors, tokenizer, weightsHash: hashBytes(files.weights), tokenizerHash };
}

/**
 * Checks that an encoder has a position for every token of the longest text.
 *
 * @param maxLength Tokens, special ones included.
 * @param folder How messages call the encoder.
 *
 * @throws {RangeError} If it has not.
 */
export function checkMaxLength(config: EncoderConfig, maxLength: number, folder: string): void {
  if (maxLength <= config.maxPositions) return;
  throw new RangeError(
    `Cannot train the encoder of "${folder}" on ${maxLength} tokens: found maxLength ${maxLength}, want at most ` +
      `${config.maxPositions} (max_position_embeddings of its config.json); lower train.maxLength`,
  );
}

function loadTensors(
  config: EncoderConfig,
  weights: Uint8Array,
  folder: string,
): ReadonlyMap<string, HostTensor> {
  const fileName = `${folder}/model.safetensors`;
  const required = encoderParameters(config);
  const optional = config.pooler ? poolerParameters(config) : [];
  const known = new Set([...required, ...optional].map(({ name }) => name));
  // Heads, position_ids and layers beyond the config's are neither decoded nor loaded.
  const { tensors, names } = readSafetensors(
    weights,
    fileName,
    (stored) => known.has(parameterName(stored)),
  );
  const found = new Map<string, StoredTensor & { readonly stored: string }>();
  for (const [stored, tensor] of tensors) {
    const name = parameterName(stored);
    const earlier = found.get(name);
    if (earlier !== undefined) {
      throw new TypeError(
        `Cannot load "${fileName}": found both "${earlier.stored}" and "${stored}", want one tensor for "${name}"`,
      );
    }
    found.set(name, { ...tensor, stored });
  }
  // A checkpoint has the whole pooler or none of it, and then the head starts with a fresh one.
  const wanted = [...required, ...(optional.some(({ name }) => found.has(name)) ? optional : [])];
  const missing = wanted.filter(({ name }) => !found.has(name));
  if (missing.length > 0) throw new TypeError(missingMessage(fileName, missing, names));
  return new Map(wanted.map(({ name, shape }) => {
    const { stored, ...tensor } = found.get(name)!;
    if (tensor.shape.join() !== shape.join()) {
      throw new RangeError(
        `Cannot load "${fileName}": tensor "${stored}" has shape [${tensor.shape}], want [${shape}] ` +
          `as "${folder}/config.json" says; take both from one checkpoint`,
      );
    }
    return [name, { type: "f32", ...tensor }];
  }));
}

/** Names the first missing tensor, the stored names closest to it, and how many more are missing. */
function missingMessage(
  fileName: string,
  missing: readonly ParameterSpec[],
  stored: readonly string[],
): string {
  const [{ name }, ...more] = missing as readonly [ParameterSpec, ...ParameterSpec[]];
  const closest = stored
    .map((other) => ({ other, far: distance(name, parameterName(other)) }))
    .sort((a, b) => a.far - b.far)
    .slice(0, 3)
    .map(({ other }) => `"${other}"`);
  return `Cannot load "${fileName}": tensor "${name}" is missing` +
    (more.length === 0 ? "" : `, and so are ${more.length} more`) +
    (closest.length === 0
      ? "; the file has no tensors"
      : `; the closest that exist are ${closest.join(", ")}`);
}

function readTokenizer(
  { tokenizerJson = null, vocab = null, tokenizerConfig = null }: EncoderFiles,
  folder: string,
): { readonly tokenizer: Tokenizer; readonly tokenizerHash: string; readonly fileName: string } {
  const text = tokenizerJson ?? vocab;
  if (text === null) {
    throw new TypeError(
      `Cannot load the tokenizer of "${folder}": found neither tokenizer.json nor vocab.txt, want one of them; ` +
        `copy it from where the weights came from`,
    );
  }
  const file = tokenizerJson === null ? "vocab.txt" : "tokenizer.json";
  const fileName = `${folder}/${file}`;
  const tokenizer = loadTokenizer(
    tokenizerJson === null ? text : parseJson(text, fileName),
    tokenizerConfig === null ? {} : parseJson(tokenizerConfig, `${folder}/tokenizer_config.json`),
    fileName,
  );
  const tokenizerHash = hashParts({
    [file]: hashBytes(text),
    ...(tokenizerConfig === null ? {} : { "tokenizer_config.json": hashBytes(tokenizerConfig) }),
  });
  return { tokenizer, tokenizerHash, fileName };
}

function parseJson(text: string, fileName: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const said = cause instanceof Error ? cause.message : String(cause);
    throw new SyntaxError(`Cannot read "${fileName}": it is not JSON (${said})`, { cause });
  }
}
