import { assertEquals, assertThrows } from "@std/assert";
import { bookChapters, books, chapterDocument } from "../../../tools/pretrain/corpora/books.ts";
import { pretrainingDocuments } from "../../../tools/pretrain/corpora/corpora.ts";
import { factbookDocument } from "../../../tools/pretrain/corpora/factbook.ts";
import { splitSentences } from "../../../tools/pretrain/corpora/sentences.ts";
import { sotuDocument } from "../../../tools/pretrain/corpora/sotu.ts";
import {
  parseGloss,
  parseSynset,
  parseSynsets,
  wordnetDocuments,
} from "../../../tools/pretrain/corpora/wordnet.ts";
import { isHeldOut } from "../../../tools/pretrain/hold_out.ts";

const five = "One went. Two went. Three went. Four went. Five went.";

Deno.test("bookChapters() divides at every kind of heading and numbers what has text", () => {
  const text = [
    "[Emma by Jane Austen 1816]",
    "VOLUME I",
    "CHAPTER I",
    five,
    "Chapter 12",
    five.replace("One", "Six"),
    "II. The Purple Wig",
    five.replace("One", "Seven"),
    "THE ORPHANS.",
    five.replace("One", "Eight"),
    "THE END",
  ].join("\n\n");
  const chapters = bookChapters(text, books[0]!);
  assertEquals(chapters.map(({ name, sentences }) => [name, sentences.length, sentences[0]]), [
    ["austen-emma/01", 5, "One went."],
    ["austen-emma/02", 5, "Six went."],
    ["austen-emma/03", 5, "Seven went."],
    ["austen-emma/04", 5, "Eight went."],
  ]);
  assertEquals(chapterDocument(chapters[1]!), {
    source: "books",
    name: "austen-emma/02",
    sentences: chapters[1]!.sentences,
  });
});

Deno.test("bookChapters() joins lines, drops marks of italics, titles and Project Gutenberg's words", () => {
  const text = [
    "CHAPTER I",
    five,
    "Down the Rabbit-Hole",
    '_He_ said:\r\n"Go _on_!"\r\nShe went.',
    "End of Project Gutenberg's Emma",
    "Small print. For all.",
  ].join("\r\n\r\n");
  assertEquals(bookChapters(text, books[0]!)[0]!.sentences.slice(5), [
    'He said: "Go on!"',
    "She went.",
  ]);
});

Deno.test("bookChapters() names a book without chapters", () => {
  assertThrows(
    () => bookChapters(`CHAPTER I\n\nOne. Two.`, books[1]!),
    SyntaxError,
    'Cannot read the book "austen-persuasion"',
  );
});

Deno.test("no book's author died less than 70 years ago, and each kind of book has one", () => {
  assertEquals(books.filter(({ died }) => died > 1955), []);
  assertEquals([...new Set(books.map(({ kind }) => kind))].sort(), [
    ...["children", "manners", "mystery", "sea"],
  ]);
});

Deno.test("factbookDocument() gives the prose of a profile, also where a field has parts", () => {
  const profile = {
    Introduction: { Background: { "Howland Island": { text: "It is low. It is dry." } } },
    Geography: { Location: { text: "Oceania." }, "Area": { total: { text: "2 sq km" } } },
    Economy: { "Economy - overview": { text: "No economy. ++ No trade." } },
  };
  assertEquals(factbookDocument(JSON.stringify(profile), "oceans/xx"), {
    source: "factbook",
    name: "oceans/xx",
    sentences: ["It is low.", "It is dry.", "No economy.", "No trade."],
  });
  assertThrows(() => factbookDocument("{", "oceans/xx"), SyntaxError, '"oceans/xx"');
});

const dog = "02086723 05 n 03 dog 0 domestic_dog 0 Canis_familiaris 0 002 @ 02085998 n 0000 " +
  '@i 01320032 n 0000 | a member of the genus Canis; occurs in many breeds; "the dog barked all night"  ';
const galore = "00013887 00 s 02 abounding 0 galore(ip) 0 001 & 00013662 a 0000 " +
  '| existing in abundance; "abounding confidence"; "whiskey galore"  ';

Deno.test("parseSynset() reads lemmas, hypernyms, lexicographer file, definition and examples", () => {
  assertEquals(parseSynset(dog, "line 1"), {
    id: "n02086723",
    pos: "n",
    lexicographer: 5,
    lemmas: ["dog", "domestic dog", "Canis familiaris"],
    hypernyms: ["n02085998", "n01320032"],
    definition: "a member of the genus Canis; occurs in many breeds",
    examples: ["the dog barked all night"],
  });
});

