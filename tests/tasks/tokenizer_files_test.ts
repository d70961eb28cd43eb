import { assert, assertEquals, assertThrows } from "@std/assert";
import { InputError } from "../../src/base/input_error.ts";
import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { hashBytes } from "../../src/base/hash.ts";
import { loadTokenizer } from "../../src/tasks/tokenizer.ts";
import {
  chooseTokenizerFiles,
  tokenizerFileNames,
  type TokenizerFiles,
  tokenizerFromFiles,
} from "../../src/tasks/tokenizers/files.ts";
import { configSchema } from "../../src/tasks/tokenizers/layout.ts";
import { robertaTokenizerJson } from "../../src/tasks/tokenizers/byte_level.ts";
import { readSentencePiece } from "../../src/tasks/tokenizers/sentence_piece.ts";
import {
  debertaTokenizerJson,
  xlmRobertaTokenizerJson,
} from "../../src/tasks/tokenizers/unigram.ts";
import { joinedUnknown } from "../../src/tasks/tokenizers/unknown_runs.ts";
import type { Tokenizer } from "../../src/tasks/types.ts";

/** Text, pair (places in the texts), length, ids, type ids that are 0. */
type Row = readonly [number, number | null, number, readonly number[], number];

interface Golden {
  readonly texts: readonly string[];
  readonly cases: readonly {
    readonly folder: string;
    readonly config: Readonly<Record<string, unknown>>;
    readonly rows: readonly Row[];
  }[];
}

const folder = new URL("../golden/tokenizers/", import.meta.url);
const text = (name: string) => Deno.readTextFileSync(new URL(name, folder));
const golden: Golden = JSON.parse(text("encodings.json"));
const spmBytes = new Uint8Array(
  await new Response(
    (await Deno.open(new URL("deberta/spm.model.gz", folder))).readable
      .pipeThrough(new DecompressionStream("gzip")),
  ).arrayBuffer(),
);
const spmBpeBytes = Deno.readFileSync(new URL("xlm_roberta/sentencepiece.bpe.model", folder));
const noConfig = configSchema.parse({});

/** DeBERTa's golden file with the table of its normaliser, of which it holds the hash. */
function debertaGolden(): string {
  const table = readSentencePiece(spmBytes, "spm.model").charsmap.toBase64();
  return text("deberta/tokenizer.json").replace(hashBytes(table), table);
}

/** A folder's tokenizer as `tokenizer.json`, and as its other files, by how tests call them. */
const forms: Readonly<Record<string, Readonly<Record<string, TokenizerFiles>>>> = {
  roberta: {
    "tokenizer.json": { tokenizerJson: text("roberta/tokenizer.json") },
    "vocab.json": { vocabJson: text("roberta/vocab.json"), merges: text("roberta/merges.txt") },
  },
  deberta: {
    "tokenizer.json": { tokenizerJson: debertaGolden() },
    "spm.model": { sentencePiece: spmBytes },
  },
  deberta_5: { "tokenizer.json": { tokenizerJson: text("deberta_5/tokenizer.json") } },
  stages: { "tokenizer.json": { tokenizerJson: text("stages/tokenizer.json") } },
  spaces: { "tokenizer.json": { tokenizerJson: text("spaces/tokenizer.json") } },
  xlm_roberta: {
    "tokenizer.json": { tokenizerJson: text("xlm_roberta/tokenizer.json") },
    "sentencepiece.bpe.model": { sentencePieceBpe: spmBpeBytes },
  },
};

function assertEncodes(tokenizer: Tokenizer, rows: readonly Row[]): void {
  for (const [first, second, maxLength, ids, zeros] of rows) {
    const pair = second === null ? null : golden.texts[second]!;
    const encoded = tokenizer.encode(golden.texts[first]!, pair, maxLength);
    const where = JSON.stringify([golden.texts[first], pair, maxLength]);
    assertEquals([where, ...encoded.ids], [where, ...ids]);
    assertEquals([where, ...encoded.types], [where, ...ids.map((_, i) => i < zeros ? 0 : 1)]);
  }
}

