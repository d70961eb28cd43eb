import { assert, assertEquals, assertThrows } from "@std/assert";
import { RandomStream } from "../../src/base/random.ts";
import { type BrownText, brownText } from "../../src/pretrain/corpora/brown.ts";
import type { Synset } from "../../src/pretrain/corpora/wordnet.ts";
import { isHeldOut } from "../../src/pretrain/hold_out.ts";
import {
  buildAcceptability,
  plainSentences,
} from "../../src/pretrain/task_sources/acceptability.ts";
import {
  collectVerbForms,
  corruptionGroups,
  type Sentence,
} from "../../src/pretrain/task_sources/corruption.ts";
import {
  buildRelatedness,
  buildSameKind,
  buildTopic,
  definitionPools,
  topicClasses,
  wordOverlap,
} from "../../src/pretrain/task_sources/definitions.ts";
import { buildGenre } from "../../src/pretrain/task_sources/genre.ts";
import { type BuiltTask, isUsableText, writeTsv } from "../../src/pretrain/task_sources/rows.ts";
import { buildTaxonomy } from "../../src/pretrain/task_sources/taxonomy.ts";

/** A sentence written as in the corpus: `He/pps went/vbd ./.`. */
function tagged(text: string): Sentence {
  return text.split(" ").map((token) => {
    const slash = token.lastIndexOf("/");
    return { word: token.slice(0, slash), tag: token.slice(slash + 1) };
  });
}

const forms = collectVerbForms([
  tagged(
    "walk/vb hope/vb try/vb play/vb put/vb walked/vbd hoped/vbd tried/vbd played/vbd putted/vbn",
  ),
]);

Deno.test("collectVerbForms() pairs attested regular forms, and irregular ones", () => {
  assertEquals(
    ["walk", "hope", "try", "play", "put", "go"].map((base) => forms.pastOf[base]),
    ["walked", "hoped", "tried", "played", undefined, "went"],
  );
  assertEquals([forms.baseOf["tried"], forms.baseOf["said"]], ["try", "say"]);
});

const corruptions: readonly (readonly [string, string, readonly string[]])[] = [
  ["was-were", "The/at jury/nn was/bedz late/rb ./.", ["The jury were late."]],
  ["was-were", "I/ppss wish/vb she/pps was/bedz here/rb ./.", []],
  ["were-was", "They/ppss were/bed late/rb ./.", ["They was late."]],
  ["were-was", "You/ppss were/bed late/rb ./.", []],
  ["has-have", "He/pps has/hvz it/ppo ./.", ["He have it."]],
  ["this-these", "He/pps saw/vbd this/dt man/nn ./.", ["He saw these man."]],
  ["this-these", "This/dt is/bez it/ppo ./.", []],
  ["these-this", "These/dts men/nns left/vbd ./.", ["This men left."]],
  ["he-him", "He/pps left/vbd ,/, and/cc I/ppss stayed/vbd ./.", [
    "Him left, and I stayed.",
    "He left, and me stayed.",
  ]],
  ["him-he", "She/pps went/vbd with/in him/ppo ./.", ["She went with he."]],
  ["go-went", "He/pps will/md walk/vb to/in town/nn to/to go/vb ./.", [
    "He will walked to town to go.",
    "He will walk to town to went.",
  ]],
  ["went-go", "Ann/np went/vbd and/cc played/vbd ./.", ["Ann go and played."]],
  ["swap", "The/at red/jj car/nn ./.", ["Red the car.", "The car red."]],
  ["drop-of", "the/at end/nn of/in the/at day/nn of/in days/nns", ["the end the day of days"]],
  ["drop-to", "He/pps wanted/vbd to/to go/vb to/in it/ppo", ["He wanted go to it"]],
  ["drop-be", "She/pps is/bez a/at nurse/nn ./.", ["She a nurse."]],
  ["drop-a", "in/in a/at strange/jj voice/nn in/in the/at dark/jj night/nn", [
    "in strange voice in the dark night",
  ]],
  ["misplace", "He/pps saw/vbd it/ppo very/ql well/rb ./.", ["He it very well saw."]],
  ["misplace", "He/pps saw/vbd it/ppo ./.", []],
];

for (const [name, sentence, expected] of corruptions) {
  Deno.test(`corruption ${name} of "${brownText(tagged(sentence))}"`, () => {
    const way = corruptionGroups(forms).flat().find((corruption) => corruption.name === name)!;
    const input = tagged(sentence);
    assertEquals(way.sites(input).map((site) => brownText(way.apply(input, site))), [...expected]);
  });
}

