/** What the hash of a module covers: all that Deno runs with it, or the lines at which something else may. */
import { assertEquals, assertNotEquals } from "@std/assert";
import { hashBytes, hashParts } from "../../src/base/hash.ts";
import { sourceOf } from "../../src/runs/source_hash.ts";
import { withFolder } from "../with_folder.ts";

type Files = Readonly<Record<string, string>>;

/** The source of `study.ts` among some files. */
async function sourceWith(files: Files) {
  return await withFolder(async (home) => {
    await Deno.mkdir(`${home}/deep`);
    for (const [name, text] of Object.entries(files)) {
      await Deno.writeTextFile(`${home}/${name}`, text);
    }
    return await sourceOf(new URL(`file://${home}/study.ts`));
  });
}

Deno.test("a change of a file that runs changes the hash, however the code names it", async () => {
  const cases: readonly (readonly [text: string, file: string])[] = [
    ['import "./helper.ts?v=1";', "helper.ts"],
    ['import "./helper.ts#v";', "helper.ts"],
    ['import "./$helper.ts";', "$helper.ts"],
    ['import "./a b.ts";', "a b.ts"],
    ['import "./a%20b.ts";', "a b.ts"],
    ['import "./\\u0068elper.ts";', "helper.ts"],
    ['import "./deep/../helper.ts";', "helper.ts"],
    ['import "./helper";', "helper"],
    ['import "./helper.txt";', "helper.txt"],
    ['import numbers from "./$n.json" with { type: "json" };', "$n.json"],
    ['import text from "./text.txt" with { type: "text" };', "text.txt"],
    ['export { a } from "./$helper.mts";', "$helper.mts"],
    ['export * from "./helper.js?x=y";', "helper.js"],
    ['await import("./helper.ts?v=1");', "helper.ts"],
    ["await import(`./$helper.ts`);", "$helper.ts"],
    ['import old = require("./$old.ts");', "$old.ts"],
    [
      'new Worker(new URL("./$thread.ts", import.meta.url).href, { type: "module" });',
      "$thread.ts",
    ],
  ];
  for (const [text, file] of cases) {
    const files = { "study.ts": text };
    const before = await sourceWith({ ...files, [file]: "1;" });
    assertEquals(before?.uncovered, [], text);
    assertNotEquals(before, await sourceWith({ ...files, [file]: "2;" }), text);
  }
});

Deno.test("what an imported file imports is covered too, and circles end", async () => {
  const files = {
    "study.ts": 'import "./deep/one.ts?a";',
    "deep/one.ts": 'import "../$two.tsx";\nimport "../study.ts";\nlet f: Function;',
    "$two.tsx": 'export const a = <b>{import("./three.ts?b")}</b>;',
  };
  const before = await sourceWith({ ...files, "three.ts": "1;" });
  assertEquals(before?.uncovered, []);
  assertNotEquals(before, await sourceWith({ ...files, "three.ts": "2;" }));
});

Deno.test("a WebAssembly module's imports are covered", async () => {
  const name = "./helper.ts?v";
  const bytes = new TextEncoder().encode(name);
  // One type () -> (), and one import of it, named "f".
  const imports = [1, bytes.length, ...bytes, 1, 102, 0, 0];
  const wasm = [0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 2, imports.length, ...imports];
  const files = {
    "study.ts": 'import "./a.wasm";',
    "a.wasm": String.fromCharCode(...wasm),
  };
  const before = await sourceWith({ ...files, "helper.ts": "1;" });
  assertEquals(before?.uncovered, []);
  assertNotEquals(before, await sourceWith({ ...files, "helper.ts": "2;" }));
});

Deno.test("code that the hash cannot cover is named with its line", async () => {
  const cases: readonly (readonly [text: string, said: string])[] = [
    ["const a = 1;\nawait import(`./${a}.ts`);", "2: import of a name that is computed"],
    ['await import("data:text/javascript,1");', '1: import of "data:text/javascript,1"'],
    ['import { createRequire } from "a";\n', "1: createRequire"],
    ['\nimport "node:vm";\n', '2: import of "node:vm"'],
    ['const a = eval("1");', "1: eval"],
    ["new Worker(location.href);", "1: Worker"],
    ["/** @jsxImportSource ./helper */", "1: @jsxImportSource"],
    ["const const = 1;", "1: code that cannot be read"],
  ];
  for (const [text, said] of cases) {
    assertEquals((await sourceWith({ "study.ts": text }))?.uncovered[0], `study.ts:${said}`);
  }
});

Deno.test("the hash is that of the files by their place, packages and ranklab left out", async () => {
  const files = {
    "study.ts":
      'import "./deep/b.ts";\nimport "npm:zod";\nimport "@std/assert";\nimport "@ranklab/ranklab";\n// "./c.json"',
    "deep/b.ts": "1;",
    "c.json": "{}",
  };
  const [study, b, c] = Object.values(files).map((text) =>
    hashBytes(new TextEncoder().encode(text))
  );
  const hash = hashParts({ "": study!, "deep/b.ts": b!, "c.json": c! });
  assertEquals(await sourceWith(files), { hash, uncovered: [] });
  assertEquals(await sourceWith({ "other.ts": "" }), null);
});
