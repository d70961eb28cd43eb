/** What is wrong with a tuning, word for word, and what just is not. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { findMethod, methods, type MethodTable } from "../../../src/methods/table.ts";
import { combinationsOf } from "../../../src/runs/tune/combinations.ts";
import { problemsOfCombinations, problemsOfTune } from "../../../src/runs/tune/problems.ts";
import { problemOfSteps, rungRulesOf } from "../../../src/runs/tune/halving.ts";
import { parseStudy } from "../../../src/study/schema/parse.ts";
import { type Study } from "../../../src/study/schema/study.ts";
import type { SeededTune } from "../../../src/study/schema/tune.ts";

const block: SeededTune = {
  vary: { "train.learningRate": { log: [1e-3, 1e-1] } },
  trials: 9,
  seeds: [101],
  heldOut: 0.2,
  per: ["method", "task"],
};
const alpha = { "options.alpha": { choices: [8, 16] } };
const four = { method: "lora", options: { alpha: 4 } };
const claims = [{ name: "c", says: "better", a: { method: "lora" }, b: { method: "head" } }];

function studyWith(axes: object = {}, rest: object = {}): Study {
  return parseStudy({
    name: "s",
    base: { train: { steps: 90 } },
    axes: {
      tasks: ["Topic", "Genre"],
      methods: ["head", "lora"],
      budgets: [2, 4],
      seeds: [3, 1],
      ...axes,
    },
    ...rest,
  });
}

/** A study of methods without ranks alone. */
const headAlone = parseStudy({
  name: "s",
  axes: { tasks: ["Topic", "Genre"], methods: ["head"], seeds: [1] },
});

const lines = (problems: readonly { readonly where: string; readonly message: string }[]) =>
  problems.map(({ where, message }) => `${where}: ${message}`);

/** Of the block alone. */
const ofTune = (tune: object, study = studyWith()) =>
  lines(problemsOfTune(study, { ...block, ...tune }, methods));

/** Of the block with the study's runs. */
function ofCombinations(tune: object, study = studyWith({ methods: ["lora"], tasks: ["Topic"] })) {
  const whole = { ...block, ...tune };
  return lines(
    problemsOfCombinations(whole, combinationsOf(study, whole, methods, 1000), methods),
  );
}

/** Each list has one problem, with these words. */
function assertEach(cases: readonly (readonly [readonly string[], string])[]): void {
  for (const [found, text] of cases) {
    assertEquals(found.length, 1, `${found.join("\n")}\n\nwanted ${text}`);
    assertStringIncludes(found[0]!, text);
  }
}

Deno.test("problemsOfTune() finds none where a tuning is just right", () => {
  const claimed = studyWith({}, { claims });
  const fine: readonly (readonly string[])[] = [
    ofTune({}),
    ofTune({ search: "asha" }),
    ofTune({ tasks: ["Genre", "Topic"], budgets: [4, 2], per: ["method", "task", "budget"] }),
    ofTune({ tasks: ["Genre"], budgets: [4], per: ["method"] }),
    ofTune({ search: "asha", trials: { perSetting: 5 } }),
    ofTune({ per: ["method", "budget"] }),
    // Two seeds and up to 30: the largest is 3, so that 31 may come.
    ofTune({ seeds: [32] }, claimed),
    ofTune({ seeds: [2] }, claimed),
    ofTune({ seeds: [31] }),
    ofTune({ seeds: [4] }, studyWith({}, { claims, decide: { rule: "fixed" } })),
    // An option of one of the methods.
    ofTune({ vary: alpha }),
  ];
  assertEquals(fine, fine.map(() => []));
});

Deno.test("problemsOfTune() tells each problem once, with what was found and wanted", () => {
  const claimed = studyWith({}, { claims });
  assertEach([
    [ofTune({ seeds: [3, 101, 1] }), "tune.seeds: found 3, 1, which the study has too"],
    [
      ofTune({ seeds: [101, 31] }, claimed),
      "tune.seeds: found 31, which a sweep may add until claims are decided (up to 31), wanted",
    ],
    [ofTune({ seeds: [4] }, claimed), "tune.seeds: found 4, which a sweep may add"],
    [ofTune({ seeds: [7, 7] }), "tune.seeds: found a seed twice"],
    [
      ofTune({ search: "asha", trials: 8 }),
      "tune.trials: found 8, wanted at least 9, of which one is trained to its end: one of 3 goes on at each of 2 rungs",
    ],
    [
      ofTune({ search: "asha", trials: 15, asha: { reduction: 2, leastShare: 0.0625 } }),
      "found 15, wanted at least 16, of which one is trained to its end: one of 2 goes on at each of 4",
    ],
    [ofTune({ per: ["method"], tasks: ["Topic", "Gerne"] }), 'Did you mean "Genre"?'],
    [
      ofTune({ vary: alpha }, studyWith({ methods: [four] })),
      "axes.methods[0].options.alpha: found an option that tune.vary varies, wanted it in one of both places",
    ],
    [
      ofTune({ methods: ["lora"] }, studyWith({ methods: [four, "lora"] })),
      'tune.methods: found "lora" without "lora alpha=4", which would get what is chosen for "lora" too, wanted both',
    ],
    [
      ofTune({ per: ["method"], budgets: [2, { parameters: 9 }] }),
      'tune.budgets[1]: found {"parameters":9}, wanted one of [2,4]',
    ],
    [ofTune({ tasks: ["Topic"] }), "tune.tasks: found 1 of 2 tasks, wanted all"],
    [
      ofTune({ budgets: [4], per: ["method", "budget"] }),
      "tune.budgets: found 1 of 2 budgets, wanted all",
    ],
  ]);
  const none = ofTune({ budgets: [2], per: ["method"] }, headAlone);
  assertEquals(none, ["tune.budgets[0]: found 2, wanted one of []"]);
});

