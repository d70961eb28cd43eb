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
    const names = ["scores", "tests", "overTasks", "claimsReport", "majority", "costs"] as const;
    const get = (name: string) => Object.getOwnPropertyDescriptor(part, name)?.get;
    for (const name of names) assert(get(name) !== undefined, name);
    for (const name of names) assertStrictEquals(part[name], part[name]);
    for (const name of names) assertEquals(get(name), undefined);
  }
  assertEquals(analysis.replay!.runs[0]!.replay.variant, "uniform");
});
