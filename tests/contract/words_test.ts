import { assertEquals } from "@std/assert";
import { lineAt, type Source, sourceAt, sourcesIn } from "./sources.ts";

/** Words for work left undone; joined from halves so that this file does not hold them. */
const words = [["TO", "DO"], ["FIX", "ME"], ["XX", "X"], ["HA", "CK"]].map((halves) =>
  halves.join("")
);
const phrases = [["place", "holder"], ["st", "ub"], ["not ", "implemented"]].map((halves) =>
  halves.join("")
);

/** Folders that exist on one machine only, and hosts that the package names stand for. */
const folders = ["work", "tmp", "root", "home"];
const hosts = [["jsr", "io"], ["registry.npmjs", "org"]].map((halves) => halves.join("\\."));

const patterns: readonly RegExp[] = [
  new RegExp(`\\b(?:${words.join("|")})\\b`, "g"),
  new RegExp(`\\b(?:${phrases.join("|")})s?\\b`, "gi"),
  new RegExp(`(?<![\\w.}/-])/(?:${folders.join("|")})(?:/|(?=["'\`\\s]))`, "g"),
  new RegExp(hosts.join("|"), "g"),
];

/** What a committed file should not say, as `file:line words`. */
function findings({ path, text }: Source): readonly string[] {
  return patterns.flatMap((pattern) =>
    [...text.matchAll(pattern)].map((match) => `${path}:${lineAt(text, match.index)} ${match[0]}`)
  );
}

Deno.test("no committed text has unfinished work, machine paths or registry hosts", async () => {
  const all: Source[] = [];
  for (const folder of ["src", "tests", "bench", "docs", "vendor"]) {
    all.push(...await sourcesIn(folder, [".ts", ".md"]));
  }
  all.push(...await sourcesIn("experiments", [".json", ".ts"]));
  for (const path of ["mod.ts", "README.md", "deno.json"]) all.push(await sourceAt(path));
  assertEquals(all.flatMap(findings), []);
});

Deno.test("the check of words sees each kind", () => {
  const path = ["", "home", "me"].join("/");
  const text = [`// ${words[0]}: later`, `a ${phrases[2]} yet`, `open("${path}")`, "a / b"]
    .join("\n");
  assertEquals(findings({ path: "x.ts", text }).map((line) => line.split(" ")[0]), [
    "x.ts:1",
    "x.ts:2",
    "x.ts:3",
  ]);
});
