/** Packing files into one archive and reading them back; damaged archives. */
import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { strToU8, zipSync } from "fflate";
import { hashBytes } from "../../src/base/hash.ts";
import { type FileContent, openPack, packFiles } from "../../src/record/pack.ts";
import { PackError } from "../../src/record/pack_manifest.ts";

const name = "tiny.ranklab.zip";

const file = (path: string, text: string): FileContent => ({ path, bytes: strToU8(text) });

const files: readonly FileContent[] = [
  file("study.json", '{"schema":1}'),
  file("a-run/steps.jsonl", '{"step":1,"loss":0.5}\n'.repeat(40)),
  file("a-run/empty.jsonl", ""),
  file("Ünïcode/é.json", "{}"),
  { path: "raw.bin", bytes: Uint8Array.from({ length: 300 }, (_, i) => (i * i * 7 + i) % 251) },
];

/** An archive with a manifest that says what one likes. */
function forged(
  entries: Readonly<Record<string, string>>,
  listed: readonly object[],
  level: 0 | 9 = 9,
): Uint8Array {
  const manifest = JSON.stringify({ files: listed, schema: 1 });
  const contents = Object.entries({ "ranklab-pack.json": manifest, ...entries })
    .map(([path, text]): [string, Uint8Array] => [path, strToU8(text)]);
  return zipSync(Object.fromEntries(contents), { level, mtime: new Date(1980, 0, 1) });
}

const listing = (path: string, text: string) => ({
  bytes: strToU8(text).length,
  path,
  sha256: hashBytes(text),
});

/** Reads everything. */
function readAll(archive: Uint8Array): ReadonlyMap<string, Uint8Array> {
  const pack = openPack(archive, name);
  return new Map(pack.files.map(({ path }) => [path, pack.read(path)!]));
}

/** Four bytes of an archive's directory entry of a file replaced. */
function withDirectory(archive: Uint8Array, path: string, at: number, value: number): Uint8Array {
  const changed = archive.slice();
  const view = new DataView(changed.buffer);
  for (let i = 0; i + 46 < changed.length; i++) {
    if (view.getUint32(i, true) !== 0x02014b50) continue;
    const length = view.getUint16(i + 28, true);
    if (new TextDecoder().decode(changed.subarray(i + 46, i + 46 + length)) !== path) continue;
    view.setUint32(i + at, value, true);
    return changed;
  }
  throw new Error(`no entry "${path}"`);
}

Deno.test("what was packed comes back to the byte, in order of paths", () => {
  const pack = openPack(packFiles(files, name), name);
  assertEquals(pack.files.map(({ path }) => path), files.map(({ path }) => path).toSorted());
  for (const { path, bytes } of files) assertEquals(pack.read(path), bytes, path);
  assertEquals(pack.read("a-run"), null);
  assertEquals(pack.read("other.json"), null);
});

Deno.test("equal files give equal bytes, whatever their order; another byte gives another pack", () => {
  const packed = packFiles(files, name);
  assertEquals(packFiles(files.toReversed(), name), packed);
  // Pinned, so that a change of the packing library or of the form is noticed.
  assertEquals(
    hashBytes(packed),
    "834c2e154f9875bad8b1817122fce4681dce2991523786ed32b42506525a3b6f",
  );
  const changed = [...files.slice(1), file("study.json", '{"schema":2}')];
  assert(hashBytes(packFiles(changed, name)) !== hashBytes(packed));
  assertEquals([...readAll(packFiles([], name))], []);
});

Deno.test("no flipped bit goes unnoticed in what is read", () => {
  const packed = packFiles(files.slice(0, 3), name);
  const whole = readAll(packed);
  let refused = 0;
  for (let at = 0; at < packed.length; at++) {
    const damaged = packed.slice();
    damaged[at]! ^= 1 << (at % 8);
    let read: ReadonlyMap<string, Uint8Array>;
    try {
      read = readAll(damaged);
    } catch (error) {
      assert(error instanceof PackError, `byte ${at}: ${error}`);
      assertStringIncludes(error.message, name);
      refused++;
      continue;
    }
    // A date, or a header's copy of what the directory has.
    assertEquals(read, whole, `byte ${at}`);
  }
  assert(refused > packed.length / 2, `${refused} of ${packed.length}`);
});

Deno.test("a pack that breaks off is refused wherever it does", () => {
  const packed = packFiles(files.slice(0, 3), name);
  for (let length = 0; length < packed.length; length++) {
    const error = assertThrows(() => openPack(packed.subarray(0, length), name), PackError);
    assertStringIncludes(error.message, `Cannot read "${name}": found `);
  }
});

Deno.test("contents that are not those of the manifest are refused with file, entry, found and wanted", () => {
  const entry = listing("study.json", "{}");
  const archive = forged({ "study.json": "[]" }, [entry]);
  const error = assertThrows(() => readAll(archive), PackError);
  assertEquals(
    error.message,
    `Cannot read "study.json" of "${name}": found SHA-256 ${
      hashBytes("[]")
    }, want ${entry.sha256}; ` +
      "the file is damaged, get it again",
  );
});

Deno.test("entries that the manifest lacks, and those that it alone has, are refused", () => {
  const entry = listing("study.json", "{}");
  assertStringIncludes(
    assertThrows(() => openPack(forged({}, [entry]), name), PackError).message,
    `Cannot read "study.json" of "${name}": found no such entry, want each file of the manifest`,
  );
  const archive = forged({ "study.json": "{}", "extra.json": "{}" }, [entry]);
  assertStringIncludes(
    assertThrows(() => openPack(archive, name), PackError).message,
    `Cannot read "extra.json" of "${name}": found a file that the manifest lacks`,
  );
});

