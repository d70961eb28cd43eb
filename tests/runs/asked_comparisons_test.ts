/** The comparisons of a stored study, as reports get them. */
import { assertEquals, assertRejects } from "@std/assert";
import { InputError } from "../../src/base/input_error.ts";
import { writeStoredStudy } from "../../src/runs/stored_study.ts";
import { readStudyResults } from "../../src/runs/study_results.ts";
import { expandStudy } from "../../src/study/grid/expand.ts";
import { runFolder, runTitle } from "../../src/study/grid/run_id.ts";
import { parseStudy } from "../../src/study/schema/parse.ts";
import { methods, tasks } from "../study/tables.ts";
import { withFolder } from "../with_folder.ts";

Deno.test("a stored study's comparisons are resolved by its plan, also before any run is there", async () => {
  const study = parseStudy({
    name: "asked",
    axes: { tasks: ["RTE"], methods: ["elalora", "adalora"], budgets: [2, 4], seeds: [7] },
    comparisons: [{
      a: { method: "elalora", budget: 2 },
      b: { method: "adalora", budget: 4 },
    }],
  });
  await withFolder(async (folder) => {
    const id = "0123456789abcdef";
    await writeStoredStudy(folder, {
      study,
      ...{ studyFolder: ".", data: null, model: null, device: "cpu" },
      runs: expandStudy(study, { tasks, methods }).map((run) => ({
        folder: runFolder(run, id),
        id,
        run,
      })),
    });
    const { comparisons, runs } = await readStudyResults(folder);
    assertEquals(runs, []);
    assertEquals(comparisons.map(({ asked }) => asked), study.comparisons);
    assertEquals(
      comparisons[0]!.pairs.map(({ a, b }) => [runTitle(a), runTitle(b)]),
      [["RTE, elalora, r2, seed 7", "RTE, adalora, r4, seed 7"]],
    );
    // A plan whose comparisons are no such is told with its place.
    const path = `${folder}/study.json`;
    const text = (await Deno.readTextFile(path)).replace('"comparisons": [', '"comparisons": [3,');
    await Deno.writeTextFile(path, text);
    await assertRejects(() => readStudyResults(folder), InputError, "study.comparisons.0");
  });
});
