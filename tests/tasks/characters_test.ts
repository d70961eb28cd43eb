import { assert, assertEquals, assertThrows } from "@std/assert";
import { charsmapNormalizer, graphemes } from "../../src/tasks/tokenizers/charsmap.ts";
import { rangesOf } from "../../src/tasks/tokenizers/characters.ts";
import type { Component } from "../../src/tasks/tokenizers/layout.ts";
import { createPieces } from "../../src/tasks/tokenizers/pieces.ts";
import { bytePattern } from "../../src/tasks/tokenizers/components.ts";
import golden from "../golden/characters.json" with { type: "json" };

type Make = (text: string) => string;

/** A tokenizer with given parts, of which all others do nothing. */
function piecesOf(parts: {
  readonly normalizer?: Component;
  readonly pre_tokenizer?: Component;
  readonly added_tokens?: readonly { id: number; content: string; [key: string]: unknown }[];
}) {
  return createPieces({
    version: "1.0",
    normalizer: null,
    pre_tokenizer: null,
    post_processor: { type: "BertProcessing", sep: ["[SEP]", 1], cls: ["[CLS]", 2] },
    decoder: null,
    model: { type: "WordPiece", unk_token: "[UNK]", vocab: { "[UNK]": 0, a: 4, b: 5 } },
    ...parts,
    added_tokens: [...parts.added_tokens ?? []],
  }, "t.json");
}

/** A component as a function from texts to texts; pieces are lines. */
function functionOf(part: string, component: Component): Make {
  if (part === "graphemes") return charsmapNormalizer(Uint8Array.fromBase64(golden.probe), "probe");
  if (part === "byte pieces") {
    const pattern = bytePattern();
    return (text) => (text.match(pattern) ?? []).join("\n");
  }
  const { normalizer, pre_tokenizer } = piecesOf({ [part]: component }).tokenizer;
  if (part === "normalizer") return (text) => normalizer!.normalize(text);
  return (text) => pre_tokenizer!.pre_tokenize(text).join("\n");
}

/** What the golden table makes of a text, without looking every grapheme up in it. */
const probed: Make = (text) =>
  graphemes(text).map((grapheme) => {
    if (grapheme === "\n" || grapheme === "\0") return grapheme;
    let bytes = 0;
    let characters = 0;
    for (const char of grapheme) {
      const code = char.codePointAt(0)!;
      bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
      characters++;
    }
    return bytes <= 5 ? "Y" : "Y".repeat(characters);
  }).join("");

const blockSize = 4096;

const planeCount = 17;

/** A plane's characters, each between the given texts, in the blocks that the golden hashes are of. */
function blocksOf(plane: number, around: readonly (readonly string[])[]): readonly string[] {
  const codes = Array.from({ length: 0x10000 }, (_, i) => plane * 0x10000 + i)
    .filter((code) => code < 0xd800 || code > 0xdfff);
  const blocks = Array.from({ length: Math.ceil(codes.length / blockSize) }, () => "");
  for (const [i, code] of codes.entries()) {
    const char = String.fromCodePoint(code);
    for (const [before, after] of around) {
      blocks[Math.floor(i / blockSize)] += before! + char + after!;
    }
  }
  return blocks;
}

const made = new Map<string, readonly string[]>();

/** The blocks of a plane; those with one text in front are kept, since most components use them. */
function keptBlocksOf(plane: number, around: readonly (readonly string[])[]): readonly string[] {
  const key = JSON.stringify([plane, around]);
  const blocks = made.get(key) ?? blocksOf(plane, around);
  if (around.length === 1) made.set(key, blocks);
  return blocks;
}

async function hashOf(blocks: readonly string[], make: Make): Promise<string> {
  const bytes = new TextEncoder().encode(blocks.map(make).join(""));
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex().slice(0, 10);
}

for (const { part, stage: component, around, planes, texts } of golden.stages) {
  Deno.test(`characters are the crate's in ${part} ${Object.values(component).join(" ")}`, async () => {
    const make = functionOf(part, component);
    assert(texts.length >= 8);
    for (const [text, wanted] of texts) {
      assertEquals([text, make(text!)].map(codes), [text, wanted].map(codes));
    }
    if (part === "graphemes") return await assertGraphemes(around, planes);
    assertEquals(planes.length, around.length === 0 ? 0 : planeCount);
    for (const [plane, hash] of planes.entries()) {
      const found = await hashOf(keptBlocksOf(plane, around), make);
      assertEquals([plane, found], [plane, hash]);
    }
  });
}

