/**
 * Tokenizers of the BERT family, from `tokenizer.json` or `vocab.txt`.
 *
 * The splitting into word pieces is done by `@huggingface/tokenizers`; truncation of pairs, special
 * tokens and type ids are composed here so that they follow the fast tokenizers of transformers.
 *
 * @module
 */
import { Tokenizer as PieceTokenizer } from "@huggingface/tokenizers";
import { z } from "zod";
import type { Encoded, Example, Tokenizer } from "./types.ts";

/** A special token in `tokenizer_config.json`: its text, or an object that holds it. */
const specialToken = z.union([
  z.string(),
  z.looseObject({ content: z.string() }).transform((token) => token.content),
]);

const optionalToken = specialToken.nullish();

/** What is read of `tokenizer_config.json`; all else is left alone. */
const configSchema = z.looseObject({
  do_lower_case: z.boolean().nullish(),
  strip_accents: z.boolean().nullish(),
  tokenize_chinese_chars: z.boolean().nullish(),
  unk_token: optionalToken,
  cls_token: optionalToken,
  sep_token: optionalToken,
  pad_token: optionalToken,
  mask_token: optionalToken,
});

type Config = z.infer<typeof configSchema>;

/** What must be there in `tokenizer.json`; the rest is checked by the package that runs it. */
const tokenizerSchema = z.looseObject({
  model: z.looseObject({ type: z.string().optional(), unk_token: z.string().nullish() }),
  normalizer: z.looseObject({ type: z.string() }).nullable(),
  pre_tokenizer: z.looseObject({ type: z.string() }).nullable(),
  post_processor: z.looseObject({ type: z.string() }),
  decoder: z.looseObject({ type: z.string() }).nullable(),
  added_tokens: z.array(z.looseObject({ id: z.number(), content: z.string() })),
});

type TokenizerJson = z.infer<typeof tokenizerSchema>;

/** The special tokens, by the key of the configuration that can rename them. */
interface SpecialNames {
  readonly unk_token: string;
  readonly cls_token: string;
  readonly sep_token: string;
  readonly pad_token: string;
  readonly mask_token: string;
}

function specialNames(config: Config): SpecialNames {
  return {
    unk_token: config.unk_token ?? "[UNK]",
    cls_token: config.cls_token ?? "[CLS]",
    sep_token: config.sep_token ?? "[SEP]",
    pad_token: config.pad_token ?? "[PAD]",
    mask_token: config.mask_token ?? "[MASK]",
  };
}

/**
 * Builds a tokenizer from a model folder's files.
 *
 * @param source The parsed `tokenizer.json`, or the text of a BERT `vocab.txt` (one piece a line, its id the line's number).
 * @param config The parsed `tokenizer_config.json`: names of special tokens and, for a `vocab.txt`, `do_lower_case`
 * (default true), `strip_accents` (default: as lower case) and `tokenize_chinese_chars` (default true).
 * @param fileName How errors call the source.
 * @throws {Error} If a file has another layout or lacks one of the special tokens.
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * const tokenizer = loadTokenizer("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\ncat\n##s\n", {});
 * assertEquals([...tokenizer.encode("Cats", "cat", 16).ids], [2, 5, 6, 3, 5, 3]);
 * ```
 */
export function loadTokenizer(
  source: unknown,
  config: unknown = {},
  fileName: string = typeof source === "string" ? "vocab.txt" : "tokenizer.json",
): Tokenizer {
  const settings = parsed(configSchema, config, "tokenizer_config.json");
  const names = specialNames(settings);
  const json: TokenizerJson = typeof source === "string"
    ? bertTokenizerJson(source, settings, names, fileName)
    : parsed(tokenizerSchema, source, fileName);
  const pieces = createPieces(json, fileName);
  const idOf = (key: keyof SpecialNames): number => {
    const id = pieces.token_to_id(names[key]);
    if (id !== undefined) return id;
    throw new Error(
      `Cannot use the tokenizer "${fileName}": it has no token "${names[key]}" (${key}); ` +
        `add it to the vocabulary, or name the right one as "${key}" in tokenizer_config.json`,
    );
  };
  const special = {
    unkId: idOf("unk_token"),
    clsId: idOf("cls_token"),
    sepId: idOf("sep_token"),
    padId: idOf("pad_token"),
    maskId: idOf("mask_token"),
  };
  return new PairTokenizer(pieces, special, preparation(json), fileName);
}