Deno.test("parseSynset() counts words in base 16, drops markers, and takes satellites as adjectives", () => {
  const synset = parseSynset(galore, "line 1");
  assertEquals([synset.id, ...synset.lemmas], ["a00013887", "abounding", "galore"]);
  const sixteen = Array.from({ length: 16 }, (_, i) => `w${i} 0`).join(" ");
  assertEquals(parseSynset(`00000001 29 v 10 ${sixteen} 000 | x y`, "line 1").lemmas.length, 16);
});

Deno.test("parseSynset() says where a line is not in the format", () => {
  for (
    const line of [
      "00000001 29 v 01 run 0 000",
      "1 29 v 01 run 0 000 | x",
      "00000001 29 q 01 a 0 000 | x",
    ]
  ) {
    assertThrows(
      () => parseSynset(line, 'line 7 of "data.verb"'),
      SyntaxError,
      'line 7 of "data.verb"',
    );
  }
});

Deno.test("parseSynsets() skips the licence and empty lines", () => {
  assertEquals(parseSynsets(`  1 This software\n${dog}\n\n`, "data.noun").length, 1);
});

Deno.test("parseGloss() keeps quotations inside a definition and drops examples of one word", () => {
  const cases: readonly (readonly [string, string, readonly string[]])[] = [
    ["a long walk  ", "a long walk", []],
    ['walk (in the sense of "go")', 'walk (in the sense of "go")', []],
    ['very; "very good"; "awfully"', "very", ["very good"]],
    ['quick: "be quick"', "quick", ["be quick"]],
  ];
  for (const [gloss, definition, examples] of cases) {
    assertEquals(parseGloss(gloss), { definition, examples: [...examples] });
  }
});

Deno.test("wordnetDocuments() makes one document of each lexicographer file", () => {
  const synsets = [parseSynset(dog, "1"), parseSynset(galore, "2")];
  assertEquals(wordnetDocuments(synsets).map(({ name }) => name), ["n-05", "a-00"]);
  assertEquals(wordnetDocuments(synsets)[1]?.sentences, [
    "abounding, galore: existing in abundance.",
    "abounding confidence",
    "whiskey galore",
  ]);
});

Deno.test("splitSentences() ends at stops, not at abbreviations, initials and decimals", () => {
  const sentences = [
    "Mr. J. Q. Adams spoke to the U.S. Senate on No. 5.",
    'He said "yes."',
    "Costs rose 3.5 per cent!",
    "Did they (all of them?) agree?",
    "We will see",
  ];
  assertEquals(splitSentences(sentences.join("  ")), sentences);
  assertEquals(splitSentences(" "), []);
});

Deno.test("sotuDocument() is named after its file and has no line breaks", () => {
  assertEquals(
    sotuDocument("Fellow\r\ncitizens: hear. Thanks.\n", "1790_george_washington_n.txt"),
    {
      source: "sotu",
      name: "1790_george_washington_n",
      sentences: ["Fellow citizens: hear.", "Thanks."],
    },
  );
});

Deno.test("isHeldOut() holds out about 8 % of names, 16 % of books', by SHA-256 of source and name", () => {
  // By sha256sum, "wordnet/n6" begins with 0d9ad33f and "wordnet/n8" with 1582b073; 0.08 × 2³² is 0x147ae147.
  assertEquals([isHeldOut("wordnet", "n6"), isHeldOut("wordnet", "n8")], [true, false]);
  // "books/austen-emma/17" begins with 1b49b17e, "books/austen-emma/01" with f81976b1; 0.16 × 2³² is 0x28f5c28f.
  assertEquals([isHeldOut("books", "austen-emma/17"), isHeldOut("books", "austen-emma/01")], [
    ...[true, false],
  ]);
  const names = Array.from({ length: 5000 }, (_, i) => `n${i}`);
  for (const [source, wanted] of [["wordnet", 0.08], ["books", 0.16]] as const) {
    const share = names.filter((name) => isHeldOut(source, name)).length / names.length;
    assertEquals(Math.abs(share - wanted) < 0.012, true, `found a share of ${share}`);
  }
});

Deno.test("pretrainingDocuments() leaves out what is held out", () => {
  const names = Array.from({ length: 200 }, (_, i) => `c${i}`);
  const document = (source: string) => (name: string) => ({ source, name, sentences: ["Hi"] });
  const kept = pretrainingDocuments({
    synsets: [],
    chapters: names.map((name) => ({ name, kind: "sea", sentences: ["Hi"] })),
    factbook: names.map(document("factbook")),
    sotu: names.map(document("sotu")),
  });
  assertEquals(
    kept.map(({ source, name }) => `${source}/${name}`),
    ["books", "factbook", "sotu"].flatMap((source) =>
      names.filter((name) => !isHeldOut(source, name)).map((name) => `${source}/${name}`)
    ),
  );
  assertEquals(kept.length < 600, true);
});