Deno.test("problems are told in the order of the keys, all of them", () => {
  const wrong = {
    vary: { "train.heldOut": { linear: [0.1, 0.2] }, "options.alfa": { choices: [1, 2] } },
    search: "asha",
    trials: 2,
    seeds: [3, 5, 5, 9],
    tasks: ["Topik", "Gerne"],
    budgets: [7, 8],
    per: ["method", "task", "budget"],
  };
  const found = ofTune(
    wrong,
    studyWith({ tasks: ["Topic", "Genre", "Mood"], budgets: [2, 4, 6] }, { claims }),
  );
  const wheres = ["vary.train.heldOut", "vary.options.alfa", "seeds", "seeds", "seeds", "trials"];
  const rest = ["tasks", "budgets[0]", "tasks", "budgets"];
  assertEquals(
    found.map((line) => line.slice(0, line.indexOf(":"))),
    [...wheres, ...rest].map((key) => `tune.${key}`),
  );
  // The first of each kind is the one that is told.
  assertStringIncludes(found[3]!, "found 5, which");
  assertStringIncludes(found[6]!, '"Topik"');
});

Deno.test("problemsOfTune() asks both ends, both limits and a value between of each range", () => {
  const of = (path: string, range: object) => ofTune({ vary: { [path]: range } });
  const rate = "train.learningRate";
  const size = "train.batchSize";
  assertEach([
    [of(rate, { linear: [-2, 1] }), "tune.vary.train.learningRate: found -2, wanted more than 0"],
    [of(rate, { linear: [1, 2], limits: [-3, 4] }), "found -3, wanted more than 0"],
    [of("train.heldOut", { linear: [0.1, 0.2] }), "wanted it as tune.heldOut"],
    [of("train.warmup", { linear: [0, 1], limits: [0, 1.5] }), "found 1.5, wanted"],
    // 8 + 0.382 · 12, and 8 · 4 ** 0.382.
    [
      of(size, { linear: [8, 20] }),
      "tune.vary.train.batchSize: found 12.58, wanted a whole number",
    ],
    [of(size, { log: [8, 32] }), "tune.vary.train.batchSize: found 13.59, wanted a whole number"],
    // Between them lies 1382, to four digits.
    [of(size, { linear: [1000.5, 2000], limits: [500, 4000] }), "found 1000.5, wanted a whole"],
    [of(size, { linear: [1000, 2000.5], limits: [500, 4000] }), "found 2000.5, wanted a whole"],
    [of(size, { choices: [8, 2.5, 3.5] }), "found 2.5, wanted a whole number"],
    [of("options.alfa", { choices: [1, 2] }), 'Did you mean "options.alpha"?'],
    [of("train.learnRate", { log: [1e-3, 1] }), 'Did you mean "train.learningRate"?'],
    [
      ofTune(
        { vary: { "train.warmup": { linear: [0, 0.1] } } },
        studyWith({ settings: { "train.warmup": [0, 0.1] } }),
      ),
      "tune.vary.train.warmup: found a setting of axes.settings",
    ],
  ]);
  // An option that none of the study's methods has.
  assertEquals(ofTune({ vary: alpha }, headAlone).length, 1);
});

Deno.test("problemsOfCombinations() finds none where points and steps just suffice", () => {
  const fine = [
    ofCombinations({}),
    ofCombinations({ vary: alpha, trials: 2 }),
    ofCombinations({ vary: alpha, trials: 2, search: "grid" }),
    ofCombinations({ search: "grid", trials: 2 }),
    // Two rungs before the end, of one step and three.
    ofCombinations({ search: "asha" }, studyWith({}, { base: { train: { steps: 9 } } })),
    // How many steps two epochs are, the data say.
    ofCombinations({ search: "asha" }, studyWith({}, { base: { train: { epochs: 2 } } })),
    ofCombinations({ search: "random" }, studyWith({}, { base: { train: { steps: 8 } } })),
  ];
  assertEquals(fine, fine.map(() => []));
});

