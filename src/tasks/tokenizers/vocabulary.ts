/**
 * What a `tokenizer.json` may hold: the form of its vocabulary, and sizes that keep it small and quick.
 *
 * @module
 */
import { InputError, shown } from "../../base/input_error.ts";
import type { TokenizerJson } from "./layout.ts";

/** Sizes of a tokenizer at most, well above those of every tokenizer that was published. */
export const mostOfTokenizer = {
  /** Ids, of pieces and added tokens. */
  ids: 2_097_152,
  /** Characters of a piece; a text is looked through for pieces of every length. */
  pieceCharacters: 1_000,
  addedTokens: 20_000,
  /** Characters of a word that WordPiece splits; it takes their third power. */
  wordCharacters: 500,
} as const;

/** Stops with an error at a place of the file. */
type Fail = (place: string, found: string, wanted: string) => never;

function isId(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 &&
    (value as number) < mostOfTokenizer.ids;
}

const wantedId = `a whole number from 0 to ${mostOfTokenizer.ids - 1}`;

function checkPiece(piece: unknown, place: string, fail: Fail): void {
  if (typeof piece !== "string") return fail(place, said(piece), "a text");
  if (piece.length > mostOfTokenizer.pieceCharacters) {
    fail(
      place,
      `a piece of ${piece.length} characters`,
      `at most ${mostOfTokenizer.pieceCharacters}`,
    );
  }
}

/** A value as messages show it. */
function said(value: unknown): string {
  return shown(JSON.stringify(value) ?? String(value));
}

/** Pieces with their ids, as WordPiece and BPE have them. */
function checkIds(vocab: object, fail: Fail): void {
  for (const [piece, id] of Object.entries(vocab)) {
    if (!isId(id)) fail(`the id of "${shown(piece)}"`, said(id), wantedId);
    checkPiece(piece, "its vocabulary", fail);
  }
}

/** Pieces with their scores, as Unigram has them. */
function checkScores(vocab: readonly unknown[], fail: Fail): void {
  if (vocab.length > mostOfTokenizer.ids) {
    fail("its vocabulary", `${vocab.length} pieces`, `at most ${mostOfTokenizer.ids}`);
  }
  for (const [i, entry] of vocab.entries()) {
    const place = `model.vocab[${i}]`;
    if (!Array.isArray(entry) || entry.length !== 2 || !Number.isFinite(entry[1])) {
      fail(place, said(entry), "a piece and its score");
    }
    checkPiece((entry as readonly unknown[])[0], place, fail);
  }
}

function checkMerges(merges: readonly unknown[], fail: Fail): void {
  const isPairs = Array.isArray(merges[0]);
  for (const [i, merge] of merges.entries()) {
    const isSound = isPairs
      ? Array.isArray(merge) && merge.length === 2 &&
        merge.every((part) => typeof part === "string")
      : typeof merge === "string";
    if (!isSound) fail(`model.merges[${i}]`, said(merge), "two pieces, as in the other merges");
  }
}

/** Checks a key of the model that may be left out. */
function checkKey(
  model: TokenizerJson["model"],
  key: string,
  isSound: (value: unknown) => boolean,
  wanted: string,
  fail: Fail,
): void {
  const value = model[key];
  if (value !== undefined && value !== null && !isSound(value)) {
    fail(`model.${key}`, said(value), wanted);
  }
}

/**
 * Checks what the package that runs a tokenizer takes on trust: it reserves room for the largest id, and looks through its
 * vocabulary by length.
 *
 * @throws {InputError} If an id, a piece or a size is not what it should be.
 */
export function checkTokenizer(json: TokenizerJson, fileName: string): void {
  const fail: Fail = (place, found, wanted) => {
    throw new InputError({ file: fileName, place, found, wanted });
  };
  const { model, added_tokens: added } = json;
  const { vocab, merges } = model;
  if (Array.isArray(vocab)) checkScores(vocab, fail);
  else if (typeof vocab === "object" && vocab !== null) checkIds(vocab, fail);
  else fail("model.vocab", said(vocab), "pieces with their ids or scores");
  const isUnigram = model.type === "Unigram";
  if (model.type !== undefined && isUnigram !== Array.isArray(vocab)) {
    fail(
      "model.vocab",
      isUnigram ? "no list" : "a list",
      `the form of a ${shown(model.type)} model`,
    );
  }
  if (model.type === "BPE" || merges !== undefined) {
    if (!Array.isArray(merges)) return fail("model.merges", said(merges), "a list of merges");
    checkMerges(merges, fail);
  }
  if (Array.isArray(vocab)) {
    const isPiece = (id: unknown) => isId(id) && id < vocab.length;
    checkKey(model, "unk_id", isPiece, `the place of a piece, below ${vocab.length}`, fail);
  }
  const isShort = (text: unknown) =>
    typeof text === "string" && text.length <= mostOfTokenizer.pieceCharacters;
  for (
    const key of [
      ...["continuing_subword_prefix", "continuing_subword_suffix", "end_of_word_suffix"],
      "unk_token",
    ]
  ) checkKey(model, key, isShort, "a short text", fail);
  const { wordCharacters } = mostOfTokenizer;
  const isWordLength = (value: unknown) =>
    Number.isInteger(value) && (value as number) > 0 && (value as number) <= wordCharacters;
  checkKey(
    model,
    "max_input_chars_per_word",
    isWordLength,
    `a whole number from 1 to ${wordCharacters}`,
    fail,
  );
  if (added.length > mostOfTokenizer.addedTokens) {
    fail("added_tokens", `${added.length} tokens`, `at most ${mostOfTokenizer.addedTokens}`);
  }
  for (const [i, { id, content }] of added.entries()) {
    if (!isId(id)) fail(`added_tokens[${i}].id`, said(id), wantedId);
    checkPiece(content, `added_tokens[${i}].content`, fail);
    if (content === "") fail(`added_tokens[${i}].content`, "an empty text", "a token");
  }
}
