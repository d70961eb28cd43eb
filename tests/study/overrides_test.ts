import { assertEquals, assertThrows } from "@std/assert";
import { expandStudy } from "../../src/study/expand.ts";
import { withOverrides } from "../../src/study/overrides.ts";
import { StudyError } from "../../src/study/problems.ts";
import { parseStudy } from "../../src/study/study.ts";
import { methods, smallStudy, tasks } from "./tables.ts";

const study = smallStudy({
  base: { train: { epochs: 5 } },
  deltas: [
    { when: { task: "RTE" }, set: { train: { epochs: 20 } } },
    { when: { method: "elalora" }, options: { b: 7 } },
  ],
  axes: {
    methods: ["head", { method: "lora", options: { alpha: 32 } }, "elalora"],
    settings: { "train.batchSize": [8] },
  },
});

const given = (...texts: readonly string[]) => withOverrides(study, texts, methods);

Deno.test("given settings win over base, entries and deltas, and stand in the study", () => {
  const changed = given(
    "train.epochs=2",
    "train.epochs=3",
    "train.schedule=constant",
    "options.alpha=4",
    'adapter.modules=["query"]',
    "train.clipNorm=null",
  );
  const runs = expandStudy(changed, { tasks, methods });
  assertEquals(
    runs.map(({ label, settings: { train, adapter }, options }) => [
      label,
      train.epochs,
      train.schedule,
      train.clipNorm,
      adapter.modules,
      (options as { readonly alpha?: number }).alpha,
    ]),
    [
      ["head batchSize=8", 3, "constant", null, ["query"], undefined],
      // What an entry says of itself stays true.
      ["lora alpha=4 batchSize=8", 3, "constant", null, ["query"], 4],
      ["elalora batchSize=8", 3, "constant", null, ["query"], 4],
    ],
  );
  assertEquals(parseStudy(changed), changed);
  assertEquals(changed.deltas?.at(3), {
    when: { method: ["head", "lora", "elalora"] },
    set: { train: { epochs: 3 } },
  });
  assertEquals(given(), study);
});

Deno.test("given settings that are not known, varied or wrong are told by name", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["train.epochs", "found no value, wanted KEY=VALUE, such as train.epochs=3"],
    ["train.epoch=3", 'Unknown setting "train.epoch": known are "model", "train.epochs", '],
    ["epochs=3", 'Unknown setting "epochs": known are "model"'],
    ["name=other", 'Unknown setting "name": known are "model"'],
    ["train.epochs=many", 'found "many", wanted a number'],
    ["train.dropout.head=1", "found 1, wanted less than 1"],
    [
      "options.ties=exactly",
      'Unknown ties "exactly": known are "exact", "upstream". Did you mean "exact"?',
    ],
    [
      "options.initialFactor=2",
      'Unknown setting "options.initialFactor": known are "options.alpha", ',
    ],
    [
      "train.batchSize=16",
      "found a key that axes.settings varies, wanted another; choose of its values by --only train.batchSize=16",
    ],
  ];
  for (const [text, message] of cases) {
    const { problems } = assertThrows(() => given(text), StudyError);
    assertEquals(problems.map(({ where }) => where.replace(/^method ".*", /, "")), [
      `--set ${text}`,
    ]);
    assertEquals(problems[0]!.message.slice(0, message.length), message);
  }
});

Deno.test("entries that a given option makes the same are refused", () => {
  const twins = smallStudy({
    axes: { methods: ["lora", { method: "lora", options: { alpha: 32 }, label: "wide" }] },
  });
  const changed = withOverrides(twins, ["options.alpha=8"], methods);
  const { problems } = assertThrows(() => expandStudy(changed, { tasks, methods }), StudyError);
  assertEquals(problems.map(({ message }) => message.split(",")[0]), ['found that run "RTE']);
});
