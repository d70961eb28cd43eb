/**
 * BERT's and ELECTRA's `vocab.txt` as a `tokenizer.json`.
 *
 * @module
 */
import { missingToken } from "./byte_level.ts";
import {
  addedToken,
  bertNames,
  bertTemplate,
  renamed,
  type TokenizerConfig,
  type TokenizerJson,
} from "./layout.ts";

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
