/**
 * What `tokenizer_config.json` says beside the splitting into pieces: whether the encoder receives which text of a pair a token
 * belongs to, and from which side texts are cut and padded.
 *
 * @module
 */
import { InputError } from "../../base/input_error.ts";
import type { TokenizerConfig, TokenizerJson } from "./layout.ts";

/**
 * The tokenizer classes of transformers 5 whose `model_input_names` have `token_type_ids`; with those of any other class, also
 * of one that is not known, the encoder gets zeros.
 */
const classesWithTypes: ReadonlySet<string> = new Set([
  "BertTokenizer",
  "CanineTokenizer",
  "DPRQuestionEncoderTokenizer",
  "DebertaTokenizer",
  "DebertaV2Tokenizer",
  "ElectraTokenizer",
  "FNetTokenizer",
  "LayoutLMv2Tokenizer",
  "LxmertTokenizer",
  "MarkupLMTokenizer",
  "MobileBertTokenizer",
  "TapasTokenizer",
]);

/**
 * Whether the encoder gets the types that the post-processor gives the tokens; if not, it gets zeros.
 *
 * The configuration's `model_input_names` decide, and without them the default of its `tokenizer_class`, as in transformers 5.
 *
 * @param familyClass The class where the configuration names none; null where that is not known, and types are given then.
 */
export function hasTokenTypes(
  { model_input_names: names, tokenizer_class: ownClass }: TokenizerConfig,
  familyClass: string | null,
): boolean {
  if (names !== null && names !== undefined) return names.includes("token_type_ids");
  const named = ownClass ?? familyClass;
  return named === null || classesWithTypes.has(named.replace(/Fast$/, ""));
}

/** An end of a text. */
export type Side = "left" | "right";

/** The end that a text loses tokens from: what the configuration says, or the tokenizer's file, or else the right one. */
export function truncationSide(config: TokenizerConfig, json: TokenizerJson): Side {
  return config.truncation_side ?? sideOf(json.truncation) ?? "right";
}

/**
 * Refuses a tokenizer that pads on the left, where the first token of a padded text is none of the text's.
 *
 * @throws {InputError} If it does; the message names the file that says so.
 */
export function checkPaddingSide(
  config: TokenizerConfig,
  json: TokenizerJson,
  fileName: string,
): void {
  const [side, where] = config.padding_side === null || config.padding_side === undefined
    ? [sideOf(json.padding), "its padding.direction"]
    : [config.padding_side, "padding_side of tokenizer_config.json"];
  if (side !== "left") return;
  throw new InputError({
    file: fileName,
    place: where,
    found: '"left"',
    wanted: '"right"',
    message:
      `Cannot use the tokenizer "${fileName}": ${where} is "left", known is "right": an encoder reads a text by its first ` +
      `token, which would be padding; set it to "right"`,
  });
}

function sideOf(setting: TokenizerJson["truncation"]): Side | null {
  return setting === null || setting === undefined
    ? null
    : setting.direction === "Left"
    ? "left"
    : "right";
}
