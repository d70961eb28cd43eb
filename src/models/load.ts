/**
 * Loading an encoder from the contents of a Hugging Face folder: configuration, weights by name, tokenizer.
 *
 * @module
 */
import { hashBytes, hashParts } from "../base/hash.ts";
import { InputError, shown } from "../base/input_error.ts";
import { nearestNames } from "../base/suggest.ts";
import type { HostTensor } from "../graph/mod.ts";
import { type TokenizerFiles, tokenizerFromFiles } from "../tasks/tokenizers/files.ts";
import type { Tokenizer } from "../tasks/types.ts";
import { architectureOf, type EncoderConfig, parseConfig, resembling } from "./architectures.ts";
import { maxTokens } from "./config.ts";
import { nonFiniteMessage, readSafetensors, type StoredTensor } from "./safetensors.ts";
import type { ParameterSpec } from "./parameters.ts";
import { weightsFile, weightsIndexFile } from "./sources.ts";

/** The contents of an encoder's files. */
export interface EncoderFiles extends TokenizerFiles {
  /** `config.json`. */
  readonly config: string;
  /** `model.safetensors`, or the files that `model.safetensors.index.json` names, by their names. */
  readonly weights: Uint8Array | ReadonlyMap<string, Uint8Array>;
}

/** An encoder as values: what a graph, a run's identity and its texts need. */
export interface EncoderModel {
  /** Shape, by which graphs are built. */
  readonly config: EncoderConfig;
  /** Every parameter of the encoder, and those of its head that pretraining leaves (BERT's pooler) where the file has them. */
  readonly tensors: ReadonlyMap<string, HostTensor>;
  /** Checked to have no id beyond the rows of the word embedding. */
  readonly tokenizer: Tokenizer;
  /** SHA-256 of the weights' file, or where there are several over their hashes, by name. */
  readonly weightsHash: string;
  /** SHA-256 over the hashes of the tokenizer's files, by name. */
  readonly tokenizerHash: string;
}

/**
 * Builds an encoder from its files.
 *
 * @param files Their contents.
 * @param folder How messages call the folder that they are from.
 *
 * @throws {InputError} If a file cannot be parsed or the weights are truncated; the config is not of a known architecture or the
 * tensors are of another; a tensor is missing, stored twice, of another shape than the config says or has numbers that are not
 * finite; the files of no tokenizer are complete, it has another layout, or ids beyond the word embedding.
 */
export function loadEncoder(files: EncoderFiles, folder: string): EncoderModel {
  const config = parseConfig(files.config, `${folder}/config.json`);
  const tensors = loadTensors(config, files.weights, folder);
  const { tokenizer, tokenizerHash, fileName } = readTokenizer(files, folder, config);
  if (tokenizer.vocabularySize > config.vocabulary) {
    const found = `ids up to ${tokenizer.vocabularySize - 1}`;
    const wanted = `at most ${config.vocabulary - 1}`;
    throw new InputError({
      file: fileName,
      found,
      wanted,
      message:
        `Cannot use the tokenizer "${fileName}" with the encoder of "${folder}": found ${found}, want ${wanted} ` +
        `(the word embedding has ${config.vocabulary} rows, vocab_size of config.json); take both from one checkpoint`,
    });
  }
  return { config, tensors, tokenizer, weightsHash: hashWeights(files.weights), tokenizerHash };
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
  const most = maxTokens(config);
  if (maxLength <= most) return;
  const { maxPositions } = config;
  const why = most === maxPositions
    ? "max_position_embeddings of its config.json"
    : `max_position_embeddings of its config.json is ${maxPositions}, of which the first ` +
      `${maxPositions - most} are not for tokens`;
  throw new RangeError(
    `Cannot train the encoder of "${folder}" on ${maxLength} tokens: found maxLength ${maxLength}, want at most ` +
      `${most} (${why}); lower train.maxLength`,
  );
}

function hashWeights(weights: EncoderFiles["weights"]): string {
  if (weights instanceof Uint8Array) return hashBytes(weights);
  return hashParts(
    Object.fromEntries([...weights].map(([name, bytes]) => [name, hashBytes(bytes)])),
  );
}

/** Tensors of one or several files by their stored names, and how messages call the files that they are from. */
interface FoundTensors {
  readonly tensors: ReadonlyMap<string, StoredTensor & { readonly fileName: string }>;
  /** The names of all, decoded or not. */
  readonly names: readonly string[];
  /** The file, or the index of several. */
  readonly fileName: string;
}

function readWeights(
  weights: EncoderFiles["weights"],
  folder: string,
  isWanted: (stored: string) => boolean,
): FoundTensors {
  const files = weights instanceof Uint8Array ? new Map([[weightsFile, weights]]) : weights;
  const tensors = new Map<string, StoredTensor & { readonly fileName: string }>();
  const all: string[] = [];
  for (const [name, bytes] of files) {
    const fileName = `${folder}/${name}`;
    const read = readSafetensors(bytes, fileName, isWanted);
    for (const [stored, tensor] of read.tensors) {
      const earlier = tensors.get(stored);
      if (earlier !== undefined) {
        throw new InputError({
          doing: "Cannot load",
          file: fileName,
          found: `"${shown(stored)}", which "${earlier.fileName}" has too`,
          wanted: "it once",
        });
      }
      tensors.set(stored, { ...tensor, fileName });
    }
    all.push(...read.names);
  }
  const own = weights instanceof Uint8Array ? weightsFile : weightsIndexFile;
  return { tensors, names: all, fileName: `${folder}/${own}` };
}

