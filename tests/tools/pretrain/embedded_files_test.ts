import { assert, assertEquals } from "@std/assert";
import { loadTokenizer } from "../../../src/tasks/tokenizer.ts";
import { genreClasses } from "../../../tools/pretrain/task_sources/genre.ts";
import { topicClasses } from "../../../tools/pretrain/task_sources/definitions.ts";
import { kindOfClasses } from "../../../tools/pretrain/task_sources/relations.ts";

const folder = new URL("../../../src/tasks/embedded/", import.meta.url);

interface Expected {
  readonly columns: readonly string[];
  readonly train: number;
  readonly dev: number;
  /** Null for a score. */
  readonly labels: readonly string[] | null;
}

const tasks: Readonly<Record<string, Expected>> = {
  Acceptability: { columns: ["sentence", "label"], train: 3000, dev: 600, labels: ["0", "1"] },
  Genre: {
    columns: ["sentence", "label"],
    train: 1500,
    dev: 480,
    labels: genreClasses,
  },
  Topic: {
    columns: ["definition", "label"],
    train: 1600,
    dev: 512,
    labels: Object.keys(topicClasses),
  },
  YearsApart: {
    columns: ["sentence1", "sentence2", "score"],
    train: 1500,
    dev: 360,
    labels: null,
  },
  Related: {
    columns: ["sentence1", "sentence2", "score"],
    train: 2500,
    dev: 500,
    labels: null,
  },
  KindOf: {
    columns: ["definition", "word", "label"],
    train: 3600,
    dev: 600,
    labels: kindOfClasses,
  },
};

async function readRows(task: string, split: string): Promise<string[][]> {
  const text = await Deno.readTextFile(new URL(`${task}/${split}.tsv`, folder));
  assert(text.endsWith("\n"));
  return text.slice(0, -1).split("\n").map((line) => line.split("\t"));
}

for (const [name, expected] of Object.entries(tasks)) {
  Deno.test(`the files of ${name} have their rows, balanced, with no text twice`, async () => {
    const texts: string[] = [];
    for (const split of ["train", "dev"] as const) {
      const [header, ...rows] = await readRows(name, split);
      assertEquals(header, [...expected.columns]);
      assertEquals(rows.length, expected[split]);
      const counts = new Map<string, number>();
      for (const row of rows) {
        assertEquals(row.length, expected.columns.length);
        const target = row.at(-1)!;
        const key = expected.labels === null ? String(Math.floor(2 * Number(target))) : target;
        counts.set(key, (counts.get(key) ?? 0) + 1);
        for (const text of row.filter((_, i) => /sentence|definition/.test(header![i]!))) {
          texts.push(text);
          const words = text.split(" ").length;
          assert(words >= 4 && words <= 28, `${words} words in "${text}"`);
        }
      }
      if (expected.labels === null) {
        assert(rows.every((row) => Number(row.at(-1)) > 0 && Number(row.at(-1)) <= 5));
      } else assertEquals([...counts.keys()].sort(), [...expected.labels].sort());
      const sizes = [...counts.values()];
      if (expected.labels !== null) assert(Math.max(...sizes) - Math.min(...sizes) <= 1);
    }
    assertEquals(new Set(texts).size, texts.length);
  });
}

Deno.test("the texts of the embedded tasks fit 48 tokens, but for two in a hundred at most", async () => {
  const tokenizer = loadTokenizer(
    JSON.parse(
      await Deno.readTextFile(new URL("../../models/embedded/tokenizer.json", folder)),
    ),
  );
  for (const [name, { columns }] of Object.entries(tasks)) {
    const rows = [...(await readRows(name, "train")).slice(1), ...(await readRows(name, "dev"))];
    const cut = rows.filter(([text, pair]) =>
      tokenizer.encode(text!, columns.length === 3 ? pair! : null, 128).ids.length > 48
    );
    assert(cut.length <= 0.02 * rows.length, `${name}: ${cut.length} of ${rows.length} are cut`);
  }
});
