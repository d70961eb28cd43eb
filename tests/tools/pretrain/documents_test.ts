import { assert, assertEquals } from "@std/assert";
import { Tokenizer } from "@huggingface/tokenizers";
import { RandomStream } from "../../../src/base/random.ts";
import {
  defaultPackingOptions,
  encodeDocuments,
  packSentences,
} from "../../../tools/pretrain/documents.ts";
import { tokenizerJson } from "../../../tools/pretrain/vocabulary.ts";

const lengths = [5, 30, 1, 200, 12, 12, 12, 0, 61, 3];
const sentences = lengths.map((length, s) => Array.from({ length }, (_, i) => 100 * (s + 1) + i));

Deno.test("packSentences() keeps every token in order, whatever is drawn", () => {
  for (let seed = 0; seed < 20; seed++) {
    const sequences = packSentences(sentences, RandomStream.fromSeed(seed));
    const text = sequences.flatMap(({ ids }) => [...ids].filter((id) => id >= 100));
    assertEquals(text, sentences.flat());
  }
});

Deno.test("packSentences() makes [CLS] A [SEP] or [CLS] A [SEP] B [SEP] within 64 tokens", () => {
  for (let seed = 0; seed < 20; seed++) {
    for (const { ids, boundary } of packSentences(sentences, RandomStream.fromSeed(seed))) {
      assert(ids.length <= 64);
      const separators = [...ids.keys()].filter((i) => ids[i] === 3);
      assertEquals(ids[0], 2);
      assertEquals(
        separators,
        boundary === ids.length ? [ids.length - 1] : [boundary - 1, ids.length - 1],
      );
    }
  }
});

Deno.test("packSentences() fills with whole sentences and cuts only below half of the limit", () => {
  const options = { ...defaultPackingOptions, pairShare: 0, shortShare: 0, maxLength: 13 };
  const of = (...sizes: readonly number[]) =>
    packSentences(sizes.map((n) => Array<number>(n).fill(9)), RandomStream.fromSeed(1), options)
      .map(({ ids }) => ids.length - 2);
  assertEquals(of(4, 4, 4), [8, 4]);
  assertEquals(of(4, 9), [10, 3]);
  assertEquals(of(25), [10, 10, 5]);
  assertEquals(of(), []);
});

Deno.test("packSentences() meets at a sentence boundary and makes about half of the sequences pairs", () => {
  const many = Array.from({ length: 3000 }, (_, s) => Array<number>(12).fill(100 + s % 50));
  const sequences = packSentences(many, RandomStream.fromSeed(3));
  const pairs = sequences.filter(({ ids, boundary }) => boundary < ids.length);
  for (const { ids, boundary } of pairs) assert(ids[boundary - 2] !== ids[boundary]);
  const share = pairs.length / sequences.length;
  assert(share > 0.45 && share < 0.75, `found a share of ${share}`);
});

Deno.test("encodeDocuments() gives the ids of the whole text", () => {
  const vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "cat", "##s", "'", "."];
  const tokenizer = new Tokenizer(tokenizerJson(vocabulary), {});
  const sentence = "The cats'  cat.";
  const [only, ...rest] = encodeDocuments(
    [{ source: "books", name: "austen-emma/01", sentences: [sentence] }],
    tokenizer,
    1,
  );
  assertEquals(rest, []);
  assertEquals([...only!.ids], [2, 5, 6, 7, 8, 6, 9, 3]);
  assertEquals([...only!.ids], tokenizer.encode(sentence).ids);
});
