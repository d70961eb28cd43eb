/**
 * SentencePiece models of DeBERTa-v2 and -v3 and of XLM-RoBERTa as a `tokenizer.json`.
 *
 * @module
 */
import { InputError, shown } from "../../base/input_error.ts";
import {
  addedToken,
  bertNames,
  bertTemplate,
  checkClass,
  type Component,
  makeTokenizerJson,
  renamed,
  robertaNames,
  specialKeys,
  template,
  type TemplatePiece,
  type TokenizerConfig,
  type TokenizerJson,
} from "./layout.ts";
import { readSentencePiece, type SentencePieceModel } from "./sentence_piece.ts";

/** The component that writes spaces as `▁` and puts one before the text. */
const metaspace = (scheme: string): Component => ({
  type: "Metaspace",
  replacement: "▁",
  prepend_scheme: scheme,
  split: true,
});

/** The model's own normaliser, kept byte by byte. */
function precompiled({ charsmap }: SentencePieceModel): readonly Component[] {
  if (charsmap.length === 0) return [];
  return [{ type: "Precompiled", precompiled_charsmap: charsmap.toBase64() }];
}

/**
 * The `tokenizer.json` that the converter of transformers makes of DeBERTa-v2's and -v3's `spm.model`.
 *
 * The normaliser is the model's own, as in pretraining and up to transformers 4. The tokenizer class of transformers 5
 * replaces it by NFC; the two differ on compatibility characters such as `①` or full-width letters, and on controls.
 * Special tokens that the model lacks (`[MASK]` in the published ones) get the ids after its pieces.
 *
 * @param config `do_lower_case` and `split_by_punct` are both false by default.
 * @throws {InputError} If the bytes are not a SentencePiece model of the unigram kind, or `tokenizer_class` is of another layout.
 */
export function debertaTokenizerJson(
  bytes: Uint8Array,
  config: TokenizerConfig,
  fileName: string,
): TokenizerJson {
  checkClass(config, "DebertaV2Tokenizer", fileName);
  const model = readUnigram(bytes, fileName);
  const names = renamed(config, bertNames);
  const ids = new Map(model.pieces.map(({ text }, id) => [text, id]));
  for (const key of specialKeys) {
    if (!ids.has(names[key])) ids.set(names[key], ids.size);
  }
  const lower = config.do_lower_case === true ? [{ type: "Lowercase" }] : [];
  const punctuation = config.split_by_punct === true
    ? [{ type: "Punctuation", behavior: "Isolated" }]
    : [];
  return {
    version: "1.0",
    added_tokens: addedTokens(model, Object.values(names), ids, config),
    normalizer: {
      type: "Sequence",
      normalizers: [
        ...lower,
        { type: "Strip", strip_left: true, strip_right: true },
        ...precompiled(model),
        { type: "Replace", pattern: { Regex: " {2,}" }, content: " " },
      ],
    },
    pre_tokenizer: { type: "Sequence", pretokenizers: [...punctuation, metaspace("always")] },
    post_processor: bertTemplate(names, (content) => ids.get(content)!),
    decoder: metaspace("always"),
    model: {
      type: "Unigram",
      unk_id: model.unkId,
      vocab: model.pieces.map(({ text, score }) => [text, score]),
      byte_fallback: false,
    },
  };
}

/**
 * The `tokenizer.json` that transformers makes of XLM-RoBERTa's `sentencepiece.bpe.model`: its ids are those of
 * fairseq, four special tokens before the pieces from the fourth on and `<mask>` after them.
 *
 * @throws {InputError} If the bytes are not a SentencePiece model of the unigram kind with `<unk>`, `<s>` and `</s>` in front, or
 * `tokenizer_class` is of another layout.
 */
export function xlmRobertaTokenizerJson(
  bytes: Uint8Array,
  config: TokenizerConfig,
  fileName: string,
): TokenizerJson {
  checkClass(config, "XLMRobertaTokenizer", fileName);
  const model = readUnigram(bytes, fileName);
  const front = model.pieces.slice(0, 3).map(({ text }) => text);
  if (front.join(" ") !== "<unk> <s> </s>") {
    const found = front.map((text) => `"${shown(text)}"`).join(", ");
    throw new InputError({
      file: fileName,
      place: "its first pieces",
      found,
      wanted: '"<unk>", "<s>", "</s>"',
      message:
        `Cannot convert "${fileName}": its first pieces are ${found}, want "<unk>", "<s>", "</s>" as in XLM-RoBERTa; ` +
        makeTokenizerJson,
    });
  }
  const names = renamed(config, robertaNames);
  const { cls_token: cls, sep_token: sep } = names;
  const vocab: readonly (readonly [string, number])[] = [
    ...[cls, names.pad_token, sep, names.unk_token].map((text) => [text, 0] as const),
    ...model.pieces.slice(3).map(({ text, score }) => [text, score] as const),
    [names.mask_token, 0],
  ];
  const ids = new Map(vocab.map(([text], id) => [text, id]));
  const [normalizer = null] = precompiled(model);
  const single: readonly TemplatePiece[] = [[cls, 0], ["A", 0], [sep, 0]];
  const pair: readonly TemplatePiece[] = [...single, [sep, 0], ["B", 0], [sep, 0]];
  const scheme = config.add_prefix_space === false ? "never" : "always";
  return {
    version: "1.0",
    added_tokens: addedTokens(
      { ...model, pieces: model.pieces.slice(3) },
      Object.values(names),
      ids,
      config,
    ),
    normalizer,
    pre_tokenizer: {
      type: "Sequence",
      pretokenizers: [{ type: "WhitespaceSplit" }, metaspace(scheme)],
    },
    post_processor: template({ single, pair }, (content) => ids.get(content)!),
    decoder: metaspace(scheme),
    model: { type: "Unigram", unk_id: 3, vocab, byte_fallback: false },
  };
}

function readUnigram(bytes: Uint8Array, fileName: string): SentencePieceModel {
  const model = readSentencePiece(bytes, fileName);
  if (model.algorithm === "unigram" && !model.byteFallback) return model;
  throw new InputError({
    doing: "Cannot convert",
    file: fileName,
    found: `a SentencePiece model of type ${model.algorithm}` +
      (model.byteFallback ? " with byte fallback" : ""),
    wanted: "a unigram model without byte fallback",
    fix: makeTokenizerJson,
  });
}

/** Control and user-defined pieces, and the special tokens, are never split. */
function addedTokens(
  { pieces }: SentencePieceModel,
  specials: readonly string[],
  ids: ReadonlyMap<string, number>,
  config: TokenizerConfig,
): TokenizerJson["added_tokens"] {
  const named = new Set(specials);
  const others = pieces
    .filter(({ text, kind }) => (kind === "control" || kind === "user-defined") && !named.has(text))
    .map(({ text, kind }) => ({
      ...addedToken(ids.get(text)!, text, config),
      special: kind === "control",
    }));
  const added = [...specials.map((text) => addedToken(ids.get(text)!, text, config)), ...others];
  return added.sort((a, b) => a.id - b.id);
}
