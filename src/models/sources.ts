/**
 * Where an encoder comes from: which folder a model's name stands for, and which of its files are read.
 *
 * @module
 */
import { unknownName } from "../base/suggest.ts";
import { modelNames } from "../spec/settings.ts";

/** Where the files of the embedded encoder are. */
export const embeddedModelFolder: URL = new URL("./embedded/", import.meta.url);

/** A folder with an encoder, and whether its weights are used or drawn anew. */
export interface ModelSource {
  readonly folder: URL | string;
  readonly randomWeights: boolean;
}

/**
 * The source that a study's `model` names.
 *
 * @param name `embedded`, `embedded-random` or `folder`.
 * @param folder The folder given by `--model`, or null.
 *
 * @throws {TypeError} If the name is not known, or is `folder` and none is given.
 */
export function modelSource(name: string, folder: string | null): ModelSource {
  if (name === "embedded") return { folder: embeddedModelFolder, randomWeights: false };
  if (name === "embedded-random") return { folder: embeddedModelFolder, randomWeights: true };
  if (name !== "folder") throw new TypeError(unknownName("model", name, modelNames));
  if (folder === null) {
    throw new TypeError(
      `Cannot load the model "folder": found no folder, want one with config.json and model.safetensors; ` +
        `give it by --model DIR`,
    );
  }
  return { folder, randomWeights: false };
}

/** The files of a folder that are read; null where one that may be missing is. */
export interface ModelFileNames {
  readonly config: string;
  readonly weights: string;
  readonly tokenizerJson: string | null;
  readonly vocab: string | null;
  readonly tokenizerConfig: string | null;
}

/** Weights in forms that are not read: how their files are named, what they are, what to do. */
const otherWeights: readonly {
  readonly pattern: RegExp;
  readonly what: string;
  readonly advice: (folder: string) => string;
}[] = [
  {
    pattern: /^model\.safetensors\.index\.json$/,
    what: "weights in several safetensors files",
    advice: () => "join them into one",
  },
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
 * @throws {TypeError} If `config.json`, `model.safetensors`, or both `tokenizer.json` and `vocab.txt` are missing.
 */
export function modelFileNames(listing: readonly string[], folder: string): ModelFileNames {
  const there = (name: string) => listing.includes(name) ? name : null;
  const fail = (found: string, wanted: string): never => {
    throw new TypeError(`Cannot load the model folder "${folder}": found ${found}, want ${wanted}`);
  };
  const config = there("config.json") ??
    fail("no config.json", "a Hugging Face folder of a BERT encoder (is the path right?)");
  const weights = there("model.safetensors") ?? missingWeights(listing, folder, fail);
  const tokenizerJson = there("tokenizer.json");
  const vocab = there("vocab.txt");
  if (tokenizerJson === null && vocab === null) {
    fail(
      "neither tokenizer.json nor vocab.txt",
      "one of them; copy it from where the weights came from",
    );
  }
  return { config, weights, tokenizerJson, vocab, tokenizerConfig: there("tokenizer_config.json") };
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
