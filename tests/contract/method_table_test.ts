import { assertEquals } from "@std/assert";
import { lineAt, type Source, sourcesIn, withoutComments } from "./sources.ts";

/** Look-ups of a method by a name that a study gives, but among the built-in methods alone, as `file:line call`. */
function lostTables({ path, text }: Source): readonly string[] {
  const code = withoutComments(text);
  return [...code.matchAll(/\bfindMethod\((?!["'])[^,()]*\)/g)]
    .map((match) => `${path}:${lineAt(code, match.index)} ${match[0]}`);
}

Deno.test("a method that a study names is looked up in the study's table", async () => {
  const rooms = ["train", "record", "report", "peft", "runs", "cli"];
  const sources = (await Promise.all(rooms.map((room) => sourcesIn(`src/${room}`)))).flat();
  assertEquals(sources.some(({ text }) => text.includes("findMethod(")), true);
  assertEquals(sources.flatMap(lostTables), []);
});

Deno.test("the check of tables sees a name without one", () => {
  const text = [
    'const head = findMethod("head");',
    "const own = findMethod(run.method, methods);",
    "const lost = findMethod(run.method).bind({});",
  ].join("\n");
  assertEquals(lostTables({ path: "x.ts", text }), ["x.ts:3 findMethod(run.method)"]);
});