/** Encodes the examples of a split once, in their order; `maxLength` in tokens includes the special ones. */
export function encodeExamples(
  tokenizer: Tokenizer,
  examples: readonly Example[],
  maxLength: number,
): readonly Encoded[] {
  return examples.map((example) => tokenizer.encode(example.text, example.pair, maxLength));
}

/**
 * How many tokens of each text of a pair are kept so that both fit `room` tokens: the longer text loses first, and
 * of an odd room that both must share, the longer one (the second, where they are equal) gets the extra token.
 *
 * This is the `longest_first` strategy of the fast tokenizers of transformers; the slow ones differ on odd rooms.
 */
export function truncatedLengths(
  textLength: number,
  pairLength: number,
  room: number,
): readonly [number, number] {
  if (textLength + pairLength <= room) return [textLength, pairLength];
  const half = Math.floor(room / 2);
  const short = Math.min(textLength, pairLength);
  const kept = short <= half ? short : half;
  return textLength > pairLength ? [room - kept, kept] : [kept, room - kept];
}

class PairTokenizer implements Tokenizer {
  readonly vocabularySize: number;
  readonly clsId: number;
  readonly sepId: number;
  readonly padId: number;
  readonly maskId: number;
  readonly #unkId: number;
  readonly #pieces: PieceTokenizer;
  readonly #prepare: (text: string) => string;
  readonly #addedToText: number;
  readonly #addedToPair: number;

  constructor(
    pieces: PieceTokenizer,
    special: Readonly<Record<"unkId" | "clsId" | "sepId" | "padId" | "maskId", number>>,
    prepare: (text: string) => string,
    fileName: string,
  ) {
    this.#pieces = pieces;
    this.#unkId = special.unkId;
    this.clsId = special.clsId;
    this.sepId = special.sepId;
    this.padId = special.padId;
    this.maskId = special.maskId;
    this.#prepare = prepare;
    let largest = -1;
    for (const id of pieces.get_vocab().values()) largest = Math.max(largest, id);
    this.vocabularySize = largest + 1;
    this.#addedToText = this.#compose([], null).ids.length;
    const empty = this.#compose([], []);
    this.#addedToPair = empty.ids.length;
    if (this.#addedToText < 2 || empty.ids[0] !== this.clsId || empty.ids.at(-1) !== this.sepId) {
      throw new Error(
        `Cannot use the tokenizer "${fileName}": its post_processor does not put ${
          this.#nameOf(this.clsId)
        } first ` +
          `and ${
            this.#nameOf(this.sepId)
          } last, as the BERT family wants; check tokenizer_config.json`,
      );
    }
  }

  encode(text: string, pair: string | null, maxLength: number): Encoded {
    // An empty second text counts as none, as in transformers.
    const isPair = pair !== null && pair !== "";
    const room = maxLength - (isPair ? this.#addedToPair : this.#addedToText);
    if (!Number.isInteger(maxLength) || room < (isPair ? 2 : 1)) {
      throw new RangeError(
        `Cannot encode a ${
          isPair ? "pair" : "text"
        } in ${maxLength} tokens: the special tokens alone take ` +
          `${maxLength - room}; raise maxLength`,
      );
    }
    const first = this.#split(text);
    if (!isPair) return this.#compose(first.slice(0, room), null);
    const second = this.#split(pair);
    const [firstLength, secondLength] = truncatedLengths(first.length, second.length, room);
    return this.#compose(first.slice(0, firstLength), second.slice(0, secondLength));
  }

  #split(text: string): readonly string[] {
    return this.#pieces.tokenize(this.#prepare(text), { add_special_tokens: false });
  }

