import { assert, assertEquals, assertThrows } from "@std/assert";
import type { Json } from "../../../src/base/canonical_json.ts";
import { expandStudy } from "../../../src/study/grid/expand.ts";
import type { StudyTables } from "../../../src/study/grid/tasks.ts";
import { StudyError } from "../../../src/study/check/problems.ts";
import { runFolder, runTitle } from "../../../src/study/grid/run_id.ts";
import { defaultSettings } from "../../../src/study/schema/settings.ts";
import { mostOfName } from "../../../src/study/schema/conditions.ts";
import { parseStudy } from "../../../src/study/schema/parse.ts";
import { type Study } from "../../../src/study/schema/study.ts";
import type { RunSpec } from "../../../src/study/types.ts";
import { method, methods, problemsOf, runsOf, smallStudy, tasks } from "../tables.ts";

const tables: StudyTables = { tasks, methods };

Deno.test("expandStudy() lists tasks, methods, budgets and seeds in the study's order", () => {
  const runs = runsOf({
    axes: {
      tasks: ["RTE", "CoLA"],
      methods: ["lora", "head"],
      budgets: [4, { parameters: 20000 }],
      seeds: [2, 1],
    },
  });
  assertEquals(runs.map(runTitle), [
    "RTE, lora, r4, seed 2",
    "RTE, lora, r4, seed 1",
    "RTE, lora, p20000, seed 2",
    "RTE, lora, p20000, seed 1",
    "RTE, head, seed 2",
    "RTE, head, seed 1",
    "CoLA, lora, r4, seed 2",
    "CoLA, lora, r4, seed 1",
    "CoLA, lora, p20000, seed 2",
    "CoLA, lora, p20000, seed 1",
    "CoLA, head, seed 2",
    "CoLA, head, seed 1",
  ]);
});

Deno.test("expandStudy() resolves a run in full", () => {
  const [run] = runsOf();
  assertEquals(run, {
    study: "small",
    task: "RTE",
    method: "lora",
    label: "lora",
    methodVersion: 1,
    options: { alpha: 16, scaling: "alpha/r" },
    budget: { type: "rank", value: 4 },
    seed: 1,
    settings: defaultSettings,
    ranks: null,
  });
});

Deno.test("expandStudy() lays base and matching deltas over the defaults, the later winning", () => {
  const study = smallStudy({
    base: { train: { epochs: 5, dropout: { head: 0.2 } } },
    deltas: [
      { when: { task: "RTE" }, set: { train: { epochs: 20, batchSize: 8 } } },
      { when: { task: ["RTE", "CoLA"], method: "full" }, set: { train: { epochs: 10 } } },
      { when: { budget: [2, { rank: 8 }] }, set: { train: { learningRate: 0.5 } } },
      { when: { seed: 2 }, set: { train: { maxLength: 99 } } },
    ],
    axes: { tasks: ["RTE", "MRPC"], methods: ["full", "lora"], budgets: [4, 8], seeds: [1, 2] },
  });
  const found = expandStudy(study, tables).map((run) => {
    const { epochs, batchSize, learningRate, maxLength, dropout } = run.settings.train;
    assertEquals(dropout.head, 0.2);
    return `${runTitle(run)}: ${epochs} ${batchSize} ${learningRate} ${maxLength}`;
  });
  assertEquals(found, [
    "RTE, full, seed 1: 10 8 0.001 128",
    "RTE, full, seed 2: 10 8 0.001 99",
    "RTE, lora, r4, seed 1: 20 8 0.001 128",
    "RTE, lora, r4, seed 2: 20 8 0.001 99",
    "RTE, lora, r8, seed 1: 20 8 0.5 128",
    "RTE, lora, r8, seed 2: 20 8 0.5 99",
    "MRPC, full, seed 1: 5 32 0.001 128",
    "MRPC, full, seed 2: 5 32 0.001 99",
    "MRPC, lora, r4, seed 1: 5 32 0.001 128",
    "MRPC, lora, r4, seed 2: 5 32 0.001 99",
    "MRPC, lora, r8, seed 1: 5 32 0.5 128",
    "MRPC, lora, r8, seed 2: 5 32 0.5 99",
  ]);
});

