/** One analysis of a study's results. */
import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { analyse } from "../../src/analysis/analysis.ts";
import { scoredStudy } from "./scored_study.ts";

Deno.test("an analysis computes its parts when they are asked for, once; those of replays too", () => {
  const study = scoredStudy({ labels: ["lora", "other"], score: () => 0.5 });
  const replay = {
    ...study,
    runs: study.runs.map((run) => ({
      ...run,
      replay: { variant: "uniform", source: run.record.id, baseline: run.record.id } as const,
    })),
  };
  const analysis = analyse({ ...study, replay });
  for (const part of [analysis, analysis.replay!]) {
    for (const name of ["scores", "tests", "overTasks", "claimsReport", "majority"] as const) {
      assert(Object.getOwnPropertyDescriptor(part, name)?.get !== undefined, name);
      assertStrictEquals(part[name], part[name]);
    }
  }
  assertEquals(analysis.replay!.runs[0]!.replay.variant, "uniform");
});