  /** Special tokens and type ids around the pieces, as the file's own post-processor sets them. */
  #compose(first: readonly string[], second: readonly string[] | null): Encoded {
    const made = this.#pieces.post_processor!.post_process(
      [...first],
      second === null ? null : [...second],
      true,
    );
    const tokens = made.tokens;
    const ids = Int32Array.from(
      tokens,
      (token) => this.#pieces.token_to_id(token) ?? this.#unkId,
    );
    return { ids, types: Int32Array.from(made.token_type_ids ?? new Array(tokens.length).fill(0)) };
  }

  #nameOf(id: number): string {
    return `"${this.#pieces.id_to_token(id)}"`;
  }
}

/** Ideographs outside the basic multilingual plane. */
const astralIdeograph =
  /[\u{20000}-\u{2A6DF}\u{2A700}-\u{2B73F}\u{2B740}-\u{2B81F}\u{2B820}-\u{2CEAF}\u{2F800}-\u{2FA1F}]/gu;

/**
 * What a text needs so that the package's BERT normaliser treats it as the original one does: that one sets
 * ideographs outside the basic plane apart with spaces too, and lower-cases a capital sigma to "σ" also at a word's end.
 */
function preparation(json: TokenizerJson): (text: string) => string {
  const normalizer = json.normalizer;
  if (normalizer?.type !== "BertNormalizer") return (text) => text;
  const spaces = normalizer["handle_chinese_chars"] === true;
  const lowers = normalizer["lowercase"] === true;
  return (text) => {
    const spaced = spaces ? text.replace(astralIdeograph, " $& ") : text;
    return lowers ? spaced.replaceAll("Σ", "σ") : spaced;
  };
}

function createPieces(json: TokenizerJson, fileName: string): PieceTokenizer {
  try {
    return new PieceTokenizer(json, {});
  } catch (error) {
    throw new Error(
      `Cannot build the tokenizer of "${fileName}": ${
        error instanceof Error ? error.message : String(error)
      }`,
      { cause: error },
    );
  }
}

function parsed<T>(schema: z.ZodType<T>, value: unknown, fileName: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw new Error(
    `Cannot read "${fileName}": ${
      issue === undefined ? result.error.message : `"${issue.path.join(".")}": ${issue.message}`
    }`,
  );
}

/** The `tokenizer.json` that transformers would make of a BERT `vocab.txt`. */
function bertTokenizerJson(
  vocabulary: string,
  config: Config,
  names: SpecialNames,
  fileName: string,
): TokenizerJson {
  const lines = vocabulary.replace(/^\uFEFF/, "").replace(/\r?\n$/, "").split(/\r?\n/);
  // A piece that occurs twice has its later id, as in transformers.
  const ids = new Map(lines.map((piece, id) => [piece, id]));
  const specialTokens: Record<string, unknown> = {};
  const added: { id: number; content: string; special: boolean }[] = [];
  for (const [key, content] of Object.entries(names)) {
    const id = ids.get(content);
    if (id === undefined) {
      throw new Error(
        `Cannot use the vocabulary "${fileName}" of ${lines.length} lines: it has no line "${content}" (${key}); ` +
          `add it, or name the right one as "${key}" in tokenizer_config.json`,
      );
    }
    added.push({ id, content, special: true });
    specialTokens[content] = { id: content, ids: [id], tokens: [content] };
  }
  const special = (id: string, typeId: number) => ({ SpecialToken: { id, type_id: typeId } });
  const sequence = (id: "A" | "B", typeId: number) => ({ Sequence: { id, type_id: typeId } });
  const single = [special(names.cls_token, 0), sequence("A", 0), special(names.sep_token, 0)];
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
    post_processor: {
      type: "TemplateProcessing",
      single,
      pair: [...single, sequence("B", 1), special(names.sep_token, 1)],
      special_tokens: specialTokens,
    },
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