Deno.test("expandStudy() tells a budget of 4 ranks from one of 4 parameters", () => {
  const rateOf = (budget: 4 | { readonly rank: 4 } | { readonly parameters: 4 }) =>
    runsOf({
      deltas: [{ when: { budget }, set: { train: { learningRate: 0.5 } } }],
      axes: { methods: ["lora", "head"], budgets: [4, { parameters: 4 }, 2] },
    }).map(({ settings }) => settings.train.learningRate);
  assertEquals(rateOf(4), [0.5, 0.001, 0.001, 0.001]);
  assertEquals(rateOf({ rank: 4 }), [0.5, 0.001, 0.001, 0.001]);
  assertEquals(rateOf({ parameters: 4 }), [0.001, 0.5, 0.001, 0.001]);
  const except = [{ budget: { parameters: 4 } }];
  const runs = runsOf({ axes: { budgets: [4, { parameters: 4 }] }, except });
  assertEquals(runs.map(({ budget }) => budget), [{ type: "rank", value: 4 }]);
});

Deno.test("expandStudy() lays deltas' options over the axis's, by method or by label", () => {
  const study = smallStudy({
    deltas: [
      { when: { method: ["adalora", "elalora"] }, options: { initWarmup: 0.2, maskInterval: 7 } },
      { when: { method: "wide" }, options: { maskInterval: 9 } },
    ],
    axes: {
      methods: [
        "elalora",
        { method: "elalora", options: { b: 8, maskInterval: 3 }, label: "wide" },
        { method: "elalora", options: { ties: "upstream" } },
        { method: "lora", options: { alpha: 32 } },
      ],
    },
  });
  const found = expandStudy(study, tables).map(({ label, options }) => {
    const { b, initWarmup, maskInterval } = options as Record<string, Json>;
    return [label, b, initWarmup, maskInterval];
  });
  assertEquals(found, [
    ["elalora", 4, 0.2, 7],
    ["wide", 8, 0.2, 9],
    ["elalora ties=upstream", 4, 0.2, 7],
    ["lora alpha=32", undefined, undefined, undefined],
  ]);
});

Deno.test("expandStudy() needs no budgets when no method has ranks", () => {
  const { budgets: _budgets, ...axes } = smallStudy({ axes: { methods: ["head"] } }).axes;
  const runs = expandStudy({ name: "floor", axes }, tables);
  assertEquals(runs.map(({ budget }) => budget), [null]);
  assertEquals(problemsOf({ name: "floor", axes: { ...axes, methods: ["head", "lora"] } }), [
    'axes.budgets: missing, wanted at least one budget, since "lora" has ranks',
  ]);
});

Deno.test("expandStudy() names unknown tasks, methods and options and the closest known ones", () => {
  const cases: readonly [Study, string, string][] = [
    [
      smallStudy({ axes: { tasks: ["CoLA", "RET"] } }),
      'axes.tasks[1]: Unknown task "RET": known are "CoLA", "SST-2"',
      'Did you mean "RTE"?',
    ],
    [
      smallStudy({ axes: { methods: ["lora", "elaLora"] } }),
      'axes.methods[1]: Unknown method "elaLora": known are "head", "full", "lora"',
      'Did you mean "elalora"?',
    ],
    [
      smallStudy({ axes: { methods: [{ method: "elalora", options: { initWarmap: 5 } }] } }),
      'method "elalora", axes.methods[0].options.initWarmap: Unknown option "initWarmap": known are "alpha"',
      'Did you mean "initWarmup"?',
    ],
    [
      smallStudy({
        deltas: [{ when: { method: "lora" }, options: { aplha: 5 } }],
        axes: { seeds: [1, 2], budgets: [2, 4] },
      }),
      'method "lora", deltas[0].options.aplha: Unknown option "aplha": known are "alpha", "scaling"',
      'Did you mean "alpha"?',
    ],
    [
      smallStudy({ deltas: [{ when: { task: ["RTE", "Genra"] }, set: {} }] }),
      'deltas[0].when.task[1]: Unknown task "Genra"',
      'Did you mean "Genre"?',
    ],
    [
      smallStudy({ deltas: [{ when: { method: "loar" }, set: {} }] }),
      'deltas[0].when.method: Unknown method "loar"',
      'Did you mean "lora"?',
    ],
  ];
  for (const [study, start, end] of cases) {
    const problems = problemsOf(study);
    assertEquals(problems.length, 1, problems.join("\n"));
    assert(problems[0]?.startsWith(start), problems[0]);
    assert(problems[0]?.endsWith(end), problems[0]);
  }
});

