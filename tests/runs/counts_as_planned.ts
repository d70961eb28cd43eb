/** Records of a tiny study's runs, held against the counts that its plan promised. */
import { assert } from "@std/assert";
import type { RunRecord } from "../../src/record/types.ts";
import type { Study } from "../../src/study/schema/study.ts";
import type { CountRange, PlannedCounts, RankPlan } from "../../src/study/types.ts";
import { plannedCounts } from "../../src/study/check/runs.ts";
import { planIn } from "./tiny_study.ts";

function isWithin(count: number, range: CountRange | null): boolean {
  return range === null || range.least <= count && count <= range.most;
}

/** What one run was planned with, and its record. */
export interface CountedRun {
  readonly plan: RankPlan;
  readonly counts: PlannedCounts;
  readonly record: RunRecord;
}

/** Asserts that each run with a budget has counts within the planned ones; returns those runs by label. */
export async function assertCountsAsPlanned(
  study: Study,
  home: string,
  folder: string,
): Promise<ReadonlyMap<string, CountedRun>> {
  const { runs, inputs } = await planIn(home, study);
  const found = new Map<string, CountedRun>();
  for (const { run, plan, method, folder: name } of runs) {
    const counts = plannedCounts(method, run, plan, {
      examplesOf: (task) => inputs.examplesOf(task),
      modulesOf: (model) => inputs.modulesOf(model),
    });
    if (counts === null || plan === null) continue;
    const record: RunRecord = JSON.parse(
      await Deno.readTextFile(`${folder}/${name}/record.json`),
    );
    const { budget } = record.happened;
    for (const moment of ["initial", "peak", "final"] as const) {
      const said = `${moment} of ${run.label}: ${JSON.stringify({ budget, counts })}`;
      assert(isWithin(budget![moment], counts[moment]), said);
    }
    found.set(run.label, { plan, counts, record });
  }
  return found;
}
