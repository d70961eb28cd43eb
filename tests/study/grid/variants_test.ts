import { assertEquals, assertThrows } from "@std/assert";
import type { Json } from "../../../src/base/canonical_json.ts";
import { hashJson } from "../../../src/base/hash.ts";
import { expandStudy } from "../../../src/study/grid/expand.ts";
import { StudyError } from "../../../src/study/check/problems.ts";
import { runContent, runFolder, runTitle } from "../../../src/study/grid/run_id.ts";
import { layerOf, parseSettingPath, settingAt } from "../../../src/study/schema/setting_paths.ts";
import { defaultSettings } from "../../../src/study/schema/settings.ts";
import { parseStudy } from "../../../src/study/schema/parse.ts";
import { type Study } from "../../../src/study/schema/study.ts";
import { methods, problemsOf, runsOf, smallStudy, tasks } from "../tables.ts";

const tables = { tasks, methods };

const rates = { "train.learningRate": [1e-3, 5e-3] };

Deno.test("expandStudy() varies settings and options, and names runs by what varies", () => {
  const study = smallStudy({
    base: { train: { learningRate: 0.5, epochs: 7 } },
    axes: {
      methods: ["head", "lora"],
      settings: { ...rates, "options.alpha": [8, 16], "adapter.modules": [["query", "value"]] },
    },
  });
  const runs = expandStudy(study, tables);
  assertEquals(runs.map(runTitle), [
    "RTE, head learningRate=0.001, seed 1",
    "RTE, head learningRate=0.005, seed 1",
    "RTE, lora learningRate=0.001 alpha=8 modules=[query,value], r4, seed 1",
    "RTE, lora learningRate=0.001 alpha=16 modules=[query,value], r4, seed 1",
    "RTE, lora learningRate=0.005 alpha=8 modules=[query,value], r4, seed 1",
    "RTE, lora learningRate=0.005 alpha=16 modules=[query,value], r4, seed 1",
  ]);
  assertEquals(
    runs.map(({ settings }) => settings.train.learningRate),
    [1e-3, 5e-3, 1e-3, 1e-3, 5e-3, 5e-3],
  );
  assertEquals(runs.map(({ settings }) => settings.train.epochs), runs.map(() => 7));
  const last = runs.at(-1)!;
  assertEquals(last.options, { alpha: 16, scaling: "alpha/r" });
  assertEquals(last.settings.adapter.modules, ["query", "value"]);
  assertEquals(last.arm, "lora");
  assertEquals(last.varied, {
    "train.learningRate": 5e-3,
    "options.alpha": 16,
    "adapter.modules": ["query", "value"],
  });
  // A method without ranks has no adapted modules, and no alpha.
  assertEquals(runs[0]!.varied, { "train.learningRate": 1e-3 });
  assertEquals(runs[0]!.settings.adapter, defaultSettings.adapter);
});

Deno.test("a run of an axis is the run that base or an entry of methods asks for", () => {
  const axis = runsOf({
    axes: { settings: { "train.learningRate": [5e-3], "options.alpha": [8] } },
  });
  const stated = runsOf({
    base: { train: { learningRate: 5e-3 } },
    axes: { methods: [{ method: "lora", options: { alpha: 8 } }] },
  });
  assertEquals(hashJson(runContent(axis[0]!)), hashJson(runContent(stated[0]!)));
  assertEquals(
    runFolder(axis[0]!, "0".repeat(16)),
    "RTE-lora-learningRate-0.005-alpha-8-r4-seed1-00000000",
  );
});

Deno.test("labels have the last key of a setting, and all of it where another one ends alike", () => {
  const runs = runsOf({
    axes: {
      methods: ["elalora"],
      settings: { "train.beta1": [0.9], "options.beta1": [0.8], "train.dropout.head": [0, 0.5] },
    },
  });
  assertEquals(runs.map(({ label }) => label), [
    "elalora train.beta1=0.9 options.beta1=0.8 head=0",
    "elalora train.beta1=0.9 options.beta1=0.8 head=0.5",
  ]);
});

