/** Houlsby's and Pfeiffer's adapters against the library `adapters` (`tests/golden/bottleneck.py`) and hand-computed numbers. */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { RandomStream } from "../../src/base/random.ts";
import { interpret } from "../../src/graph/mod.ts";
import { costsOf } from "../../src/methods/adapter.ts";
import { bottleneckAdapter } from "../../src/methods/bottleneck.ts";
import { storedBranches } from "../../src/methods/stored_branches.ts";
import { findMethod } from "../../src/methods/table.ts";
import { addsNothing, updatesOf } from "../../src/methods/weight_update.ts";
import { architectureOf, type EncoderConfig, parseConfig } from "../../src/models/architectures.ts";
import { targetModules } from "../../src/models/config.ts";
import { drawParameter } from "../../src/models/parameters.ts";
import { plainModel } from "../../src/models/plain_model.ts";
import { countParameters } from "../../src/study/budget/costs.ts";
import { defaultSettings } from "../../src/study/schema/settings.ts";
import type { ModuleShape } from "../../src/study/types.ts";
import { assemble } from "../../src/train/assemble.ts";
import { exportTensors } from "../../src/train/stored_tensors.ts";
import { withoutModules } from "../../src/train/vectors.ts";
import { drawn } from "../models/deberta_fixture.ts";
import { goldenModel } from "../models/fixture.ts";
import { type GoldenTokens, paddedTokens } from "../models/golden_tokens.ts";
import { plainFeeds } from "../models/runtime_logits.ts";
import { assertAdapted, inRows, targetsOf } from "../models/transformers.ts";
import { lossesOf, started, type TinyRun, trainingRequest, trainTo } from "../train/fixture.ts";
import { assertResumes, ended, executor, logitsOf } from "./adapted_runs.ts";
import { assertAlmost, assertNear } from "../graph/numbers.ts";

interface Outcome {
  readonly family: "bert" | "deberta" | "distilbert";
  readonly method: "houlsby" | "pfeiffer";
  readonly options: Readonly<Record<string, string>>;
  readonly logits: readonly number[];
  readonly loss: number;
  readonly gradients: Readonly<Record<string, readonly number[]>>;
}

interface Golden extends GoldenTokens {
  readonly labels: readonly number[];
  readonly width: number;
  readonly configs: Readonly<Record<Outcome["family"], unknown>>;
  readonly outcomes: readonly Outcome[];
}

const golden = JSON.parse(
  Deno.readTextFileSync(new URL("../golden/bottleneck.json", import.meta.url)),
) as Golden;

const batch = paddedTokens(golden);

function encoderOf(family: Outcome["family"]) {
  const config = parseConfig(JSON.stringify(golden.configs[family]), family);
  const architecture = architectureOf(config);
  const specs = [
    ...architecture.encoderParameters(config),
    ...architecture.headParameters(config, 3),
  ];
  return { config, tensors: new Map(specs.map(({ name, shape }) => [name, drawn(name, shape)])) };
}

/** The script has weights as torch does, `[out, in]`: `up` is turned, the others are rows already. */
const isTurned = (part: string) => part === "up";

/** The numbers of the script's adapters. */
function numbersOf(module: ModuleShape, part: string): Float32Array {
  const shape = part === "downBias"
    ? [golden.width]
    : part === "down" || part === "up"
    ? [golden.width, module.outSize]
    : [module.outSize];
  return drawn(`${module.name}.${part}`, shape).data as Float32Array;
}

