import { assertEquals, assertThrows } from "@std/assert";
import {
  brownDocument,
  brownText,
  parseBrownGenres,
  parseBrownSentences,
} from "../../../tools/pretrain/corpora/brown.ts";
import { pretrainingDocuments } from "../../../tools/pretrain/corpora/corpora.ts";
import { sotuDocument, splitSentences } from "../../../tools/pretrain/corpora/sotu.ts";
import {
  parseGloss,
  parseSynset,
  parseSynsets,
  wordnetDocuments,
} from "../../../tools/pretrain/corpora/wordnet.ts";
import { isHeldOut } from "../../../tools/pretrain/hold_out.ts";

const brown = [
  "",
  "\t``/`` You/ppss own/vb this/dt place/nn ''/'' ?/. ?/.",
  "",
  "\tIt/pps was/bedz 1/2/cd (/( or/cc so/rb )/) ,/, Mr./np Lee's/np$ men/nns said/vbd ;/. ;/.",
  "",
].join("\n");

Deno.test("parseBrownSentences() splits at the last slash and lowers tags", () => {
  const [first, second] = parseBrownSentences(brown, "ca01");
  assertEquals(first?.slice(0, 3), [
    { word: "``", tag: "``" },
    { word: "You", tag: "ppss" },
    { word: "own", tag: "vb" },
  ]);
  assertEquals(second?.[2], { word: "1/2", tag: "cd" });
});

Deno.test("parseBrownSentences() names file, line and token that has no tag", () => {
  for (const token of ["word", "/nn", "word/"]) {
    assertThrows(
      () => parseBrownSentences(`A/at\nThe/at ${token}`, "cx09"),
      SyntaxError,
      `"${token}" in line 2 of the Brown text "cx09"`,
    );
  }
});

Deno.test("brownText() joins punctuation and drops marks that the corpus doubles", () => {
  const text = { name: "ca01", genre: "news", sentences: parseBrownSentences(brown, "ca01") };
  assertEquals(brownDocument(text), {
    source: "brown",
    name: "ca01",
    sentences: [
      '"You own this place"?',
      "It was 1/2 (or so), Mr. Lee's men said;",
    ],
  });
  assertEquals(brownText([]), "");
});

Deno.test("parseBrownGenres() reads text and genre, and refuses other lines", () => {
  assertEquals([...parseBrownGenres("ca01 news\ncn05 adventure\n")], [
    ["ca01", "news"],
    ["cn05", "adventure"],
  ]);
  assertThrows(() => parseBrownGenres("ca01 news\nca02"), SyntaxError, '"ca02" in line 2');
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

Deno.test("isHeldOut() holds out about 8 % of names, by SHA-256 of source and name", () => {
  // By sha256sum, "brown/ca06" begins with 0e4fbd68, "brown/ca02" with 2362b7c3; 0.08 × 2³² is 0x147ae147.
  assertEquals([isHeldOut("brown", "ca06"), isHeldOut("brown", "ca02")], [true, false]);
  const names = Array.from({ length: 5000 }, (_, i) => `n${i}`);
  const share = names.filter((name) => isHeldOut("wordnet", name)).length / names.length;
  assertEquals(share > 0.068 && share < 0.092, true, `found a share of ${share}`);
});

Deno.test("pretrainingDocuments() leaves out what is held out", () => {
  const names = Array.from({ length: 200 }, (_, i) => `c${i}`);
  const sentences = [[{ word: "Hi", tag: "uh" }]];
  const text = (name: string) => ({ name, genre: "news", sentences });
  const document = (name: string) => ({ source: "sotu", name, sentences: ["Hi"] });
  const kept = pretrainingDocuments({
    synsets: [],
    brown: names.map(text),
    sotu: names.map(document),
  });
  assertEquals(
    kept.map(({ source, name }) => `${source}/${name}`),
    ["brown", "sotu"].flatMap((source) =>
      names.filter((name) => !isHeldOut(source, name)).map((name) => `${source}/${name}`)
    ),
  );
  assertEquals(kept.length < 400, true);
});
