/** Folders that leave ranklab appear whole, or nothing of them is kept. */
import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { makeFolder, newToken, StorageError, writeWhole } from "../../../src/record/durable.ts";
import { writeExport } from "../../../src/runs/share/export.ts";
import { withFolder } from "../../with_folder.ts";

const namesIn = (path: string) => [...Deno.readDirSync(path)].map(({ name }) => name).sort();

/** Writes what an export has, and fails after the first file where it is told to. */
function writer(failure: Error | null): (folder: string) => Promise<void> {
  return async (folder) => {
    await makeFolder(`${folder}/base`);
    await writeWhole(`${folder}/config.json`, "{}");
    if (failure !== null) throw failure;
    await writeWhole(`${folder}/base/weights`, "1");
    await writeWhole(`${folder}/README.md`, "read");
  };
}

const full = Object.assign(new Error("No space left on device"), { code: "ENOSPC" });

Deno.test("an export that fails leaves the folder as it was, and is made afterwards", async () => {
  await withFolder(async (home) => {
    await Deno.mkdir(`${home}/empty`);
    for (const [name, wasThere] of [["new", false], ["empty", true]] as const) {
      const out = `${home}/${name}`;
      const failing = writeExport(out, writer(new StorageError("within", full)));
      const { message } = await assertRejects(() => failing, StorageError, out);
      assertStringIncludes(message, "nothing is kept of this export, free some space");
      assertStringIncludes(message, "--out");
      assertEquals(namesIn(home).includes(name), wasThere);
      if (wasThere) assertEquals(namesIn(out), []);
      await assertRejects(() => writeExport(out, writer(new RangeError("odd"))), RangeError, "odd");
      await writeExport(out, writer(null));
      assertEquals(namesIn(out), ["README.md", "base", "config.json"]);
      assertEquals(await Deno.readTextFile(`${out}/base/weights`), "1");
    }
  });
});

Deno.test("an export takes the place of what a killed one left, and of nothing else", async () => {
  await withFolder(async (home) => {
    const out = `${home}/out`;
    await Deno.mkdir(`${out}/.${newToken()}.part`, { recursive: true });
    await writeExport(out, writer(null));
    assertEquals(namesIn(out), ["README.md", "base", "config.json"]);
    await assertRejects(() => writeExport(out, writer(null)), RangeError, "want a new or empty");
    assertEquals(namesIn(out), ["README.md", "base", "config.json"]);
  });
});
