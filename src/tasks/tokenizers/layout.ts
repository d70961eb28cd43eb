/**
 * What is read of `tokenizer.json` and `tokenizer_config.json`, and the names of the special tokens.
 *
 * @module
 */
import { z } from "zod";
import { InputError, shown } from "../../base/input_error.ts";
import { problemsOf } from "../../study/check/problems.ts";

/** A special token in `tokenizer_config.json`: its text, or an object that also says which spaces it takes with it. */
const specialToken = z.union([
  z.string().transform((content) => ({ content })),
  z.looseObject({
    content: z.string(),
    lstrip: z.boolean().optional(),
    rstrip: z.boolean().optional(),
    normalized: z.boolean().optional(),
  }),
]).nullish();

/** What is read of `tokenizer_config.json`; all else is left alone. */
export const configSchema = z.looseObject({
  tokenizer_class: z.string().nullish(),
  do_lower_case: z.boolean().nullish(),
  strip_accents: z.boolean().nullish(),
  tokenize_chinese_chars: z.boolean().nullish(),
  add_prefix_space: z.boolean().nullish(),
  split_by_punct: z.boolean().nullish(),
  model_input_names: z.array(z.string()).nullish(),
  truncation_side: z.enum(["left", "right"]).nullish(),
  padding_side: z.enum(["left", "right"]).nullish(),
  unk_token: specialToken,
  cls_token: specialToken,
  sep_token: specialToken,
  pad_token: specialToken,
  mask_token: specialToken,
});

/** A parsed `tokenizer_config.json`. */
export type TokenizerConfig = z.infer<typeof configSchema>;

/** How a `tokenizer.json` cuts or pads, where it does by itself. */
const sideSetting = z.looseObject({ direction: z.string().optional() }).nullish();

/** What must be there in `tokenizer.json`; the rest is checked by the package that runs it. */
export const tokenizerSchema = z.looseObject({
  model: z.looseObject({ type: z.string().optional(), unk_token: z.string().nullish() }),
  normalizer: z.looseObject({ type: z.string() }).nullable(),
  pre_tokenizer: z.looseObject({ type: z.string() }).nullable(),
  post_processor: z.looseObject({ type: z.string() }),
  decoder: z.looseObject({ type: z.string() }).nullable(),
  truncation: sideSetting,
  padding: sideSetting,
  added_tokens: z.array(z.looseObject({ id: z.number(), content: z.string() })),
});

/** A parsed `tokenizer.json`. */
export type TokenizerJson = z.infer<typeof tokenizerSchema>;

/** A component of a normaliser or pre-tokenizer, as it stands in `tokenizer.json`. */
export type Component = NonNullable<TokenizerJson["normalizer"]>;

/** The special tokens, by the key of `tokenizer_config.json` that can rename them. */
export interface SpecialNames {
  readonly unk_token: string;
  readonly cls_token: string;
  readonly sep_token: string;
  readonly pad_token: string;
  readonly mask_token: string;
}

/** The keys of {@linkcode SpecialNames}, in the order in which transformers adds tokens that a vocabulary lacks. */
export const specialKeys: readonly (keyof SpecialNames)[] = [
  "unk_token",
  "sep_token",
  "pad_token",
  "cls_token",
  "mask_token",
];

/** The names of BERT, ELECTRA and DeBERTa. */
export const bertNames: SpecialNames = {
  unk_token: "[UNK]",
  cls_token: "[CLS]",
  sep_token: "[SEP]",
  pad_token: "[PAD]",
  mask_token: "[MASK]",
};

/** The names of RoBERTa and XLM-RoBERTa. */
export const robertaNames: SpecialNames = {
  unk_token: "<unk>",
  cls_token: "<s>",
  sep_token: "</s>",
  pad_token: "<pad>",
  mask_token: "<mask>",
};

/** A family's names with those that `tokenizer_config.json` gives in their place. */
export function renamed(config: TokenizerConfig, names: SpecialNames): SpecialNames {
  return {
    unk_token: config.unk_token?.content ?? names.unk_token,
    cls_token: config.cls_token?.content ?? names.cls_token,
    sep_token: config.sep_token?.content ?? names.sep_token,
    pad_token: config.pad_token?.content ?? names.pad_token,
    mask_token: config.mask_token?.content ?? names.mask_token,
  };
}

/** The family whose names a `tokenizer.json` uses: RoBERTa's where its post-processor puts `<s>` first, else BERT's. */
export function namesOf(json: TokenizerJson): SpecialNames {
  return firstSpecial(json.post_processor) === robertaNames.cls_token ? robertaNames : bertNames;
}

/** The parts of a Sequence, each an object. */
const processors = z.array(z.looseObject({ type: z.string() }));

/** A post-processor and, where it is a sequence, those in it. */
export function postProcessors(
  post: TokenizerJson["post_processor"],
): readonly TokenizerJson["post_processor"][] {
  if (post.type !== "Sequence") return [post];
  return (processors.safeParse(post["processors"]).data ?? []).flatMap(postProcessors);
}