for (const { folder: name, config, rows } of golden.cases) {
  for (const [file, files] of Object.entries(forms[name]!)) {
    // A tokenizer.json says itself what the configuration says of other files.
    if (file === "tokenizer.json" && Object.keys(config).length > 0) continue;
    Deno.test(`${name}/${file} encodes as transformers does, ${JSON.stringify(config)}`, () => {
      const tokenizerConfig = JSON.stringify(config);
      const { tokenizer } = tokenizerFromFiles({ ...files, tokenizerConfig }, name);
      assert(rows.length >= golden.texts.length, `${rows.length} rows`);
      assertEncodes(tokenizer, rows);
    });
  }
}

/**
 * What decides about tokens in a `tokenizer.json`. Scores are single-precision numbers in a SentencePiece model, and the
 * crate's way through JSON changes some of them in the last place of double precision.
 */
function essence(text: string): unknown {
  const { model, normalizer, pre_tokenizer, post_processor, added_tokens } = JSON.parse(
    text,
    (_, value: unknown) => typeof value === "number" ? Math.fround(value) : value,
  );
  return { model, normalizer, pre_tokenizer, post_processor, added_tokens };
}

Deno.test("each conversion gives the tokenizer.json of transformers", () => {
  const vocab = JSON.parse(text("roberta/vocab.json"));
  const merges = text("roberta/merges.txt");
  const made = [
    [
      robertaTokenizerJson({ vocab, merges }, noConfig, "vocab.json", "merges.txt"),
      text("roberta/tokenizer.json"),
    ],
    [debertaTokenizerJson(spmBytes, noConfig, "spm.model"), debertaGolden()],
    [xlmRobertaTokenizerJson(spmBpeBytes, noConfig, "x.model"), text("xlm_roberta/tokenizer.json")],
  ] as const;
  for (const [found, wanted] of made) {
    assertEquals(essence(JSON.stringify(found)), essence(wanted));
  }
});

Deno.test("special tokens are found in every layout", () => {
  const wanted: Readonly<Record<string, readonly number[]>> = {
    roberta: [0, 2, 1, 4, 761],
    deberta: [1, 2, 0, 600, 601],
    deberta_5: [1, 2, 0, 600, 601],
    stages: [1, 2, 0, 52, 53],
    spaces: [1, 2, 0, 52, 53],
    xlm_roberta: [0, 2, 1, 501, 502],
  };
  for (const [name, byFile] of Object.entries(forms)) {
    for (const files of Object.values(byFile)) {
      const { clsId, sepId, padId, maskId, vocabularySize } =
        tokenizerFromFiles(files, name).tokenizer;
      assertEquals([name, clsId, sepId, padId, maskId, vocabularySize], [name, ...wanted[name]!]);
    }
  }
});

Deno.test("chooseTokenizerFiles() takes the first whole set and says what is missing", () => {
  const chosenOf = (...names: readonly string[]) =>
    chooseTokenizerFiles((key) => names.includes(tokenizerFileNames[key]));
  assertEquals(chosenOf("vocab.txt", "spm.model", "tokenizer.json"), ["tokenizerJson"]);
  assertEquals(chosenOf("vocab.json", "merges.txt"), ["vocabJson", "merges"]);
  assertEquals(chosenOf("vocab.json", "spm.model"), ["sentencePiece"]);
  assertEquals(chosenOf("sentencepiece.bpe.model", "vocab.txt"), ["sentencePieceBpe"]);
  assertEquals(chosenOf("vocab.txt", "merges.txt"), ["vocab"]);
  const missing: readonly (readonly [readonly string[], string])[] = [
    [["vocab.json"], "vocab.json without merges.txt"],
    [["merges.txt", "tokenizer_config.json"], "merges.txt without vocab.json"],
    [["spiece.model"], "neither tokenizer.json nor vocab.txt"],
  ];
  for (const [names, message] of missing) {
    const found = chosenOf(...names);
    assert("found" in found && found.found.startsWith(message), JSON.stringify(found));
    assert(found.wanted.includes("make tokenizer.json by python -c"), found.wanted);
  }
});

