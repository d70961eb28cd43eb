/**
 * The older vocabulary files of BERT and ELECTRA (`vocab.txt`) and of RoBERTa (`vocab.json` and `merges.txt`) as a `tokenizer.json`.
 *
 * @module
 */
import { z } from "zod";
import { InputError, shown } from "../../base/input_error.ts";
import { mostOfTokenizer } from "./vocabulary.ts";
import {
  addedToken,
  bertNames,
  bertTemplate,
  checkClass,
  parsed,
  renamed,
  robertaNames,
  type TokenizerConfig,
  type TokenizerJson,
} from "./layout.ts";

/** RoBERTa's two files: the parsed `vocab.json` (pieces to ids) and the text of `merges.txt` (one merge a line). */
interface ByteLevelFiles {
  readonly vocab: unknown;
  readonly merges: string;
}

const vocabSchema = z.record(z.string(), z.int().nonnegative().max(mostOfTokenizer.ids - 1));

/**
 * The `tokenizer.json` that transformers would make of RoBERTa's files: byte-level BPE and `<s> A </s></s> B </s>`,
 * all of type 0; `add_prefix_space` of `tokenizer_config.json` (default false) puts a space before each text.
 *
 * @param fileName How messages call `vocab.json`.
 * @param mergesName How messages call `merges.txt`.
 * @throws {InputError} If a file has another form, the vocabulary lacks a special token or a merge's piece, or
 * `tokenizer_class` is not RoBERTa's.
 */
export function robertaTokenizerJson(
  files: ByteLevelFiles,
  config: TokenizerConfig,
  fileName: string,
  mergesName: string,
): TokenizerJson {
  checkClass(config, "RobertaTokenizer", fileName);
  const vocab = parsed(vocabSchema, files.vocab, fileName);
  const ids = new Map(Object.entries(vocab));
  const names = renamed(config, robertaNames);
  const idOf = (key: keyof typeof names): number => {
    const id = ids.get(names[key]);
    if (id !== undefined) return id;
    throw missingToken(fileName, key, names[key], `of ${ids.size} pieces: it has no`);
  };
  const keys = ["cls_token", "pad_token", "sep_token", "unk_token", "mask_token"] as const;
  const addPrefixSpace = config.add_prefix_space ?? false;
  return {
    version: "1.0",
    added_tokens: keys.map((key) => addedToken(idOf(key), names[key], config)),
    normalizer: null,
    pre_tokenizer: {
      type: "ByteLevel",
      add_prefix_space: addPrefixSpace,
      trim_offsets: true,
      use_regex: true,
    },
    post_processor: {
      type: "RobertaProcessing",
      sep: [names.sep_token, idOf("sep_token")],
      cls: [names.cls_token, idOf("cls_token")],
      trim_offsets: true,
      add_prefix_space: addPrefixSpace,
    },
    decoder: { type: "ByteLevel", add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: "BPE",
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: "",
      end_of_word_suffix: "",
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab,
      merges: readMerges(files.merges, ids, mergesName),
    },
  };
}

/**
 * The error of a vocabulary that lacks a special token.
 *
 * @param lack What is said between the file's name and the token's.
 */
function missingToken(
  fileName: string,
  key: string,
  token: string,
  lack: string,
): InputError {
  return new InputError({
    file: fileName,
    place: "its vocabulary",
    found: `no token "${shown(token)}" (${key})`,
    wanted: "each special token",
    message: `Cannot use the vocabulary "${fileName}" ${lack} "${shown(token)}" (${key}); ` +
      `add it, or name the right one as "${key}" in tokenizer_config.json`,
  });
}

/** The merges in their order; the line with the format's version is left out. */
function readMerges(
  text: string,
  ids: ReadonlyMap<string, number>,
  fileName: string,
): readonly (readonly [string, string])[] {
  const lines = text.replace(/\r?\n$/, "").split(/\r?\n/);
  return lines.flatMap((line, i) => {
    if (line.startsWith("#version")) return [];
    const fail = (found: string, wanted: string): never => {
      throw new InputError({
        file: fileName,
        place: `line ${i + 1}`,
        found,
        wanted,
        fix: "take vocab.json and merges.txt from one checkpoint",
      });
    };
    const pieces = line.split(" ");
    const [left, right] = pieces;
    if (pieces.length !== 2 || !left || !right) {
      return fail(JSON.stringify(shown(line)), "two pieces with a space between them");
    }
    const missing = [left, right, left + right].find((piece) => !ids.has(piece));
    if (missing !== undefined) {
      return fail(`the piece "${shown(missing)}"`, "pieces of vocab.json only");
    }
    return [[left, right] as const];
  });
}

/**
 * The `tokenizer.json` that transformers would make of a BERT `vocab.txt`.
 *
 * @param vocabulary One piece a line; its id is the line's number from 0.
 * @throws {InputError} If a special token has no line.
 */
export function bertTokenizerJson(
  vocabulary: string,
  config: TokenizerConfig,
  fileName: string,
): TokenizerJson {
  const lines = vocabulary.replace(/^\uFEFF/, "").replace(/\r?\n$/, "").split(/\r?\n/);
  // A piece that occurs twice has its later id, as in transformers.
  const ids = new Map(lines.map((piece, id) => [piece, id]));
  const names = renamed(config, bertNames);
  const added = Object.entries(names).map(([key, content]) => {
    const id = ids.get(content);
    if (id !== undefined) return addedToken(id, content, config);
    throw missingToken(fileName, key, content, `of ${lines.length} lines: it has no line`);
  });
  return {
    version: "1.0",
    added_tokens: added,
    normalizer: {
      type: "BertNormalizer",
      clean_text: true,
      handle_chinese_chars: config.tokenize_chinese_chars ?? true,
      strip_accents: config.strip_accents ?? null,
      lowercase: config.do_lower_case ?? true,
    },
    pre_tokenizer: { type: "BertPreTokenizer" },
    post_processor: bertTemplate(names, (content) => ids.get(content)!),
    decoder: { type: "WordPiece", prefix: "##", cleanup: true },
    model: {
      type: "WordPiece",
      unk_token: names.unk_token,
      continuing_subword_prefix: "##",
      max_input_chars_per_word: 100,
      vocab: Object.fromEntries(ids),
    },
  };
}