/** Planes without a character of any class are alike, in the golden file and by the tables, so that one is run. */
async function assertGraphemes(
  around: readonly (readonly string[])[],
  planes: readonly string[],
): Promise<void> {
  const classes = [
    "control",
    "extend",
    "linker",
    "spacingMark",
    "prepend",
    "pictographic",
    "consonant",
  ] as const;
  const used = new Set(classes.flatMap((name) =>
    rangesOf(name).flatMap((range) => {
      const [first, last] = range.map((code) => Math.floor(code / 0x10000));
      return Array.from({ length: last! - first! + 1 }, (_, i) => first! + i);
    })
  ));
  const plain = 13;
  assert(!used.has(plain));
  for (let plane = 0; plane < planeCount; plane++) {
    const found = used.has(plane) || plane === plain
      ? await hashOf(blocksOf(plane, around), probed)
      : planes[plain];
    assertEquals([plane, found], [plane, planes[plane]]);
  }
}

/** So that marks and controls can be read in a message. */
const codes = (text: string | undefined): string =>
  Array.from(text!, (char) => `U+${char.codePointAt(0)!.toString(16)}`).join(" ");

Deno.test("added tokens take the crate's white space with them, before and after normalising", () => {
  const mask = { id: 1, content: "[M]", special: true, lstrip: true, rstrip: false };
  const end = { id: 2, content: "[E]", special: true, lstrip: false, rstrip: true };
  for (const normalized of [false, true]) {
    const { tokenizer, prepare } = piecesOf({
      normalizer: { type: "NFC" },
      added_tokens: [{ ...mask, normalized }, { ...end, normalized }],
    });
    const split = (text: string) => tokenizer.tokenize(prepare(text));
    // U+0085 is white space to the crate alone, U+FEFF to JavaScript alone.
    assertEquals(split("a\u0085 [M]b"), ["a", "[M]", "b"]);
    assertEquals(split("a\ufeff[M]"), ["[UNK]", "[M]"]);
    assertEquals(split("a[E] \u0085b"), ["a", "[E]", "b"]);
    assertEquals(split("a[E]\ufeffb"), ["a", "[E]", "[UNK]"]);
    // Each takes the side that it says.
    assertEquals(split("[M] a [E]"), ["[M]", "[UNK]", "[E]"]);
    assertEquals(split("[E]  [M]"), ["[E]", "[M]"]);
  }
});

Deno.test("a component that would run in another way is refused", () => {
  const split = (behavior: string, invert: boolean) => ({
    pre_tokenizer: { type: "Split", pattern: { Regex: "a" }, behavior, invert },
  });
  piecesOf(split("Isolated", false));
  piecesOf(split("Removed", true));
  const cases = [
    [split("Isolated", true), 'found a Split with behavior "Isolated" and invert true'],
    [split("MergedWithNext", false), 'a Split with behavior "MergedWithNext" and invert false'],
    [
      { pre_tokenizer: { type: "Punctuation", behavior: "Halved" } },
      'has the behavior "Halved", want one of Isolated, Contiguous',
    ],
    [
      // The package puts the accent away, the crate does not know the letter's accent.
      {
        normalizer: { type: "NFD" },
        added_tokens: [{ id: 9, content: "\u{11938}", normalized: true }],
      },
      'set "normalized" to false',
    ],
  ] as const;
  for (const [parts, message] of cases) assertThrows(() => piecesOf(parts), Error, message);
});

/** A table with one key, a printable ASCII character, and what takes its place. */
function tableOf(key: string, replacement: string): Uint8Array {
  const trie = new Uint32Array(512);
  const place = 256 ^ key.charCodeAt(0);
  // The root's children start at 256; the key's unit has a value, one place on.
  trie[0] = 256 << 10;
  trie[place] = (1 << 10) | 0x100 | key.charCodeAt(0);
  trie[place ^ 1] = 0x80000000;
  const size = Uint32Array.of(trie.byteLength);
  return Uint8Array.from([
    ...new Uint8Array(size.buffer),
    ...new Uint8Array(trie.buffer),
    ...new TextEncoder().encode(`${replacement}\0`),
  ]);
}

Deno.test("a table may change any printable ASCII character, the first and the last too", () => {
  for (const key of [" ", "!", "A", "}", "~"]) {
    const normalize = charsmapNormalizer(tableOf(key, "<>"), "table");
    assertEquals(normalize(`x${key}y${key}`), "x<>y<>", key);
    assertEquals(normalize("xy"), "xy");
  }
});
