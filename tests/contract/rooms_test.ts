import { assertEquals } from "@std/assert";
import { lineAt, roomOf, rooms, type Source, sourcesIn, withoutComments } from "./sources.ts";

/** Relative specifiers of static imports, re-exports, dynamic imports and import types. */
const specifierPattern = /\b(?:from|import)\s*\(?\s*["'](\.{1,2}\/[^"']+)["']/g;

/** Paths that a file imports, values or types, with the lines that they stand in. */
function importsOf(
  { path, text }: Source,
): readonly { readonly target: string; readonly line: number }[] {
  const code = withoutComments(text);
  return [...code.matchAll(specifierPattern)].map((match) => ({
    target: new URL(match[1]!, `file:///${path}`).pathname.slice(1),
    line: lineAt(code, match.index),
  }));
}

/** Imports of a file that leave for a room below its own, as `file:line imports target`. */
function violations(source: Source): readonly string[] {
  const { path } = source;
  const from = rooms.indexOf(roomOf(path) as typeof rooms[number]);
  if (from < 0) return [`${path}:1 is in no known room`];
  return importsOf(source).flatMap(({ target, line }) => {
    // What the package says of itself is in no room.
    if (target === "deno.json") return [];
    const to = rooms.indexOf(roomOf(target) as typeof rooms[number]);
    if (to >= 0 && to <= from) return [];
    return [`${path}:${line} imports "${target}"`];
  });
}

/** Imports that lead back to where they start, each as the files along the way; none where files form no circle. */
function circles(sources: readonly Source[]): readonly (readonly string[])[] {
  const graph = new Map(
    sources.map((source) => [source.path, importsOf(source).map(({ target }) => target)]),
  );
  const found: (readonly string[])[] = [];
  const done = new Set<string>();
  const visit = (path: string, way: readonly string[]): void => {
    const start = way.indexOf(path);
    if (start >= 0) found.push([...way.slice(start), path]);
    if (start >= 0 || done.has(path)) return;
    for (const target of graph.get(path) ?? []) visit(target, [...way, path]);
    done.add(path);
  };
  for (const path of graph.keys()) visit(path, []);
  return found;
}

Deno.test("a room imports only itself and the rooms above it", async () => {
  const sources = await sourcesIn("src");
  assertEquals([...new Set(sources.map(({ path }) => roomOf(path)))].sort(), [...rooms].sort());
  const [first] = sources.flatMap(violations);
  assertEquals(first, undefined, `${first}, which is below its room (order: ${rooms.join(", ")})`);
});

Deno.test("no file of a room is imported by what it imports, not even for a type", async () => {
  const sources = await sourcesIn("src");
  const told = circles(sources).map((circle) => circle.join(" imports "));
  assertEquals(told, [], told.join("\n"));
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

Deno.test("the check of circles finds those of values and of types, short and long", () => {
  const files = (imports: Readonly<Record<string, readonly string[]>>): readonly Source[] =>
    Object.entries(imports).map(([name, lines]) => ({
      path: `src/graph/${name}.ts`,
      text: lines.join("\n"),
    }));
  const circlesOf = (imports: Readonly<Record<string, readonly string[]>>) =>
    circles(files(imports)).map((circle) =>
      circle.map((path) => /(\w+)\.ts$/.exec(path)![1]).join("")
    );
  const value = (name: string) => `import { ${name} } from "./${name}.ts";`;
  const type = (name: string) => `import type { ${name} } from "./${name}.ts";`;
  assertEquals(circlesOf({ a: [value("b"), value("c")], b: [type("c")], c: [] }), []);
  assertEquals(circlesOf({ a: [value("b")], b: [type("a")] }), ["aba"]);
  assertEquals(circlesOf({ a: [`export * from "./b.ts";`], b: [value("c")], c: [type("b")] }), [
    "bcb",
  ]);
  assertEquals(circlesOf({ x: [value("a")], a: [type("b")], b: [type("c")], c: [type("a")] }), [
    "abca",
  ]);
});
