/** What a plan promises of parameters, held against runs of every method that has ranks. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { expand, planRuns } from "../../src/cli/planning.ts";
import { planText, rangeText } from "../../src/cli/plan_text.ts";
import { findMethod, methods } from "../../src/methods/table.ts";
import { planRun } from "../../src/spec/ranks.ts";
import { defaultSettings } from "../../src/spec/settings.ts";
import { parseStudy, type StudyMethod } from "../../src/spec/study.ts";
import type { CountRange, RunSpec } from "../../src/spec/types.ts";
import { plannedCounts } from "../../src/spec/validate.ts";
import { encoderModules } from "../spec/tables.ts";
import { tinyModel, tinyStudy, withSwept, writeTinyTasks } from "./tiny_study.ts";

/** Methods whose ranks move or are masked, at a budget that does not divide evenly. */
const restless: readonly StudyMethod[] = [
  "adalora",
  { method: "adalora", label: "adalora-best" },
  "elalora",
  { method: "sora", options: { sparseLambda2: 0.02 }, label: "sora" },
  { method: "alora", options: { K1: 0.3, K2: 0.2, examples: 8, n_A: 5 }, label: "alora" },
];

const study = parseStudy({
  ...tinyStudy,
  base: {
    ...tinyStudy.base,
    train: { ...tinyStudy.base!.train, steps: 20, learningRate: 0.05, keep: "last" },
  },
  deltas: [{
    when: { method: ["adalora", "elalora"] },
    options: { initWarmup: 2, finalWarmup: 3, maskInterval: 2 },
  }, { when: { method: "adalora-best" }, set: { train: { keep: "best" } } }],
  axes: { ...tinyStudy.axes, methods: restless, budgets: [{ parameters: 1500 }] },
});

function isWithin(count: number, range: CountRange | null): boolean {
  return range !== null && range.least <= count && count <= range.most;
}

Deno.test("counts of runs whose ranks move lie where the plan says", async () => {
  await withSwept(async ({ home, folder }) => {
    const folders = { data: null, model: tinyModel, study: home };
    const { runs, inputs } = await planRuns(study, expand(study, methods), folders, methods);
    let elsewhere = 0;
    for (const { run, plan, folder: name } of runs) {
      const record = JSON.parse(await Deno.readTextFile(`${folder}/${name}/record.json`));
      const counts = plannedCounts(findMethod(run.method, methods), run, plan, {
        examplesOf: (task) => inputs.examplesOf(task),
        modulesOf: (model) => inputs.modulesOf(model),
      })!;
      const { budget } = record.happened;
      const said = `${run.label}: ${JSON.stringify({ budget, counts })}`;
      for (const moment of ["initial", "peak", "final"] as const) {
        assert(isWithin(budget[moment], counts[moment]), `${moment} of ${said}`);
      }
      assert(counts.final!.least < counts.final!.most, said);
      if (budget.final !== plan!.finalParameters) elsewhere++;
    }
    assertEquals(runs.length, restless.length);
    assert(elsewhere >= 3, `${elsewhere} runs ended elsewhere than ranks in proportion would`);
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
    "elalora",
    "gelora",
    "sora",
  ]);
  // 16 modules of 256 and 8 of 640 a rank, with E one more: of 6 ranks each, 96 stay, all of them narrow, or 48 wide.
  assertEquals(finals["adalora"], {
    least: 96 * 257,
    most: 8 * 6 * 641 + 48 * 257,
  });
  assertEquals(finals["sora"], { least: 0, most: 4 * (16 * 257 + 8 * 641) });
  assertEquals(finals["gelora"]!.least, 16 * 256 + 8 * 640 + 72 * 256);
  // SD-LoRA trains the factors of one task, and the magnitudes of both.
  assertEquals(finals["sdlora"]!.least, 4 * (16 * 256 + 8 * 640) + 2);
});

Deno.test("a plan prints a count, the two that it lies between, or a question mark", async () => {
  assertEquals(
    [{ least: 1500, most: 1500 }, { least: 900, most: 12000 }, null].map(rangeText),
    ["1,500", "900-12,000", "?"],
  );
  const home = await Deno.makeTempDir();
  try {
    await writeTinyTasks(home);
    const few = parseStudy({
      ...study,
      deltas: study.deltas!.slice(0, 1),
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
    const file = { study: few, path: `${home}/tiny.json`, folder: home, methods };
    const text = await planText(file, { data: null, model: tinyModel, results: home });
    assertMatch(text, /lora .* 1,5\d\d +(?<count>1,\d{3}) +\k<count> +\k<count> /);
    assertMatch(text, /elalora .* 1,500 +(?<count>1,\d{3}) +\k<count>-\d,\d{3} +[\d,]+-[\d,]+ /);
    assertMatch(text, /gelora .* from data +1,500 +\? +\? +\? /);
    assertMatch(
      text,
      /\nn-m: the count will lie between the two: .*\n\?: not known before the run\n/,
    );
  } finally {
    await Deno.remove(home, { recursive: true });
  }
});
