/** Files that appear whole, however many write them and whatever was left by one that was killed. */
import { assertEquals, assertRejects } from "@std/assert";
import { denoDisk, type Disk } from "../../src/record/disk.ts";
import { makeFolder, moveFolder, StorageError, writeWhole } from "../../src/record/durable.ts";
import { LossyDisk } from "../../tools/torture/lossy_disk.ts";
import { withFolder } from "../with_folder.ts";

const namesIn = (path: string) => [...Deno.readDirSync(path)].map(({ name }) => name).sort();

Deno.test("writeWhole() removes the parts that killed writers of the same file left, and no others", async () => {
  await withFolder(async (folder) => {
    const strays = ["a.json.part", "a.json.0123456789abcdef.part"];
    const others = ["b.json.part", "a.json.part.txt", "a.json.backup.part"];
    for (const name of [...strays, ...others]) await Deno.writeTextFile(`${folder}/${name}`, "x");
    await writeWhole(`${folder}/a.json`, "whole");
    assertEquals(namesIn(folder), ["a.json", ...others].sort());
  });
});

Deno.test("writeWhole() by many at once leaves what one of them wrote, and no parts", async () => {
  await withFolder(async (folder) => {
    const texts = Array.from({ length: 8 }, (_, i) => `${i}`.repeat(1000));
    await Promise.all(texts.map((text) => writeWhole(`${folder}/study.json`, text)));
    assertEquals(namesIn(folder), ["study.json"]);
    const found = await Deno.readTextFile(`${folder}/study.json`);
    assertEquals(texts.includes(found), true);
  });
});

Deno.test("writeWhole() writes again where another writer removed its part", async () => {
  await withFolder(async (folder) => {
    let removals = 2;
    const disk: Disk = {
      ...denoDisk,
      rename: async (from, to) => {
        if (removals-- > 0) await Deno.remove(from);
        await Deno.rename(from, to);
      },
    };
    await writeWhole(`${folder}/a`, "whole", disk);
    assertEquals(await Deno.readTextFile(`${folder}/a`), "whole");
  });
});

Deno.test("writeWhole() has the bytes on the disk before the name, and the name when it returns", async () => {
  const tree = new Map([["/disk", null], ["/disk/a", new TextEncoder().encode("old")]]);
  const whole = new LossyDisk(tree);
  await writeWhole("/disk/a", "new", whole);
  for (let cut = 0; cut <= whole.count; cut++) {
    for (const draw of [() => 0, () => 0.999, () => 0.5]) {
      const disk = new LossyDisk(tree, cut);
      const isDone = await writeWhole("/disk/a", "new", disk).then(() => true, () => false);
      const found = new TextDecoder().decode(disk.afterCut(draw).get("/disk/a")!);
      assertEquals(isDone ? found === "new" : ["old", "new"].includes(found), true, found);
    }
  }
});

Deno.test("makeFolder() has all folders on the disk when it returns", async () => {
  const disk = new LossyDisk();
  await makeFolder("/disk/a/b/c", disk);
  assertEquals([...disk.afterCut(() => 0).keys()].sort(), [
    "/disk",
    "/disk/a",
    "/disk/a/b",
    "/disk/a/b/c",
  ]);
});

Deno.test("moveFolder() takes no other folder's place", async () => {
  await withFolder(async (folder) => {
    for (const name of ["from", "to"]) {
      await Deno.mkdir(`${folder}/${name}`);
      await Deno.writeTextFile(`${folder}/${name}/file`, name);
    }
    assertEquals(await moveFolder(`${folder}/from`, `${folder}/to`), false);
    assertEquals(await moveFolder(`${folder}/from`, `${folder}/free`), true);
    assertEquals(await Deno.readTextFile(`${folder}/free/file`), "from");
    await Deno.writeTextFile(`${folder}/file`, "");
    assertEquals(await moveFolder(`${folder}/to`, `${folder}/file`), false);
    await assertRejects(() => moveFolder(`${folder}/none`, `${folder}/new`), StorageError);
  });
});
