import { assertEquals, assertThrows } from "@std/assert";
import { expandStudy } from "../../../src/study/grid/expand.ts";
import { withOverrides } from "../../../src/study/grid/overrides.ts";
import { StudyError } from "../../../src/study/check/problems.ts";
import { parseStudy } from "../../../src/study/schema/parse.ts";
import { methods, smallStudy, tasks } from "../tables.ts";

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

Deno.test("a setting by another tool's word is suggested by its meaning, and several values as an axis", () => {
  const words: readonly (readonly [string, string])[] = [
    ["train.lr", "train.learningRate"],
    ["lr", "train.learningRate"],
    ["train.learning_rate", "train.learningRate"],
    ["train.bs", "train.batchSize"],
    ["train.batch_size", "train.batchSize"],
    ["epochs", "train.epochs"],
    ["train.num_train_epochs", "train.epochs"],
    ["train.wd", "train.weightDecay"],
    ["train.len", "train.maxLength"],
    ["train.max_seq_length", "train.maxLength"],
    ["train.max_grad_norm", "train.clipNorm"],
    ["lora_alpha", "options.alpha"],
    // Letters decide where no meaning is known.
    ["train.stps", "train.steps"],
  ];
  for (const [key, meant] of words) {
    const { problems: [problem] } = assertThrows(() => given(`${key}=1`), StudyError);
    assertEquals(/Did you mean "(.*)"\?$/.exec(problem!.message)?.[1], meant);
  }
  const axes: readonly (readonly [string, string])[] = [
    ["train.steps=5,10", '{"settings":{"train.steps":[5,10]}}'],
    ["train.steps=[5, 10]", '{"settings":{"train.steps":[5,10]}}'],
    ["train.schedule=linear, constant", '{"settings":{"train.schedule":["linear","constant"]}}'],
    ["options.alpha=8,16,32", '{"settings":{"options.alpha":[8,16,32]}}'],
  ];
  for (const [text, axis] of axes) {
    const { problems } = assertThrows(() => given(text), StudyError);
    assertEquals(problems.map(({ message }) => message.split("wanted ")[1]), [
      `one for all runs; runs with each of them are what "axes": ${axis} in the study gives`,
    ]);
  }
  const { problems } = assertThrows(() => given("train.steps=5,many"), StudyError);
  assertEquals(problems.map(({ message }) => message), ['found "5,many", wanted a number']);
});

Deno.test("entries that a given option makes the same are refused", () => {
  const twins = smallStudy({
    axes: { methods: ["lora", { method: "lora", options: { alpha: 32 }, label: "wide" }] },
  });
  const changed = withOverrides(twins, ["options.alpha=8"], methods);
  const { problems } = assertThrows(() => expandStudy(changed, { tasks, methods }), StudyError);
  assertEquals(problems.map(({ message }) => message.split(",")[0]), ['found that run "RTE']);
});
