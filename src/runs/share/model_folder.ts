/**
 * Models that leave ranklab: folders with a whole one, and a trained adapter as files of peft's format.
 *
 * @module
 */
import { encodeProgram, type HostTensor } from "../../graph/mod.ts";
import {
  classifierConfigJson,
  classifierName,
  classifierTensors,
  hasClassifierClass,
  headFile,
  splitTensors,
  storedFloats,
} from "../../models/classifier_folder.ts";
import { type Adapter, isOfWeights } from "../../methods/adapter.ts";
import { architectureOf, type EncoderConfig } from "../../models/architectures.ts";
import { targetModules } from "../../models/config.ts";
import type { ModuleBranch } from "../../models/forward_context.ts";
import { plainModel } from "../../models/plain_model.ts";
import { type StoredTensor, writeSafetensors } from "../../models/safetensors.ts";
import { weightsFile } from "../../models/sources.ts";
import { makeFolder, writeWhole } from "../../record/durable.ts";
import { tokenizerFileNames, type TokenizerFiles } from "../../tasks/tokenizers/files.ts";
import type { TaskOutput } from "../../tasks/types.ts";
import type { Json } from "../../base/canonical_json.ts";
import type { BoundMethod } from "../../methods/method.ts";
import { type StoredAdapter, updatesOf, type WeightUpdate } from "../../methods/weight_update.ts";
import { peftAdapter } from "../../peft/peft_export.ts";
import type { Settings } from "../../study/schema/settings.ts";

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

/** A trained model's stored tensors, taken apart. */
interface TakenApart {
  /** Of an adapter of weights. */
  readonly updates: readonly WeightUpdate[];
  /** Parts of adapters by `<module>.<part>`. */
  readonly parts: ReadonlyMap<string, StoredTensor>;
  /** Parameters that were trained whole, by checkpoint name: the head, and the encoder's own where the method trains them. */
  readonly whole: ReadonlyMap<string, StoredTensor>;
}

/** What stored tensors are of a model: what they add to its weights, parts of its adapter, and what was trained whole. */
export function takenApart(
  config: EncoderConfig,
  adapter: Adapter | null,
  stored: StoredAdapter,
): TakenApart {
  const modules = targetModules(config);
  const { modulePath } = architectureOf(config);
  const names = new Set(modules.map(({ name }) => name));
  const { true: parts = [], false: whole = [] } = Object.groupBy(
    stored.tensors,
    ([name]) => names.has(name.slice(0, name.lastIndexOf("."))) ? "true" : "false",
  );
  return {
    updates: adapter === null || !isOfWeights(adapter)
      ? []
      : updatesOf(stored, adapter, modules, ({ layer, part }) => modulePath(layer, part)),
    parts: new Map(parts),
    whole: new Map(whole),
  };
}

interface PeftSource {
  readonly run: {
    readonly method: string;
    readonly options: Json;
    readonly settings: Pick<Settings, "train">;
  };
  readonly method: Pick<BoundMethod, "backbone">;
  readonly model: {
    readonly config: EncoderConfig;
    readonly tensors: ReadonlyMap<string, HostTensor>;
  };
  readonly updates: readonly WeightUpdate[];
  /** Parameters that were trained whole, by checkpoint name. */
  readonly whole: ReadonlyMap<string, StoredTensor>;
}

interface PeftBase {
  readonly name: string;
  /** Its commit on a hub, or null. */
  readonly revision: string | null;
}

/**
 * The files by name: `adapter_config.json`, `adapter_model.safetensors`, and for an encoder whose head transformers has no class
 * for `head.safetensors`.
 *
 * @throws {RangeError} If the method trained the encoder's own parameters, or no module has a rank.
 */
export function peftFiles(
  { run, method, model: { config, tensors: base }, updates, whole }: PeftSource,
  { name, revision }: PeftBase,
): ReadonlyMap<string, Uint8Array<ArrayBuffer>> {
  if (method.backbone !== "frozen") {
    throw new RangeError(
      `Cannot write an adapter for peft: method "${run.method}" trained the encoder's own parameters; ` +
        `--format merged writes such a model`,
    );
  }
  const { scaling } = run.options as { readonly scaling?: string };
  const isBare = !hasClassifierClass(config);
  const { configJson, tensors } = peftAdapter({
    updates,
    base,
    head: isBare ? new Map() : whole,
    nameOf: (name) => isBare ? name : classifierName(config, name),
    rootScaling: scaling === "alpha/sqrt(r)",
    dropout: run.settings.train.dropout.adapter,
    baseModel: name,
    revision,
  });
  return new Map([
    ["adapter_config.json", new TextEncoder().encode(configJson)],
    ["adapter_model.safetensors", writeSafetensors(tensors, "F32", writtenBy)],
    ...(isBare ? [[headFile, writeSafetensors(whole, "F32", writtenBy)] as const] : []),
  ]);
}
