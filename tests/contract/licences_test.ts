/** Every package and every folder of data has a row in docs/licences.md, and every licence is an allowed one. */
import { assert, assertEquals } from "@std/assert";
import {
  installedLicence,
  isAllowed,
  lockedPackages,
  type PackageRow,
  packageRows,
  statedLicence,
  withPackageRows,
} from "../../tools/licences.ts";
import { sourceAt } from "./sources.ts";

const root = new URL("../../", import.meta.url);
const page = (await sourceAt("docs/licences.md")).text;
const rows = packageRows(page);
const nameOf = ({ registry, name, version }: Omit<PackageRow, "licence">) =>
  `${registry}:${name}@${version}`;

Deno.test("every package of the lock has a row in docs/licences.md, and no other has", async () => {
  const locked = lockedPackages((await sourceAt("deno.lock")).text);
  assert(locked.length >= 300);
  assertEquals(
    rows.map(nameOf),
    locked.map(nameOf),
    "run: deno run --allow-read=. --allow-write=docs tools/licences.ts",
  );
});

/** Packages whose licence is not an allowed one, as `package: licence`. */
function forbidden(rows: readonly PackageRow[]): readonly string[] {
  return rows.filter(({ licence }) => !isAllowed(licence))
    .map((row) => `${nameOf(row)}: ${row.licence}`);
}

Deno.test("every package has a licence that is allowed", () => {
  assertEquals(forbidden(rows), []);
});

Deno.test("the check of licences names a package with one that is not allowed", () => {
  const row = (name: string, licence: string): PackageRow => ({
    registry: "npm",
    name,
    version: "1.0.0",
    licence,
  });
  assertEquals(
    forbidden([
      row("a", "MIT"),
      row("b", "GPL-3.0-or-later"),
      row("c", "(MIT OR GPL-2.0-only)"),
      row("d", "(Apache-2.0 AND BSD-3-Clause)"),
      row("e", "MIT AND CC-BY-NC-4.0"),
      row("f", "SEE LICENSE IN LICENSE.txt"),
      row("g", "UNLICENSED"),
    ]),
    [
      "npm:b@1.0.0: GPL-3.0-or-later",
      "npm:e@1.0.0: MIT AND CC-BY-NC-4.0",
      "npm:f@1.0.0: SEE LICENSE IN LICENSE.txt",
      "npm:g@1.0.0: UNLICENSED",
    ],
  );
});

Deno.test("every row states what the installed package states", async () => {
  const stated = await Promise.all(
    rows.map(async (row) => ({ row, licence: await installedLicence(root, row) })),
  );
  const found = stated.filter(({ licence }) => licence !== null);
  // Packages for another system would not be installed.
  assert(found.length >= 300, `${found.length} of ${rows.length} packages are in node_modules`);
  assertEquals(
    found.filter(({ row, licence }) => row.licence !== licence)
      .map(({ row, licence }) => `${nameOf(row)}: row ${row.licence}, package ${licence}`),
    [],
  );
});

Deno.test("statedLicence() reads the present form and the older ones", () => {
  const stated = (manifest: unknown) => statedLicence(JSON.stringify(manifest));
  assertEquals(stated({ license: "MIT" }), "MIT");
  assertEquals(stated({ license: { type: "BSD-3-Clause", url: "x" } }), "BSD-3-Clause");
  assertEquals(stated({ licenses: [{ type: "MIT" }, "ISC"] }), "MIT OR ISC");
  assertEquals(stated({ name: "a" }), null);
});

Deno.test("lockedPackages() has packages of both registries, each version once", () => {
  const lock = {
    npm: { "b@2.0.0_a@1.0.0": {}, "@x/y@1.0.0-1": {}, "b@2.0.0": {}, "b@1.0.0": {} },
    jsr: { "@std/a@1.0.1": {} },
  };
  assertEquals(lockedPackages(JSON.stringify(lock)).map(nameOf), [
    "jsr:@std/a@1.0.1",
    "npm:@x/y@1.0.0-1",
    "npm:b@1.0.0",
    "npm:b@2.0.0",
  ]);
});

