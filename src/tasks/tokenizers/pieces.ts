/**
 * Splitting texts into pieces by `@huggingface/tokenizers`, with the stages repaired in which it departs from the
 * fast tokenizers of transformers.
 *
 * @module
 */
import {
  ByteLevelPreTokenizer,
  Normalizer,
  PrecompiledNormalizer,
  type PreTokenizer,
  SequenceNormalizer,
  SequencePreTokenizer,
  Tokenizer as PieceTokenizer,
} from "@huggingface/tokenizers";
import { z } from "zod";
import { charsmapNormalizer } from "./charsmap.ts";
import { makeTokenizerJson, type TokenizerJson } from "./layout.ts";

/** A stage of a normaliser or pre-tokenizer, as it stands in `tokenizer.json`. */
type Stage = NonNullable<TokenizerJson["normalizer"]>;

const stages = z.array(z.looseObject({ type: z.string() }));

/** What splits texts, and what a text needs before it is given to it. */
export interface Pieces {
  readonly tokenizer: PieceTokenizer;
  readonly prepare: (text: string) => string;
}

/**
 * Builds what splits texts.
 *
 * @throws {Error} If the file has a stage or a model that is not known.
 */
export function createPieces(json: TokenizerJson, fileName: string): Pieces {
  const unknown = unknownPart(json);
  if (unknown !== null) {
    throw new Error(
      `Cannot build the tokenizer of "${fileName}": found ${unknown}, which would not be run as transformers does; ` +
        `take a model of another tokenizer`,
    );
  }
  try {
    const tokenizer = new PieceTokenizer({
      ...json,
      normalizer: json.normalizer === null ? null : repairedNormalizer(json.normalizer),
      pre_tokenizer: json.pre_tokenizer === null ? null : repairedPreTokenizer(json.pre_tokenizer),
    }, {});
    tokenizer.normalizer = withTables(tokenizer.normalizer, fileName);
    setBytePattern(tokenizer.pre_tokenizer);
    return { tokenizer, prepare: preparation(json) };
  } catch (error) {
    throw new Error(
      `Cannot build the tokenizer of "${fileName}": ${
        error instanceof Error ? error.message : String(error)
      }; ${makeTokenizerJson}`,
      { cause: error },
    );
  }
}

/** What neither the package nor this file runs as the crate does, or null. */
function unknownPart(json: TokenizerJson): string | null {
  if (json.model.type === "Unigram" && json.model["byte_fallback"] === true) {
    return "a Unigram model with byte_fallback";
  }
  const word = json.added_tokens.find((token) => token["single_word"] === true);
  if (word !== undefined) return `the added token "${word.content}" with single_word`;
  // The crate puts no sign before a text that lost spaces in front; the package does.
  const strips = flattened(json.normalizer, "normalizers")
    .some((stage) => stage.type === "Strip" && stage["strip_left"] === true);
  const first = flattened(json.pre_tokenizer, "pretokenizers")
    .some((stage) => stage.type === "Metaspace" && stage["prepend_scheme"] === "first");
  return strips && first ? 'a Metaspace with prepend_scheme "first" after a left Strip' : null;
}

/** A stage and, where it is a sequence, those in it. */
function flattened(stage: Stage | null, key: string): readonly Stage[] {
  if (stage === null) return [];
  if (stage.type !== "Sequence") return [stage];
  return stages.parse(stage[key]).flatMap((part) => flattened(part, key));
}

const replacing = (pattern: string, content: string): Stage => ({
  type: "Replace",
  pattern: { Regex: pattern },
  content,
});

/** Keeps what matches; the pattern covers every character that has to stay. */
const matching = (pattern: string): Stage => ({
  type: "Split",
  pattern: { Regex: pattern },
  behavior: "Isolated",
  invert: true,
});

/**
 * The same normaliser in stages that the package runs as the crate does: white space is Unicode's (JavaScript's has
 * the byte-order mark and lacks U+0085), and a capital sigma is lower-cased to "σ" everywhere.
 */
