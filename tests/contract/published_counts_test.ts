import { assert } from "@std/assert";
import { findMethod, methods } from "../../src/methods/table.ts";
import { readRecord, within } from "../../src/record/results_reader.ts";
import { planRun } from "../../src/study/budget/ranks.ts";
import type { CountRange } from "../../src/study/types.ts";
import { plannedCounts } from "../../src/study/check/runs.ts";
import { examplesOf as publishedSize } from "../study/tables.ts";
import { modulesOf, publishedStudies, readPublished } from "./published.ts";

/** Training examples of the embedded tasks, of records that do not say how many there were. */
const olderSizes: Readonly<Record<string, number>> = {
  Acceptability: 3000,
  Topic: 1600,
  YearsApart: 1500,
};

Deno.test("the counts of every published run lie where a plan says that they will", async () => {
  let exact = 0;
  let moved = 0;
  for (const name of await publishedStudies()) {
    const { stored: { runs }, reader } = await readPublished(name);
    for (const { folder, run } of runs) {
      const record = (await readRecord(within(reader, folder)))!;
      const { happened: { budget, examples } } = record;
      const modules = await modulesOf(record);
      const method = findMethod(run.method, methods);
      const plan = planRun(method, run, modules);
      const counts = plannedCounts(method, run, plan, {
        examplesOf: (task) => examples?.train ?? olderSizes[task] ?? publishedSize(task),
        modulesOf: () => modules,
      });
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
