import { assertEquals, assertStringIncludes } from "@std/assert";
import {
  type Arm,
  armSchema,
  armText,
  problemsOfArm,
  runsOfArm,
} from "../../../src/study/compare/arms.ts";
import { runTitle } from "../../../src/study/grid/run_id.ts";
import { runsOf } from "../tables.ts";

const runs = runsOf({
  deltas: [{ when: { seed: 2 }, set: { train: { learningRate: 0.01 } } }],
  axes: {
    methods: [
      "lora",
      { method: "lora", options: { alpha: 32 } },
      { method: "elalora", label: "ours" },
      { method: "adalora", label: "narrow" },
      { method: "adalora", options: { alpha: 8 }, label: "wide" },
      "head",
    ],
    budgets: [2, { parameters: 20_000 }],
    seeds: [1, 2],
  },
});

const titles = (arm: Arm) => runsOfArm(arm, runs).map(runTitle);
const problems = (arm: Arm) =>
  problemsOfArm(arm, "a", runs).map(({ where, message }) => `${where}: ${message}`);

Deno.test("an arm names runs by a label, or by a method of which there is one label", () => {
  // "lora" is a label, so that the entry with other options is not meant.
  assertEquals(titles({ method: "lora", budget: 2 }), [
    "RTE, lora, r2, seed 1",
    "RTE, lora, r2, seed 2",
  ]);
  assertEquals(
    titles({ method: "elalora", budget: { rank: 2 }, settings: { "train.learningRate": 0.01 } }),
    [
      "RTE, ours, r2, seed 2",
    ],
  );
  assertEquals(titles({ method: "ours", budget: { parameters: 20_000 } }).length, 2);
  assertEquals(titles({ method: "head" }), ["RTE, head, seed 1", "RTE, head, seed 2"]);
  for (const name of ["lora", "lora alpha=32", "elalora", "ours", "narrow", "head"]) {
    assertEquals(problems({ method: name }), []);
  }
});

Deno.test("an arm that is not there is told with those that are", () => {
  assertEquals(problems({ method: "elarola" }), [
    'a.method: Unknown method "elarola": known are "lora", "lora alpha=32", "ours", "narrow", "wide", "head", "elalora", ' +
    '"adalora". Did you mean "elalora"?',
  ]);
  assertEquals(problems({ method: "ours", budget: 3 }), [
    'a.budget: found 3, wanted a budget of "ours": 2, {"parameters":20000}',
  ]);
  assertEquals(problems({ method: "head", budget: 2 }), [
    'a.budget: found 2, but "head" has no ranks; leave the budget out',
  ]);
  assertEquals(problems({ method: "ours", settings: { "train.learningRate": 0.1 } }), [
    'a.settings["train.learningRate"]: found 0.1, wanted a value that its runs have: 0.001, 0.01',
  ]);
  // A setting that is left at its default reads null, and a key of nothing finds nothing.
  assertEquals(problems({ method: "ours", settings: { "train.headLearningRate": null } }), []);
  assertEquals(problems({ method: "ours", settings: { "train.rate": 0.1 } }), [
    'a.settings["train.rate"]: found 0.1, but none of its runs says "train.rate"; they say model, train.epochs, ' +
    "train.steps, train.batchSize, train.learningRate, train.warmup, train.schedule, train.weightDecay, train.beta1, " +
    "train.beta2, train.epsilon, train.clipNorm, train.dropout.hidden, train.dropout.attention, train.dropout.head, " +
    "train.dropout.adapter, train.maxLength, train.evaluateEvery, train.evaluateEpochs, train.keep, train.trainLimit, " +
    "train.devLimit, train.heldOut, adapter.modules",
  ]);
  assertEquals(problems({ method: "adalora" }), [
    'a.method: found "adalora", of which the study has 2 entries, wanted one of their labels: "narrow", "wide"',
  ]);
});

Deno.test("an arm is read from data and written in words", () => {
  const arm: Arm = { method: "lora", budget: { peak: 9000 }, settings: { "train.epochs": 3 } };
  assertEquals(armSchema.parse(arm), arm);
  assertEquals(armText(arm), 'lora at {"peak":9000}, train.epochs 3');
  assertEquals(armSchema.safeParse({ method: "lora", settings: {} }).success, false);
  assertEquals(armSchema.safeParse({ method: "lora", rank: 2 }).success, false);
});

Deno.test("an arm names an entry whose settings vary, and values of its settings and options", () => {
  const varied = runsOf({
    axes: {
      methods: ["lora", {
        method: "lora",
        label: "other",
        options: { scaling: "alpha/sqrt(r)" },
      }],
      settings: { "train.epochs": [2, 3], "options.alpha": [8, 16] },
    },
  });
  const titlesOf = (arm: Arm) => runsOfArm(arm, varied).map(runTitle);
  const settings = { "train.epochs": 2, "options.alpha": 8 };
  assertEquals(titlesOf({ method: "lora", settings }), ["RTE, lora epochs=2 alpha=8, r4, seed 1"]);
  assertEquals(titlesOf({ method: "lora epochs=3 alpha=8" }).length, 1);
  assertEquals(titlesOf({ method: "lora" }).length, 4);
  assertEquals(problemsOfArm({ method: "other", settings }, "a", varied), []);
  const [many] = problemsOfArm({ method: "other", settings: { "train.epochs": 2 } }, "a", varied);
  assertStringIncludes(
    many!.message,
    'has 2 entries, wanted values of what axes.settings varies as "settings" of the arm, or one of their labels: "other epochs=2 alpha=8"',
  );
  assertEquals(
    problemsOfArm({ method: "other", settings: { "options.alpha": 9 } }, "a", varied).map((
      { message },
    ) => message),
    ["found 9, wanted a value that its runs have: 8, 16"],
  );
});