Deno.test("expandStudy() says where a wrong option was written", () => {
  const study = smallStudy({
    deltas: [{ when: { method: "elalora" }, options: { maskInterval: 0 } }],
    axes: { methods: [{ method: "elalora", options: { b: "four", ties: "upsteam" } }] },
  });
  assertEquals(problemsOf(study).toSorted(), [
    'method "elalora", axes.methods[0].options.b: found "four", wanted a number',
    'method "elalora", axes.methods[0].options.ties: Unknown ties "upsteam": known are "exact", "upstream". Did you mean "upstream"?',
    'method "elalora", deltas[0].options.maskInterval: found 0, wanted at least 1',
  ]);
});

Deno.test("expandStudy() passes on what a method says of its options", () => {
  const picky = {
    ...method("lora"),
    parseOptions: () => {
      throw new RangeError("alpha and scaling do not go together");
    },
  };
  assertEquals(problemsOf(smallStudy(), { methods: [picky] }), [
    'method "lora", axes.methods[0].options: alpha and scaling do not go together',
  ]);
});

Deno.test("expandStudy() refuses values, labels and runs that are there twice", () => {
  const cases: readonly [Partial<Study["axes"]>, string][] = [
    [{ tasks: ["RTE", "RTE"] }, "axes.tasks[1]: found the same as axes.tasks[0], wanted each once"],
    [{ seeds: [1, 2, 1] }, "axes.seeds[2]: found the same as axes.seeds[0], wanted each once"],
    [
      { budgets: [4, { rank: 4 }] },
      "axes.budgets[1]: found the same as axes.budgets[0], wanted each once",
    ],
    [
      { methods: ["lora", "lora"] },
      'axes.methods[1]: found the label "lora" as in axes.methods[0], wanted a label of its own',
    ],
    [
      { methods: ["lora", { method: "lora", label: "head" }] },
      'axes.methods[1].label: found "head", wanted a label that is not another method\'s name',
    ],
    [
      { methods: ["lora", { method: "lora", options: { alpha: 16 } }] },
      'axes.methods: found that run "RTE, lora alpha=16, r4, seed 1" is the same as run ' +
      '"RTE, lora, r4, seed 1", wanted options or settings that differ',
    ],
  ];
  for (const [axes, problem] of cases) assertEquals(problemsOf(smallStudy({ axes })), [problem]);
});

Deno.test("expandStudy() takes the study's own tasks from the function that knows their form", () => {
  const declareTask = (declared: Json) => {
    if (typeof declared !== "string") throw new TypeError("found no text, wanted one");
    return declared;
  };
  const study = smallStudy({
    userTasks: ["Mine"],
    deltas: [{ when: { task: "Mine" }, set: { train: { epochs: 9 } } }],
    axes: { tasks: ["Mine", "RTE"] },
  });
  const runs = expandStudy(study, { ...tables, declareTask });
  assertEquals(runs.map(({ task, settings }) => [task, settings.train.epochs]), [
    ["Mine", 9],
    ["RTE", 3],
  ]);
  assertEquals(problemsOf(smallStudy({ userTasks: ["RTE", 4] }), { declareTask }), [
    'userTasks[0]: found the name "RTE", wanted one that no other task has',
    "userTasks[1]: found no text, wanted one",
  ]);
  assertEquals(problemsOf(smallStudy({ userTasks: ["Mine"] })), [
    "userTasks[0]: found a task, wanted none: own tasks cannot be read here",
  ]);
});

Deno.test("expandStudy() leaves out what an exception matches", () => {
  const axes = {
    tasks: ["RTE", "CoLA"],
    methods: ["head", "lora"],
    budgets: [2, 4],
    seeds: [1, 2],
  };
  const except = [{ task: "CoLA", method: "head" }, { budget: 4, seed: [2] }];
  const runs = runsOf({ axes, except });
  assertEquals(runs.map(runTitle), [
    "RTE, head, seed 1",
    "RTE, head, seed 2",
    "RTE, lora, r2, seed 1",
    "RTE, lora, r2, seed 2",
    "RTE, lora, r4, seed 1",
    "CoLA, lora, r2, seed 1",
    "CoLA, lora, r2, seed 2",
    "CoLA, lora, r4, seed 1",
  ]);
});