Deno.test("deltas and exceptions name arms, labels and values of axes", () => {
  const study = smallStudy({
    deltas: [
      { when: { settings: { "train.learningRate": 5e-3 } }, set: { train: { epochs: 5 } } },
      { when: { method: "wide learningRate=0.001" }, set: { train: { epochs: 6 } } },
    ],
    except: [{ method: "lora", settings: { "train.learningRate": [1e-3], "options.alpha": 8 } }],
    axes: {
      methods: ["head", "lora", { method: "adalora", label: "wide", options: { alpha: 4 } }],
      settings: rates,
    },
  });
  const withAlpha = smallStudy({
    except: [{ method: "lora", settings: { "options.alpha": [8, 32] } }],
    axes: { methods: ["head", "lora"], settings: { "options.alpha": [8, 16, 32] } },
  });
  assertEquals(problemsOf(study), [
    'except[0].settings.options.alpha: Unknown axis "options.alpha": known are "train.learningRate"',
    "except[0]: found no run that it matches, wanted at least one; leave it out or correct it",
  ]);
  assertEquals(expandStudy(withAlpha, tables).map(({ label }) => label), ["head", "lora alpha=16"]);
  const { except: _except, ...rest } = study;
  assertEquals(
    expandStudy(rest, tables).map(({ label, settings }) => [label, settings.train.epochs]),
    [
      ["head learningRate=0.001", 3],
      ["head learningRate=0.005", 5],
      ["lora learningRate=0.001", 3],
      ["lora learningRate=0.005", 5],
      ["wide learningRate=0.001", 6],
      ["wide learningRate=0.005", 5],
    ],
  );
});

Deno.test("a condition takes a list that is a value, and a list of values", () => {
  const modules = [["query"], ["query", "value"]];
  const study = (value: Json) =>
    smallStudy({
      deltas: [{ when: { settings: { "adapter.modules": value } }, set: { train: { epochs: 9 } } }],
      axes: { settings: { "adapter.modules": modules } },
    });
  const epochs = (found: Study) =>
    expandStudy(found, tables).map(({ settings }) => settings.train.epochs);
  assertEquals(epochs(study(["query", "value"])), [3, 9]);
  assertEquals(epochs(study([["query"], ["query", "value"]])), [9, 9]);
});

Deno.test("ranks of an entry are those of its run with the same settings", () => {
  const runs = runsOf({
    axes: {
      methods: ["elalora", {
        method: "lora",
        label: "given",
        ranks: { of: { label: "elalora" } },
      }],
      settings: rates,
    },
  });
  assertEquals(
    runs.flatMap(({ askedRanks }) => askedRanks?.type === "run" ? [askedRanks.of.label] : []),
    ["elalora learningRate=0.001", "elalora learningRate=0.005"],
  );
  // lora does not vary by b, so that no run of elalora is meant.
  const [problem] = problemsOf(smallStudy({
    axes: {
      methods: ["elalora", { method: "lora", label: "given", ranks: { of: { label: "elalora" } } }],
      settings: { "options.b": [2, 4] },
    },
  }));
  assertEquals(
    problem,
    'axes.methods[1].ranks.of: Unknown label "elalora": known are "elalora b=2", "elalora b=4", "given". Did you mean "elalora b=2"?',
  );
});

Deno.test("what is wrong with axes of settings is told in their order, values by their first like", () => {
  const settings = {
    "train.learnRate": [1],
    "train.decayRate": [1],
    "train.epochs": [1, 2, 1, 1],
  };
  const first = "found the same as axes.settings.train.epochs[0]";
  assertEquals(
    problemsOf(smallStudy({ axes: { settings } })).map((problem) => problem.split(", ")[0]),
    [
      'axes.settings.train.learnRate: Unknown setting "train.learnRate": known are "model"',
      'axes.settings.train.decayRate: Unknown setting "train.decayRate": known are "model"',
      `axes.settings.train.epochs[2]: ${first}`,
      `axes.settings.train.epochs[3]: ${first}`,
    ],
  );
});

