import { assert, assertEquals, assertThrows } from "@std/assert";
import { StudyError } from "../../../src/study/check/problems.ts";
import { parseStudy } from "../../../src/study/schema/parse.ts";
import { trialsOf, type Tune, tuneSeeds } from "../../../src/study/schema/tune.ts";
import { notBracketedOf, type Tuned } from "../../../src/study/schema/tuned.ts";

const rate = { log: [1e-4, 1e-2], limits: [1e-5, 1e-1] };
const block = {
  vary: { "train.learningRate": rate, "options.alpha": { choices: [8, 16] } },
  trials: 12,
  seeds: [101],
  heldOut: 0.2,
};
const axes = { tasks: ["RTE"], methods: ["lora"], budgets: [4], seeds: [1] };
const studyWith = (tune: object) => ({ name: "s", axes, tune: { ...block, ...tune } });

Deno.test("parseStudy() keeps a tune block as it stands", () => {
  const study = studyWith({
    search: "asha",
    per: ["method"],
    tasks: ["RTE"],
    methods: ["lora"],
    budgets: [4, { parameters: 2000 }],
    asha: { reduction: 4, leastShare: 0.1, atOnce: 2 },
  });
  assertEquals<unknown>(parseStudy(study), study);
});

Deno.test("parseStudy() says what is wrong with a tune block", () => {
  const vary = (range: unknown) => ({ vary: { "train.learningRate": range } });
  const at = "tune.vary.train.learningRate";
  const cases: readonly [object, string][] = [
    [{ heldOut: undefined }, "tune.heldOut: missing, wanted a share of the training split above 0"],
    [{ heldOut: 0 }, "tune.heldOut: found 0, wanted a share of the training split"],
    [{ heldOut: null }, "settings are not chosen on the dev set"],
    [{ heldOut: 1 }, "tune.heldOut: found 1, wanted a share"],
    [{ trials: 1 }, "tune.trials: found 1, wanted a whole number from 2: one trial"],
    [{ trials: { lora: 12, adalora: 6 } }, "no method may have more trials than another"],
    [{ trials: { perSetting: 1 } }, 'wanted one number, or { "perSetting": 4 }'],
    [{ trials: { perSetting: 4, more: 1 } }, 'wanted one number, or { "perSetting": 4 }'],
    [
      { trials: { perSetting: 4 }, search: "grid" },
      "tune.trials: found trials for each setting of",
    ],
    [{ trials: 2.5 }, "tune.trials: found 2.5, wanted a whole number"],
    [{ vary: {} }, "tune.vary: found {}, wanted at least one setting that varies"],
    [vary({ log: [1e-3, 1e-3] }), "a range of one point, wanted two different numbers"],
    [vary({ log: [1e-2, 1e-3] }), "found [0.01,0.001], wanted the smaller number first"],
    [vary({ log: [0, 1] }), "found [0,1], wanted numbers above 0"],
    [vary({ ...rate, limits: [1e-3, 1] }), "found [0.001,1], wanted limits around the range"],
    [vary({ ...rate, limits: [1e-5, 5e-3] }), "found [0.00001,0.005], wanted limits around"],
    [vary({ log: [1e-3, 1], limits: [0, 1] }), "found [0,1], wanted numbers above 0 for a range"],
    [vary({ choices: [1] }), "found a range of one point, wanted at least two choices"],
    [vary({ choices: [1, 1] }), "found a range of one point"],
    [vary({ choices: [1, 1, 2] }), "found a choice twice, wanted each once"],
    [vary({ choices: [1, 2], limits: [0, 3] }), "found limits of choices, wanted none"],
    [vary({ log: [1, 2], linear: [1, 2] }), "found log and linear, wanted one of log, linear"],
    [vary({ limits: [1, 2] }), "found no range, wanted one of log, linear, choices"],
    [vary({ logs: [1, 2] }), 'Did you mean "log"?'],
    [{ per: ["task"] }, 'tune.per: found ["task"], wanted method'],
    [{ asha: {} }, 'tune.asha: found asha without the search "asha"'],
    [{ search: "halving" }, 'Unknown search "halving"'],
    [{ seeds: [] }, "tune.seeds: found [], wanted at least 1 entry"],
    [{ trails: 3 }, 'Did you mean "trials"?'],
  ];
  for (const [tune, text] of cases) {
    const { message } = assertThrows(() => parseStudy(studyWith(tune)), StudyError);
    assert(message.includes(text), `${message}\n\nwanted ${text}`);
  }
  assert(
    assertThrows(() => parseStudy(studyWith(vary({ choices: [1] }))), StudyError).message
      .includes(at),
  );
});