Deno.test("corruptionGroups() names an existing way as opposite, and it names the first", () => {
  const ways = corruptionGroups(forms).flat();
  for (const { name, opposite } of ways) {
    if (opposite === null) continue;
    assertEquals(ways.find((way) => way.name === opposite)?.opposite, name);
  }
  assertEquals(ways.filter(({ opposite }) => opposite !== null).length, 12);
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

/** Made-up texts with every construction, so many that both splits have enough. */
function madeUpTexts(): BrownText[] {
  const genres = ["news", "learned", "romance"];
  return Array.from({ length: 240 }, (_, t) => ({
    name: `t${t}`,
    genre: genres[t % 3]!,
    sentences: Array.from({ length: 40 }, (_, s) => {
      const tail = `for/in reason/nn x${t}y${s}/cd of/in the/at very/ql old/jj law/nn ./.`;
      return tagged(`${madeUpStarts[s % madeUpStarts.length]} ${tail}`);
    }),
  }));
}

const madeUpStarts = [
  "He/pps was/bedz late/rb",
  "They/ppss were/bed late/rb",
  "She/pps is/bez late/rb",
  "They/ppss are/ber late/rb",
  "He/pps has/hvz it/ppo",
  "We/ppss have/hv it/ppo",
  "Ann/np took/vbd this/dt ball/nn",
  "Ann/np took/vbd these/dts balls/nns",
  "He/pps walked/vbd away/rb",
  "Ann/np went/vbd with/in him/ppo",
  "They/ppss will/md walk/vb away/rb",
];

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
      const name = originals.get(text!);
      assertEquals(name !== undefined, label === "1");
      if (name !== undefined) assertEquals(isHeldOut("brown", name), split === "dev");
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

Deno.test("buildTaxonomy() gives steps, depths and Wu and Palmer's similarity", () => {
  // entity > animal > {dog, cat}; entity > thing > toy; doll is a toy and, oddly, a cat.
  const taxonomy = buildTaxonomy([
    noun("entity", []),
    noun("animal", ["entity"]),
    noun("dog", ["animal"]),
    noun("cat", ["animal"]),
    noun("thing", ["entity"]),
    noun("toy", ["thing"]),
    noun("doll", ["toy", "cat"]),
    noun("alone", []),
  ]);
  assertEquals(
    [...taxonomy.ancestors("doll")].sort(([a], [b]) => a < b ? -1 : 1),
    [["animal", 2], ["cat", 1], ["doll", 0], ["entity", 3], ["thing", 2], ["toy", 1]],
  );
  assertEquals(["entity", "dog", "doll"].map(taxonomy.depth), [1, 3, 4]);
  assertEquals(taxonomy.wuPalmer("dog", "cat"), 4 / 6);
  assertEquals(taxonomy.wuPalmer("dog", "toy"), 2 / 6);
  assertEquals(taxonomy.wuPalmer("doll", "cat"), 6 / 7);
  assertEquals(taxonomy.wuPalmer("dog", "doll"), 4 / 7);
  assertEquals(taxonomy.wuPalmer("dog", "dog"), 1);
  assertEquals(taxonomy.wuPalmer("dog", "alone"), 0);
  assertThrows(() => taxonomy.depth("unicorn"), RangeError, '"unicorn"');
});

Deno.test("wordOverlap() is the Jaccard index of uncommon words", () => {
  assertEquals(wordOverlap("a small red boat", "the red Boat with a sail"), 2 / 4);
  assertEquals(wordOverlap("the", "a"), 0);
});

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

Deno.test("buildSameKind() pairs sisters, and deals out unlike nouns for label 0", () => {
  const synsets = madeUpNouns();
  const taxonomy = buildTaxonomy(synsets);
  const task = buildSameKind(synsets, taxonomy, { train: 32, dev: 10 }, RandomStream.fromSeed(1));
  checkTask(task, 32, 10, ["0", "1"]);
  for (const [first, second, label] of [...task.train.rows, ...task.dev.rows]) {
    const [a, b] = [nounOf(first), nounOf(second)];
    assertEquals(a.split("i")[0] === b.split("i")[0], label === "1");
    if (label === "0") assert(taxonomy.wuPalmer(a, b) <= 0.6);
  }
  assertThrows(
    () => buildSameKind(synsets, taxonomy, { train: 41, dev: 2 }, RandomStream.fromSeed(1)),
    RangeError,
    "WordNet gives 40 families",
  );
});

Deno.test("buildRelatedness() scores five times the similarity and refuses gaps", () => {
  const synsets = madeUpNouns();
  const taxonomy = buildTaxonomy(synsets);
  // Here only three similarities occur (1/4, 1/2, 3/4), so the other intervals stay empty.
  assertThrows(
    () => buildRelatedness(synsets, taxonomy, { train: 90, dev: 9 }, RandomStream.fromSeed(1)),
    RangeError,
    "found rows by interval 0, 10, 0, 0, 10, 0, 10, 0, 0",
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