Deno.test("problemsOfCombinations() tells what each combination lacks", () => {
  const from = { method: "lora", label: "again", ranks: { of: { label: "lora" } } };
  const topic = (...own: readonly unknown[]) => studyWith({ tasks: ["Topic"], methods: own });
  assertEach([
    [ofCombinations({ methods: ["lora", "dora"] }), 'tune.methods: Unknown method "dora"'],
    [
      ofCombinations({ methods: ["lora", "again"] }, topic("lora", from)),
      "tune.methods, again on Topic: found a method that takes its ranks from other runs",
    ],
    [
      ofCombinations({ vary: alpha, trials: 2 }, topic("head", "lora")),
      "tune.vary, head on Topic: found none of its settings, so that it would have no trials where others have some",
    ],
    [
      ofCombinations({ vary: alpha, trials: 3 }),
      "tune.trials, lora on Topic: found 3, wanted at most 2: its choices have no more",
    ],
    [
      ofCombinations({ vary: alpha, trials: 3, search: "grid" }),
      "tune.trials, lora on Topic: found 3 trials, wanted 2",
    ],
    [
      ofCombinations({ vary: { "options.alpha": { choices: [8, "x", "y"] } }, trials: 2 }),
      'found "x", wanted a value that the method takes: Invalid input: expected number, received string',
    ],
    [
      ofCombinations(
        { search: "asha" },
        studyWith({ tasks: ["Topic"], methods: ["lora"] }, {
          base: { train: { steps: 90 } },
          deltas: [{ when: { budget: 4 }, set: { train: { steps: 8 } } }],
        }),
      ),
      "tune.asha, lora on Topic: found runs of 8 steps, wanted at least 9 for a reduction of 3 from a share of 0.11",
    ],
    [
      ofCombinations({ search: "asha", trials: { perSetting: 8 } }),
      "tune.trials, lora on Topic: found 8, wanted at least 9, of which one is trained",
    ],
    [
      ofCombinations(
        { vary: alpha, trials: 2 },
        topic("lora", { ...four, label: "four" }),
      ),
      'tune.vary: found that "four on Topic" is the same as "lora on Topic" but for settings that vary',
    ],
  ]);
  const short = studyWith(
    { methods: ["lora", "head"], tasks: ["Topic"] },
    { base: { train: { steps: 5 } } },
  );
  const all = ofCombinations({
    search: "asha",
    methods: ["dora", "lora", "head"],
    vary: { "options.alpha": { choices: [8, "x"] } },
  }, short);
  assertEquals(all.map((line) => line.slice(0, line.indexOf(":"))), [
    "tune.methods",
    "tune.asha, lora on Topic",
    "tune.trials, lora on Topic",
    "tune.vary.options.alpha, lora on Topic",
    "tune.vary, head on Topic",
  ]);
  const none = ofCombinations({ methods: ["dora", "rslora"] });
  assertEquals(none.length, 3);
  assertStringIncludes(none[0]!, '"dora"');
  assertEquals(none[2], "tune: found no run to choose settings by, wanted some");
});

Deno.test("a value of an option is asked beside the run's own options, and the method's words are told", () => {
  const lora = findMethod("lora", methods);
  const strict: MethodTable = [{
    ...lora,
    parseOptions: (options) => {
      const parsed = lora.parseOptions(options) as { readonly alpha: number; scaling: string };
      if (parsed.alpha === 8 && parsed.scaling !== "alpha/r") throw new Error("no 8 with a root");
      return parsed;
    },
  }];
  const study = studyWith({
    tasks: ["Topic"],
    methods: [{ method: "lora", options: { scaling: "alpha/sqrt(r)" } }],
  });
  const tune: SeededTune = { ...block, vary: { "options.alpha": { choices: [4, 8] } }, trials: 2 };
  const found = problemsOfCombinations(tune, combinationsOf(study, tune, strict, 1000), strict);
  assertEquals(found.map(({ message }) => message), [
    "found 8, wanted a value that the method takes: no 8 with a root",
  ]);
});

Deno.test("rungs are asked of ASHA alone, with its defaults under what the study says", () => {
  assertEquals(rungRulesOf(block), null);
  const rules = rungRulesOf({ ...block, search: "asha", asha: { reduction: 2 } })!;
  assertEquals(rules, { reduction: 2, leastShare: 0.11, atOnce: 4 });
  // 1 / 0.11 is near 2³.
  const of = { of: { method: "lora", name: "lora", task: "Topic" } };
  assertEquals(problemOfSteps(8, rules, of), null);
  assert(
    problemOfSteps(7, rules, of)!.message.startsWith("found runs of 7 steps, wanted at least 8"),
  );
});
