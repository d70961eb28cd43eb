import { assert } from "@std/assert";
import { findMethod, methods } from "../../src/methods/table.ts";
import { parseRunRecord } from "../../src/record/schema.ts";
import { planRun } from "../../src/study/ranks.ts";
import type { CountRange, RunSpec } from "../../src/study/types.ts";
import { plannedCounts } from "../../src/study/validate.ts";
import { encoderModules, examplesOf as publishedSize } from "../study/tables.ts";
import { sourceAt } from "./sources.ts";

interface Stored {
  readonly runs: readonly { readonly folder: string; readonly run: RunSpec }[];
}

/** Training examples of the embedded tasks that published studies use. */
const embeddedSizes: Readonly<Record<string, number>> = { Topic: 1600, YearsApart: 1500 };

const tables = {
  examplesOf: (task: string) => embeddedSizes[task] ?? publishedSize(task),
  // The embedded encoder, and MiniLM-L6.
  modulesOf: (model: string) =>
    model === "embedded" ? encoderModules(4, 128, 512) : encoderModules(6, 384, 1536),
};

const studies = ["quickstart", "glue-minilm", "glue-minilm-search", "glue-minilm-mrpc-rates"];

Deno.test("the counts of every published run lie where a plan says that they will", async () => {
  let exact = 0;
  let moved = 0;
  for (const name of studies) {
    const path = `results/published/${name}`;
    const { runs } = JSON.parse((await sourceAt(`${path}/study.json`)).text) as Stored;
    for (const { folder, run } of runs) {
      const { text } = await sourceAt(`${path}/${folder}/record.json`);
      const { happened: { budget } } = parseRunRecord(JSON.parse(text), folder);
      const method = findMethod(run.method, methods);
      const plan = planRun(method, run, tables.modulesOf(run.settings.model));
      const counts = plannedCounts(method, run, plan, tables);
      if (budget === null || counts === null || plan === null) {
        assert(budget === null && counts === null, folder);
        continue;
      }
      const isWithin = (count: number, range: CountRange | null) =>
        range !== null && range.least <= count && count <= range.most;
      const said = `${folder}: ${JSON.stringify({ budget, counts })}`;
      assert(isWithin(budget.initial, counts.initial), said);
      assert(isWithin(budget.peak, counts.peak), said);
      assert(isWithin(budget.final, counts.final), said);
      const { least, most } = counts.final!;
      if (least === most) exact++;
      else if (budget.final !== plan.finalParameters) moved++;
    }
  }
  assert(exact > 30, `${exact} runs had an exact count`);
  // Where ranks move, the plan's own figure is not what comes.
  assert(moved > 60, `${moved} runs ended elsewhere than ranks in proportion would`);
});
