import { assertEquals } from "@std/assert";
import { lineAt, roomOf, rooms, type Source, sourcesIn, withoutComments } from "./sources.ts";

/** Relative specifiers of static imports, re-exports, dynamic imports and import types. */
const specifierPattern = /\b(?:from|import)\s*\(?\s*["'](\.{1,2}\/[^"']+)["']/g;

/** Imports of a file that leave for a room below its own, as `file:line imports target`. */
function violations({ path, text }: Source): readonly string[] {
  const from = rooms.indexOf(roomOf(path) as typeof rooms[number]);
  if (from < 0) return [`${path}:1 is in no known room`];
  const code = withoutComments(text);
  return [...code.matchAll(specifierPattern)].flatMap((match) => {
    const specifier = match[1]!;
    const target = new URL(specifier, `file:///${path}`).pathname.slice(1);
    const to = rooms.indexOf(roomOf(target) as typeof rooms[number]);
    if (to >= 0 && to <= from) return [];
    return [`${path}:${lineAt(code, match.index)} imports "${target}"`];
  });
}

Deno.test("a room imports only itself and the rooms above it", async () => {
  const sources = await sourcesIn("src");
  assertEquals([...new Set(sources.map(({ path }) => roomOf(path)))].sort(), [...rooms].sort());
  const [first] = sources.flatMap(violations);
  assertEquals(first, undefined, `${first}, which is below its room (order: ${rooms.join(", ")})`);
});

Deno.test("the check of rooms names file and line of every kind of import", () => {
  const text = [
    'import { a } from "../base/a.ts";',
    '/** import { b } from "../cli/b.ts"; */',
    "import {",
    "  type C,",
    '} from "../train/c.ts";',
    'export * from "./d.ts";',
    'const e = await import("../../cli/e.ts");',
    'type F = typeof import("../record/f.ts");',
    'import "zod";',
  ].join("\n");
  assertEquals(violations({ path: "src/graph/x.ts", text }), [
    'src/graph/x.ts:5 imports "src/train/c.ts"',
    'src/graph/x.ts:7 imports "cli/e.ts"',
    'src/graph/x.ts:8 imports "src/record/f.ts"',
  ]);
  assertEquals(violations({ path: "src/attic/x.ts", text: "" }), [
    "src/attic/x.ts:1 is in no known room",
  ]);
});
