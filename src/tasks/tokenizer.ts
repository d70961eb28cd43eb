/**
 * Tokenizers of BERT, ELECTRA, RoBERTa and DeBERTa, from `tokenizer.json` or `vocab.txt`; `tokenizers/files.ts` makes
 * the former of their other files.
 *
 * The splitting into pieces is done by `@huggingface/tokenizers`; truncation of pairs, special
 * tokens and type ids are composed here so that they follow the fast tokenizers of transformers.
 *
 * @module
 */
import { InputError, readingInput, shown } from "../base/input_error.ts";
import { bertTokenizerJson } from "./tokenizers/byte_level.ts";
import { checkTokenizer } from "./tokenizers/vocabulary.ts";
import {
  checkPaddingSide,
  hasTokenTypes,
  type Side,
  truncationSide,
} from "./tokenizers/conventions.ts";
import {
  configSchema,
  namesOf,
  parsed,
  postProcessors,
  renamed,
  type SpecialNames,
  type TokenizerJson,
  tokenizerSchema,
} from "./tokenizers/layout.ts";
import { createPieces, type Pieces } from "./tokenizers/pieces.ts";
import type { Encoded, Example, Tokenizer } from "./types.ts";

/**
 * Builds a tokenizer from a model folder's files.
 *
 * @param source The parsed `tokenizer.json`, or the text of a BERT `vocab.txt` (one piece a line, its id the line's number).
 * @param config The parsed `tokenizer_config.json`: names of special tokens, `model_input_names` (without `token_type_ids` all
 * types are 0; default: as its `tokenizer_class` has them), `truncation_side` (default: as in `tokenizer.json`, or right) and, for a
 * `vocab.txt`, `do_lower_case` (default true), `strip_accents` (default: as lower case) and `tokenize_chinese_chars` (default true).
 * @param fileName How errors call the source.
 * @param familyClass The `tokenizer_class` where `config` has none. Default null: one with token types.
 * @throws {InputError} If a file has another layout or lacks one of the special tokens, or it pads on the left.
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
  familyClass: string | null = null,
): Tokenizer {
  const settings = parsed(configSchema, config, "tokenizer_config.json");
  const json: TokenizerJson = typeof source === "string"
    ? bertTokenizerJson(source, settings, fileName)
    : parsed(tokenizerSchema, source, fileName);
  const names = renamed(settings, namesOf(json));
  checkPaddingSide(settings, json, fileName);
  checkTokenizer(json, fileName);
  const pieces = createPieces(json, fileName);
  const idOf = (key: keyof SpecialNames): number => {
    const id = pieces.tokenizer.token_to_id(names[key]);
    if (id !== undefined) return id;
    const found = `no token "${shown(names[key])}" (${key})`;
    throw new InputError({
      file: fileName,
      place: "its vocabulary",
      found,
      wanted: "each special token",
      message: `Cannot use the tokenizer "${fileName}": it has ${found}; ` +
        `add it to the vocabulary, or name the right one as "${key}" in tokenizer_config.json`,
    });
  };
  const special = {
    unkId: idOf("unk_token"),
    clsId: idOf("cls_token"),
    sepId: idOf("sep_token"),
    padId: idOf("pad_token"),
    maskId: idOf("mask_token"),
  };
  const isRoberta = postProcessors(json.post_processor)
    .some(({ type }) => type === "RobertaProcessing");
  return new PairTokenizer(pieces, special, {
    types: isRoberta || !hasTokenTypes(settings, familyClass) ? "all zero" : "as made",
    side: truncationSide(settings, json),
  }, fileName);
}

/** An example's encoding: of its text or pair, or of its text beside each choice. */
export function encodeExample(
  tokenizer: Pick<Tokenizer, "encode">,
  { text, pair, choices }: Pick<Example, "text" | "pair" | "choices">,
  maxLength: number,
): Encoded {
  const [first, ...further] = (choices ?? [pair])
    .map((second) => tokenizer.encode(text, second, maxLength));
  return further.length === 0 ? first! : { ...first!, further };
}

