import { assert, assertEquals, assertThrows } from "@std/assert";
import { InputError } from "../../src/base/input_error.ts";
import { encodeExamples, loadTokenizer, truncatedLengths } from "../../src/tasks/tokenizer.ts";
import golden from "../golden/tokenizer.json" with { type: "json" };

type Row = readonly [string, string | null, number, readonly number[], readonly number[]];

const vocabulary = golden.vocabulary;
const vocabularyText = vocabulary.join("\n") + "\n";

for (const { config, tokenizer: json, encodings } of golden.cases) {
  const label = JSON.stringify(config);
  for (const [name, source] of [["vocab.txt", vocabularyText], ["tokenizer.json", json]] as const) {
    Deno.test(`loadTokenizer() encodes as transformers does, ${name}, ${label}`, () => {
      const tokenizer = loadTokenizer(source, config);
      for (const [text, pair, maxLength, ids, types] of encodings as unknown as readonly Row[]) {
        const encoded = tokenizer.encode(text, pair, maxLength);
        const where = JSON.stringify([text, pair, maxLength]);
        assertEquals([where, ...encoded.ids], [where, ...ids]);
        assertEquals([where, ...encoded.types], [where, ...types]);
      }
    });
  }
}

Deno.test("loadTokenizer() reads special ids and the vocabulary's size", () => {
  const tokenizer = loadTokenizer(vocabularyText);
  const { padId, clsId, sepId, maskId, vocabularySize } = tokenizer;
  assertEquals([padId, clsId, sepId, maskId], [0, 2, 3, 4]);
  assertEquals(vocabularySize, vocabulary.length);
});

Deno.test("loadTokenizer() takes renamed special tokens, as texts or as objects", () => {
  const text = "<pad>\n<unk>\n<s>\n</s>\n<mask>\ncat\n";
  const config = {
    pad_token: "<pad>",
    unk_token: { content: "<unk>", special: true },
    cls_token: "<s>",
    sep_token: "</s>",
    mask_token: { content: "<mask>" },
  };
  assertEquals([...loadTokenizer(text, config).encode("cat dog", null, 8).ids], [2, 5, 1, 3]);
});

Deno.test("loadTokenizer() reads a vocab.txt with a byte-order mark and Windows line ends", () => {
  const text = "\uFEFF[PAD]\r\n[UNK]\r\n[CLS]\r\n[SEP]\r\n[MASK]\r\ncat\r\n";
  const tokenizer = loadTokenizer(text);
  assertEquals(tokenizer.vocabularySize, 6);
  assertEquals([...tokenizer.encode("cat", null, 8).ids], [2, 5, 3]);
});

Deno.test("loadTokenizer() refuses what lacks a special token and names it", () => {
  for (const token of ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]) {
    const text = vocabulary.filter((piece) => piece !== token).join("\n");
    assertThrows(
      () => loadTokenizer(text),
      Error,
      `"vocab.txt" of 73 lines: it has no line "${token}"`,
    );
  }
  const [{ tokenizer: json }] = golden.cases as [typeof golden.cases[number]];
  const { "[SEP]": _, ...vocab } = json.model.vocab;
  const lacking = {
    ...json,
    model: { ...json.model, vocab },
    added_tokens: json.added_tokens.filter(({ content }) => content !== "[SEP]"),
  };
  assertThrows(
    () => loadTokenizer(lacking, {}, "model/tokenizer.json"),
    Error,
    'Cannot use the tokenizer "model/tokenizer.json": it has no token "[SEP]" (sep_token)',
  );
});

Deno.test("loadTokenizer() refuses a tokenizer.json of another layout", () => {
  const [{ tokenizer: json }] = golden.cases as [typeof golden.cases[number]];
  const cases: readonly (readonly [unknown, string])[] = [
    [{}, 'Cannot read "tokenizer.json": "model"'],
    [null, 'Cannot read "tokenizer.json"'],
    [{ ...json, post_processor: null }, '"post_processor"'],
    [
      { ...json, normalizer: { type: "Unheard" } },
      'Cannot build the tokenizer of "tokenizer.json"',
    ],
    [
      { ...json, post_processor: { ...json.post_processor, single: [], pair: [] } },
      'does not put "[CLS]" first and "[SEP]" last',
    ],
  ];
  for (const [source, message] of cases) assertThrows(() => loadTokenizer(source), Error, message);
  assertThrows(
    () => loadTokenizer(json, { do_lower_case: "yes" }),
    Error,
    'Cannot read "tokenizer_config.json": "do_lower_case"',
  );
});

