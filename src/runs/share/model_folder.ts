/**
 * Folders with a whole model that leave ranklab: what is read from the base's folder, and what is written.
 *
 * @module
 */
import { encodeProgram, type HostTensor } from "../../graph/mod.ts";
import {
  classifierConfigJson,
  classifierTensors,
  hasClassifierClass,
  storedFloats,
} from "../../models/classifier_folder.ts";
import type { EncoderConfig } from "../../models/architectures.ts";
import { headFile, splitTensors } from "../../models/encoder_folder.ts";
import type { ModuleBranch } from "../../models/forward_context.ts";
import { plainModel } from "../../models/plain_model.ts";
import { type StoredTensor, writeSafetensors } from "../../models/safetensors.ts";
import { weightsFile } from "../../models/sources.ts";
import { makeFolder, writeWhole } from "../../record/durable.ts";
import { tokenizerFileNames, type TokenizerFiles } from "../../tasks/tokenizers/files.ts";
import type { TaskOutput } from "../../tasks/types.ts";

/** What loaders of safetensors files ask for in the header. */
export const writtenBy: Readonly<Record<string, string>> = { format: "pt" };

/** What a folder takes over from the base as it is. */
export interface BaseFiles {
  /** Text of `config.json`. */
  readonly config: string;
  readonly tokenizerFiles: TokenizerFiles;
}

/** A model that is written with its adapters merged. */
export interface MergedModel {
  readonly config: EncoderConfig;
  /** Every parameter of the encoder and its head, by checkpoint name; of an encoder that is written as a base, without the head. */
  readonly tensors: ReadonlyMap<string, HostTensor>;
  readonly output: TaskOutput;
  readonly base: BaseFiles;
}

async function writeWithBase(
  out: string,
  { base, config, output }: MergedModel,
): Promise<void> {
  await writeWhole(`${out}/config.json`, classifierConfigJson(base.config, config, output));
  for (const [key, name] of Object.entries(tokenizerFileNames)) {
    const content = base.tokenizerFiles[key as keyof TokenizerFiles] ?? null;
    if (content !== null) await writeWhole(`${out}/${name}`, content);
  }
}

/**
 * Writes a folder that transformers loads: `config.json`, `model.safetensors`, the tokenizer's files. Where no class of
 * transformers has such a head, the folder is that of the encoder, with the head's tensors beside it.
 */
export async function writeMergedFolder(out: string, model: MergedModel): Promise<void> {
  const { config, tensors } = model;
  await makeFolder(out);
  await writeWithBase(out, model);
  const write = (name: string, own: ReadonlyMap<string, StoredTensor>) =>
    writeWhole(`${out}/${name}`, writeSafetensors(own, "F32", writtenBy));
  if (hasClassifierClass(config)) {
    await write(weightsFile, classifierTensors(config, tensors));
    return;
  }
  const { encoder, head } = splitTensors(config, storedFloats(tensors));
  await write(weightsFile, encoder);
  if (head.size > 0) await write(headFile, head);
}

/**
 * Writes a folder with a plain ONNX model: `model.onnx`, `config.json`, the tokenizer's files.
 *
 * @param branches What adapters have beside modules, by module. Default: none.
 */
export async function writeOnnxFolder(
  out: string,
  model: MergedModel,
  branches: ReadonlyMap<string, ModuleBranch> = new Map(),
): Promise<void> {
  const { bytes } = encodeProgram(plainModel(model.config, model.tensors, branches));
  await makeFolder(out);
  await writeWithBase(out, model);
  await writeWhole(`${out}/model.onnx`, bytes);
}
