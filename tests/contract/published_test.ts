import { assert, assertEquals } from "@std/assert";
import { expand } from "../../src/runs/plan/planning.ts";
import { methods } from "../../src/methods/table.ts";
import { readRecord, within } from "../../src/record/results_reader.ts";
import { openPack, packSuffix } from "../../src/record/pack.ts";
import { isFolderOf, runFolder, runId } from "../../src/study/grid/run_id.ts";
import { publishedFolder, publishedStudies, readPublished } from "./published.ts";

Deno.test("a sweep into published results finds the folders that are there, those of labelled runs too", async () => {
  let labelled = 0;
  const studies = await publishedStudies();
  assert(studies.length >= 4, studies.join(", "));
  for (const name of studies) {
    const { stored: { runs } } = await readPublished(name);
    assert(runs.length > 0, name);
    for (const { run, id, folder } of runs) {
      assert(isFolderOf(run, id, folder), folder);
      if (runFolder(run, id) !== folder) labelled++;
    }
  }
  assert(labelled > 0);
});

Deno.test("packed studies are light, and every file in them has its hash", async () => {
  let bytes = 0;
  let packs = 0;
  for await (const { name } of Deno.readDir(publishedFolder)) {
    if (!name.endsWith(packSuffix)) continue;
    const archive = await Deno.readFile(`${publishedFolder}/${name}`);
    const pack = openPack(archive, name);
    for (const { path } of pack.files) pack.read(path);
    bytes += archive.length;
    packs++;
  }
  assert(packs >= 3);
  assert(bytes < 20e6, `${bytes} bytes`);
});

Deno.test("published runs keep their ids, by the encoder and data of their records, so that they are neither trained again nor lost", async () => {
  const { stored: { study, runs }, reader } = await readPublished("quickstart");
  assert(runs.length > 0);
  const found: unknown[] = [];
  for (const [i, run] of expand(study, methods).entries()) {
    const { where: { hashes } } = (await readRecord(within(reader, runs[i]!.folder)))!;
    const id = runId(run, hashes);
    found.push({ id, folder: runFolder(run, id) });
  }
  assertEquals(found, runs.map(({ id, folder }) => ({ id, folder })));
});