const firstOfTemplate = z.tuple([z.object({ SpecialToken: z.looseObject({ id: z.string() }) })])
  .rest(z.unknown());

function firstSpecial(post: TokenizerJson["post_processor"]): string | null {
  for (const part of postProcessors(post)) {
    const template = firstOfTemplate.safeParse(part["single"]);
    if (template.success) return template.data[0].SpecialToken.id;
    if (Array.isArray(part["cls"]) && typeof part["cls"][0] === "string") return part["cls"][0];
  }
  return null;
}

/** One entry of `added_tokens`, with the spaces that `tokenizer_config.json` lets it take. */
export function addedToken(
  id: number,
  content: string,
  config: TokenizerConfig,
): TokenizerJson["added_tokens"][number] {
  const said = specialKeys.map((key) => config[key]).find((token) => token?.content === content);
  const { lstrip = false, rstrip = false, normalized = false } = said !== null &&
      said !== undefined && "lstrip" in said
    ? said
    : {};
  return { id, content, single_word: false, lstrip, rstrip, normalized, special: true };
}

/** A post-processor that puts special tokens and type ids around texts A and B by a template. */
export function template(
  pieces: {
    readonly single: readonly TemplatePiece[];
    readonly pair: readonly TemplatePiece[];
  },
  idOf: (content: string) => number,
): TokenizerJson["post_processor"] {
  const item = ([id, typeId]: TemplatePiece) =>
    id === "A" || id === "B"
      ? { Sequence: { id, type_id: typeId } }
      : { SpecialToken: { id, type_id: typeId } };
  const specials = new Set(pieces.pair.map(([id]) => id).filter((id) => id !== "A" && id !== "B"));
  return {
    type: "TemplateProcessing",
    single: pieces.single.map(item),
    pair: pieces.pair.map(item),
    special_tokens: Object.fromEntries(
      [...specials].map((content) => [
        content,
        { id: content, ids: [idOf(content)], tokens: [content] },
      ]),
    ),
  };
}

/** A special token, or the text `A` or `B`, and its type id. */
export type TemplatePiece = readonly [string, number];

/** BERT's and DeBERTa's template: `[CLS] A [SEP] B [SEP]`, with type 1 from B on. */
export function bertTemplate(
  { cls_token, sep_token }: SpecialNames,
  idOf: (content: string) => number,
): TokenizerJson["post_processor"] {
  const single: readonly TemplatePiece[] = [[cls_token, 0], ["A", 0], [sep_token, 0]];
  return template({ single, pair: [...single, ["B", 1], [sep_token, 1]] }, idOf);
}

/**
 * Refuses a vocabulary whose `tokenizer_config.json` names a tokenizer of another layout.
 *
 * @throws {InputError} If `tokenizer_class` is there and is none of `known` (with or without `Fast`).
 */
export function checkClass(
  config: TokenizerConfig,
  known: string,
  fileName: string,
): void {
  const found = config.tokenizer_class;
  if (found === null || found === undefined || found.replace(/Fast$/, "") === known) return;
  throw new InputError({
    file: fileName,
    place: 'key "tokenizer_class"',
    found: `"${shown(found)}"`,
    wanted: `"${known}"`,
    message:
      `Cannot convert "${fileName}": tokenizer_class of tokenizer_config.json is "${
        shown(found)
      }", want "${known}"; ` +
      makeTokenizerJson,
  });
}

/** What to do where a tokenizer's files are not of a kind that is converted. */
export const makeTokenizerJson =
  `make tokenizer.json by python -c 'from transformers import AutoTokenizer; ` +
  `AutoTokenizer.from_pretrained("DIR").save_pretrained("DIR")', with the model's folder for DIR`;

/**
 * A value of the wanted form.
 *
 * @throws {InputError} If it has another; the message names the key.
 */
export function parsed<T>(schema: z.ZodType<T>, value: unknown, fileName: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [problem] = problemsOf(result.error.issues, value);
  const { where, message } = problem!;
  const [found = message, wanted = "another value"] = message.split(", wanted ");
  throw new InputError({
    file: fileName,
    place: `key "${where}"`,
    found: found.replace(/^found /, ""),
    wanted,
    message: `Cannot read "${fileName}": "${where}": ${message}`,
  });
}

/** A text of n characters may become `factor` n + `more`; one character of Unicode becomes 18 at most. */
const allowed = { factor: 32, more: 10_000 };

/** Holds the components of a normaliser to a length; one text at a time. */
export class GrowthBound {
  readonly #fileName: string;
  #most = Infinity;

  constructor(fileName: string) {
    this.#fileName = fileName;
  }

  /** Begins with a text. */
  begin(text: string): void {
    this.#most = allowed.factor * text.length + allowed.more;
  }

  /**
   * Checks a length that a component makes of the text.
   *
   * @throws {InputError} If it is more than any normaliser in use makes.
   */
  check(length: number): void {
    if (length <= this.#most) return;
    throw new InputError({
      file: this.#fileName,
      doing: "Cannot use",
      place: "its normaliser",
      found: `components that make ${length} characters of a text`,
      wanted: `at most ${this.#most}`,
    });
  }
}
