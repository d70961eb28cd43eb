import { assertEquals, assertThrows } from "@std/assert";
import { createPieces } from "../../../src/tasks/tokenizers/pieces.ts";
import {
  choosePieces,
  cutTokenizer,
  piecesOf,
  specialTokens,
  wordPieceSchema,
} from "../../../tools/pretrain/vocabulary.ts";
import { pieces, tokenizer } from "./fixture.ts";

const counts = new Map([["king", 50], ["##ish", 40], ["ships", 9]].map(
  ([piece, count]) => [pieces.indexOf(String(piece)), Number(count)],
));

Deno.test("choosePieces() keeps special tokens first, the characters, and what the corpora and the teacher's order favour", () => {
  const kept = choosePieces(pieces, counts, 5 + 188 + 4);
  assertEquals(kept.slice(0, 5).map((id) => pieces[id]), [...specialTokens]);
  const rest = kept.slice(5);
  assertEquals(rest, rest.toSorted((a, b) => a - b));
  const words = rest.map((id) => pieces[id]!).filter((piece) =>
    piece.replace(/^##/, "").length > 1
  );
  // Two by their counts, and the first two in the teacher's order.
  assertEquals(words, ["the", "cat", "king", "##ish"]);
  assertEquals(kept.some((id) => pieces[id] === "[unused0]"), false);
});

Deno.test("choosePieces() refuses a size without room for the characters", () => {
  assertThrows(
    () => choosePieces(pieces, counts, 100),
    RangeError,
    "Cannot cut the vocabulary to 100 pieces: the special tokens and the characters of English take 193",
  );
});

Deno.test("a cut tokenizer splits what it lacks into pieces that it has, and neither cuts nor pads", () => {
  const kept = choosePieces(pieces, counts, 5 + 188 + 4);
  const json = cutTokenizer(tokenizer, kept);
  const { tokenizer: own } = createPieces(wordPieceSchema.parse(json), "tokenizer.json");
  const read = (text: string, pair?: string) =>
    own.encode(text, pair === undefined ? {} : { text_pair: pair }).tokens;
  assertEquals(read("The KING dogs"), ["[CLS]", "the", "king", "d", "##o", "##g", "##s", "[SEP]"]);
  assertEquals(read("catish", "the"), ["[CLS]", "cat", "##ish", "[SEP]", "the", "[SEP]"]);
  assertEquals(own.encode("king").ids, [2, kept.findIndex((id) => pieces[id] === "king"), 3]);
  assertEquals(own.encode(Array(300).fill("the").join(" ")).ids.length, 302);
  assertEquals(piecesOf(wordPieceSchema.parse(json)), kept.map((id) => pieces[id]!));
});
