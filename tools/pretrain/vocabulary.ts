/**
 * The pieces of a teacher's WordPiece vocabulary that are kept, and the `tokenizer.json` that has only these.
 *
 * @module
 */
import * as z from "zod";
import type { TokenizerJson } from "../../src/tasks/tokenizers/layout.ts";
import { tokenizerSchema } from "../../src/tasks/tokenizers/layout.ts";

/** BERT's special tokens, in the order of the ids that they have in a cut vocabulary. */
export const specialTokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] as const;

/** Their ids. */
export const specialIds = {
  pad: 0,
  unknown: 1,
  cls: 2,
  sep: 3,
  mask: 4,
  firstOrdinary: 5,
} as const;

/** A `tokenizer.json` whose model is WordPiece, with BERT's special tokens. */
export const wordPieceSchema = tokenizerSchema.extend({
  model: z.looseObject({
    type: z.literal("WordPiece"),
    continuing_subword_prefix: z.literal("##"),
    vocab: z.record(z.string(), z.int().nonnegative()).refine((vocab) =>
      specialTokens.every((token) => Object.hasOwn(vocab, token))
    ),
  }),
});

/** A parsed `tokenizer.json` of that kind. */
export type WordPieceTokenizer = z.infer<typeof wordPieceSchema>;

/** Whether a piece is a special token or a place that BERT's vocabulary left empty. */
function isReserved(piece: string): boolean {
  return /^\[(?:PAD|UNK|CLS|SEP|MASK|unused\d+)\]$/.test(piece);
}

/** The characters of English text: each is kept, as a word and within one, so that no English word is unknown. */
const alphabet = /^(?:##)?[\x21-\x7e]$/;

/**
 * How much the place in the teacher's vocabulary counts beside the corpora. BERT's words stand by falling frequency in the text
 * that it was made from, and so tell of words that our corpora lack.
 */
const placeWeight = 0.5;

/**
 * Chooses the pieces that are kept: the special tokens, the characters of English, and then those with the largest share of the
 * corpora, to which half of what Zipf's law gives their place in the teacher's vocabulary is added.
 *
 * @param counts How often the teacher's tokenizer gives each of its ids on the corpora.
 * @param size Pieces to keep, special tokens included.
 * @returns Ids in the teacher's vocabulary; the index is the new id. After the special tokens they keep their order.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * const pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "the", "rare", "##s"];
 * const counts = new Map([[6, 1], [7, 9]]);
 * assertEquals(choosePieces(pieces, counts, 8), [0, 1, 2, 3, 4, 5, 7, 8]);
 * ```
 *
 * @throws {RangeError} If the size has no room for the special tokens and the characters.
 */
export function choosePieces(
  pieces: readonly string[],
  counts: ReadonlyMap<number, number>,
  size: number,
): readonly number[] {
  const special = specialTokens.map((token) => pieces.indexOf(token));
  const ordinary = pieces.map((_, id) => id).filter((id) => !isReserved(pieces[id]!));
  const characters = ordinary.filter((id) => alphabet.test(pieces[id]!));
  const room = size - special.length - characters.length;
  if (room < 0) {
    throw new RangeError(
      `Cannot cut the vocabulary to ${size} pieces: the special tokens and the characters of English take ` +
        `${special.length + characters.length}; ask for more`,
    );
  }
  const total = counts.values().reduce((sum, count) => sum + count, 0) || 1;
  const harmonic = ordinary.reduce((sum, _, place) => sum + 1 / (place + 1), 0);
  const shares = new Map(
    ordinary.map((id, place) => [
      id,
      (counts.get(id) ?? 0) / total + placeWeight / (harmonic * (place + 1)),
    ]),
  );
  const chosen = ordinary.filter((id) => !alphabet.test(pieces[id]!))
    .toSorted((a, b) => shares.get(b)! - shares.get(a)! || a - b)
    .slice(0, room);
  return [...special, ...[...characters, ...chosen].sort((a, b) => a - b)];
}

/** The pieces of a tokenizer by their ids. */
export function piecesOf({ model }: WordPieceTokenizer): readonly string[] {
  const pieces: string[] = [];
  for (const [piece, id] of Object.entries(model.vocab)) pieces[id] = piece;
  return Array.from(pieces, (piece) => piece ?? "[unused0]");
}

/** A template's special tokens with their new ids. */
const templateTokens = z.record(
  z.string(),
  z.looseObject({ id: z.string(), ids: z.array(z.int()), tokens: z.array(z.string()) }),
);

/**
 * The tokenizer with the kept pieces alone: normaliser, splitting and templates are the teacher's, and nothing cuts or pads.
 *
 * @param kept Ids in the teacher's vocabulary, as {@linkcode choosePieces} gives them.
 */
export function cutTokenizer(
  tokenizer: WordPieceTokenizer,
  kept: readonly number[],
): TokenizerJson {
  const pieces = piecesOf(tokenizer);
  const vocab = Object.fromEntries(kept.map((id, row) => [pieces[id]!, row]));
  const template = templateTokens.safeParse(tokenizer.post_processor["special_tokens"]);
  const renumbered = !template.success ? {} : {
    special_tokens: Object.fromEntries(
      Object.entries(template.data).map(([token, entry]) => [
        token,
        { ...entry, ids: entry.tokens.map((name) => vocab[name]!) },
      ]),
    ),
  };
  return {
    ...tokenizer,
    truncation: null,
    padding: null,
    added_tokens: tokenizer.added_tokens
      .filter(({ content }) => Object.hasOwn(vocab, content))
      .map((token) => ({ ...token, id: vocab[token.content]! }))
      .sort((a, b) => a.id - b.id),
    post_processor: { ...tokenizer.post_processor, ...renumbered },
    model: { ...tokenizer.model, vocab },
  };
}
