import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { StudyError } from "../../../src/study/check/problems.ts";
import { defineStudy, parseStudy } from "../../../src/study/schema/parse.ts";
import { problemsIn, smallStudy } from "../tables.ts";

const axes = { tasks: ["RTE"], methods: ["lora"], budgets: [4], seeds: [1] };

const problemsOf = (value: unknown) => problemsIn(() => parseStudy(value));

Deno.test("parseStudy() returns a study with every key as it stands", () => {
  const study = {
    $schema: "study.schema.json",
    name: "all-keys",
    title: "All keys",
    description: "Each key once",
    base: { model: "folder", train: { steps: null, dropout: { head: 0.15 } } },
    deltas: [
      { when: { task: ["RTE", "MRPC"], budget: [2, { rank: 4 }] }, set: { train: { epochs: 5 } } },
      { when: { method: "elalora", seed: 1 }, options: { b: 8 } },
    ],
    userTasks: [{ name: "mine" }],
    axes: {
      tasks: ["RTE"],
      methods: ["lora", { method: "elalora", options: { b: 4 }, label: "ours" }],
      budgets: [4, { rank: 2.5 }, { parameters: 20000 }],
      seeds: [0, 1],
    },
  };
  assertEquals<unknown>(parseStudy(study), study);
});

Deno.test("parseStudy() says path, found and wanted for each bad value", () => {
  const dropout = (head: unknown) => ({ name: "s", base: { train: { dropout: { head } } }, axes });
  const train = (values: unknown) => ({ name: "s", base: { train: values }, axes });
  const delta = (value: unknown) => ({ name: "s", axes, deltas: [value] });
  const budget = (value: unknown) => ({ name: "s", axes: { ...axes, budgets: [2, value] } });
  const cases: readonly [unknown, string][] = [
    [[], "study: found [], wanted an object"],
    [{ axes }, "name: missing, wanted a string"],
    [
      { name: "a/b", axes },
      'name: found "a/b", wanted letters, digits, ".", "_" and "-" with a letter or digit first, since it names the results folder',
    ],
    ...["con", "NUL.json", "lpt1", "a."].map((name): [unknown, string] => [
      { name, axes },
      `name: found "${name}", wanted another name: Windows keeps it for a device, or cuts its end`,
    ]),
    [
      { name: "Published", axes },
      'name: found "Published", wanted another name: results/published holds the studies that come with ranklab',
    ],
    [{ name: "s" }, "axes: missing, wanted an object"],
    [
      { name: "s", axes: { ...axes, seeds: [1, "2"] } },
      'axes.seeds[1]: found "2", wanted a number',
    ],
    [
      { name: "s", axes: { ...axes, seeds: [1.5] } },
      "axes.seeds[0]: found 1.5, wanted a whole number",
    ],
    [
      { name: "s", axes: { ...axes, seeds: [] } },
      "axes.seeds: found [], wanted at least 1 entry",
    ],
    [
      { name: "s", axes: { ...axes, methods: [4] } },
      "axes.methods[0]: found 4, wanted a string or an object",
    ],
    [budget("4"), 'axes.budgets[1]: found "4", wanted a number or an object'],
    [budget(0), "axes.budgets[1]: found 0, wanted more than 0"],
    [budget({ rank: -1 }), "axes.budgets[1].rank: found -1, wanted more than 0"],
    [
      budget({}),
      "axes.budgets[1]: found 0 keys, wanted one of rank, parameters, peak, stored, meanTrained",
    ],
    [
      budget({ rank: 1, parameters: 9 }),
      "axes.budgets[1]: found 2 keys, wanted one of rank, parameters, peak, stored, meanTrained",
    ],
    [
      budget({ parametres: 9 }),
      'axes.budgets[1].parametres: Unknown key "parametres": known are "rank", "parameters", "peak", "stored", "meanTrained". Did you mean "parameters"?',
    ],
    [dropout(1), "base.train.dropout.head: found 1, wanted less than 1"],
    [dropout(-0.1), "base.train.dropout.head: found -0.1, wanted at least 0"],
    [train({ batchSize: 0 }), "base.train.batchSize: found 0, wanted at least 1"],
    [train({ learningRate: 0 }), "base.train.learningRate: found 0, wanted more than 0"],
    [train({ learningRate: null }), "base.train.learningRate: found null, wanted a number"],
    [train({ epochs: 0 }), "base.train.epochs: found 0, wanted more than 0"],
    [train({ steps: 0 }), "base.train.steps: found 0, wanted at least 1"],
    [train({ clipNorm: 0 }), "base.train.clipNorm: found 0, wanted more than 0"],
    [train({ weightDecay: -1 }), "base.train.weightDecay: found -1, wanted at least 0"],
    [train({ beta2: 1 }), "base.train.beta2: found 1, wanted less than 1"],
    [train({ epsilon: 0 }), "base.train.epsilon: found 0, wanted more than 0"],
    [train({ maxLength: 3 }), "base.train.maxLength: found 3, wanted at least 4"],
    [
      train({ warmup: 1.5 }),
      "base.train.warmup: found 1.5, wanted a share below 1 or a whole number of steps",
    ],
    [
      train({ seeds: { order: -1 } }),
      "base.train.seeds.order: found -1, wanted at least 0",
    ],
    [train({ seeds: { init: 1.5 } }), "base.train.seeds.init: found 1.5, wanted a whole number"],
    [train({ seeds: { dropout: "1" } }), 'base.train.seeds.dropout: found "1", wanted a number'],
    [
      train({ seeds: { shuffle: 1 } }),
      'base.train.seeds.shuffle: Unknown key "shuffle": known are "init", "order", "dropout"',
    ],
    [train({ seeds: 1 }), "base.train.seeds: found 1, wanted an object"],
    [train({ steps: "ten" }), 'base.train.steps: found "ten", wanted a number'],
    [
      train({ schedule: "linaer" }),
      'base.train.schedule: Unknown schedule "linaer": known are "linear", "constant". Did you mean "linear"?',
    ],
    [
      { name: "s", base: { adapter: { modules: ["query", "query"] } }, axes },
      "base.adapter.modules: found a module twice, wanted each once",
    ],
    [
      { name: "s", base: { adapter: { modules: ["query", "vlaue"] } }, axes },
      'base.adapter.modules[1]: Unknown entry of modules "vlaue": known are "query", "key", "value", "attention_output", "intermediate", "output". Did you mean "value"?',
    ],
    [
      { name: "s", base: { model: "embeded" }, axes },
      'base.model: Unknown model "embeded": known are "embedded", "embedded-random", "folder", "hub:OWNER/NAME", "wheel:PATH". Did you mean "embedded"?',
    ],
    [delta({ set: {} }), "deltas[0].when: missing, wanted an object"],
    [
      delta({ when: {}, set: {} }),
      "deltas[0].when: found {}, wanted task, method, budget, seed or settings; what holds for all runs belongs in base",
    ],
    [
      delta({ when: { task: "RTE" } }),
      "deltas[0]: found neither set nor options, wanted at least one of them",
    ],
    [
      delta({ when: { task: "RTE" }, options: { b: 1 } }),
      "deltas[0]: found options without when.method, wanted the methods that they are options of",
    ],
    [
      delta({ when: { task: [] }, set: {} }),
      "deltas[0].when.task: found [], wanted at least 1 entry",
    ],
  ];
  for (const [value, expected] of cases) assertEquals(problemsOf(value), [expected]);
});

