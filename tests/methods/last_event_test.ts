/** When the ranks of each method change for the last time by their schedule: a plateau counts from there. */
import { assertEquals } from "@std/assert";
import { methods } from "../../src/methods/table.ts";
import { planRun } from "../../src/study/budget/ranks.ts";
import { defaultSettings } from "../../src/study/schema/settings.ts";
import type { RunSpec } from "../../src/study/types.ts";
import { encoderModules } from "../study/tables.ts";

const all = encoderModules(2, 64, 256);

/** Steps done when a method's ranks change for the last time in a run of 1000 steps of 100 a pass. */
function lastEvent(name: string, given: object = {}): number {
  const method = methods.find((method) => method.name === name)!;
  const options = method.parseOptions(given);
  const budget = { type: "rank", value: 4 } as const;
  const run = { options, budget, ranks: null, settings: defaultSettings } as unknown as RunSpec;
  const parts = method.moduleParts(options);
  return method.lastEvent!(options, {
    totalSteps: 1000,
    stepsPerEpoch: 100,
    trainExamples: 3200,
    modules: method.usesBudget ? all.filter(({ part }) => parts?.includes(part) ?? true) : [],
    plan: method.usesBudget ? planRun(method, run, all, 1000) : null,
  });
}

Deno.test("ranks that stay have no last event", () => {
  for (const name of ["full", "head", "bitfit", "lora", "dora", "pissa", "houlsby", "gelora"]) {
    assertEquals(lastEvent(name), 0, name);
  }
});

Deno.test("AdaLoRA's first mask of the last phase is its last, and ElaLoRA moves none in that phase", () => {
  const schedule = { initWarmup: 100, finalWarmup: 300, maskInterval: 10 };
  // Step 701, counted from 0, is the first after T − t_f = 700.
  assertEquals(lastEvent("adalora", schedule), 702);
  // The cubic fall of what moves has come to nothing before.
  assertEquals(lastEvent("elalora", schedule), 671);
});

Deno.test("blocks, rounds and phases end where their schedules say", () => {
  // Ten blocks: the last one begins after step 900.
  assertEquals(lastEvent("raclora"), 900);
  assertEquals(lastEvent("dora-dynamic"), 500);
});

Deno.test("methods that prune until the end never come to a plateau", () => {
  assertEquals([lastEvent("prilora"), lastEvent("sora")], [1000, 1000]);
});
