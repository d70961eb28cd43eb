/** What a record says of where it was made. */
import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { hashBytes, hashParts } from "../../src/base/hash.ts";
import {
  gitCommit,
  libraryHashes,
  readEnvironment,
  sourceFolderHash,
} from "../../src/record/provenance.ts";

Deno.test("a source folder's hash is of the paths and texts of its TypeScript files", async () => {
  const path = await Deno.makeTempDir();
  const folder = new URL(`file://${path}/`);
  const write = (name: string, text: string) => Deno.writeTextFile(new URL(name, folder), text);
  try {
    await Deno.mkdir(new URL("a b/", folder));
    await write("one.ts", "1");
    await write("a%20b/two.ts", "2");
    const first = await sourceFolderHash(folder);
    assertEquals(first, hashParts({ "one.ts": hashBytes("1"), "a%20b/two.ts": hashBytes("2") }));
    await write("weights.bin", "0");
    assertEquals(await sourceFolderHash(folder), first);
    await write("one.ts", "1 ");
    assertNotEquals(await sourceFolderHash(folder), first);
    await write("one.ts", "1");
    await Deno.rename(new URL("a%20b/two.ts", folder), new URL("a%20b/three.ts", folder));
    assertNotEquals(await sourceFolderHash(folder), first);
  } finally {
    await Deno.remove(path, { recursive: true });
  }
  assertEquals(await sourceFolderHash(new URL("https://example.com/src/")), null);
});

Deno.test("the environment hold ranklab's own source", async () => {
  const { source } = await readEnvironment();
  assertMatch(source!, /^[0-9a-f]{64}$/);
  assertEquals(source, await sourceFolderHash());
});

Deno.test("the environment holds V8 and the hashes of the native runtime's files", async () => {
  const { v8, libraries, packages, ranklab } = await readEnvironment();
  assertEquals(v8, Deno.version.v8);
  const names = Object.keys(libraries);
  assert(names.some((name) => name.includes("onnxruntime")), `${names}`);
  for (const hash of Object.values(libraries)) assertMatch(hash, /^[0-9a-f]{64}$/);
  assertEquals(packages["onnxruntime-node"], "1.30.0");
  assertMatch(ranklab, /^\d+\.\d+\.\d+/);
});

Deno.test("libraryHashes() takes libraries of every platform and nothing beside them", async () => {
  const path = await Deno.makeTempDir();
  const names = ["a.so", "b.so.1", "c.dylib", "d.dll", "e.node"];
  try {
    for (const name of [...names, "f.txt", "g.sorry"]) {
      await Deno.writeTextFile(`${path}/${name}`, name);
    }
    const wanted = Object.fromEntries(names.map((name) => [name, hashBytes(name)]));
    assertEquals(await libraryHashes(path), wanted);
    assertEquals(await libraryHashes(`${path}/none`), {});
  } finally {
    await Deno.remove(path, { recursive: true });
  }
});

Deno.test("the commit is read from git's own files: of a branch, of packed references, or as it stands", async () => {
  const path = await Deno.makeTempDir();
  const checkout = new URL(`file://${path}/`);
  const [first, second, other] = ["1", "2", "3"].map((digit) => digit.repeat(40));
  const write = (name: string, text: string) => Deno.writeTextFile(`${path}/.git/${name}`, text);
  try {
    assertEquals(await gitCommit(checkout), null);
    await Deno.mkdir(`${path}/.git/refs/heads/a`, { recursive: true });
    await write("HEAD", "ref: refs/heads/a/branch\n");
    assertEquals(await gitCommit(checkout), null);
    const packed = [
      "# pack-refs with: peeled fully-peeled sorted",
      `${other} refs/heads/another/a/branch`,
      `${first} refs/heads/a/branch`,
      `${other} refs/heads/b`,
    ];
    await write("packed-refs", packed.join("\n"));
    assertEquals(await gitCommit(checkout), first);
    await write("refs/heads/a/branch", `${second}\n`);
    assertEquals(await gitCommit(checkout), second);
    await write("HEAD", `${other}\n`);
    assertEquals(await gitCommit(checkout), other);
  } finally {
    await Deno.remove(path, { recursive: true });
  }
});