Deno.test("parseStudy() names an unknown key at any depth and the closest known one", () => {
  const cases: readonly [unknown, string, string][] = [
    [{ name: "s", axes, titel: "x" }, "titel", 'Did you mean "title"?'],
    [{ name: "s", axes: { ...axes, seed: [1] } }, "axes.seed", 'Did you mean "seeds"?'],
    [
      { name: "s", axes, base: { train: { batchsize: 8 } } },
      "base.train.batchsize",
      'Did you mean "batchSize"?',
    ],
    [
      { name: "s", axes, base: { train: { dropout: { heads: 0 } } } },
      "base.train.dropout.heads",
      'Did you mean "head"?',
    ],
    [
      { name: "s", axes, deltas: [{ when: { tasks: "RTE" }, set: {} }] },
      "deltas[0].when.tasks",
      'Did you mean "task"?',
    ],
    [
      { name: "s", axes: { ...axes, methods: [{ method: "lora", option: {} }] } },
      "axes.methods[0].option",
      'Did you mean "options"?',
    ],
  ];
  for (const [value, where, hint] of cases) {
    const problems = problemsOf(value);
    assert(
      problems.some((text) => text.startsWith(`${where}: Unknown key`) && text.endsWith(hint)),
      problems.join("\n"),
    );
  }
});

Deno.test("parseStudy() collects all problems in one error that names the source", () => {
  const value = { name: "s", axes: { ...axes, seeds: [-1] }, base: { train: { epochs: "3" } } };
  const error = assertThrows(() => parseStudy(value, "try.json"), StudyError);
  assertEquals(
    error.message,
    "Cannot read try.json, 2 problems:\n" +
      '- base.train.epochs: found "3", wanted a number\n' +
      "- axes.seeds[0]: found -1, wanted at least 0",
  );
});

Deno.test("defineStudy() returns the study and refuses what the compiler cannot see", () => {
  const study = smallStudy({ base: { train: { epochs: 2 } } });
  assertEquals(defineStudy(study), study);
  assertThrows(
    () => defineStudy(smallStudy({ base: { train: { epochs: 0 } } })),
    StudyError,
    'Cannot read study "small": base.train.epochs: found 0, wanted more than 0',
  );
});

Deno.test("parseStudy() wants one form of ranks, and of a rank delta one place", () => {
  const of = (ranks: unknown) =>
    assertThrows(
      () =>
        parseStudy({
          name: "x",
          axes: { tasks: ["RTE"], methods: [{ method: "lora", ranks }], budgets: [2], seeds: [1] },
        }),
      StudyError,
    ).message;
  assertStringIncludes(of({}), "wanted exactly one of file, of and add");
  assertStringIncludes(of({ file: "a", of: { label: "b" } }), "exactly one of file, of and add");
  assertStringIncludes(of({ fil: "a" }), 'Did you mean "file"?');
  assertStringIncludes(of({ of: { label: "a" }, as: "reverse" }), 'Did you mean "reversed"?');
  assertStringIncludes(of({ add: [{ layer: 1, by: 1 }], as: "same" }), "found as beside add");
  assertStringIncludes(of({ add: [{ layer: 1, part: "query", by: 1 }] }), "exactly one of layer");
  assertStringIncludes(of({ add: [{ layer: 1, by: 0.5 }] }), "wanted a whole number");
});
