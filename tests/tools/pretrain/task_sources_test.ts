import { assert, assertEquals, assertThrows } from "@std/assert";
import { RandomStream } from "../../../src/base/random.ts";
import type { Chapter } from "../../../tools/pretrain/corpora/books.ts";
import type { Document } from "../../../tools/pretrain/corpora/document.ts";
import type { Synset } from "../../../tools/pretrain/corpora/wordnet.ts";
import { isHeldOut } from "../../../tools/pretrain/hold_out.ts";
import {
  buildAcceptability,
  plainWords,
  reorderRun,
  swapNeighbours,
} from "../../../tools/pretrain/task_sources/acceptability.ts";
import { buildYearsApart, datedSentences } from "../../../tools/pretrain/task_sources/addresses.ts";
import {
  buildTopic,
  definitionPools,
  topicClasses,
} from "../../../tools/pretrain/task_sources/definitions.ts";
import {
  buildGenre,
  genreClasses,
  namelessSentences,
} from "../../../tools/pretrain/task_sources/genre.ts";
import { hypernymyOf } from "../../../tools/pretrain/task_sources/hypernymy.ts";
import {
  buildKindOf,
  buildRelated,
  kindOfClasses,
} from "../../../tools/pretrain/task_sources/relations.ts";
import {
  type BuiltTask,
  isUsableText,
  writeTsv,
} from "../../../tools/pretrain/task_sources/rows.ts";

Deno.test("swapNeighbours() exchanges three pairs of neighbours and keeps the first word", () => {
  const words = "a b c d e f g h i j".split(" ");
  const distinct = new Set<string>();
  for (let seed = 0; seed < 50; seed++) {
    const swapped = swapNeighbours(words, RandomStream.fromSeed(seed));
    if (swapped === null) continue;
    distinct.add(swapped.join(" "));
    assertEquals(swapped[0], "a");
    const moved = words.flatMap((word, i) => swapped[i] === word ? [] : [i]);
    assertEquals(moved.length, 6);
    for (let pair = 0; pair < 3; pair++) {
      const [left, right] = [moved[2 * pair]!, moved[2 * pair + 1]!];
      assertEquals([right, swapped[left], swapped[right]], [left + 1, words[right], words[left]]);
    }
  }
  assert(distinct.size > 5);
});

Deno.test("swapNeighbours() gives null where three pairs are not to be had", () => {
  for (const text of ["", "a", "a b c d e f", "a b b b b b b"]) {
    assertEquals(swapNeighbours(text.split(" "), RandomStream.fromSeed(1)), null);
  }
});

Deno.test("reorderRun() moves five words in a row, each to another place", () => {
  const words = "a b c d e f g h".split(" ");
  const starts = new Set<number>();
  for (let seed = 0; seed < 50; seed++) {
    const reordered = reorderRun(words, RandomStream.fromSeed(seed))!;
    const moved = words.flatMap((word, i) => reordered[i] === word ? [] : [i]);
    const start = moved[0]!;
    starts.add(start);
    assertEquals(moved, [0, 1, 2, 3, 4].map((i) => start + i));
    assertEquals([...reordered].sort(), words);
  }
  assertEquals([...starts].sort(), [1, 2, 3]);
});

Deno.test("reorderRun() gives null for five words and for runs with a word twice", () => {
  for (const text of ["a b c d e", "a b c d e b"]) {
    assertEquals(reorderRun(text.split(" "), RandomStream.fromSeed(1)), null);
  }
});

Deno.test("plainWords() wants a whole sentence without inner punctuation, figures and capitals", () => {
  assertEquals(plainWords("The old sea-captain wasn't there."), [
    ...["The", "old", "sea-captain", "wasn't", "there"],
  ]);
  for (
    const text of [
      "He left, of course.",
      "and left.",
      "Who left?",
      "He left in 1790.",
      "EUROPE We were at peace.",
      "He came--he left.",
      "He left",
    ]
  ) {
    assertEquals(plainWords(text), null, text);
  }
});

/** Made-up documents of two sources, one with three times the text, so many that both splits have enough. */
function madeUpDocuments(): Document[] {
  return Array.from({ length: 480 }, (_, t) => ({
    source: t < 360 ? "sotu" : "books",
    name: `t${t}`,
    sentences: Array.from({ length: 20 }, (_, s) => {
      const tail = `for reason ${nameOf(t, s)} of the very old law.`;
      return `${s % 4 === 0 ? "Ah, he" : "He"} walked away ${tail}`;
    }),
  }));
}