Deno.test("tuneSeeds() are two that no sweep of the study may use, unless the block states its own", () => {
  const seedsOf = (seeds: readonly number[], rest: object = {}, own: object = {}) => {
    const tune = { ...block, ...own } as unknown as Tune;
    const { seeds: _seeds, ...without } = tune;
    return tuneSeeds({
      axes: { seeds },
      ...rest,
      tune: Object.hasOwn(own, "seeds") ? tune : without,
    });
  };
  const claims = [{ name: "c", says: "better", a: { method: "lora" }, b: { method: "head" } }];
  assertEquals(seedsOf([1, 2, 3]), [101, 102]);
  assertEquals(seedsOf([1, 101]), [102, 103]);
  // Seeds 90 and 91, and 28 more until claims are decided.
  assertEquals(seedsOf([90, 91], { claims }), [120, 121]);
  assertEquals(seedsOf([1], {}, { seeds: [7] }), [7]);
});

Deno.test("trialsOf() is one number for all, or a number for each setting that varies", () => {
  assertEquals(trialsOf(12, { a: 1, b: 2 }), 12);
  assertEquals(trialsOf({ perSetting: 4 }, { a: 1, b: 2 }), 8);
  const study = studyWith({ trials: { perSetting: 4 } });
  assertEquals<unknown>(parseStudy(study), study);
});

Deno.test("parseStudy() takes one setting with limits at the ends of its range, and two trials", () => {
  const vary = { "train.learningRate": { ...rate, limits: rate.log } };
  const study = studyWith({ vary, trials: 2 });
  assertEquals<unknown>(parseStudy(study), study);
});

const none = { metric: "accuracy", values: {}, score: 1, trials: [] };
const edge = { path: "train.learningRate", value: 0.1, edge: "high" } as const;
const tuned: Tuned = {
  study: "s",
  hash: "0",
  search: "random",
  trials: 12,
  seeds: [101],
  heldOut: 0.2,
  seconds: 10,
  runs: 24,
  notBracketed: [
    { method: "ours", name: "elalora", task: "RTE", budget: 4, ...edge },
    { method: "lora", name: "lora", task: "CoLA", ...edge },
  ],
  best: [
    { method: "ours", name: "elalora", task: "RTE", budget: 4, ...none },
    { method: "ours", name: "elalora", task: "RTE", budget: 8, ...none },
    { method: "lora", name: "lora", task: "CoLA", ...none },
    { method: "lora a=4", name: "lora", task: "CoLA", ...none },
  ],
};

Deno.test("notBracketedOf() finds the settings of an arm that were chosen at an edge on the task", () => {
  const cases: readonly [Parameters<typeof notBracketedOf>[1], string, number][] = [
    [{ method: "ours", budget: 4 }, "RTE", 1],
    [{ method: "ours", budget: { rank: 4 } }, "RTE", 1],
    [{ method: "ours" }, "RTE", 1],
    [{ method: "elalora" }, "RTE", 1],
    [{ method: "ours", budget: 8 }, "RTE", 0],
    [{ method: "ours", budget: 4 }, "CoLA", 0],
    // One choice for all budgets.
    [{ method: "lora", budget: 2 }, "CoLA", 1],
    // A label goes before a method of the same name.
    [{ method: "lora a=4", budget: 2 }, "CoLA", 0],
    [{ method: "full" }, "RTE", 0],
  ];
  for (const [arm, task, wanted] of cases) {
    assertEquals(
      notBracketedOf(tuned, arm, task).length,
      wanted,
      `${JSON.stringify(arm)} on ${task}`,
    );
  }
  assertEquals(notBracketedOf(undefined, { method: "ours" }, "RTE"), []);
  assertEquals(notBracketedOf(tuned, { method: "ours" }, "RTE"), [tuned.notBracketed[0]!]);
});