Deno.test("expandStudy() says what is wrong with axes of settings", () => {
  const cases: readonly [Parameters<typeof smallStudy>[0], string][] = [
    [
      { axes: { settings: { "options.aplha": [1] } } },
      'axes.settings.options.aplha: Unknown setting "options.aplha": known are "options.alpha", "options.scaling". ' +
      'Did you mean "options.alpha"?',
    ],
    [
      { axes: { settings: { "train.dropout": [{ head: 0 }] } } },
      'axes.settings.train.dropout: found the group of settings "train.dropout", wanted one of them: "train.dropout.hidden", ',
    ],
    [
      { axes: { settings: { "train.learningRate": [1e-3, "fast"] } } },
      'axes.settings.train.learningRate[1]: found "fast", wanted a number',
    ],
    [
      { axes: { settings: { "train.dropout.head": [1] } } },
      "axes.settings.train.dropout.head[0]: found 1, wanted less than 1",
    ],
    [
      { axes: { settings: { "adapter.modules": [["query", "valu"]] } } },
      'axes.settings.adapter.modules[0][1]: Unknown entry of modules "valu": known are "query", ',
    ],
    [
      { axes: { settings: { "options.alpha": [8, "big"] } } },
      'method "lora", axes.settings.options.alpha[1]: found "big", wanted a number',
    ],
    [
      {
        axes: { settings: rates },
        deltas: [{ when: { task: "RTE" }, set: { train: { learningRate: 0.5 } } }],
      },
      'deltas[0].set.train.learningRate: found a value of what axes.settings varies for "lora", wanted it in one of both ' +
      "places; leave values of the axis out for some runs by except",
    ],
    [
      {
        axes: { settings: { "options.alpha": [8, 16] } },
        deltas: [{ when: { method: "lora" }, options: { alpha: 32 } }],
      },
      'deltas[0].options.alpha: found a value of what axes.settings varies for "lora"',
    ],
    [
      {
        axes: {
          methods: [{ method: "lora", options: { alpha: 32 } }],
          settings: { "options.alpha": [8, 16] },
        },
      },
      "axes.methods[0].options.alpha: found an option that axes.settings varies, wanted it in one of both places",
    ],
    [
      {
        axes: {
          methods: ["head", "elalora", {
            method: "elalora",
            label: "elalora b=2",
            options: { alpha: 1 },
          }],
          settings: { "train.epochs": [2, 3], "options.b": [2] },
        },
        except: [{ settings: { "train.epochs": 4 } }],
      },
      "except[0].settings.train.epochs: found 4, wanted a value of its axis: 2, 3",
    ],
    [
      {
        deltas: [{
          when: { settings: { "train.epochs": 4 } },
          set: { train: { learningRate: 1 } },
        }],
      },
      'deltas[0].when.settings.train.epochs: found the setting "train.epochs", wanted none: the study has no axes.settings',
    ],
  ];
  for (const [study, problem] of cases) {
    const found = problemsOf(smallStudy(study));
    assertEquals(found[0]?.slice(0, problem.length), problem);
    assertEquals(found.slice(1).filter((other) => other.startsWith("axes.methods")), []);
  }
});

Deno.test("labels that an axis makes equal are refused", () => {
  const problems = problemsOf(smallStudy({
    axes: {
      methods: ["elalora", { method: "head", label: "elalora b=2" }],
      settings: { "options.b": [2] },
    },
  }));
  assertEquals(problems, [
    'axes.methods[1]: found that "elalora b=2" is what runs of axes.methods[0] are called too, wanted another label',
  ]);
});

Deno.test("a grid counts its axes of settings before it makes any of it", () => {
  const study = smallStudy({
    axes: { methods: ["head", "lora"], settings: { ...rates, "options.alpha": [1, 2, 3] } },
  });
  assertEquals(expandStudy(study, { ...tables, mostRuns: 8 }).length, 8);
  const error = assertThrows(() => expandStudy(study, { ...tables, mostRuns: 7 }), StudyError);
  assertEquals(
    error.problems[0]!.message.split(", wanted")[0],
    "found 8 runs (tasks × methods × budgets × seeds × train.learningRate × options.alpha = 1 × 2 × 1 × 1 × 2 × 3)",
  );
});

Deno.test("parseStudy() refuses axes and conditions of settings without values", () => {
  const axes = { tasks: ["RTE"], methods: ["head"], seeds: [1] };
  const read = (study: object) =>
    assertThrows(() => parseStudy({ name: "x", axes, ...study }), StudyError).message;
  assertEquals(
    read({ axes: { ...axes, settings: { "train.epochs": [] } } }),
    "Cannot read study: axes.settings.train.epochs: found [], wanted at least 1 entry",
  );
  assertEquals(
    read({ except: [{ settings: {} }] }),
    "Cannot read study: except[0].settings: found {}, wanted a key of axes.settings with one of its values, or a list of them",
  );
});

Deno.test("a path reads what its layer holds", () => {
  for (
    const [text, value] of [
      ["model", "embedded"],
      ["train.clipNorm", null],
      ["train.dropout.adapter", 0.5],
      ["options.alpha", 3],
    ] as const
  ) {
    const path = parseSettingPath(text, ["alpha"]);
    const { set, options } = layerOf(path, value);
    assertEquals(settingAt(set, options, path), value);
    assertEquals(settingAt({}, {}, path), undefined);
  }
});
