import { assert, assertEquals } from "@std/assert";
import { z } from "zod";
import type { Json } from "../../../src/base/canonical_json.ts";
import { expandStudy } from "../../../src/study/grid/expand.ts";
import { studyJsonSchema } from "../../../src/study/schema/json_schema.ts";
import { parseStudy } from "../../../src/study/schema/parse.ts";
import { totalSteps } from "../../../src/study/grid/steps.ts";
import { checkRuns } from "../../../src/study/check/runs.ts";
import type { ModuleShape, RunSpec } from "../../../src/study/types.ts";
import embedded from "../../../experiments/embedded.json" with { type: "json" };
import embeddedRandom from "../../../experiments/embedded-random.json" with { type: "json" };
import glueDeberta from "../../../experiments/glue-deberta.json" with { type: "json" };
import glueMinilm from "../../../experiments/glue-minilm.json" with { type: "json" };
import glueMinilmMrpcRates from "../../../experiments/glue-minilm-mrpc-rates.json" with {
  type: "json",
};
import glueMinilmSearch from "../../../experiments/glue-minilm-search.json" with { type: "json" };
import quickstart from "../../../experiments/quickstart.json" with { type: "json" };
import { encoderModules, examplesOf, methods, tasks } from "../tables.ts";

/** Study, its modules, and its number of runs: budgeted methods × budgets + the others, × tasks × seeds. */
const experiments: readonly [string, unknown, readonly ModuleShape[], number][] = [
  ["quickstart", quickstart, encoderModules(4, 128, 512), (3 * 3 + 1) * 2 * 3],
  ["embedded", embedded, encoderModules(4, 128, 512), (3 + 2) * 6 * 3],
  ["embedded-random", embeddedRandom, encoderModules(4, 128, 512), 6 * 3],
  ["glue-minilm", glueMinilm, encoderModules(6, 384, 1536), (3 * 2 + 2) * 4 * 3],
  // All rates on MRPC, without the worst of four of the methods on CoLA.
  ["glue-minilm-search", glueMinilmSearch, encoderModules(6, 384, 1536), 18 + 14],
  // Head and the three adapters with three seeds and full with one on MRPC, LoRA once on each other task.
  ["glue-minilm-mrpc-rates", glueMinilmMrpcRates, encoderModules(6, 384, 1536), 4 * 3 + 1 + 3],
  ["glue-deberta", glueDeberta, encoderModules(12, 768, 3072), 4 * 3 * 6 * 3],
];

type JsonObject = { readonly [key: string]: Json };

/** A part of a schema with the parts of definitions that it refers to in place of these references, which zod does not read. */
function withoutDeepReferences(part: Json, schema: Json): Json {
  if (Array.isArray(part)) return part.map((item) => withoutDeepReferences(item, schema));
  if (typeof part !== "object" || part === null) return part;
  const { $ref } = part as JsonObject;
  if (typeof $ref === "string" && $ref.split("/").length > 3) {
    return $ref.split("/").slice(1).reduce((inner, key) => (inner as JsonObject)[key]!, schema);
  }
  return Object.fromEntries(
    Object.entries(part).map(([key, value]) => [key, withoutDeepReferences(value, schema)]),
  );
}

/** Whether a study satisfies the JSON Schema; zod reads no if/then, and no anyOf beside properties: they are applied here. */
function satisfies(schema: Json, study: Json): boolean {
  const { $defs, anyOf, ...root } = withoutDeepReferences(schema, schema) as JsonObject;
  const definitions = $defs as JsonObject;
  const { allOf, ...delta } = definitions["delta"] as JsonObject;
  const plain = { ...definitions, delta };
  const test = (part: Json, value: Json) =>
    z.fromJSONSchema(
      { ...part as JsonObject, $defs: plain } as Parameters<
        typeof z.fromJSONSchema
      >[0],
    ).safeParse(value).success;
  const deltas = (study as JsonObject)["deltas"] as readonly Json[] | undefined ?? [];
  return test(root, study) && (anyOf as readonly Json[]).some((form) => test(form, study)) &&
    deltas.every((value) =>
      (allOf as readonly JsonObject[]).every((rule) =>
        !test(rule["if"]!, value) || test(rule["then"]!, value)
      )
    );
}

Deno.test("the committed experiments expand and pass every check before a run", () => {
  for (const [name, json, modules, count] of experiments) {
    const study = parseStudy(json, `${name}.json`);
    assertEquals(study.name, name);
    const runs = expandStudy(study, { tasks, methods });
    assertEquals(runs.length, count);
    const { problems } = checkRuns(runs, { methods, examplesOf, modulesOf: () => modules });
    assertEquals(problems, []);
  }
});

