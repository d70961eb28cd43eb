/**
 * Which of a model folder's files a tokenizer is built from.
 *
 * @module
 */
import { InputError } from "../../base/input_error.ts";
import { parseJson } from "../../base/read_json.ts";
import { loadTokenizer } from "../tokenizer.ts";
import type { Tokenizer } from "../types.ts";
import { robertaTokenizerJson } from "./byte_level.ts";
import { configSchema, makeTokenizerJson, parsed, type TokenizerConfig } from "./layout.ts";
import { debertaTokenizerJson, xlmRobertaTokenizerJson } from "./unigram.ts";

/**
 * The contents of a tokenizer's files, null or absent where a folder lacks one. The first that is there is used, in
 * this order: `tokenizer.json`, `vocab.json` with `merges.txt`, `spm.model`, `sentencepiece.bpe.model`, `vocab.txt`.
 */
export interface TokenizerFiles {
  /** `tokenizer.json`. */
  readonly tokenizerJson?: string | null;
  /** `vocab.txt` of BERT and ELECTRA. */
  readonly vocab?: string | null;
  /** `vocab.json` of RoBERTa. */
  readonly vocabJson?: string | null;
  /** `merges.txt` of RoBERTa. */
  readonly merges?: string | null;
  /** `spm.model` of DeBERTa-v2 and -v3. */
  readonly sentencePiece?: Uint8Array | null;
  /** `sentencepiece.bpe.model` of XLM-RoBERTa. */
  readonly sentencePieceBpe?: Uint8Array | null;
  /** `tokenizer_config.json`. Default: the tokenizer's own defaults. */
  readonly tokenizerConfig?: string | null;
}

/** The name of each file in a folder. */
export const tokenizerFileNames: Readonly<Record<keyof TokenizerFiles, string>> = {
  tokenizerJson: "tokenizer.json",
  vocab: "vocab.txt",
  vocabJson: "vocab.json",
  merges: "merges.txt",
  sentencePiece: "spm.model",
  sentencePieceBpe: "sentencepiece.bpe.model",
  tokenizerConfig: "tokenizer_config.json",
};

/** A tokenizer and the files that it was built from, by name. */
export interface LoadedTokenizer {
  /** Ready to encode; it holds no reference to the files. */
  readonly tokenizer: Tokenizer;
  /** The file that holds the vocabulary, with its folder. */
  readonly fileName: string;
  /** Every file that it was built from, under its usual name; their hashes are part of a run's id. */
  readonly contents: Readonly<Record<string, string | Uint8Array>>;
}

/** The sets of files that make a tokenizer, the first that is whole is used. */
const choices: readonly (readonly [keyof TokenizerFiles, ...(keyof TokenizerFiles)[]])[] = [
  ["tokenizerJson"],
  ["vocabJson", "merges"],
  ["sentencePiece"],
  ["sentencePieceBpe"],
  ["vocab"],
];

/** What was found and what is wanted instead, as the two halves of a message. */
interface MissingFiles {
  readonly found: string;
  readonly wanted: string;
}

/**
 * The files that a tokenizer is built from, the vocabulary first.
 *
 * @param has Whether the folder has a file.
 * @returns Their keys; or, where no set is whole, what is missing.
 */
export function chooseTokenizerFiles(
  has: (key: keyof TokenizerFiles) => boolean,
): readonly [keyof TokenizerFiles, ...(keyof TokenizerFiles)[]] | MissingFiles {
  const chosen = choices.find((keys) => keys.every(has));
  if (chosen !== undefined) return chosen;
  for (const keys of choices) {
    const there = keys.filter(has);
    const missing = keys.filter((key) => !has(key));
    if (there.length === 0) continue;
    const named = (some: readonly (keyof TokenizerFiles)[]) =>
      some.map((key) => tokenizerFileNames[key]).join(" and ");
    return {
      found: `${named(there)} without ${named(missing)}`,
      wanted: `both; copy ${
        named(missing)
      } from where the weights came from, or ${makeTokenizerJson}`,
    };
  }
  return {
    found:
      "neither tokenizer.json nor vocab.txt, nor vocab.json with merges.txt, spm.model or sentencepiece.bpe.model",
    wanted: `one of them; copy it from where the weights came from, or ${makeTokenizerJson}`,
  };
}

/**
 * Builds a tokenizer from what a folder has.
 *
 * @param folder How messages call the folder.
 * @param familyClass The `tokenizer_class` where `tokenizer_config.json` has none; see {@linkcode loadTokenizer}. Default null.
 *
 * @throws {InputError} If no set of files is whole, or one is not of its format or of a layout that is not converted.
 */
export function tokenizerFromFiles(
  files: TokenizerFiles,
  folder: string,
  familyClass: string | null = null,
): LoadedTokenizer {
  const chosen = chooseTokenizerFiles((key) => (files[key] ?? null) !== null);
  if ("found" in chosen) {
    throw new InputError({ doing: "Cannot load the tokenizer of", file: folder, ...chosen });
  }
  const pathOf = (key: keyof TokenizerFiles) => `${folder}/${tokenizerFileNames[key]}`;
  const text = (key: keyof TokenizerFiles) => files[key] as string;
  const config: unknown = (files.tokenizerConfig ?? null) === null
    ? {}
    : parseJson(text("tokenizerConfig"), pathOf("tokenizerConfig"));
  const [key] = chosen;
  const fileName = pathOf(key);
  const settings = parsed(configSchema, config, pathOf("tokenizerConfig"));
  const source = sourceOf(files, key, settings, pathOf);
  const tokenizer = loadTokenizer(source, config, fileName, familyClass);
  const used = (files.tokenizerConfig ?? null) === null
    ? chosen
    : [...chosen, "tokenizerConfig" as const];
  const contents = Object.fromEntries(
    used.map((used) => [tokenizerFileNames[used], files[used] as string | Uint8Array]),
  );
  return { tokenizer, fileName, contents };
}

/** What {@linkcode loadTokenizer} takes: the text of a `vocab.txt`, or a `tokenizer.json`, read or made. */
function sourceOf(
  files: TokenizerFiles,
  key: keyof TokenizerFiles,
  config: TokenizerConfig,
  pathOf: (key: keyof TokenizerFiles) => string,
): unknown {
  const path = pathOf(key);
  switch (key) {
    case "vocabJson": {
      const vocab = parseJson(files.vocabJson!, path);
      return robertaTokenizerJson(
        { vocab, merges: files.merges! },
        config,
        path,
        pathOf("merges"),
      );
    }
    case "sentencePiece":
      return debertaTokenizerJson(files.sentencePiece!, config, path);
    case "sentencePieceBpe":
      return xlmRobertaTokenizerJson(files.sentencePieceBpe!, config, path);
    case "tokenizerJson":
      return parseJson(files.tokenizerJson!, path);
    default:
      return files.vocab!;
  }
}
