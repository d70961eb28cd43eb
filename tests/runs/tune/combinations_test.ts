import { assertEquals } from "@std/assert";
import { methods } from "../../../src/methods/table.ts";
import { combinationsOf, combinationTitle, trialRun } from "../../../src/runs/tune/combinations.ts";
import { runTitle } from "../../../src/study/grid/run_id.ts";
import { parseStudy } from "../../../src/study/schema/parse.ts";
import { type Study } from "../../../src/study/schema/study.ts";
import type { SeededTune } from "../../../src/study/schema/tune.ts";

const study = parseStudy({
  name: "s",
  base: { train: { headLearningRate: 0.1 } },
  deltas: [
    { when: { method: "lora" }, set: { train: { learningRate: 0.5 } } },
    { when: { seed: 1 }, set: { train: { epochs: 9 } } },
  ],
  except: [{ seed: 1, method: "head" }, { task: "Genre", method: "head" }],
  axes: {
    tasks: ["Topic", "Genre"],
    methods: [
      "head",
      "lora",
      { method: "adalora", label: "ours" },
      { method: "lora", label: "again", ranks: { of: { label: "lora" } } },
    ],
    budgets: [2, { parameters: 9000 }],
    seeds: [1],
  },
});
const tune = {
  vary: {
    "train.learningRate": { log: [1e-3, 1e-1] },
    "options.alpha": { choices: [8, 16] },
    "adapter.modules": { choices: [["query"], ["value"]] },
  },
  trials: 2,
  seeds: [7, 8],
  heldOut: 0.2,
  per: ["method", "task"],
} as const;

Deno.test("combinationsOf() has one for each method and task, with the settings that the method has", () => {
  const found = combinationsOf(study, tune, methods, 1000);
  assertEquals(found.map(({ of, runs }) => [combinationTitle(of), runs.length]), [
    ["head on Topic", 2],
    ["lora on Topic", 4],
    ["ours on Topic", 4],
    ["lora on Genre", 4],
    ["ours on Genre", 4],
  ]);
  assertEquals(found.map(({ space }) => Object.keys(space).length), [1, 3, 3, 3, 3]);
  for (const { runs } of found) {
    for (const { seed, settings: { train } } of runs) {
      // What the study says of its own seeds is not for others.
      assertEquals([tune.seeds.includes(seed as 7), train.epochs, train.heldOut], [true, 3, 0.2]);
    }
  }
  const other = {
    ...tune,
    per: ["method", "budget"],
    methods: ["ours"],
    tasks: ["Topic"],
  } as const;
  assertEquals(
    combinationsOf(study, other, methods, 1000).map(({ of }) => [combinationTitle(of), of.budget]),
    [["ours at 2", 2], ["ours at {parameters:9000}", { parameters: 9000 }]],
  );
});

Deno.test("combinationsOf() has one for each budget too, unless the block says what settings are chosen for", () => {
  const { per: _per, ...plain } = tune;
  const found = combinationsOf(study, { ...plain, tasks: ["Topic"] }, methods, 1000);
  assertEquals(found.map(({ of, runs }) => [combinationTitle(of), runs.length]), [
    ["head on Topic", 2],
    ["lora on Topic at 2", 2],
    ["lora on Topic at {parameters:9000}", 2],
    ["ours on Topic at 2", 2],
    ["ours on Topic at {parameters:9000}", 2],
  ]);
});

Deno.test("a trial has the runs of the tasks, budgets and seeds that tune names, and of no others", () => {
  const { except: _except, ...whole } = study;
  const runsOf = (rest: Partial<SeededTune>, of: Study = whole) =>
    combinationsOf(
      of,
      { ...tune, per: ["method"], methods: ["head", "lora"], ...rest },
      methods,
      99,
    )
      .map(({ of: { method }, runs }) => `${method}: ${runs.map(runTitle).join("; ")}`);
  assertEquals(runsOf({ tasks: ["Genre"], budgets: [{ parameters: 9000 }], seeds: [7] }), [
    "head: Genre, head, seed 7",
    "lora: Genre, lora, p9000, seed 7",
  ]);
  assertEquals(runsOf({ budgets: [2], seeds: [7] }), [
    "head: Topic, head, seed 7; Genre, head, seed 7",
    "lora: Topic, lora, r2, seed 7; Genre, lora, r2, seed 7",
  ]);
  // A study that varies settings itself has the same arm with each of them.
  const axes = { ...whole.axes, tasks: ["Topic"], settings: { "train.epochs": [1, 2] } };
  assertEquals(
    combinationsOf({ ...whole, axes }, { ...tune, methods: ["head"] }, methods, 99)
      .map(({ of: { method }, runs }) => [method, runs.length]),
    [["head", 4]],
  );
});

Deno.test("trials of runs with a plateau hold out for both what tune says", () => {
  const base = { train: { epochs: 9, until: { plateau: { heldOut: 0.3 } } } };
  const [head] = combinationsOf({ ...study, base }, tune, methods, 1000);
  const { heldOut, until } = head!.runs[0]!.settings.train;
  assertEquals([heldOut, until?.plateau.heldOut], [0.2, 0.2]);
  const [plain] = combinationsOf(study, tune, methods, 1000);
  assertEquals(plain!.runs[0]!.settings.train.until, undefined);
});

Deno.test("trialRun() lays the values of a trial over all else, and names the run by them", () => {
  const [, lora] = combinationsOf(study, tune, methods, 1000);
  const run = lora!.runs[0]!;
  assertEquals(run.settings.train.learningRate, 0.5);
  const entry = methods.find(({ name }) => name === "lora")!;
  const point = { "train.learningRate": 0.02, "train.headLearningRate": null, "options.bRate": 1 };
  const made = trialRun(run, point, entry);
  assertEquals([made.label, made.arm, made.varied], [
    "lora learningRate=0.02 headLearningRate=null bRate=1",
    "lora",
    point,
  ]);
  assertEquals(made.settings.train.learningRate, 0.02);
  // At their defaults, later settings are left out, so that the run is that of a study that does not say them.
  assertEquals(Object.hasOwn(made.settings.train, "headLearningRate"), false);
  assertEquals(made.options, run.options);
  // What the study varies itself stays beside.
  const varied = { ...run, varied: { "train.epochs": 2 } };
  assertEquals(trialRun(varied, { "options.bRate": 1 }, entry).varied, {
    "train.epochs": 2,
    "options.bRate": 1,
  });
});

Deno.test("trialRun() says of a number of parameters whether the method keeps to it with the trial's options", () => {
  const entry = methods.find(({ name }) => name === "adalora")!;
  const ours = combinationsOf(study, tune, methods, 1000).find(({ of }) => of.method === "ours")!;
  const run = ours.runs.find(({ budget }) => budget?.type === "parameters")!;
  const budgets = ["exact", "upstream"].map((ties) =>
    trialRun(run, { "options.ties": ties }, entry).budget
  );
  const budget = { type: "parameters", value: 9000 } as const;
  assertEquals(budgets, [{ ...budget, isCap: true }, budget]);
});

Deno.test("the options of every method are the same when they are read again, as those of trials are", () => {
  for (const { name, parseOptions } of methods) {
    assertEquals(parseOptions(parseOptions({})), parseOptions({}), name);
  }
});