Deno.test("tokenizerFromFiles() lists what it used and calls files by their paths", () => {
  const all: TokenizerFiles = {
    ...forms["roberta"]!["vocab.json"],
    sentencePiece: spmBytes,
    vocab: "[PAD]\n",
    tokenizerConfig: "{}",
  };
  const { fileName, contents } = tokenizerFromFiles(all, "f");
  assertEquals(fileName, "f/vocab.json");
  assertEquals(Object.keys(contents), ["vocab.json", "merges.txt", "tokenizer_config.json"]);
  assertEquals(contents["merges.txt"], all.merges);
  assertThrows(
    () => tokenizerFromFiles({ ...all, vocabJson: "{" }, "f"),
    InputError,
    'Cannot read "f/vocab.json", line 1: found no JSON',
  );
});

Deno.test("a vocab.json and merges.txt that do not fit are refused by line and piece", () => {
  const pieces = ["<s>", "<pad>", "</s>", "<unk>", "<mask>", "a", "b", "ab"];
  const vocab = Object.fromEntries(pieces.map((piece, id) => [piece, id]));
  const make = (merges: string, found: unknown = vocab, config: unknown = {}) => () =>
    robertaTokenizerJson({ vocab: found, merges }, configSchema.parse(config), "v", "m");
  const tokenizer = loadTokenizer(make("#version: 0.2\r\na b\r\n")());
  assertEquals([...tokenizer.encode("abba", null, 9).ids], [0, 7, 6, 5, 2]);
  const { "</s>": _, ...lacking } = vocab;
  const cases: readonly (readonly [() => unknown, string])[] = [
    [make("#version: 0.2\na b\na  b"), 'Cannot read "m", line 3: found "a  b", want two pieces'],
    [make("a"), 'line 1: found "a"'],
    [make("a b\n\na b"), 'line 2: found ""'],
    [make("a c"), 'found the piece "c", want pieces of vocab.json only'],
    [make("b a"), 'found the piece "ba"'],
    [
      make("a b", lacking),
      'Cannot use the vocabulary "v" of 7 pieces: it has no "</s>" (sep_token)',
    ],
    [make("a b", { ...vocab, a: "5" }), 'Cannot read "v": "a"'],
    [make("a b", vocab, { tokenizer_class: "DebertaTokenizer" }), 'is "DebertaTokenizer", want'],
  ];
  for (const [act, message] of cases) assertThrows(act, Error, message);
  make("a b", vocab, { tokenizer_class: "RobertaTokenizerFast" })();
});

/** A SentencePiece model with the fields of its trainer, and for each field a value. */
function spmOf(pieces: readonly string[], trainer: readonly (readonly [number, number])[]) {
  const writer = new BinaryWriter();
  for (const piece of pieces) {
    writer.tag(1, WireType.LengthDelimited).fork();
    writer.tag(1, WireType.LengthDelimited).string(piece).tag(2, WireType.Bit32).float(-1).join();
  }
  writer.tag(2, WireType.LengthDelimited).fork();
  for (const [field, value] of trainer) writer.tag(field, WireType.Varint).int32(value);
  return writer.join().finish();
}

Deno.test("readSentencePiece() reads pieces and settings and refuses what is cut off", () => {
  const model = readSentencePiece(spmBytes, "spm.model");
  assertEquals(model.pieces.slice(0, 5).map(({ text, kind }) => [text, kind]), [
    ["[PAD]", "control"],
    ["[CLS]", "control"],
    ["[SEP]", "control"],
    ["[UNK]", "unknown"],
    ["committee", "user-defined"],
  ]);
  assertEquals([model.algorithm, model.unkId, model.byteFallback], ["unigram", 3, false]);
  const plain = readSentencePiece(spmOf(["a", "b"], []), "plain.model");
  assertEquals(plain.pieces[1], { text: "b", score: -1, kind: "normal" });
  assertEquals([plain.algorithm, plain.unkId, plain.charsmap.length], ["unigram", 0, 0]);
  for (const length of [spmBytes.length - 1, 1000, 1]) {
    assertThrows(
      () => readSentencePiece(spmBytes.subarray(0, length), "cut.model"),
      InputError,
      'Cannot read "cut.model"',
    );
  }
  for (const bytes of [new Uint8Array(), new TextEncoder().encode('{"version": 1}')]) {
    assertThrows(() => readSentencePiece(bytes, "other.model"), InputError, "SentencePiece model");
  }
  // The reader that the test's own writer is held against.
  assertEquals(new BinaryReader(spmOf(["a"], [])).tag(), [1, WireType.LengthDelimited]);
});