for (const wanted of golden.outcomes) {
  const { family, method, options } = wanted;
  const title = `${method} ${JSON.stringify(options)} on ${family}`;
  Deno.test(`${title} has the logits and gradients of the library adapters`, () => {
    const { config, tensors } = encoderOf(family);
    const targets = targetsOf("classification", golden.labels);
    assertAdapted({
      ...{ config, parameters: tensors, batch, targets, method, options, wanted },
      ...{ rank: golden.width, numbersOf, isTurned },
    });
  });

  Deno.test(`${title}: the plain model has its logits too`, () => {
    const { config, tensors } = encoderOf(family);
    const entry = findMethod(method);
    const { adapter } = entry.bind(entry.parseOptions(options));
    assert(adapter !== null && (adapter.place === "output" || adapter.place === "norm"));
    const modules = targetModules(config);
    const stored = new Map(
      modules.filter(({ part }) => entry.moduleParts({})!.includes(part)).flatMap((module) =>
        adapter.parts.map(({ name, per, rowLength }) => {
          const rows = per === "module" ? 1 : golden.width;
          const own = numbersOf(module, name);
          const data = isTurned(name) ? Float32Array.from(inRows(own, golden.width)) : own;
          return [`${module.name}.${name}`, { shape: [rows, rowLength(module)], data }] as const;
        })
      ),
    );
    const program = plainModel(config, tensors, storedBranches(stored, adapter, modules));
    const feeds = Object.fromEntries(
      Object.entries(plainFeeds(batch)).filter(([name]) => program.inputs.has(name)),
    );
    const { logits } = interpret(program, feeds, { batch: batch.size, seq: batch.length });
    assertNear(logits!, wanted.logits, 1e-9, "logits", 1);
    assertThrows(
      () => updatesOf({ tensors: stored, off: [], scale: 1 }, adapter, modules, ({ name }) => name),
      RangeError,
      "it changes no weights",
    );
  });
}

/** DeBERTa v3 base: 12 layers, 768 wide (AdaLoRA, arXiv 2303.10512, table 1, has budgets of these adapters on it). */
const base = { layers: 12, hidden: 768, intermediate: 3072 } as EncoderConfig;

function costOf(method: string, options: Readonly<Record<string, string>>, width: number): number {
  const entry = findMethod(method);
  const modules = targetModules(base, entry.moduleParts({})!);
  return countParameters(
    modules.map(() => width),
    modules,
    entry.costs(entry.parseOptions(options)),
  );
}

Deno.test("budgets are those of AdaLoRA's table: 0.61M and 0.31M for Houlsby, 0.60M and 0.30M for Pfeiffer", () => {
  const frozen = { layerNorms: "frozen" };
  const millions = (count: number) => (count / 1e6).toFixed(2);
  assertEquals(millions(costOf("houlsby", frozen, 16)), "0.61");
  assertEquals(millions(costOf("houlsby", frozen, 8)), "0.31");
  assertEquals(millions(costOf("pfeiffer", {}, 32)), "0.60");
  assertEquals(millions(costOf("pfeiffer", {}, 16)), "0.30");
  // Section 2.1 of arXiv 1902.00751: 2md + d + m each, and 2d for a norm.
  assertEquals(costOf("houlsby", {}, 64), 24 * (2 * 64 * 768 + 768 + 64 + 2 * 768));
});

Deno.test("a truncated normal stays within two deviations, with the moments of such", () => {
  const values = drawParameter({
    name: "x",
    shape: [20000],
    initial: { type: "truncated_normal", deviation: 1e-2 },
    decay: true,
  }, RandomStream.fromSeed(3));
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + value ** 2, 0) / values.length;
  assert(values.every((value) => Math.abs(value) <= 2e-2));
  assert(values.some((value) => Math.abs(value) > 1.9e-2));
  // The deviation of a standard normal cut off at ±2 is 0.8796 (1 − 4φ(2)/(2Φ(2) − 1), the root).
  assertAlmostEquals(Math.sqrt(variance) / 1e-2, 0.8796, 0.015);
  assertAlmostEquals(mean / 1e-2, 0, 0.03);
});

const runs: readonly TinyRun[] = [
  { method: "houlsby" },
  { method: "houlsby", options: { layerNorms: "frozen", nonlinearity: "swish" } },
  { method: "pfeiffer", rank: 3 },
];

