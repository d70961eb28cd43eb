/**
 * The families of encoders that can be built.
 *
 * @module
 */
import * as z from "zod";
import { shown } from "../base/input_error.ts";
import { parseJson } from "../base/read_json.ts";
import type { Architecture } from "./architecture.ts";
import { bert, type BertConfig } from "./bert.ts";
import { readKeys, variantError } from "./config.ts";
import { checkKeys } from "./config_keys.ts";
import { type DebertaConfig, debertaV2 } from "./deberta.ts";
import { distilbert, type DistilbertConfig } from "./distilbert.ts";
import { electra, type ElectraConfig } from "./electra.ts";
import { moduleParts } from "../study/schema/settings.ts";
import { roberta, type RobertaConfig } from "./roberta.ts";

/** The shape of an encoder of any family; `architecture` tells which. */
export type EncoderConfig =
  | BertConfig
  | RobertaConfig
  | DistilbertConfig
  | ElectraConfig
  | DebertaConfig;

/** A family of encoders whose config may be any of the table's. */
type KnownArchitecture = Architecture<EncoderConfig>;

/** All families, by the `architecture` of their configs. */
const architectures: Readonly<Record<EncoderConfig["architecture"], KnownArchitecture>> = {
  bert,
  roberta,
  distilbert,
  electra,
  deberta: debertaV2,
};

/** The family of a config. */
export function architectureOf(
  { architecture }: Pick<EncoderConfig, "architecture">,
): KnownArchitecture {
  return architectures[architecture];
}

/** The values of `model_type` that are known. */
export const modelTypes: readonly string[] = Object.values(architectures)
  .flatMap((architecture) => architecture.modelTypes);

/**
 * The family that a `model_type` means.
 *
 * @param fileName Where the `model_type` stands, for messages.
 *
 * @throws {InputError} If there is none; the message lists the known ones.
 */
function findArchitecture(modelType: string, fileName: string): KnownArchitecture {
  const found = Object.values(architectures).find((architecture) =>
    architecture.modelTypes.includes(modelType)
  );
  if (found !== undefined) return found;
  const known = modelTypes.map((name) => `"${name}"`).join(", ");
  const said = `"${shown(modelType)}"`;
  throw variantError(
    fileName,
    { key: "model_type", found: said, wanted: known },
    `model_type is ${said}, known are ${known}`,
  );
}

const fileSchema = z.record(z.string(), z.json());
const typeSchema = z.object({ model_type: z.string() });

/**
 * Reads a `config.json` of any family.
 *
 * @param text Contents of the file.
 * @param fileName Its name, for messages.
 *
 * @throws {InputError} If the text is not JSON, or a key is missing or wrong, or the architecture or a variant of it is not known, or a key asks for
 * what would change numbers and is not built.
 */
export function parseConfig(text: string, fileName: string): EncoderConfig {
  const file = readKeys(fileSchema, parseJson(text, fileName), fileName);
  const { model_type: modelType } = readKeys(typeSchema, file, fileName);
  const architecture = findArchitecture(modelType, fileName);
  checkKeys(modelType, file, fileName);
  return architecture.parseConfig(file, fileName);
}

/**
 * The families that stored names look like: those whose first layer has all its target modules there.
 *
 * @param stored Names of tensors in a checkpoint.
 */
export function resembling(stored: readonly string[]): readonly KnownArchitecture[] {
  return Object.values(architectures).filter((architecture) => {
    const names = new Set(stored.map((name) => architecture.parameterName(name)));
    return moduleParts.every((part) => names.has(`${architecture.modulePath(0, part)}.weight`));
  });
}