Deno.test("a SentencePiece model of another kind is refused, with what to do", () => {
  const pieces = ["<unk>", "<s>", "</s>", "a"];
  const cases: readonly (readonly [() => unknown, string])[] = [
    [() => debertaTokenizerJson(spmOf(pieces, [[3, 2]]), noConfig, "b"), "model of type bpe, want"],
    [
      () => debertaTokenizerJson(spmOf(pieces, [[35, 1]]), noConfig, "b"),
      "with byte fallback, want",
    ],
    [
      () => xlmRobertaTokenizerJson(spmBytes, noConfig, "x"),
      'its first pieces are "[PAD]", "[CLS]", "[SEP]", want "<unk>"',
    ],
    [
      () =>
        xlmRobertaTokenizerJson(
          spmBpeBytes,
          configSchema.parse({ tokenizer_class: "CamembertTokenizer" }),
          "c",
        ),
      'tokenizer_class of tokenizer_config.json is "CamembertTokenizer", want "XLMRobertaTokenizer"',
    ],
  ];
  for (const [act, message] of cases) {
    const error = assertThrows(act, InputError, message);
    assert(error.message.includes("make tokenizer.json by python -c"), error.message);
  }
});

Deno.test("a tokenizer.json that cannot be run exactly is refused", () => {
  const json = JSON.parse(debertaGolden());
  const [strip, precompiled, spaces] = json.normalizer.normalizers;
  const normalizer = (stage: unknown) => ({
    ...json,
    normalizer: { ...json.normalizer, normalizers: [strip, stage, spaces] },
  });
  const cases: readonly (readonly [unknown, string])[] = [
    [
      { ...json, model: { ...json.model, byte_fallback: true } },
      "Unigram model with byte_fallback",
    ],
    [
      {
        ...json,
        added_tokens: [...json.added_tokens, { id: 9, content: "on", single_word: true }],
      },
      'the added token "on" with single_word',
    ],
    [
      { ...json, pre_tokenizer: { type: "Metaspace", prepend_scheme: "first" } },
      'a Metaspace with prepend_scheme "first" after a left Strip',
    ],
    [normalizer({ type: "Nmt" }), "Nmt"],
    [normalizer({ type: "Precompiled" }), "no precompiled_charsmap"],
    [
      normalizer({
        ...precompiled,
        precompiled_charsmap: precompiled.precompiled_charsmap.slice(0, 400),
      }),
      "want a whole precompiled_charsmap",
    ],
  ];
  for (const [source, message] of cases) {
    assertThrows(() => loadTokenizer(source, {}, "t.json"), Error, message);
  }
});

Deno.test("unknown pieces are joined as the package joins them, in one go", () => {
  const ids = new Map([["<unk>", 0], ["a", 1], ["b", 2]]);
  const joined = (pieces: readonly string[]) =>
    joinedUnknown(pieces, (piece) => (ids.get(piece) ?? 0) === 0, (piece) => ids.get(piece) === 0);
  assertEquals(joined([]), []);
  assertEquals(joined(["x", "y", "a", "z", "b", "b", "x"]), ["xy", "a", "z", "b", "b", "x"]);
  assertEquals(joined(["<unk>", "x", "a"]), ["<unk>", "a"]);
  assertEquals(joined(["x", "<unk>"]), ["x<unk>"]);
});

Deno.test("a word of many unknown pieces, and one of many known ones, are split in time that grows with their length", () => {
  const { tokenizer } = tokenizerFromFiles({ tokenizerJson: text("spaces/tokenizer.json") }, "u");
  // Joined one by one, the unknown ones take minutes; handed on as arguments, the known ones overflow the stack.
  for (const word of ["\u{1f469}".repeat(60_000), "a".repeat(150_000)]) {
    const { ids } = tokenizer.encode(word, null, 8);
    assert(ids.length <= 8);
    assertEquals(ids[0], tokenizer.clsId);
  }
});