Deno.test("paths that leave the folder, or that some system cannot hold, are neither packed nor read", () => {
  for (
    const path of [
      "../study.json",
      "run/../../x",
      "/etc/x",
      "a//b",
      "a/./b",
      "C:/x",
      "a\\..\\b",
      "a\u0000b",
      "run/",
      "ranklab-pack.json",
      "x".repeat(1001),
      "con",
      "run/NUL.txt",
      "com1/x",
      "trailing. ",
      "dot./x",
      "evil\u202egnp.json",
      "zero\u200bwidth",
      "line\u2028",
      "lone\ud800",
      "é".repeat(128),
      `run/${"x".repeat(256)}`,
    ]
  ) {
    const packing = assertThrows(() => packFiles([file(path, "{}")], name), PackError, name);
    assertStringIncludes(packing.message, `Cannot pack "${name}": found a file with the path `);
    const archive = forged({ [path]: "{}" }, [listing(path, "{}")]);
    assertThrows(() => openPack(archive, name), PackError, name);
  }
});

Deno.test("names that only look like those of devices are packed, and what is refused is spelled out", () => {
  const sound = ["console/com10.lpt", ".hidden", "a.b c", "x".repeat(255), "é".repeat(127)];
  readAll(packFiles(sound.map((path) => file(path, "{}")), name));
  assertStringIncludes(
    assertThrows(() => packFiles([file("evil\u202egnp", "")], name), PackError).message,
    String.raw`the path "evil\u202egnp", want`,
  );
});

Deno.test("paths that some system takes for each other, or for a folder, are neither packed nor read", () => {
  for (const pair of [["Run/A", "Run/a"], ["a", "a/b"], ["A/b", "a"], ["\u00e9", "e\u0301"]]) {
    const [first, second] = pair.toSorted() as [string, string];
    assertThrows(
      () => packFiles([file(first, "1"), file(second, "2")], name),
      PackError,
      "where another file or a folder is",
    );
    const archive = forged(
      { [first]: "1", [second]: "2" },
      [listing(first, "1"), listing(second, "2")],
    );
    assertThrows(() => openPack(archive, name), PackError, "tells apart");
  }
});

Deno.test("a file that claims more than it has, or has more than it claims, is refused before it is made", () => {
  const text = "a".repeat(100_000);
  const honest = forged({ "a.txt": text }, [listing("a.txt", text)]);
  assertEquals(readAll(honest).get("a.txt")!.length, 100_000);
  // Sizes in the directory: 24 is that of the contents, 20 that of the packed bytes.
  const claims = withDirectory(honest, "a.txt", 24, 0xfffffff0);
  assertStringIncludes(
    assertThrows(() => openPack(claims, name), PackError).message,
    '"a.txt" of 4294967280 bytes in ',
  );
  const large = withDirectory(honest, "a.txt", 20, 0x00ffffff);
  assertStringIncludes(
    assertThrows(() => openPack(large, name), PackError).message,
    `which an archive of ${honest.length} bytes cannot hold`,
  );
  // A bomb: a hundred bytes as the manifest and the directory have it, and a hundred thousand in truth.
  const bomb = withDirectory(
    forged({ "a.txt": text }, [{ ...listing("a.txt", text), bytes: 100 }]),
    "a.txt",
    24,
    100,
  );
  assertStringIncludes(
    assertThrows(() => readAll(bomb), PackError).message,
    `Cannot read "a.txt" of "${name}": found more than 100 bytes`,
  );
  const lie = forged({ "a.txt": text }, [{ ...listing("a.txt", text), bytes: 100 }]);
  assertStringIncludes(
    assertThrows(() => openPack(lie, name), PackError).message,
    "found a size of 100000 bytes, want 100 as in the manifest",
  );
});

Deno.test("an archive that is no packed study, a manifest that is none, and one of a newer form are refused", () => {
  const other = zipSync({ "a.txt": strToU8("a") });
  assertStringIncludes(
    assertThrows(() => openPack(other, name), PackError).message,
    'found no entry "ranklab-pack.json", want a study that deno task pack has packed',
  );
  const manifestOf = (text: string) => zipSync({ "ranklab-pack.json": strToU8(text) });
  for (
    const [text, found] of [
      ["{", "want JSON"],
      ["null", "found a wrong value"],
      ['{"schema":1}', 'found a wrong value at "files"'],
      ['{"schema":1,"files":[],"more":1}', "found a wrong value"],
      ['{"schema":1,"files":[],"thinned":10}', "found a wrong value"],
      ['{"schema":2,"files":[]}', 'found a wrong value at "thinned"'],
      ['{"schema":2,"files":[],"thinned":1}', 'found a wrong value at "thinned"'],
      ['{"schema":2,"files":[],"thinned":2.5}', 'found a wrong value at "thinned"'],
      ['{"schema":3,"files":[]}', "found a pack of form 3, want at most 2; update ranklab"],
      [
        JSON.stringify({ schema: 1, files: [listing("a", "1"), listing("a", "1")] }),
        'found "a" after "a", want each path once',
      ],
    ] as const
  ) {
    const error = assertThrows(() => openPack(manifestOf(text), name), PackError);
    assertStringIncludes(error.message, found);
  }
});