function loadTensors(
  config: EncoderConfig,
  weights: EncoderFiles["weights"],
  folder: string,
): ReadonlyMap<string, HostTensor> {
  const architecture = architectureOf(config);
  const required = architecture.encoderParameters(config);
  const optional = architecture.pretrainedHead(config);
  const known = new Set([...required, ...optional].map(({ name }) => name));
  // Heads, position_ids and layers beyond the config's are neither decoded nor loaded.
  const { tensors, names, fileName } = readWeights(
    weights,
    folder,
    (stored) => known.has(architecture.parameterName(stored)),
  );
  const found = new Map<string, FoundTensor>();
  for (const [stored, tensor] of tensors) {
    const name = architecture.parameterName(stored);
    const earlier = found.get(name);
    if (earlier !== undefined) {
      throw new InputError({
        doing: "Cannot load",
        file: fileName,
        found: `both "${shown(earlier.stored)}" and "${shown(stored)}"`,
        wanted: `one tensor for "${name}"`,
      });
    }
    found.set(name, { ...tensor, stored });
  }
  // A checkpoint has the whole pooler or none of it, and then the head starts with a fresh one.
  const wanted = [...required, ...(optional.some(({ name }) => found.has(name)) ? optional : [])];
  const missing = wanted.filter(({ name }) => !found.has(name));
  if (missing.length > 0) {
    throw new InputError({
      file: fileName,
      place: `tensor "${missing[0]!.name}"`,
      found: "no such tensor",
      wanted: `the tensors of ${architecture.title}`,
      message: otherFamilyMessage({ config, folder, fileName, names }) ??
        missingMessage(config, { fileName, missing, stored: names }),
    });
  }
  return new Map(wanted.map((spec) => [spec.name, checked(spec, found.get(spec.name)!, folder)]));
}

/**
 * The parameters of a task head that an encoder's files bring, by checkpoint name, as they are stored: whether their shapes fit a
 * task is for whoever uses them to say.
 *
 * @param folder How messages call the folder that the files are from.
 *
 * @throws {InputError} If the weights are truncated, or a number is not finite.
 */
export function loadHead(
  config: EncoderConfig,
  weights: EncoderFiles["weights"],
  folder: string,
): ReadonlyMap<string, HostTensor> {
  const { headParameters, parameterName } = architectureOf(config);
  // The names do not depend on the number of outputs.
  const names = new Set(headParameters(config, 1).map(({ name }) => name));
  const { tensors } = readWeights(weights, folder, (stored) => names.has(parameterName(stored)));
  return new Map([...tensors].map(([stored, { fileName, shape, data }]) => {
    checkFinite(fileName, stored, data);
    return [parameterName(stored), { type: "f32", shape, data }];
  }));
}

type FoundTensor = StoredTensor & { readonly stored: string; readonly fileName: string };

function checked(
  { shape: wanted }: ParameterSpec,
  { stored, fileName, shape, data }: FoundTensor,
  folder: string,
): HostTensor {
  if (shape.join() === wanted.join()) {
    checkFinite(fileName, stored, data);
    return { type: "f32", shape, data };
  }
  const found = `[${shown(shape.join())}]`;
  throw new InputError({
    file: fileName,
    place: `tensor "${stored}"`,
    found: `shape ${found}`,
    wanted: `[${wanted}]`,
    message: `Cannot load "${fileName}": tensor "${stored}" has shape ${found}, want [${wanted}] ` +
      `as "${folder}/config.json" says; take both from one checkpoint`,
  });
}

function checkFinite(fileName: string, stored: string, data: Float32Array): void {
  const problem = nonFiniteMessage(stored, { data });
  if (problem === null) return;
  throw new InputError({
    file: fileName,
    place: `tensor "${stored}"`,
    found: "numbers that are NaN or infinite",
    wanted: "finite ones",
    message: `Cannot load "${fileName}": ${problem}`,
  });
}

/** Says which family the stored names look like, where that is another than the config's; null otherwise. */
function otherFamilyMessage(
  { config, folder, fileName, names }: {
    readonly config: EncoderConfig;
    readonly folder: string;
    readonly fileName: string;
    readonly names: readonly string[];
  },
): string | null {
  const own = architectureOf(config);
  const alike = resembling(names);
  if (alike.length === 0 || alike.includes(own)) return null;
  const titles = alike.map(({ title }) => title).join(" or ");
  return `Cannot load "${fileName}": its tensors are named as those of ${titles}, want those of ${own.title}, ` +
    `as model_type of "${folder}/config.json" says; take both from one checkpoint`;
}

/** Names the first missing tensor, the stored names closest to it, and how many more are missing. */
function missingMessage(
  config: EncoderConfig,
  { fileName, missing, stored }: {
    readonly fileName: string;
    readonly missing: readonly ParameterSpec[];
    readonly stored: readonly string[];
  },
): string {
  const { parameterName } = architectureOf(config);
  const [{ name }, ...more] = missing as readonly [ParameterSpec, ...ParameterSpec[]];
  const closest = nearestNames(name, stored, 3, parameterName).map((other) => `"${other}"`);
  return `Cannot load "${fileName}": tensor "${name}" is missing` +
    (more.length === 0 ? "" : `, and so are ${more.length} more`) +
    (stored.length === 0
      ? "; the file has no tensors"
      : closest.length === 0
      ? ""
      : `; the closest that exist are ${closest.join(", ")}`);
}

function readTokenizer(
  files: EncoderFiles,
  folder: string,
  { tokenizerClass }: EncoderConfig,
): { readonly tokenizer: Tokenizer; readonly tokenizerHash: string; readonly fileName: string } {
  const { tokenizer, fileName, contents } = tokenizerFromFiles(
    files,
    folder,
    tokenizerClass,
  );
  const hashes = Object.entries(contents).map(([name, content]) => [name, hashBytes(content)]);
  return { tokenizer, fileName, tokenizerHash: hashParts(Object.fromEntries(hashes)) };
}
