import { assert, assertEquals } from "@std/assert";
import { expand, planRuns } from "../../src/runs/planning.ts";
import { methods } from "../../src/methods/table.ts";
import { isFolderOf, runFolder } from "../../src/study/run_id.ts";
import type { RunSpec } from "../../src/study/types.ts";
import type { Study } from "../../src/study/study.ts";
import { sourceAt } from "./sources.ts";

interface Stored {
  readonly study: Study;
  readonly runs: readonly { readonly id: string; readonly folder: string; readonly run: RunSpec }[];
}

const published = new URL("../../results/published/", import.meta.url);

Deno.test("a sweep into published results finds the folders that are there, those of labelled runs too", async () => {
  let labelled = 0;
  for await (const { name, isDirectory } of Deno.readDir(published)) {
    if (!isDirectory) continue;
    const { runs } = JSON.parse(
      await Deno.readTextFile(new URL(`${name}/study.json`, published)),
    ) as Stored;
    assert(runs.length > 0, name);
    for (const { run, id, folder } of runs) {
      assert(isFolderOf(run, id, folder), folder);
      if (runFolder(run, id) !== folder) labelled++;
    }
  }
  assert(labelled > 0);
});

Deno.test("published runs keep their ids, so that they are neither made again nor lost", async () => {
  const { text } = await sourceAt("results/published/quickstart/study.json");
  const { study, runs } = JSON.parse(text) as Stored;
  assert(runs.length > 0);
  const folders = { data: null, model: null, study: "experiments" };
  const plan = await planRuns(study, expand(study, methods), folders, methods);
  const identities = (from: readonly { readonly id: string; readonly folder: string }[]) =>
    from.map(({ id, folder }) => ({ id, folder }));
  assertEquals(identities(plan.runs), identities(runs));
});