Deno.test("withPackageRows() replaces the table and nothing else", () => {
  const before =
    "# A\n\n## Packages\n\nWords.\n\n| package | licence |\n| --- | --- |\n| old | row |\n";
  const row: PackageRow = { registry: "npm", name: "@a/b", version: "1.2.3", licence: "MIT" };
  const after = withPackageRows(before, [row]);
  assertEquals(
    after,
    "# A\n\n## Packages\n\nWords.\n\n| package          | licence |\n| ---------------- | ------- |\n" +
      "| `npm:@a/b@1.2.3` | MIT     |\n",
  );
  assertEquals(packageRows(after), [row]);
  assertEquals(withPackageRows(after, [row]), after);
});

/** Files that are code, pages or settings of the checkout; a folder that has others holds data. */
const noData = /\.(?:ts|md|py)$|^(?:LICENSE|NOTICE|deno\.json|deno\.lock|\.gitignore|\.git)$/;
/** Folders that are not committed, and the script of the continuous integration. */
const noFolders = new Set([".git", ".ci", ".cache", "node_modules", "exports", "__pycache__"]);

/** The folders below `folder` that hold data themselves. */
async function dataFolders(folder: string): Promise<readonly string[]> {
  const found: string[] = [];
  const files: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(new URL(folder, root))) {
    // Of results only the published packs are committed.
    const isLocal = noFolders.has(name) || name.endsWith(".log") ||
      folder === "results/" && name !== "published" ||
      folder === "results/published/" && isDirectory;
    if (isLocal) continue;
    if (isDirectory) found.push(...await dataFolders(`${folder}${name}/`));
    else files.push(name);
  }
  const holdsData = files.some((name) => !noData.test(name));
  return holdsData ? [...found, folder.replace(/\/$/, "")] : found;
}

/** The folders of the table of data, as it writes them. */
function listedFolders(page: string): readonly string[] {
  const table = page.split("\n## Data\n")[1]!.split("\n## ")[0]!;
  return [...table.matchAll(/^\| `(.+?)` +\|/gm)].map(([, folder]) => folder!);
}

const hasRow = (folder: string, listed: readonly string[]) =>
  listed.some((row) =>
    row === folder || row.endsWith("/**") && `${folder}/`.startsWith(row.slice(0, -2))
  );

Deno.test("every folder of data has a row in docs/licences.md, and every row a folder", async () => {
  const folders = await dataFolders("");
  const listed = listedFolders(page);
  for (const known of ["src/models/embedded", "src/tasks/embedded/Topic", "tests/golden/bert"]) {
    assert(folders.includes(known));
  }
  assertEquals(folders.filter((folder) => !hasRow(folder, listed)), []);
  assertEquals(listed.filter((row) => !folders.some((folder) => hasRow(folder, [row]))), []);
});

Deno.test("the check of folders wants a row of its own but below a row with /**", () => {
  const listed = ["a", "b/**"];
  assertEquals(["a", "a/c", "b", "b/c", "bc"].map((folder) => hasRow(folder, listed)), [
    ...[true, false, true, true, false],
  ]);
});

Deno.test("the table of texts has the packages that the corpora are read from, and no other", async () => {
  const { text } = await sourceAt("tools/pretrain/open_corpora.ts");
  const read = [...text.matchAll(/\bopen\("(.+?)", ".+?"\)/g)].map(([, name]) => name!);
  assert(read.length >= 4);
  const table = page.split("\n## Texts\n")[1]!.split("\n## ")[0]!;
  const listed = [...table.matchAll(/^\|[^|]*\| `(.+?)` +\|/gm)].map(([, name]) => name!);
  assertEquals(listed.sort(), read.sort());
});
