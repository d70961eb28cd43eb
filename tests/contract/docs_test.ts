import { assert, assertEquals } from "@std/assert";
import { methods } from "../../src/methods/table.ts";
import { defaultSettings, settingKeys } from "../../src/study/schema/settings.ts";
import { type Source, sourceAt, sourcesIn } from "./sources.ts";

const documents: readonly Source[] = [
  await sourceAt("README.md"),
  await sourceAt("bench/README.md"),
  await sourceAt("results/published/README.md"),
  ...await sourcesIn("docs", [".md"]),
];

/** The anchors of a page's headings, as GitHub makes them. */
function anchorsOf(text: string): ReadonlySet<string> {
  const prose = text.replaceAll(/^```.*?^```/gms, "");
  return new Set(
    [...prose.matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
      heading!.trim().toLowerCase().replaceAll(/[^\p{L}\p{N}_\- ]/gu, "").replaceAll(" ", "-")
    ),
  );
}

/** Links of a page that lead nowhere, as `file link`. */
async function deadLinks({ path, text }: Source): Promise<readonly string[]> {
  const dead: string[] = [];
  for (const [, link] of text.matchAll(/\]\(((?!https?:)[^)\s]+)\)/g)) {
    const target = new URL(link!, `file:///${path}`);
    const page = target.pathname.slice(1);
    const file = new URL(`../../${page}`, import.meta.url);
    const anchor = decodeURIComponent(target.hash.slice(1));
    const isThere = await Deno.stat(file).then(() => true, () => false);
    const hasAnchor = isThere &&
      (anchor === "" || anchorsOf(await Deno.readTextFile(file)).has(anchor));
    if (!hasAnchor) dead.push(`${path} ${link}`);
  }
  return dead;
}

Deno.test("every link of the documents leads to a page and a heading", async () => {
  assertEquals((await Promise.all(documents.map(deadLinks))).flat(), []);
});

Deno.test("the check of links sees a page and a heading that are not there", async () => {
  const text = "[a](design.md) [b](design.md#words) [c](nowhere.md) [d](design.md#nothing)";
  assertEquals(await deadLinks({ path: "docs/x.md", text }), [
    "docs/x.md nowhere.md",
    "docs/x.md design.md#nothing",
  ]);
});

/** First lines of tables of a page that are cut off from their heads or from their ends, as `file line`. */
function brokenTables({ path, text }: Source): readonly string[] {
  const prose = text.replaceAll(/^```.*?^```/gms, (code) => code.replaceAll(/[^\n]/g, ""));
  return [...prose.matchAll(/^\|.*(?:\n(?!\n).+)*/gm)]
    .filter(([table]) => {
      const [, rule = "", ...rows] = table.split("\n");
      return !/^\|[ :|-]+\|$/.test(rule) || rows.some((row) => !row.startsWith("|"));
    })
    .map(({ index }) => `${path} ${prose.slice(0, index).split("\n").length}`);
}

Deno.test("every table of the documents has its head and all of its rows", () => {
  assertEquals(documents.flatMap(brokenTables), []);
});

Deno.test("the check of tables sees rows that are cut off", () => {
  const head = "| a | b |\n| - | - |\n| 1 | 2 |\n";
  assertEquals(brokenTables({ path: "x.md", text: `${head}\n\`\`\`\n| code\n\`\`\`\n` }), []);
  assertEquals(brokenTables({ path: "x.md", text: `${head}\n| 3 | 4 |\n` }), ["x.md 5"]);
  assertEquals(brokenTables({ path: "x.md", text: `${head}and more |\n` }), ["x.md 1"]);
});

Deno.test("every decision has one number, one heading and a row in the index", async () => {
  const headings = documents.filter(({ path }) => path.startsWith("docs/decisions/"))
    .flatMap(({ text }) => [...text.matchAll(/^## (\d+)\. /gm)].map(([, number]) => Number(number)))
    .sort((a, b) => a - b);
  assert(headings.length >= 42);
  assertEquals(headings, headings.map((_, i) => i + 1));
  const index = await sourceAt("docs/decisions/README.md");
  const rows = [...index.text.matchAll(/^\| +(\d+) \| \[/gm)].map(([, number]) => Number(number));
  assertEquals(rows, headings);
});

Deno.test("every method has a page with its options and their defaults", async () => {
  const index = await sourceAt("docs/methods.md");
  for (const method of methods) {
    const { name } = method;
    assert(index.text.includes(`(methods/${name}.md)`), `docs/methods.md has no row of ${name}`);
    const { text } = await sourceAt(`docs/methods/${name}.md`);
    const table = text.split("\n## Options\n")[1]!.split("\n## ")[0]!;
    const listed = Object.fromEntries(
      [...table.matchAll(/^\| `(\w+)` +\| `(.+?)` +\|/gm)]
        .map(([, option, value]) => [option!, JSON.parse(value!)]),
    );
    // An option that is listed exists, and one that has a default is listed with it.
    method.parseOptions(listed);
    const defaults = method.parseOptions({}) as Readonly<Record<string, unknown>>;
    for (const [option, value] of Object.entries(defaults)) {
      assertEquals(listed[option], value, `${name}.${option}`);
    }
  }
});

Deno.test("the page of studies names every method", async () => {
  const { text } = await sourceAt("docs/study.md");
  const section = text.split("\n## Methods\n")[1]!;
  const named = [...section.matchAll(/^\|[^|]+\|(.*)\|$/gm)]
    .flatMap(([, cell]) => [...cell!.matchAll(/`([\w-]+)`/g)].map(([, name]) => name!));
  assertEquals(named.sort(), methods.map(({ name }) => name).sort());
});

/** The value of a setting by its key, such as `train.dropout.head`. */
function settingAt(key: string): unknown {
  return key.split(".").reduce<unknown>(
    (value, name) => (value as Readonly<Record<string, unknown>>)[name],
    defaultSettings,
  );
}

Deno.test("the page of studies lists every setting with its default", async () => {
  const { text } = await sourceAt("docs/study.md");
  const section = text.split("\n## Settings\n")[1]!.split("\n## ")[0]!;
  const codes = (cell: string) => [...cell.matchAll(/`([^`]+)`/g)].map(([, code]) => code!);
  const listed = new Map<string, string | undefined>();
  for (const [, keys, values] of section.matchAll(/^\|(.*?)\|.*\|(.*?)\|$/gm)) {
    for (const [i, key] of codes(keys!).entries()) listed.set(key, codes(values!)[i]);
  }
  // The page has settings of a plateau in a table of their own, under the key of the plateau.
  const wanted = settingKeys.filter((key) => !key.startsWith("train.until."));
  assertEquals([...listed.keys()].sort(), [...wanted, "train.until"].sort());
  // All that later settings have by default is left out of the defaults of a run.
  const later = {
    "train.regressionBias": "middle",
    "train.headLearningRate": null,
    "train.verdictSplit": false,
    "train.seeds.init": null,
    "train.seeds.order": null,
    "train.seeds.dropout": null,
  };
  for (const key of wanted.filter((key) => key !== "adapter.modules")) {
    const value = Object.hasOwn(later, key) ? later[key as keyof typeof later] : settingAt(key);
    assertEquals(JSON.parse(listed.get(key)!), value, key);
  }
});
