/** What git has of a file, in a pack that git made and in objects by themselves. */
import { assertEquals } from "@std/assert";
import { hashBytes } from "../../src/base/hash.ts";
import { committedIn, committedSince } from "../../src/record/git_history.ts";
import golden from "../golden/git_history.json" with { type: "json" };
import { withFolder } from "../with_folder.ts";
import { commitFile } from "./commit_file.ts";

const [old, changed] = golden.commits;
const since = {
  commit: changed!,
  at: "2026-11-27T07:30:00.000Z",
  path: "studies/file",
  sha256: hashBytes(golden.file),
};

/** The repository of the golden file, checked out. */
function withRepository(check: (folder: string) => Promise<void>): Promise<void> {
  return withFolder(async (folder) => {
    await Deno.mkdir(`${folder}/.git/objects/pack`, { recursive: true });
    for (const [name, content] of Object.entries(golden.files)) {
      await Deno.writeFile(`${folder}/.git/${name}`, Uint8Array.fromBase64(content));
    }
    await check(folder);
  }, { "studies/file": golden.file });
}

Deno.test("committedSince() gives the first commit from which a file is as it now is", async () => {
  await withRepository(async (folder) => {
    assertEquals(await committedSince(`${folder}/studies/file`), since);
    assertEquals(await committedIn(folder, changed!, "studies/file"), since);
    const before = await committedIn(folder, old!, "studies/file");
    const text = golden.file.replace(/new\n$/, "old\n");
    assertEquals([before?.at, before?.sha256], ["2026-11-27T06:30:00.000Z", hashBytes(text)]);
    await Deno.writeTextFile(`${folder}/studies/file`, "edited");
    assertEquals(await committedSince(`${folder}/studies/file`), null);
    assertEquals(await committedSince(`${folder}/studies/none`), null);
    assertEquals(await committedIn(folder, changed!, "studies/none"), null);
    assertEquals(await committedIn(folder, "0".repeat(40), "studies/file"), null);
  });
  await withFolder(async (folder) => {
    assertEquals(await committedSince(`${folder}/a`), null);
  }, { a: "a" });
});

Deno.test("a linked working tree has the history of its repository", async () => {
  await withRepository(async (folder) => {
    const own = `${folder}/.git/worktrees/two`;
    await Deno.mkdir(own, { recursive: true });
    await Deno.mkdir(`${folder}/linked/studies`, { recursive: true });
    await Deno.writeTextFile(`${own}/HEAD`, `${golden.commits.at(-1)}\n`);
    await Deno.writeTextFile(`${own}/commondir`, "../..\n");
    await Deno.writeTextFile(`${folder}/linked/.git`, `gitdir: ${own}\n`);
    await Deno.copyFile(`${folder}/studies/file`, `${folder}/linked/studies/file`);
    assertEquals(await committedSince(`${folder}/linked/studies/file`), since);
  });
});

Deno.test("an object that is not what its name says counts as missing", async () => {
  await withFolder(async (folder) => {
    const at = "2027-01-15T08:00:00.000Z";
    const commit = await commitFile(folder, "file", at);
    const found = await committedSince(`${folder}/file`);
    assertEquals([found?.commit, found?.at], [commit, at]);
    // An earlier time under the same name.
    await commitFile(folder, "file", "2026-01-15T08:00:00.000Z", commit);
    assertEquals(await committedSince(`${folder}/file`), null);
  }, { file: "a" });
});