for (const run of runs) {
  const title = `${run.method} ${JSON.stringify(run.options ?? {})}`;

  Deno.test(`${title} starts near the encoder, and is the encoder where all modules are zero`, async () => {
    using bare = await started(trainingRequest(executor, { method: "head" }));
    const wanted = await logitsOf(bare, run, (await bare.checkpoint()).vectors.theta!);
    using trainer = await started(trainingRequest(executor, run));
    const { vectors } = await trainer.checkpoint();
    const { assembly } = trainer;
    const start = await logitsOf(trainer, run, vectors.theta!);
    assert(start.some((value, i) => value !== wanted[i]), "the adapter does nothing at all");
    assertAlmost(start, wanted, 0.02);
    const names = assembly.modules.map(({ module }) => module.name);
    const zero = await logitsOf(trainer, run, withoutModules(assembly, vectors.theta!, names));
    assertAlmost(zero, wanted, 1e-5);
  });

  Deno.test(`${title}: a run that is cut in two ends bit-equal to one that is not`, async () => {
    using whole = await ended(run);
    const { trainer, end } = whole;
    await assertResumes(whole, [7]);
    const tensors = new Map(
      exportTensors(trainer.assembly, end.vectors.theta!, end.order).map((
        { name, ...own },
      ) => [name, own]),
    );
    const { adapter, modules } = trainer.assembly;
    for (const { module } of modules) {
      assert(!addsNothing(tensors, adapter!, module), `${module.name} adds nothing after training`);
    }
    const zero = new Map([...tensors].map(([name, { shape, data }]) => [name, {
      shape,
      data: name.startsWith("layer.0.output.up") || name.startsWith("layer.0.output.norm")
        ? data.map(() => 0)
        : data,
    }]));
    const found = modules.filter(({ module }) => addsNothing(zero, adapter!, module));
    assertEquals(found.map(({ module }) => module.name), ["layer.0.output"]);
  });
}

Deno.test("the adapters learn a small task by heart", async () => {
  for (const { method, options = {} } of runs) {
    const run = { method, options, train: { steps: 60, learningRate: 0.02 } };
    using trainer = await started(trainingRequest(executor, run));
    const losses = lossesOf(await trainTo(trainer));
    const meanOf = (some: readonly number[]) => some.reduce((sum, loss) => sum + loss, 0) / 8;
    assert(meanOf(losses.slice(-8)) < 0.85 * meanOf(losses.slice(0, 8)), method);
  }
});

Deno.test("dropout of adapters acts at the input of each, on the rows that it takes", () => {
  const { config, tensors } = goldenModel();
  const sitesOf = (adapter: number) => {
    const method = findMethod("houlsby");
    const modules = targetModules(config, method.moduleParts({})!);
    return assemble({
      encoder: { config, tensors },
      output: { type: "classification", labels: ["a", "b"] },
      method: method.bind(method.parseOptions({})),
      ranks: modules.map((module) => ({ module, rank: 2 })),
      train: {
        ...defaultSettings.train,
        dropout: { hidden: 0, attention: 0, head: 0, adapter },
      },
    }).dropoutSites.map(({ name, columns }) => `${name} ${columns}`);
  };
  assertEquals(sitesOf(0), []);
  assertEquals(sitesOf(0.1), [
    "layer.0.attention_output.adapter.tokens 16",
    "layer.0.output.adapter.tokens 16",
    "layer.1.attention_output.adapter.batch 16",
    "layer.1.output.adapter.batch 16",
  ]);
});

Deno.test("what is stored of a bottleneck is what is trained", () => {
  const adapter = bottleneckAdapter({
    place: "output",
    nonlinearity: "relu",
    initial: { type: "normal", deviation: 0.02 },
    trainsNorms: true,
  });
  const module = {
    name: "layer.0.output",
    layer: 0,
    part: "output",
    inSize: 24,
    outSize: 16,
  } as const;
  const { perRank, perModule } = costsOf(adapter);
  assertEquals([perRank(module), perModule(module)], [16 + 1 + 16, 16 + 2 * 16]);
  const stored = adapter.storage?.costs;
  assert(typeof stored === "object");
  assertEquals(stored.perRank(module), perRank(module));
  assertEquals(stored.perModule(module), perModule(module));
});