/** A word that stands for two numbers: letters only, since a sentence with figures is none of a task. */
function nameOf(text: number, sentence: number): string {
  const letters = (number: number) =>
    [...String(number)].map((digit) => "abcdefghij"[+digit]).join("");
  return `x${letters(text)}y${letters(sentence)}`;
}

function checkTask(task: BuiltTask, train: number, dev: number, perClass: readonly string[]): void {
  assertEquals([task.train.rows.length, task.dev.rows.length], [train, dev]);
  const seen = new Set(task.train.rows.flatMap((row) => row.slice(0, -1)));
  assertEquals(task.dev.rows.flatMap((row) => row.slice(0, -1)).filter((t) => seen.has(t)), []);
  for (const { rows } of [task.train, task.dev]) {
    for (const label of perClass) {
      const found = rows.filter((row) => row.at(-1) === label).length;
      assertEquals([label, found], [label, rows.length / perClass.length]);
    }
  }
}

const sortedWords = (text: string) => text.slice(0, -1).split(" ").sort();

Deno.test("buildAcceptability() is balanced, repeatable, and separates the splits by document", () => {
  const documents = madeUpDocuments();
  const build = (seed: number) =>
    buildAcceptability(documents, { train: 400, dev: 100 }, RandomStream.fromSeed(seed));
  const task = build(1);
  checkTask(task, 400, 100, ["0", "1"]);
  assertEquals(build(1), task);
  assert(JSON.stringify(build(2)) !== JSON.stringify(task));
  const byName = new Map(
    documents.flatMap((document, t) =>
      document.sentences.map((sentence, s) => [nameOf(t, s), { document, sentence }])
    ),
  );
  for (const split of ["train", "dev"] as const) {
    for (const [text, label] of task[split].rows) {
      assert(!text!.includes(","));
      const { document, sentence } = byName.get(/x\w+y\w+/.exec(text!)![0])!;
      assertEquals(text === sentence, label === "1");
      assertEquals(sortedWords(text!), sortedWords(sentence));
      assertEquals(isHeldOut(document.source, document.name), split === "dev");
    }
  }
});

Deno.test("buildAcceptability() draws its sources evenly, whatever the label", () => {
  const documents = madeUpDocuments();
  const { rows } =
    buildAcceptability(documents, { train: 1000, dev: 2 }, RandomStream.fromSeed(1)).train;
  const books = new Set(
    documents.flatMap(({ source }, t) =>
      source === "books" ? Array.from({ length: 20 }, (_, s) => nameOf(t, s)) : []
    ),
  );
  for (const label of ["0", "1"]) {
    const own = rows.filter((row) => row[1] === label);
    const share = own.filter(([text]) => books.has(/x\w+y\w+/.exec(text!)![0])).length / own.length;
    assert(share > 0.42 && share < 0.58, `found a share of ${share} for label ${label}`);
  }
});

Deno.test("buildAcceptability() says when the documents give too few sentences", () => {
  assertThrows(
    () =>
      buildAcceptability(
        madeUpDocuments().slice(0, 2),
        { train: 400, dev: 100 },
        RandomStream.fromSeed(1),
      ),
    RangeError,
    'Cannot build 400 rows of "Acceptability"',
  );
});

Deno.test("namelessSentences() drops names, also at the beginning, quotations and fragments", () => {
  const common = new Set(["she", "there", "i"]);
  const tail = "went out to see the old house by the sea";
  const usable = [`She ${tail}.`, `There I ${tail}.`, `I ${tail}.`];
  assertEquals(
    namelessSentences([
      ...usable,
      `Emma ${tail}.`,
      `She ${tail} of London.`,
      `"She ${tail}."`,
      `She ${tail}!`,
      `she ${tail}.`,
      "She went out.",
    ], common),
    usable,
  );
});

/** Made-up chapters of four kinds of book, so many that both splits have enough. */
function madeUpChapters(): Chapter[] {
  return Array.from({ length: 240 }, (_, t) => ({
    name: `t/${t}`,
    kind: [...genreClasses, "children" as const][t % 4]!,
    sentences: Array.from(
      { length: 20 },
      (_, s) => `He walked away for reason ${nameOf(t, s)} of the very old law he knew.`,
    ),
  }));
}