/** Encodes the examples of a split once, in their order; `maxLength` in tokens includes the special ones. */
export function encodeExamples(
  tokenizer: Tokenizer,
  examples: readonly Example[],
  maxLength: number,
): readonly Encoded[] {
  return examples.map((example) => encodeExample(tokenizer, example, maxLength));
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

interface Conventions {
  /** Whether type ids are what the package's post-processor makes; RoBERTa's are all 0, and there the package has 1. */
  readonly types: "as made" | "all zero";
  /** The end that texts lose tokens from. */
  readonly side: Side;
}

class PairTokenizer implements Tokenizer {
  readonly vocabularySize: number;
  readonly clsId: number;
  readonly sepId: number;
  readonly padId: number;
  readonly maskId: number;
  readonly #unkId: number;
  readonly #pieces: Pieces["tokenizer"];
  readonly #prepare: Pieces["prepare"];
  readonly #conventions: Conventions;
  readonly #fileName: string;
  readonly #addedToText: number;
  readonly #addedToPair: number;

  constructor(
    { tokenizer, prepare }: Pieces,
    special: Readonly<Record<"unkId" | "clsId" | "sepId" | "padId" | "maskId", number>>,
    conventions: Conventions,
    fileName: string,
  ) {
    this.#pieces = tokenizer;
    this.#conventions = conventions;
    this.#unkId = special.unkId;
    this.clsId = special.clsId;
    this.sepId = special.sepId;
    this.padId = special.padId;
    this.maskId = special.maskId;
    this.#prepare = prepare;
    this.#fileName = fileName;
    let largest = -1;
    for (const id of tokenizer.get_vocab().values()) largest = Math.max(largest, id);
    this.vocabularySize = largest + 1;
    this.#addedToText = this.#compose([], null).ids.length;
    const empty = this.#compose([], []);
    this.#addedToPair = empty.ids.length;
    if (this.#addedToText < 2 || empty.ids[0] !== this.clsId || empty.ids.at(-1) !== this.sepId) {
      const wanted = `${this.#nameOf(this.clsId)} first and ${this.#nameOf(this.sepId)} last`;
      throw new InputError({
        file: fileName,
        place: 'key "post_processor"',
        found: "another order of the special tokens",
        wanted,
        message:
          `Cannot use the tokenizer "${fileName}": its post_processor does not put ${wanted}, as the BERT family wants; ` +
          "check tokenizer_config.json",
      });
    }
  }

  encode(text: string, pair: string | null, maxLength: number): Encoded {
    const room = maxLength - (pair === null ? this.#addedToText : this.#addedToPair);
    if (!Number.isInteger(maxLength) || room < 1) {
      const what = pair === null ? "text" : "pair";
      const special = `${maxLength - room}`;
      throw new InputError({
        file: this.#fileName,
        place: 'key "post_processor"',
        found: `${special} special tokens`,
        wanted: `fewer than ${maxLength}`,
        message:
          `Cannot encode a ${what} in ${maxLength} tokens: the special tokens alone take ${special}; raise maxLength`,
      });
    }
    const first = this.#split(text);
    if (pair === null) return this.#compose(this.#cut(first, room), null);
    // An empty second text is one too: transformers takes it for none in a single call and not in a batch.
    const second = this.#split(pair);
    const [firstLength, secondLength] = truncatedLengths(first.length, second.length, room);
    return this.#compose(this.#cut(first, firstLength), this.#cut(second, secondLength));
  }

  #cut(pieces: readonly string[], length: number): readonly string[] {
    const from = this.#conventions.side === "left" ? Math.max(pieces.length - length, 0) : 0;
    return pieces.slice(from, from + length);
  }

  #split(text: string): readonly string[] {
    return readingInput({
      doing: "Cannot use the tokenizer",
      file: this.#fileName,
      found: `a text of ${text.length} characters that it cannot split`,
      wanted: "pieces of it",
      fix: "check the text and the tokenizer's stages",
    }, () => this.#pieces.tokenize(this.#prepare(text), { add_special_tokens: false }));
  }

  /** Special tokens and type ids around the pieces, as the file's own post-processor sets them. */
  #compose(first: readonly string[], second: readonly string[] | null): Encoded {
    return readingInput({
      doing: "Cannot use the tokenizer",
      file: this.#fileName,
      place: 'key "post_processor"',
      found: "one that cannot be run",
      wanted: "one of the fast tokenizers",
    }, () => {
      const { tokens, token_type_ids: made } = this.#pieces.post_processor!.post_process(
        [...first],
        second === null ? null : [...second],
        true,
      );
      const ids = Int32Array.from(
        tokens,
        (token) => this.#pieces.token_to_id(token) ?? this.#unkId,
      );
      const types = this.#conventions.types === "as made" ? made : undefined;
      return {
        ids,
        types: types === undefined ? new Int32Array(ids.length) : Int32Array.from(types),
      };
    });
  }

  #nameOf(id: number): string {
    return `"${this.#pieces.id_to_token(id)}"`;
  }
}