Deno.test("expandStudy() refuses exceptions that match nothing, everything or unknown names", () => {
  const axes = { tasks: ["RTE", "CoLA"], methods: ["lora"], budgets: [2], seeds: [1] };
  const error = assertThrows(
    () => runsOf({ axes, except: [{ task: "RTE", budget: 8 }, { method: "lorra" }] }),
    StudyError,
  );
  assertEquals(error.problems.map(({ where }) => where), [
    "except[1].method",
    "except[0]",
    "except[1]",
  ]);
  assertThrows(
    () => runsOf({ axes, except: [{ method: "lora" }] }),
    StudyError,
    "matches every run",
  );
});

Deno.test("expandStudy() counts a grid before it makes any of it, and refuses one of too many runs", () => {
  const labelled = Array.from({ length: 2000 }, (_, i) => ({ method: "lora", label: `l${i}` }));
  const seeds = Array.from({ length: 2000 }, (_, i) => i);
  const axes = { tasks: ["RTE"], methods: labelled, budgets: [4], seeds };
  assertEquals(problemsOf(smallStudy({ axes })), [
    "axes: found 4,000,000 runs (tasks × methods × budgets × seeds = 1 × 2,000 × 1 × 2,000), wanted at most 10,000; " +
    "if so many are meant, allow them by --most-runs 4000000",
  ]);
  const few = smallStudy({ axes: { ...axes, methods: ["lora", "head"], seeds: [1, 2, 3] } });
  assertEquals(expandStudy(few, { ...tables, mostRuns: 6 }).length, 6);
  const [problem] = problemsOf(few, { mostRuns: 5 });
  assert(problem!.startsWith("axes: found 6 runs"), problem);
  // Methods without ranks have no budgets, so that 2 × 6,000 runs are one too many for each budget alone.
  const many = smallStudy({ axes: { ...axes, methods: ["lora"], seeds: seeds.slice(0, 1000) } });
  assertEquals(expandStudy(many, tables).length, 1000);
});

Deno.test("expandStudy() refuses more conditions than can be compared with the runs", () => {
  const seeds = Array.from({ length: 5000 }, (_, i) => i);
  const study = smallStudy({
    axes: { tasks: ["RTE"], methods: ["head"], seeds },
    deltas: Array.from(
      { length: 10 },
      () => ({ when: { seed: seeds }, set: { train: { steps: 1 } } }),
    ),
  });
  const [problem] = problemsOf(study);
  assert(problem!.startsWith("deltas: found 50,010 values in conditions for 5,000 runs"), problem);
});

Deno.test("names that folders could not hold are refused when a study is read", () => {
  const long = "x".repeat(260);
  const named = (change: Partial<Study>) => parseStudy({ ...smallStudy(), ...change });
  const cases: readonly (readonly [() => unknown, string])[] = [
    [() => named({ name: long }), "name: found"],
    [() => named({ axes: { ...smallStudy().axes, tasks: [long] } }), "axes.tasks[0]: found"],
    [
      () => runsOf({ sequences: { [long]: ["RTE", "CoLA"] } }),
      "a name of 260 characters",
    ],
    [
      () =>
        expandStudy(
          smallStudy({ axes: { tasks: ["RTE"], methods: [long], budgets: [4], seeds: [1] } }),
          { tasks, methods: [...methods, { ...method("lora"), name: long }] },
        ),
      "a method with a name of 260 characters, wanted at most 60",
    ],
  ];
  for (const [read, message] of cases) assertThrows(read, StudyError, message);
  // The longest names that are allowed fit into the 255 bytes of a file's name.
  const run: RunSpec = {
    ...runsOf()[0]!,
    task: "t".repeat(mostOfName.task),
    method: "m".repeat(mostOfName.method),
    label: "l".repeat(200),
    budget: { type: "rank", value: 10 / 3 },
    seed: Number.MAX_SAFE_INTEGER,
  };
  assert(runFolder(run, "0".repeat(16)).length <= 255);
});