Deno.test("buildGenre() draws as many sentences of each class from the right chapters", () => {
  const chapters = madeUpChapters();
  const task = buildGenre(chapters, { train: 300, dev: 60 }, RandomStream.fromSeed(1));
  checkTask(task, 300, 60, genreClasses);
  const byName = new Map(
    chapters.flatMap((chapter, t) => chapter.sentences.map((_, s) => [nameOf(t, s), chapter])),
  );
  for (const split of ["train", "dev"] as const) {
    for (const [text, label] of task[split].rows) {
      const { kind, name } = byName.get(/x\w+y\w+/.exec(text!)![0])!;
      assertEquals(label, kind);
      assertEquals(isHeldOut("books", name), split === "dev");
    }
  }
  assertThrows(
    () => buildGenre(chapters.slice(0, 1), { train: 3, dev: 3 }, RandomStream.fromSeed(1)),
    RangeError,
    'of "Genre"',
  );
});

function noun(id: string, hypernyms: readonly string[], more: Partial<Synset> = {}): Synset {
  const definition = `the made up meaning of ${id}`;
  return {
    id,
    pos: "n",
    lexicographer: 5,
    lemmas: [id],
    hypernyms,
    definition,
    examples: [],
    ...more,
  };
}

Deno.test("definitionPools() keeps plain common nouns whose definition is unlike all others", () => {
  const usable = noun("n1", ["n0"], { definition: "an animal with four legs" });
  const pools = definitionPools([
    usable,
    noun("n2", []),
    noun("n3", ["n0"], { lemmas: ["Rover"] }),
    noun("n4", ["n0"], { definition: "too short here" }),
    noun("n5", ["n0"], { definition: "twice the very same words" }),
    noun("n6", ["n0"], { definition: "twice: the very same words", pos: "v" }),
    noun("n7", ["n0"], { definition: "an example of something else" }),
    noun("n8", ["n0"], { definition: "short", examples: ["An example of something else!"] }),
    noun("n9", ["n0"], { definition: 'the word "quoted" within it' }),
  ]);
  assertEquals([...pools.train, ...pools.dev], [usable]);
});

/** A root, 40 kinds in 10 groups below it, and 30 nouns of each kind. */
function madeUpNouns(): Synset[] {
  const kinds = Array.from({ length: 40 }, (_, k) => k);
  const groups = Array.from({ length: 10 }, (_, g) => noun(`g${g}`, ["root"], { lemmas: ["G"] }));
  const files = Object.values(topicClasses);
  return [
    noun("root", []),
    ...groups,
    ...kinds.map((k) => noun(`k${k}`, [`g${k % 10}`], { lemmas: ["K"] })),
    ...kinds.flatMap((k) =>
      Array.from(
        { length: 30 },
        (_, i) => noun(`k${k}i${i}`, [`k${k}`], { lexicographer: files[k % files.length]! }),
      )
    ),
  ];
}

const nounOf = (definition: string | undefined) =>
  definition!.replace("the made up meaning of ", "");

Deno.test("buildTopic() draws as many definitions of each lexicographer file", () => {
  const synsets = madeUpNouns();
  const labels = Object.keys(topicClasses);
  const task = buildTopic(synsets, { train: 160, dev: 16 }, RandomStream.fromSeed(1));
  checkTask(task, 160, 16, labels);
  for (const [definition, label] of task.train.rows) {
    const synset = synsets.find(({ id }) => id === nounOf(definition))!;
    assertEquals(topicClasses[label!], synset.lexicographer);
    assert(!isHeldOut("wordnet", synset.id));
  }
  assertThrows(
    () => buildTopic(synsets, { train: 8, dev: 800 }, RandomStream.fromSeed(1)),
    RangeError,
    'class "act" of "Topic" for dev',
  );
});

