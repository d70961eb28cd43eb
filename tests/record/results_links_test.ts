/** Links in results of others. */
import { assertEquals, assertRejects } from "@std/assert";
import { UsageError } from "../../src/base/input_error.ts";
import { folderReader, wantWithin } from "../../src/record/results_reader.ts";
import { withFolder } from "../with_folder.ts";

Deno.test("a link that leaves the results folder is refused by name, and one that stays is followed", async () => {
  await withFolder(async (home) => {
    const results = `${home}/results`;
    await Deno.mkdir(`${results}/run`, { recursive: true });
    await Deno.mkdir(`${home}/elsewhere`);
    await Deno.writeTextFile(`${home}/secret`, "secret");
    await Deno.writeTextFile(`${results}/run/record.json`, "{}");
    await Deno.symlink(`${home}/secret`, `${results}/log.txt`);
    await Deno.symlink(`${home}/elsewhere`, `${results}/report`);
    await Deno.symlink("run", `${results}/again`);
    // The folder itself may be a link.
    await Deno.symlink(results, `${home}/linked`);
    for (const folder of [results, `${home}/linked`]) {
      const reader = folderReader(folder);
      await assertRejects(() => reader.read("log.txt"), UsageError, `${folder}/log.txt`);
      assertEquals((await reader.read("again/record.json"))?.length, 2);
      assertEquals(await reader.read("none.json"), null);
      await assertRejects(
        () => wantWithin(folder, `${folder}/report/charts`),
        UsageError,
        "a link",
      );
      await wantWithin(folder, `${folder}/spectra/new`);
    }
  });
});
