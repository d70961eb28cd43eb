import { assertEquals, assertThrows } from "@std/assert";
import { Tokenizer } from "@huggingface/tokenizers";
import {
  countBertWords,
  specialTokens,
  tokenizerJson,
  trainWordPiece,
} from "../../../tools/pretrain/vocabulary.ts";
import golden from "../../golden/wordpiece.json" with { type: "json" };

const small = { size: 200, minPairCount: 2, minCharacterCount: 1 };

Deno.test("countBertWords() splits and counts as Hugging Face's tokenizers does", () => {
  const counts = [...countBertWords(golden.text)].sort(([a], [b]) => a < b ? -1 : 1);
  assertEquals(counts, Object.entries(golden.words).sort(([a], [b]) => a < b ? -1 : 1));
});

Deno.test("trainWordPiece() merges what Hugging Face's trainer merges, in its order", () => {
  const vocabulary = trainWordPiece(new Map(Object.entries(golden.counts)), small);
  const merged = vocabulary.slice(specialTokens.length)
    .filter((piece) => piece.replace(/^##/, "").length > 1);
  assertEquals(merged, golden.merged);
});

Deno.test("trainWordPiece() follows the example of Sennrich et al.", () => {
  const counts = new Map([["low", 5], ["lower", 2], ["newest", 6], ["widest", 3]]);
  // By hand: e-s 9, es-t 9, w-e loses 6 of its 8 to est, o-w 7 before l-ow by its lower ids, then n-e
  // and e-w 6 (##e-##w has lower ids), n-ew 6, new-est 6, and the pairs of "widest" 3.
  assertEquals(trainWordPiece(counts, { ...small, minPairCount: 3 }).slice(16), [
    "##es",
    "##est",
    "##ow",
    "low",
    "##ew",
    "new",
    "newest",
    "##dest",
    "##idest",
    "widest",
  ]);
});

Deno.test("trainWordPiece() is full at its size and does not depend on the words' order", () => {
  const entries = Object.entries(golden.counts);
  const vocabulary = trainWordPiece(new Map(entries), { ...small, size: 40 });
  assertEquals(vocabulary.length, 40);
  assertEquals(trainWordPiece(new Map(entries.toReversed()), { ...small, size: 40 }), vocabulary);
  assertEquals(new Set(vocabulary).size, 40);
  assertEquals(vocabulary.slice(0, 5), ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]);
});

Deno.test("trainWordPiece() merges repetitions from the left", () => {
  // a ##a ##a ##a: first ##a ##a (6), then a ##aa before ##aa ##a by its lower ids.
  assertEquals(trainWordPiece(new Map([["aaaa", 3]]), small).slice(5), [
    "##a",
    "a",
    "##aa",
    "aaa",
    "aaaa",
  ]);
});

Deno.test("trainWordPiece() leaves rare characters out and refuses a size below the alphabet", () => {
  const counts = new Map([["ab", 9], ["a€", 1]]);
  assertEquals(trainWordPiece(counts, { ...small, minCharacterCount: 2 }).slice(5), [
    "##b",
    "a",
    "ab",
  ]);
  assertThrows(
    () => trainWordPiece(counts, { ...small, size: 7 }),
    RangeError,
    "Cannot train a vocabulary of 7 entries",
  );
});

Deno.test("tokenizerJson() loads in @huggingface/tokenizers and encodes as the Python package does", () => {
  const tokenizer = new Tokenizer(tokenizerJson(golden.vocabulary), {});
  for (const { text, pair, ids, types } of golden.encodings) {
    const encoded = tokenizer.encode(text, { text_pair: pair, return_token_type_ids: true });
    assertEquals([text, ...encoded.ids], [text, ...ids]);
    assertEquals([text, ...encoded.token_type_ids], [text, ...types]);
  }
});

Deno.test("tokenizerJson() refuses a vocabulary without the special tokens in front", () => {
  assertThrows(
    () => tokenizerJson(["[PAD]", "a"]),
    TypeError,
    'found "a" as token 1, wanted "[UNK]"',
  );
});