Deno.test("hypernymyOf() counts steps by the shortest way and leaves out what is not there", () => {
  const order = hypernymyOf([
    noun("root", []),
    noun("animal", ["root"]),
    noun("pet", ["root"]),
    noun("dog", ["animal", "pet", "missing"]),
    noun("cat", ["pet"]),
    noun("pup", ["dog"]),
    noun("alone", []),
  ]);
  assertEquals([...order.ancestors("pup")], [
    ["pup", 0],
    ["dog", 1],
    ["animal", 2],
    ["pet", 2],
    ["root", 3],
  ]);
  assertEquals(order.hyponyms("pet").map(({ id }) => id), ["dog", "cat"]);
  assertEquals(order.hyponyms("pup"), []);
  // Wu and Palmer: a root has depth 1, so "pet" has 2, "dog" 3 and "pup" 4.
  assertEquals(order.similarity("dog", "dog"), 1);
  assertEquals(order.similarity("dog", "pup"), 6 / 7);
  assertEquals(order.similarity("pup", "cat"), 4 / 7);
  assertEquals(order.similarity("animal", "cat"), 2 / 5);
  assertEquals(order.similarity("dog", "alone"), 0);
});

/** Five levels of nouns, each with four below it, whose words are letters alone. */
function madeUpOrder(): Synset[] {
  const letters = (path: string) => [...path].map((digit) => "klmn"[Number(digit)]!).join("");
  const levels = [[""]];
  for (let level = 1; level <= 6; level++) {
    levels.push(levels.at(-1)!.flatMap((path) => [0, 1, 2, 3].map((digit) => `${path}${digit}`)));
  }
  return levels.flat().map((path) =>
    noun(`n${path}`, path === "" ? [] : [`n${path.slice(0, -1)}`], {
      lemmas: [`word${letters(path)}`],
    })
  );
}

Deno.test("buildRelated() scores how near two nouns are, each fifth of the scale as often", () => {
  const synsets = madeUpOrder();
  const sizes = { train: 200, dev: 20 };
  const build = (seed: number) => buildRelated(synsets, sizes, RandomStream.fromSeed(seed));
  const task = build(1);
  checkTask(task, 200, 20, []);
  assertEquals(build(1), task);
  assert(JSON.stringify(build(2)) !== JSON.stringify(task));
  const order = hypernymyOf(synsets);
  for (const split of ["train", "dev"] as const) {
    const fifths = [0, 0, 0, 0, 0];
    const { rows } = task[split];
    for (const [one, other, score] of rows) {
      for (const text of [one, other]) {
        assertEquals(isHeldOut("wordnet", nounOf(text)), split === "dev");
      }
      const similarity = order.similarity(nounOf(one), nounOf(other));
      assertEquals(score, (5 * similarity).toFixed(2));
      fifths[Math.min(4, Math.floor(5 * similarity))]!++;
    }
    assertEquals(fifths, fifths.map(() => sizes[split] / 5));
    assertEquals(new Set(rows.flatMap((row) => row.slice(0, 2))).size, 2 * rows.length);
  }
  assertThrows(
    () => buildRelated(synsets, { train: 5, dev: 250 }, RandomStream.fromSeed(1)),
    RangeError,
    'Cannot build 250 rows of "Related" for dev: WordNet gives',
  );
});

Deno.test("buildKindOf() asks for kinds one to three steps up, of the noun or of another", () => {
  const synsets = madeUpOrder();
  const sizes = { train: 400, dev: 60 };
  const build = (seed: number) => buildKindOf(synsets, sizes, RandomStream.fromSeed(seed));
  const task = build(1);
  assertEquals(build(1), task);
  assert(JSON.stringify(build(2)) !== JSON.stringify(task));
  const order = hypernymyOf(synsets);
  for (const split of ["train", "dev"] as const) {
    const { rows } = task[split];
    assertEquals(rows.length, sizes[split]);
    for (const [definition, word, label] of rows) {
      const id = nounOf(definition);
      assertEquals(isHeldOut("wordnet", id), split === "dev");
      const named = synsets.find(({ lemmas }) => lemmas.includes(word!))!;
      const steps = order.ancestors(id).get(named.id);
      if (label === "yes") assert(steps! >= 1 && steps! <= 3);
      else assertEquals(steps, undefined);
    }
    const labels = rows.map((row) => row[2]);
    for (const label of kindOfClasses) {
      assertEquals(labels.filter((found) => found === label).length, rows.length / 2);
    }
  }
  assertThrows(
    () => buildKindOf(synsets, { train: 5, dev: 20_000 }, RandomStream.fromSeed(1)),
    RangeError,
    'Cannot build 20000 rows of "KindOf" for dev: WordNet gives',
  );
});

