/**
 * Long words in the package that runs tokenizers: it joins unknown pieces one by one, which takes the square of their number,
 * and hands the pieces of a word on as arguments, of which a call cannot take many.
 *
 * @module
 */
import { type Tokenizer, Unigram } from "@huggingface/tokenizers";

type TokenizerModel = NonNullable<Tokenizer["model"]>;

/** Makes a model split words in time in proportion to their length; the pieces stay the same. */
export function splitLongWords(model: TokenizerModel): void {
  const encode = model instanceof Unigram
    ? (words: readonly string[]) => words.flatMap((word) => model.tokenize(word))
    : model.encode.bind(model);
  const isFused = model.fuse_unk;
  model.fuse_unk = false;
  const { tokens_to_ids: ids, unk_token_id: unknown } = model;
  model.encode = (words) => {
    const pieces = encode(words);
    return isFused
      ? joinedUnknown(
        pieces,
        (piece) => (ids.get(piece) ?? unknown) === unknown,
        (piece) => ids.get(piece) === unknown,
      )
      : pieces;
  };
}

/**
 * Pieces with each run of unknown ones as one piece: their text, or where the first is the unknown token itself, that.
 *
 * @param isUnknown Whether a piece is none of the vocabulary, or the unknown token.
 * @param isToken Whether a piece is the unknown token.
 */
export function joinedUnknown(
  pieces: readonly string[],
  isUnknown: (piece: string) => boolean,
  isToken: (piece: string) => boolean,
): string[] {
  const joined: string[] = [];
  for (let at = 0; at < pieces.length;) {
    const start = at;
    const first = pieces[at++]!;
    if (!isUnknown(first)) {
      joined.push(first);
      continue;
    }
    while (at < pieces.length && isUnknown(pieces[at]!)) at++;
    joined.push(isToken(first) ? first : pieces.slice(start, at).join(""));
  }
  return joined;
}