Deno.test("expandStudy() gives an entry's ranks to its runs, those of other runs by their points", () => {
  const axes = {
    tasks: ["RTE", "CoLA"],
    methods: [
      "elalora",
      { method: "lora", ranks: { of: { label: "elalora" } } },
      {
        method: "lora",
        ranks: { of: { label: "elalora", task: "CoLA", seed: 1 }, as: "reversed" },
      },
      { method: "lora", ranks: { add: [{ layer: 0, by: 1 }] } },
      { method: "lora", label: "own", ranks: { file: "r.json", as: "permuted" } },
    ],
    budgets: [4],
    seeds: [1, 2],
  } as const;
  const runs = runsOf({ axes });
  const asked = runs.filter(({ task, seed }) => task === "RTE" && seed === 2)
    .map(({ label, askedRanks }) => [label, askedRanks]);
  const budget = { type: "rank", value: 4 } as const;
  assertEquals(asked, [
    ["elalora", undefined],
    ["lora ranks of elalora", {
      type: "run",
      of: { task: "RTE", label: "elalora", budget, seed: 2 },
      as: "same",
    }],
    ["lora ranks of elalora on CoLA seed 1 reversed", {
      type: "run",
      of: { task: "CoLA", label: "elalora", budget, seed: 1 },
      as: "reversed",
    }],
    ["lora layer 0 +1", { type: "dose", add: [{ layer: 0, by: 1 }] }],
    ["own", { type: "file", file: "r.json", as: "permuted" }],
  ]);
});

Deno.test("expandStudy() refuses ranks of unknown runs, of methods without ranks, and circles", () => {
  const of = (label: string, more = {}) => ({ method: "lora", ranks: { of: { label, ...more } } });
  const problems = (methods: Study["axes"]["methods"]) =>
    problemsOf(smallStudy({ axes: { methods } }));
  assertEquals(problems(["elalora", of("elalra")]), [
    'axes.methods[1].ranks.of: Unknown label "elalra": known are "elalora", "lora ranks of elalra". ' +
    'Did you mean "elalora"?',
  ]);
  assertEquals(problems(["elalora", of("elalora", { seed: 7 })]), [
    'axes.methods[1].ranks.of: found no run "RTE, elalora, r4, seed 7" in this study, wanted the run that run ' +
    '"RTE, lora ranks of elalora seed 7, r4, seed 1" takes its ranks from',
  ]);
  assertEquals(problems(["head", of("head")]), [
    'axes.methods[1].ranks.of: found "head", which has no ranks, wanted a run with ranks',
  ]);
  assertEquals(problems(["lora", { method: "head", label: "bare", ranks: { file: "r.json" } }]), [
    'axes.methods[1].ranks: found ranks of "head", which has none; wanted a method with ranks',
  ]);
  assertEquals(
    problems([{ ...of("b"), label: "a" }, { ...of("a"), label: "b" }]).map((text) =>
      text.slice(0, 130)
    ),
    [
      'axes.methods[0].ranks.of: found a circle, wanted a run that does not wait for its own ranks: "RTE, a, r4, seed 1" takes its ranks ',
      'axes.methods[1].ranks.of: found a circle, wanted a run that does not wait for its own ranks: "RTE, b, r4, seed 1" takes its ranks ',
    ],
  );
});

Deno.test("expandStudy() tells what is wrong with options, tasks, deltas, claims and comparisons at once", () => {
  const study = smallStudy({
    userTasks: [{ name: "Own" }, { name: "Other" }],
    deltas: [
      { when: { task: "MRCP" }, set: { train: { epochs: 2 } } },
      { when: { method: "lora" }, options: { alpha: "high" } },
    ],
    sequences: { Both: ["Own", "Other"] },
    axes: { tasks: ["RTE", "Own", "Both"], methods: ["head", "lora"] },
    claims: [{ name: "c", says: "better", a: { method: "lroa" }, b: { method: "head" } }],
    comparisons: [{ a: { method: "lora" }, b: { method: "heads" } }],
  });
  const declareTask = (declared: Json): string => {
    const { name } = declared as { readonly name: string };
    if (name === "Own") throw new RangeError("found no labels");
    return name;
  };
  // A task that is wrong is no unknown one.
  const outputOf = (task: string) => {
    if (task === "Own") throw new RangeError("asked of what is wrong");
    return "classification" as const;
  };
  const found = problemsOf(study, { declareTask, outputOf, metricsOf: outputOf as never });
  assertEquals(found.map((text) => text.replace(/: known are .*/, "")), [
    'task "Own", userTasks[0]: found no labels',
    'deltas[0].when.task: Unknown task "MRCP"',
    'method "lora", deltas[1].options.alpha: found "high", wanted a number',
    'claims[0].a.method: Unknown method "lroa"',
    'comparisons[0].b.method: Unknown method "heads"',
  ]);
});
