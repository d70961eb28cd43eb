/**
 * A trained adapter as the files of peft's format.
 *
 * @module
 */
import type { Json } from "../../base/canonical_json.ts";
import type { HostTensor } from "../../graph/mod.ts";
import type { BoundMethod } from "../../methods/method.ts";
import type { WeightUpdate } from "../../methods/weight_update.ts";
import { classifierName, hasClassifierClass } from "../../models/classifier_folder.ts";
import type { EncoderConfig } from "../../models/architectures.ts";
import { headFile } from "../../models/encoder_folder.ts";
import { type StoredTensor, writeSafetensors } from "../../models/safetensors.ts";
import { peftAdapter } from "../../peft/peft_export.ts";
import type { Settings } from "../../study/schema/settings.ts";
import { writtenBy } from "./model_folder.ts";

/** What of a trained model goes into an adapter. */
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

/** What `adapter_config.json` says of the base. */
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