function repairedNormalizer(stage: Stage): Stage {
  switch (stage.type) {
    case "Sequence": {
      const normalizers = stages.parse(stage["normalizers"]).map(repairedNormalizer);
      return { type: "Sequence", normalizers };
    }
    case "Strip": {
      const left = stage["strip_left"] === true ? [replacing("\\A\\p{White_Space}+", "")] : [];
      const right = stage["strip_right"] === true ? [replacing("\\p{White_Space}+\\z", "")] : [];
      return { type: "Sequence", normalizers: [...left, ...right] };
    }
    case "Lowercase":
      return { type: "Sequence", normalizers: [replacing("Σ", "σ"), stage] };
    default:
      return stage;
  }
}

const punctuation = "\\p{P}!-\\/:-@\\[-`{-~";

/**
 * The same pre-tokenizer in stages that the package runs as the crate does: Metaspace also splits at its sign, and
 * its older files say by `add_prefix_space` what `prepend_scheme` says now; isolated punctuation is one sign a piece.
 */
function repairedPreTokenizer(stage: Stage): Stage {
  switch (stage.type) {
    case "Sequence": {
      const pretokenizers = stages.parse(stage["pretokenizers"]).map(repairedPreTokenizer);
      return { type: "Sequence", pretokenizers };
    }
    case "Metaspace": {
      const sign = typeof stage["replacement"] === "string" ? stage["replacement"] : "▁";
      const scheme = stage["prepend_scheme"] ??
        (stage["add_prefix_space"] === false ? "never" : "always");
      const joined = { ...stage, prepend_scheme: scheme };
      if (stage["split"] === false) return joined;
      const split = matching(`${sign}?[^${sign}]+|${sign}`);
      return { type: "Sequence", pretokenizers: [joined, split] };
    }
    case "WhitespaceSplit":
      return matching("\\P{White_Space}+");
    case "Punctuation":
      return (stage["behavior"] ?? "Isolated") === "Isolated"
        ? matching(`[^${punctuation}]+|[${punctuation}]`)
        : stage;
    default:
      return stage;
  }
}

/** A normaliser that looks characters up in the file's own table. */
class TableNormalizer extends Normalizer {
  readonly #table: (text: string) => string;

  constructor(precompiled: PrecompiledNormalizer, fileName: string) {
    super(precompiled.config);
    const table: unknown = Reflect.get(precompiled.config, "precompiled_charsmap");
    if (typeof table !== "string") {
      throw new Error(`its normaliser has no precompiled_charsmap, want one in base64`);
    }
    this.#table = charsmapNormalizer(Uint8Array.fromBase64(table), fileName);
  }

  normalize(text: string): string {
    return this.#table(text);
  }
}

/** The normaliser with its tables in place of the package's fixed rules. */
function withTables(normalizer: Normalizer | null, fileName: string): Normalizer | null {
  if (normalizer instanceof PrecompiledNormalizer) return new TableNormalizer(normalizer, fileName);
  if (normalizer instanceof SequenceNormalizer) {
    normalizer.normalizers = normalizer.normalizers.map((part) => withTables(part, fileName));
  }
  return normalizer;
}

/** GPT-2's pattern (`encoder.py` of its release) with Unicode's white space. */
const bytePattern =
  /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\p{White_Space}\p{L}\p{N}]+|\p{White_Space}+(?!\P{White_Space})|\p{White_Space}+/gu;

function setBytePattern(stage: PreTokenizer | null): void {
  if (stage instanceof ByteLevelPreTokenizer) stage.pattern = bytePattern;
  if (stage instanceof SequencePreTokenizer) stage.tokenizers.forEach(setBytePattern);
}

/** Ideographs outside the basic multilingual plane. */
const astralIdeograph =
  /[\u{20000}-\u{2A6DF}\u{2A700}-\u{2B73F}\u{2B740}-\u{2B81F}\u{2B820}-\u{2CEAF}\u{2F800}-\u{2FA1F}]/gu;

/**
 * What a text needs so that the package's BERT normaliser treats it as the original one does: that one sets
 * ideographs outside the basic plane apart with spaces too, and lower-cases a capital sigma to "σ" also at a word's end.
 */
function preparation({ normalizer }: TokenizerJson): (text: string) => string {
  if (normalizer?.type !== "BertNormalizer") return (text) => text;
  const spaces = normalizer["handle_chinese_chars"] === true;
  const lowers = normalizer["lowercase"] === true;
  return (text) => {
    const spaced = spaces ? text.replace(astralIdeograph, " $& ") : text;
    return lowers ? spaced.replaceAll("Σ", "σ") : spaced;
  };
}
