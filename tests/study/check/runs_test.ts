import { assertEquals } from "@std/assert";
import { expandStudy } from "../../../src/study/grid/expand.ts";
import { StudyError } from "../../../src/study/check/problems.ts";
import { checkRuns, type RunTables } from "../../../src/study/check/runs.ts";
import { planRun } from "../../../src/study/budget/ranks.ts";
import { encoderModules, examplesOf, methods, runsOf, smallStudy, tasks } from "../tables.ts";

const modules = encoderModules(2, 64, 256);
const tables: RunTables = { methods, examplesOf, modulesOf: () => modules };

Deno.test("checkRuns() finds nothing wrong with a sound study, and plans the ranks of each run", () => {
  const runs = runsOf({
    axes: { methods: ["head", "lora", "adalora", "elalora"], budgets: [1, 2.5, 8] },
  });
  const checked = checkRuns(runs, tables);
  assertEquals(checked.problems, []);
  assertEquals(
    checked.runs.map(({ run, plan, modules }) => [run, plan, modules]),
    runs.map((run) => {
      const entry = methods.find(({ name }) => name === run.method)!;
      return [run, planRun(entry, run, modules), entry.usesBudget ? modules : []];
    }),
  );
});

Deno.test("checkRuns() tells all problems of all runs, each with its run and key", () => {
  // 12 modules: 4 × 128 + 2 × 320 = 1152 a layer, 2304 for one rank of LoRA, 2316 with E.
  const study = smallStudy({
    base: { train: { steps: 100, warmup: 100 } },
    deltas: [
      { when: { method: "elalora" }, options: { initWarmup: 60, finalWarmup: 40 } },
      { when: { task: "CoLA" }, set: { train: { warmup: 0 } } },
    ],
    axes: {
      tasks: ["RTE", "CoLA"],
      methods: ["lora", "elalora"],
      budgets: [{ parameters: 2304 }],
      seeds: [1, 2],
    },
  });
  const { problems } = checkRuns(expandStudy(study, { tasks, methods }), tables);
  assertEquals(problems, [
    {
      where: 'run "RTE, lora, p2304, seed 1", settings.train.warmup (and 3 more runs)',
      message: "found a warm-up of 100 steps in a run of 100, wanted fewer steps than the run has",
    },
    {
      where: 'run "RTE, elalora, p2304, seed 1", budget (and 3 more runs)',
      message: 'Cannot give "elalora" one rank in each of 12 modules with a budget of 2304 ' +
        "parameters: at least rank 1 or 2316 parameters are wanted",
    },
    {
      where: 'run "RTE, elalora, p2304, seed 1", options (and 3 more runs)',
      message: "initWarmup 60 and finalWarmup 40 leave no room in 100 steps",
    },
  ]);
});

Deno.test("checkRuns() reports tasks and models that cannot be read", () => {
  const runs = runsOf({ axes: { tasks: ["RTE", "CoLA"] } });
  const { problems } = checkRuns(runs, {
    methods,
    examplesOf: (task) => {
      if (task === "CoLA") throw new Error("CoLA/train.tsv is not there");
      return 0;
    },
    modulesOf: (model) => {
      throw new Error(`model "${model}" cannot be read`);
    },
  });
  assertEquals(problems.map(({ where, message }) => `${where}: ${message}`), [
    'run "RTE, lora, r4, seed 1", task: Cannot count the steps of an epoch: found 0 training examples, wanted at least 1',
    'run "RTE, lora, r4, seed 1", settings.model (and 1 more run): model "embedded" cannot be read',
    'run "CoLA, lora, r4, seed 1", task: CoLA/train.tsv is not there',
  ]);
});

Deno.test("a study error tells all problems of its runs", () => {
  const runs = runsOf({ axes: { budgets: [0.5, 65] } });
  const error = new StudyError("Cannot start these runs", checkRuns(runs, tables).problems);
  assertEquals(error.problems.length, 2);
  assertEquals(
    error.message.split("\n").slice(0, 2),
    [
      "Cannot start these runs, 2 problems:",
      '- run "RTE, lora, r0.5, seed 1", budget: Cannot give "lora" one rank in each of 12 modules with ' +
      "a budget of rank 0.5: at least rank 1 or 2304 parameters are wanted",
    ],
  );
});

Deno.test("checkRuns() names a method that the tables lack", () => {
  const runs = runsOf();
  const { problems: [problem] } = checkRuns(
    runs.map((run) => ({ ...run, method: "loar" })),
    tables,
  );
  assertEquals(problem?.where, 'run "RTE, lora, r4, seed 1", method');
  assertEquals(problem?.message.endsWith('Did you mean "lora"?'), true);
});

Deno.test("checkRuns() refuses more steps than can be meant, by their number and by epochs", () => {
  const problemsOf = (train: { readonly steps?: number; readonly epochs?: number }) => {
    const study = smallStudy({ base: { train } });
    return checkRuns(expandStudy(study, { tasks, methods }), tables).problems
      .map(({ where, message }) => `${where.split(", ").at(-1)}: ${message}`);
  };
  assertEquals(problemsOf({ steps: 10_000_000 }), []);
  assertEquals(problemsOf({ steps: 1e12 }), [
    "settings.train.steps: found 1,000,000,000,000 steps, wanted at most 10,000,000",
  ]);
  // 2490 examples are 78 steps an epoch.
  assertEquals(problemsOf({ epochs: 1e9 }), [
    "settings.train.epochs: found 78,000,000,000 steps by 1000000000 epochs, wanted at most 10,000,000",
  ]);
});
