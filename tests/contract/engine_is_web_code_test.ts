import { assertEquals } from "@std/assert";
import { lineAt, rooms, type Source, sourcesIn, withoutComments } from "./sources.ts";

/** The rooms that run in a browser tab as they are. */
const engine = rooms.slice(0, rooms.indexOf("record"));

/** Uses of Deno's own API, of Node's modules and globals, outside of comments, as `file:line use`. */
function foreignUses({ path, text }: Source): readonly string[] {
  const code = withoutComments(text);
  const pattern = /\bDeno\s*(?:\.|\[)|["']node:[^"']*["']|\bprocess\.\w+|\brequire\s*\(/g;
  return [...code.matchAll(pattern)]
    .map((match) => `${path}:${lineAt(code, match.index)} ${match[0]}`);
}

Deno.test("from base to train only web APIs are used", async () => {
  for (const room of engine) {
    const sources = await sourcesIn(`src/${room}`);
    assertEquals(sources.length > 0, true, `src/${room} has no sources`);
    assertEquals(sources.flatMap(foreignUses), []);
  }
});

Deno.test("the check of web code sees each foreign use", () => {
  const text = [
    "// Deno.cwd() in a comment is fine",
    "const a = Deno.cwd();",
    'import { readFileSync } from "node:fs";',
    "const node: Node = process.env;",
  ].join("\n");
  assertEquals(foreignUses({ path: "x.ts", text }), [
    "x.ts:2 Deno.",
    'x.ts:3 "node:fs"',
    "x.ts:4 process.env",
  ]);
});
