/** What a plan promises of parameters, held against runs of every method that has ranks. */
import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { methods } from "../../src/methods/table.ts";
import { planRun } from "../../src/study/budget/ranks.ts";
import { defaultSettings } from "../../src/study/schema/settings.ts";
import { parseStudy } from "../../src/study/schema/parse.ts";
import type { CountRange, RunSpec } from "../../src/study/types.ts";
import { plannedCounts } from "../../src/study/check/runs.ts";
import { encoderModules } from "../study/tables.ts";
import { assertCountsAsPlanned } from "./counts_as_planned.ts";
import { inHome, planTextIn, tinyStudy, withSwept } from "./tiny_study.ts";

/** A budget that does not divide evenly, for methods whose ranks are masked or move. */
const study = parseStudy({
  ...tinyStudy,
  base: {
    ...tinyStudy.base,
    train: { ...tinyStudy.base!.train, steps: 20, learningRate: 0.05, keep: "last" },
  },
  deltas: [{
    when: { method: ["adalora", "elalora"] },
    options: { initWarmup: 2, finalWarmup: 3, maskInterval: 2 },
  }],
  axes: { ...tinyStudy.axes, methods: ["adalora", "elalora"], budgets: [{ parameters: 1500 }] },
});

Deno.test("counts of runs whose ranks move lie where the plan says", async () => {
  await withSwept(async ({ home, folder }) => {
    const found = await assertCountsAsPlanned(study, home, folder);
    assertEquals(found.size, 2);
    for (const [label, { plan, counts, record }] of found) {
      assert(counts.final!.least < counts.final!.most, label);
      // What ranks in proportion would cost is not what came.
      assertNotEquals(record.happened.budget!.final, plan.finalParameters, label);
    }
  }, study);
});

Deno.test("plannedCounts() is exact for each method whose ranks stay, and says what it knows of the others", () => {
  const modules = encoderModules(4, 128, 512);
  const tables = { examplesOf: () => 2000, modulesOf: () => modules };
  const finals = Object.fromEntries(
    methods.filter(({ usesBudget }) => usesBudget).map((method): [string, CountRange | null] => {
      const sequence = method.name === "sdlora" ? { sequence: ["Topic", "Genre"] } : {};
      const run: RunSpec = {
        study: "s",
        task: "Topic",
        ...sequence,
        method: method.name,
        label: method.name,
        methodVersion: method.version,
        options: method.parseOptions({}),
        budget: { type: "rank", value: 4 },
        seed: 1,
        settings: defaultSettings,
        ranks: null,
      };
      const plan = planRun(method, run, modules);
      return [method.name, plannedCounts(method, run, plan, tables)!.final];
    }),
  );
  const isExact = (name: string) => finals[name]!.least === finals[name]!.most;
  assertEquals(Object.keys(finals).filter((name) => !isExact(name)).sort(), [
    "adalora",
    "alora",
    "dora-dynamic",
    "elalora",
    "eva",
    "gelora",
    "sora",
  ]);
  // 16 modules of 256 and 8 of 640 a rank, with E one more: of 6 ranks each, 96 stay, all of them narrow, or 48 wide.
  assertEquals(finals["adalora"], {
    least: 96 * 257,
    most: 8 * 6 * 641 + 48 * 257,
  });
  assertEquals(finals["dora-dynamic"], finals["adalora"]);
  // EVA gives 96 ranks, at most 8 in a module and none in some: all of them narrow, or 64 wide.
  assertEquals(finals["eva"], { least: 96 * 256, most: 64 * 640 + 32 * 256 });
  assertEquals(finals["sora"], { least: 0, most: 4 * (16 * 257 + 8 * 641) });
  assertEquals(finals["gelora"]!.least, 16 * 256 + 8 * 640 + 72 * 256);
  // SD-LoRA trains the factors of one task, and the magnitudes of both.
  assertEquals(finals["sdlora"]!.least, 4 * (16 * 256 + 8 * 640) + 2);
});

Deno.test("a plan prints a count, the two that it lies between, or a question mark", async () => {
  await inHome(async (home) => {
    const few = parseStudy({
      ...study,
      axes: {
        ...study.axes,
        methods: ["lora", "elalora", {
          method: "gelora",
          options: { ranks: "paper", examples: 100 },
        }],
      },
      userTasks: [{
        name: "Moves",
        files: { train: ["moves/train.tsv", "moves/dev.tsv"] },
        dev: 0.1,
        columns: { text: "text", label: "label" },
        labels: ["calm", "lively"],
      }],
    });
    const text = await planTextIn(home, few);
    assertMatch(text, /lora .* 1,5\d\d +(?<count>1,\d{3}) +\k<count> +\k<count> /);
    assertMatch(text, /elalora .* 1,500 +(?<count>1,\d{3}) +\k<count>-\d,\d{3} +[\d,]+-[\d,]+ /);
    assertMatch(text, /gelora .* from data +1,500 +\? +\? +\? /);
    assertMatch(
      text,
      /\nn-m: the count will lie between the two: .*\n\?: not known before the run\n/,
    );
  });
});