Deno.test("Tokenizer.encode() refuses a length that the special tokens fill", () => {
  const tokenizer = loadTokenizer(vocabularyText);
  assertThrows(() => tokenizer.encode("cat", null, 2), InputError, "a text in 2 tokens");
  assertThrows(() => tokenizer.encode("cat", "dog", 3), InputError, "a pair in 3 tokens");
  assertThrows(() => tokenizer.encode("cat", null, NaN), InputError, "raise maxLength");
});

Deno.test("truncatedLengths() fills the room and takes from the longer text", () => {
  for (let text = 0; text < 9; text++) {
    for (let pair = 0; pair < 9; pair++) {
      for (let room = 1; room < 18; room++) {
        const [a, b] = truncatedLengths(text, pair, room);
        assertEquals(a + b, Math.min(room, text + pair));
        assert(a <= text && b <= pair);
        // Only a text that is still the longer one (by more than the odd token) may have lost tokens.
        if (a < text) assert(a >= b - 1);
        if (b < pair) assert(b >= a - 1);
      }
    }
  }
});

Deno.test("encodeExamples() encodes a split in its order", () => {
  const tokenizer = loadTokenizer(vocabularyText);
  const examples = [
    { id: 0, text: "a cat", pair: null, target: 0 },
    { id: 1, text: "a cat", pair: "a dog", target: 1 },
  ];
  const encoded = encodeExamples(tokenizer, examples, 6);
  assertEquals(encoded.map(({ ids }) => [...ids]), [[2, 6, 7, 3], [2, 6, 3, 6, 8, 3]]);
});

Deno.test("loadTokenizer() refuses sizes that would fill a memory or take for ever, by their place", () => {
  const [{ tokenizer: json }] = golden.cases as unknown as readonly [
    { readonly tokenizer: Readonly<Record<string, unknown>> },
  ];
  const model = json["model"] as Readonly<Record<string, unknown>>;
  const added = json["added_tokens"] as readonly Readonly<Record<string, unknown>>[];
  const vocab = model["vocab"] as Readonly<Record<string, number>>;
  const withNormalizers = (normalizers: readonly unknown[]) => ({
    normalizer: { type: "Sequence", normalizers },
  });
  const doubling = { type: "Replace", pattern: { String: "a" }, content: "aa" };
  const cases: readonly (readonly [Readonly<Record<string, unknown>>, string, string])[] = [
    [{ model: { ...model, vocab: { ...vocab, more: 1e9 } } }, 'the id of "more"', "1000000000"],
    [{ model: { ...model, vocab: { ...vocab, more: 1.5 } } }, 'the id of "more"', "1.5"],
    [
      { model: { ...model, vocab: { ...vocab, ["x".repeat(1001)]: 7 } } },
      "its vocabulary",
      "a piece of 1001",
    ],
    [
      { model: { ...model, max_input_chars_per_word: 1e9 } },
      "model.max_input_chars_per_word",
      "1000000000",
    ],
    [
      { added_tokens: [...added, { ...added[0], id: 1e9 }] },
      `added_tokens[${added.length}].id`,
      "1000000000",
    ],
    [{ pre_tokenizer: { type: "FixedLength", length: 0 } }, "", 'a pre-tokenizer "FixedLength"'],
    [
      { pre_tokenizer: { type: "Split", pattern: { Regex: "a(?=b)" }, behavior: "Isolated" } },
      "the pattern of a Split",
      "(?=",
    ],
    [{ model: { type: "Unigram", vocab: [["a"]] } }, "model.vocab[0]", '["a"]'],
    [{ model: { ...model, vocab: null } }, "model.vocab", "null"],
  ];
  for (const [change, place, found] of cases) {
    const error = assertThrows(() => loadTokenizer({ ...json, ...change }), InputError, found);
    assertEquals([error.file, error.place], ["tokenizer.json", place], error.message);
  }
  const growing = loadTokenizer({ ...json, ...withNormalizers(Array(60).fill(doubling)) });
  const error = assertThrows(() => growing.encode("banana", null, 16), InputError);
  assertEquals(error.place, "its normaliser");
});

Deno.test("a pattern of a tokenizer is run without backtracking", () => {
  const [{ tokenizer: json }] = golden.cases as unknown as readonly [
    { readonly tokenizer: object },
  ];
  const normalizer = { type: "Replace", pattern: { Regex: "(?:a|aa|a*)*b" }, content: "" };
  const tokenizer = loadTokenizer({ ...json, normalizer });
  assert(tokenizer.encode("a".repeat(5_000), null, 16).ids.length > 0);
});
