import { assert, assertEquals } from "@std/assert";
import { encoderModules, examplesOf as publishedSize } from "../study/tables.ts";
import { expand } from "../../src/runs/plan/planning.ts";
import { Inputs } from "../../src/runs/inputs.ts";
import { schemaText } from "../../src/cli/schema.ts";
import { methods } from "../../src/methods/table.ts";
import { tasksOf } from "../../src/study/grid/steps.ts";
import { readStudyFile } from "../../src/runs/plan/study_file.ts";
import type { ModuleShape } from "../../src/study/types.ts";
import { checkRuns } from "../../src/study/check/runs.ts";
import { findTask } from "../../src/tasks/catalog.ts";
import { sourceAt, sourcesIn } from "./sources.ts";

const schemaPath = "experiments/study.schema.json";

/** Modules of the encoder that a study of another model than the embedded one is meant for. */
const folderModules: Readonly<Record<string, readonly ModuleShape[]>> = {
  "glue-minilm": encoderModules(6, 384, 1536),
  "glue-minilm-search": encoderModules(6, 384, 1536),
  "glue-minilm-mrpc-rates": encoderModules(6, 384, 1536),
  "glue-all-systems": encoderModules(6, 384, 1536),
  "glue-deberta": encoderModules(12, 768, 3072),
};

Deno.test("each committed experiment expands and passes every check with the real tables", async () => {
  const files = await sourcesIn("experiments", [".json"]);
  const studies = files.filter(({ path }) => path !== schemaPath);
  assert(studies.length >= 3, `found ${studies.length} studies`);
  const inputs = new Inputs({ data: null, model: null, study: "experiments" }, []);
  await inputs.model("embedded");
  for (const { path } of studies) {
    // A study that extends the file of its own tuning is checked without, which nobody has before tuning it.
    const { study } = await readStudyFile(path, "results");
    assertEquals(path, `experiments/${study.name}.json`);
    assertEquals(study.$schema, "study.schema.json");
    const runs = expand(study, methods);
    assert(runs.length > 0, `${path} has no runs`);
    const embedded = new Set(runs.flatMap(tasksOf))
      .values().filter((name) => findTask(name).source === "embedded");
    for (const name of embedded) await inputs.task(name);
    const modulesOf = (model: string): readonly ModuleShape[] => {
      if (model.startsWith("embedded")) return inputs.modulesOf("embedded");
      const modules = folderModules[study.name];
      assert(modules !== undefined, `${path} needs a row in folderModules of this test`);
      return modules;
    };
    const examplesOf = (task: string) => inputs.examplesOf(task) || publishedSize(task);
    const checked = checkRuns(runs, { methods, examplesOf, modulesOf });
    assertEquals(checked.problems, [], path);
    for (const { run, plan } of checked.runs) {
      assertEquals(plan === null, run.budget === null, path);
      if (plan !== null) assert(plan.finalParameters <= plan.requested, path);
    }
  }
});

Deno.test("the committed JSON Schema is what the validator generates (else: deno task schema)", async () => {
  const { text } = await sourceAt(schemaPath);
  assertEquals(text, schemaText());
});
