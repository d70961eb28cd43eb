import { assert, assertEquals, assertThrows } from "@std/assert";
import { RandomStream } from "../../../src/base/random.ts";
import { type BrownText, brownText } from "../../../tools/pretrain/corpora/brown.ts";
import type { Document } from "../../../tools/pretrain/corpora/document.ts";
import type { Synset } from "../../../tools/pretrain/corpora/wordnet.ts";
import { isHeldOut } from "../../../tools/pretrain/hold_out.ts";
import {
  buildAcceptability,
  plainSentences,
  reorderRun,
  type Sentence,
  swapNeighbours,
} from "../../../tools/pretrain/task_sources/acceptability.ts";
import {
  buildLater,
  buildYearsApart,
  datedSentences,
} from "../../../tools/pretrain/task_sources/addresses.ts";
import {
  buildTopic,
  definitionPools,
  topicClasses,
} from "../../../tools/pretrain/task_sources/definitions.ts";
import { buildGenre } from "../../../tools/pretrain/task_sources/genre.ts";
import {
  type BuiltTask,
  isUsableText,
  writeTsv,
} from "../../../tools/pretrain/task_sources/rows.ts";

/** A sentence written as in the corpus: `He/pps went/vbd ./.`. */
function tagged(text: string): Sentence {
  return text.split(" ").map((token) => {
    const slash = token.lastIndexOf("/");
    return { word: token.slice(0, slash), tag: token.slice(slash + 1) };
  });
}

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

Deno.test("plainSentences() drops headlines, foreign words, fragments, and shortens tags", () => {
  const sentences = [
    "City/nn-tl Hall/nn-tl burned/vbd ./.",
    "Merger/nn-hl proposed/vbn-hl",
    "He/pps said/vbd non/fw-* ./.",
    "and/cc left/vbd ./.",
    "Who/wps left/vbd ?/.",
  ].map(tagged);
  assertEquals(
    plainSentences([{ name: "ca01", genre: "news", sentences }]),
    [tagged("City/nn Hall/nn burned/vbd ./.")],
  );
});

/** Made-up texts, so many that both splits have enough. */
function madeUpTexts(): BrownText[] {
  const genres = ["news", "learned", "romance"];
  return Array.from({ length: 240 }, (_, t) => ({
    name: `t${t}`,
    genre: genres[t % 3]!,
    sentences: Array.from({ length: 40 }, (_, s) => {
      const tail = `for/in reason/nn x${t}y${s}/cd of/in the/at very/ql old/jj law/nn ./.`;
      return tagged(`${s % 4 === 0 ? "Ah/uh ,/, he/pps" : "He/pps"} walked/vbd away/rb ${tail}`);
    }),
  }));
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

Deno.test("buildAcceptability() is balanced, repeatable, and separates the splits by text", () => {
  const texts = madeUpTexts();
  const build = (seed: number) =>
    buildAcceptability(texts, { train: 400, dev: 100 }, RandomStream.fromSeed(seed));
  const task = build(1);
  checkTask(task, 400, 100, ["0", "1"]);
  assertEquals(build(1), task);
  assert(JSON.stringify(build(2)) !== JSON.stringify(task));
  const originals = new Map(
    texts.flatMap((text) => text.sentences.map((s) => [brownText(s), text.name])),
  );
  for (const split of ["train", "dev"] as const) {
    for (const [text, label] of task[split].rows) {
      assertEquals(originals.has(text!), label === "1");
      assert(!text!.includes(","));
      const original = [...originals.keys()].find((known) =>
        known.includes(/x\d+y\d+/.exec(text!)![0] + " ")
      )!;
      assertEquals(sortedWords(text!), sortedWords(original));
      assertEquals(isHeldOut("brown", originals.get(original)!), split === "dev");
    }
  }
});

Deno.test("buildAcceptability() says when the texts give too few sentences", () => {
  assertThrows(
    () =>
      buildAcceptability(
        madeUpTexts().slice(0, 2),
        { train: 400, dev: 100 },
        RandomStream.fromSeed(1),
      ),
    RangeError,
    'Cannot build 400 rows of "Acceptability"',
  );
});

Deno.test("buildGenre() draws as many sentences of each class from the right texts", () => {
  const texts = madeUpTexts();
  const task = buildGenre(texts, { train: 300, dev: 60 }, RandomStream.fromSeed(1));
  checkTask(task, 300, 60, ["press", "fiction", "formal"]);
  const classOf = { news: "press", learned: "formal", romance: "fiction" };
  for (const [text, label] of [...task.train.rows, ...task.dev.rows]) {
    const source = texts.find(({ name }) => text!.includes(` x${name.slice(1)}y`))!;
    assertEquals(label, classOf[source.genre as keyof typeof classOf]);
  }
  assertThrows(
    () => buildGenre(texts.slice(0, 1), { train: 3, dev: 3 }, RandomStream.fromSeed(1)),
    RangeError,
    'class "fiction" of "Genre"',
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

Deno.test("datedSentences() gives each sentence of 10 to 24 words once", () => {
  const words = (count: number) => Array.from({ length: count }, () => "word").join(" ");
  const sentences = [9, 10, 10, 24, 25].map(words);
  assertEquals(datedSentences({ source: "sotu", name: "1790_x", sentences }), {
    year: 1790,
    sentences: [words(10), words(24)],
  });
});

Deno.test("buildLater() labels which of two addresses at least 40 years apart is later", () => {
  const task = buildLater(madeUpAddresses(), { train: 200, dev: 60 }, RandomStream.fromSeed(1));
  checkTask(task, 200, 60, ["0", "1"]);
  for (const split of ["train", "dev"] as const) {
    for (const [first, second, label] of task[split].rows) {
      const years = yearOf(second) - yearOf(first);
      assert(Math.abs(years) >= 40);
      assertEquals(label, years > 0 ? "1" : "0");
      for (const sentence of [first, second]) {
        assertEquals(isHeldOut("sotu", `${yearOf(sentence)}_someone`), split === "dev");
      }
    }
  }
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
    () => buildLater(addresses.slice(0, 39), { train: 2, dev: 2 }, RandomStream.fromSeed(1)),
    RangeError,
    'Cannot build 2 rows of "Later": the addresses give 0',
  );
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
