/** Runs on encoders of several families: what they evaluate to, where dropout acts, how their heads start. */
import { assertAlmostEquals, assertEquals } from "@std/assert";
import { findMethod } from "../../src/methods/table.ts";
import { architectureOf } from "../../src/models/architectures.ts";
import { targetModules } from "../../src/models/config.ts";
import { defaultSettings } from "../../src/study/schema/settings.ts";
import type { TaskOutput } from "../../src/tasks/types.ts";
import { assemble, type Assembly } from "../../src/train/assemble.ts";
import {
  type GoldenEncoder,
  goldenEncoder,
  goldenFamilies,
  type GoldenFamily,
} from "../models/encoders.ts";
import { evaluated } from "./golden_evaluation.ts";

const threeLabels: TaskOutput = { type: "classification", labels: ["a", "b", "c"] };

/** LoRA of rank 2 on all modules. */
function loraRun({ model }: GoldenEncoder, output: TaskOutput): Assembly {
  const method = findMethod("lora");
  return assemble({
    encoder: model,
    output,
    method: method.bind(method.parseOptions({})),
    ranks: targetModules(model.config).map((module) => ({ module, rank: 2 })),
    train: defaultSettings.train,
  });
}

/** Where each family has dropout in transformers, with its layer count cut to the first layer's sites. */
const sitesOf: Readonly<Record<GoldenFamily, readonly string[]>> = {
  roberta: [
    "hidden embeddings",
    "attention layer.0.attention",
    "hidden layer.0.mixed",
    "hidden layer.0.output",
    "head classifier.dense",
    "head classifier.out_proj",
  ],
  distilbert: [
    "hidden embeddings",
    "attention layer.0.attention",
    "hidden layer.0.output",
    "head classifier",
  ],
  electra: [
    "hidden embeddings",
    "attention layer.0.attention",
    "hidden layer.0.mixed",
    "hidden layer.0.output",
    "head classifier.dense",
    "head classifier.out_proj",
  ],
};

for (const family of goldenFamilies) {
  const golden = goldenEncoder(family);
  const { model, expected, parameters } = golden;
  const { title } = architectureOf(model.config);

  Deno.test(`a run on ${title} evaluates to the loss of transformers while its adapters are zero`, async () => {
    const found = await evaluated(
      loraRun(golden, threeLabels),
      { output: threeLabels, metrics: ["accuracy"] },
      { ...expected, targets: expected.classification.labels },
      (name, size) =>
        (parameters.classification.get(name)?.data as Float32Array | undefined) ??
          new Float32Array(size),
      model.config.paddingPosition ?? 0,
    );
    assertAlmostEquals(found.loss, expected.classification.loss, 1e-5);
  });

  Deno.test(`${title} has dropout where transformers has it`, () => {
    const { dropoutSites } = loraRun(golden, threeLabels);
    const shown = dropoutSites
      .filter(({ kind, name }) => kind !== "adapter" && !name.startsWith("layer.1."))
      .map(({ kind, name }) => `${kind} ${name}`);
    assertEquals(shown, sitesOf[family]);
  });

  Deno.test(`a regression on ${title} starts in the middle of its range`, () => {
    const { parameters: specs } = loraRun(golden, { type: "regression", min: 1, max: 5 });
    const head = architectureOf(model.config).headParameters(model.config, 1);
    const initial = head.map(({ name }) => specs.get(name)!.initial);
    assertEquals(initial.map(({ type }) => type), head.map(({ initial }) => initial.type));
    assertEquals(initial.at(-1), { type: "constant", value: 3 });
    assertEquals(initial.at(1), { type: "constant", value: 0 });
  });
}