Deno.test("buildKindOf() takes no word that the definition tells, nor names and long phrases", () => {
  const kinds = ["Animals", "big brown dog", "hunting", "dog", "canine"];
  const synsets = [
    noun("n0", [], { lemmas: kinds }),
    ...Array.from(
      { length: 200 },
      (_, i) => noun(`n${i + 1}`, ["n0"], { definition: `a hunter with dogs number ${i}` }),
    ),
    ...Array.from(
      { length: 200 },
      (_, i) => noun(`m${i}`, ["m"], { definition: `some other thing number ${i}` }),
    ),
    noun("m", [], { lemmas: ["thing", "artifact"] }),
  ];
  const { rows } = buildKindOf(synsets, { train: 60, dev: 4 }, RandomStream.fromSeed(1)).train;
  const pairs = rows.map(([definition, word, label]) =>
    `${definition!.slice(0, 6)} ${word} ${label}`
  );
  assertEquals([...new Set(pairs)].sort(), [
    "a hunt artifact no",
    "a hunt canine yes",
    "a hunt thing no",
    "some o artifact yes",
    "some o canine no",
    "some o dog no",
    "some o hunting no",
  ]);
});

/** Made-up addresses of three hundred years, whose sentences tell their year. */
function madeUpAddresses(): Document[] {
  return Array.from({ length: 300 }, (_, i) => ({
    source: "sotu",
    name: `${1700 + i}_someone`,
    sentences: Array.from(
      { length: 40 },
      (_, s) => `We met in the year y${i} of our republic and spoke of matter ${s}.`,
    ),
  }));
}

const yearOf = (sentence: string | undefined) => 1700 + Number(/y(\d+)/.exec(sentence!)![1]);

Deno.test("datedSentences() wants a year at the start of an address's name", () => {
  assertThrows(
    () => datedSentences({ source: "sotu", name: "george_washington", sentences: [] }),
    SyntaxError,
    'Cannot date the address "george_washington"',
  );
});

Deno.test("datedSentences() gives each sentence of 5 to 18 words and 110 characters at most once", () => {
  const words = (count: number) => Array.from({ length: count }, () => "word").join(" ");
  const long = words(18).replace(/^word/, "w".repeat(26));
  const sentences = [...[4, 5, 5, 18, 19].map(words), long];
  assertEquals(long.length, 111);
  assertEquals(datedSentences({ source: "sotu", name: "1790_x", sentences }), {
    year: 1790,
    sentences: [words(5), words(18)],
  });
});

Deno.test("buildYearsApart() scores the signed distance in years around 2.5", () => {
  const sizes = { train: 200, dev: 60 };
  const build = (seed: number) =>
    buildYearsApart(madeUpAddresses().slice(0, 250), sizes, RandomStream.fromSeed(seed));
  const task = build(1);
  checkTask(task, 200, 60, []);
  assertEquals(build(1), task);
  assert(JSON.stringify(build(2)) !== JSON.stringify(task));
  const signs = new Set<number>();
  for (const [first, second, score] of [...task.train.rows, ...task.dev.rows]) {
    const years = yearOf(second) - yearOf(first);
    signs.add(Math.sign(years));
    // A hundred years are one point.
    assertEquals(score, (2.5 + years / 100).toFixed(2));
  }
  assert(signs.has(1) && signs.has(-1));
});

Deno.test("the tasks of pairs use each sentence once and say when the addresses give too few", () => {
  const addresses = madeUpAddresses();
  const { rows } =
    buildYearsApart(addresses, { train: 300, dev: 60 }, RandomStream.fromSeed(1)).train;
  assertEquals(new Set(rows.flatMap((row) => row.slice(0, 2))).size, 600);
  assertThrows(
    () => buildYearsApart(addresses, { train: 9000, dev: 2 }, RandomStream.fromSeed(1)),
    RangeError,
    'Cannot build 9000 rows of "YearsApart": the addresses give',
  );
});

Deno.test("isUsableText() wants a number of words and no quotes", () => {
  assertEquals(["a b", "a b c d", 'a "b" c', "a\tb c", "a b c"].map((t) => isUsableText(t, 3, 3)), [
    false,
    false,
    false,
    false,
    true,
  ]);
});

Deno.test("writeTsv() refuses tabs, line breaks and rows of another length", () => {
  for (const row of [["a\tb", "1"], ["a\nb", "1"], ["a"]]) {
    assertThrows(() => writeTsv({ columns: ["x", "y"], rows: [row] }), TypeError, "row 1");
  }
});