Deno.test("glue-deberta trains as the released scripts do", () => {
  const runs = expandStudy(parseStudy(glueDeberta), { tasks, methods });
  const find = (task: string, method: string): RunSpec => {
    const run = runs.find((run) => run.task === task && run.method === method);
    assert(run !== undefined);
    return run;
  };
  const row = (run: RunSpec) => {
    const { initWarmup, finalWarmup, maskInterval } = run.options as Record<string, Json>;
    const { learningRate, epochs, batchSize } = run.settings.train;
    return [initWarmup, finalWarmup, maskInterval, learningRate, epochs, batchSize];
  };
  // init and final warm-up, interval, learning rate, epochs, batch; all steps.
  const elalora: readonly [string, readonly number[], number][] = [
    ["MNLI", [500, 1000, 500, 5e-4, 1, 64], 6136],
    ["SST-2", [3000, 10000, 500, 8e-4, 20, 64], 21060],
    ["CoLA", [500, 500, 100, 8e-4, 20, 64], 2680],
    ["QNLI", [2000, 2000, 200, 5e-4, 5, 64], 8185],
    ["RTE", [300, 500, 50, 1.2e-3, 50, 64], 1950],
    ["MRPC", [300, 400, 50, 1e-3, 20, 64], 1160],
  ];
  for (const [task, expected, steps] of elalora) {
    const run = find(task, "elalora");
    assertEquals<unknown>(row(run), expected);
    assertEquals(totalSteps(run.settings, examplesOf(task)), steps);
    const { warmup, dropout, weightDecay, maxLength } = run.settings.train;
    assertEquals([warmup, dropout.head, weightDecay], [1000, 0.15, 0]);
    assertEquals(maxLength, task === "MRPC" ? 512 : 256);
    assertEquals(find(task, "lora").settings, run.settings);
  }
  const adalora: readonly [string, readonly number[]][] = [
    ["MNLI", [8000, 50000, 100, 5e-4, 7, 32]],
    ["SST-2", [6000, 22000, 100, 8e-4, 24, 32]],
    ["CoLA", [800, 3500, 10, 8e-4, 25, 32]],
    ["QNLI", [2000, 8000, 100, 5e-4, 5, 32]],
    ["RTE", [600, 1800, 1, 1.2e-3, 50, 32]],
    ["MRPC", [600, 1800, 1, 1e-3, 30, 32]],
  ];
  for (const [task, expected] of adalora) {
    assertEquals<unknown>(row(find(task, "adalora")), expected);
  }
});

Deno.test("studyJsonSchema() accepts the committed experiments", () => {
  const schema = studyJsonSchema({ tasks, methods });
  for (const [name, json] of experiments) assert(satisfies(schema, json as Json), name);
});

Deno.test("studyJsonSchema() refuses what a study may not hold", () => {
  const schema = studyJsonSchema({ tasks, methods });
  const axes = { tasks: ["RTE"], methods: ["lora"], budgets: [4], seeds: [1] };
  const study = (more: { readonly [key: string]: Json }) => ({ name: "s", axes, ...more });
  const methodsAxis = (...items: Json[]) => study({ axes: { ...axes, methods: items } });
  const settingsAxis = (settings: Json) => study({ axes: { ...axes, settings } });
  const delta = (value: Json) => study({ deltas: [value] });
  const good: readonly Json[] = [
    study({}),
    study({ axes: { ...axes, tasks: ["a task of one's own"] } }),
    { name: "s", extends: "quickstart", base: { train: { epochs: 2 } }, axes: { seeds: [1] } },
    { name: "s", extends: ["quickstart", "../tuned.json"] },
    study({ base: { model: "hub:google/electra-small-discriminator@refs/pr/1" } }),
    study({ base: { model: "wheel:models/a.whl" } }),
    methodsAxis("head", { method: "elalora", options: { b: 8 }, label: "wide" }),
    settingsAxis({ "train.learningRate": [1e-3, 1], "options.ties": ["exact"], model: ["folder"] }),
    delta({ when: { method: ["adalora", "elalora"] }, options: { initWarmup: 5 } }),
    delta({ when: { method: "wide" }, options: { b: 3 } }),
  ];
  for (const value of good) assert(satisfies(schema, value), JSON.stringify(value));
  const bad: readonly Json[] = [
    study({ titel: "x" }),
    study({ axes: { tasks: ["RTE"], methods: ["head"] } }),
    { name: "s" },
    { extends: "quickstart" },
    { name: "s", extends: [] },
    { name: "s", extends: "quickstart", axes: { seeds: [-1] } },
    study({ base: { train: { batchSize: 0 } } }),
    study({ base: { model: "embeded" } }),
    study({ base: { model: "hub:one/two/three" } }),
    study({ axes: { ...axes, budgets: [{ rank: 1, parameters: 9 }] } }),
    study({ axes: { ...axes, budgets: [{}] } }),
    methodsAxis("loar"),
    methodsAxis({ method: "lora", options: { b: 8 } }),
    methodsAxis({ method: "elalora", options: { ties: "none" } }),
    settingsAxis({ "train.learnRate": [1] }),
    settingsAxis({ "train.learningRate": [] }),
    settingsAxis({ "train.learningRate": ["1"] }),
    settingsAxis({ "options.ties": ["none"] }),
    delta({ when: { method: "lora" }, options: { b: 3 } }),
    delta({ when: { method: ["lora", "elalora"] }, options: { b: 3 } }),
    delta({ when: { method: "elalora" }, options: { b: "3" } }),
  ];
  for (const value of bad) assert(!satisfies(schema, value), JSON.stringify(value));
});

Deno.test("studyJsonSchema() offers tasks and the form of own tasks", () => {
  const schema = studyJsonSchema({
    tasks,
    methods,
    userTaskSchema: { type: "object", required: ["name"] },
  }) as { readonly $defs: Readonly<Record<string, JsonObject>> };
  assertEquals(schema.$defs["taskName"]?.["examples"], tasks);
  assertEquals(schema.$defs["userTask"], { type: "object", required: ["name"] });
});
