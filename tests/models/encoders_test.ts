/**
 * Encoders of the families other than BERT against what transformers computed (`tests/golden/encoders.py`).
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { input } from "../../src/graph/mod.ts";
import { architectureOf } from "../../src/models/architectures.ts";
import { targetModules } from "../../src/models/config.ts";
import { encoderInputs } from "../../src/models/token_rows.ts";
import { moduleParts } from "../../src/study/schema/settings.ts";
import { goldenEncoder, goldenFamilies } from "./encoders.ts";
import { contextOf, realTokens } from "./golden_tokens.ts";
import { assertAsTransformers, executors, kinds, targetsOf } from "./transformers.ts";

for (const family of goldenFamilies) {
  const { model: { config }, expected, batch, parameters } = goldenEncoder(family);
  const architecture = architectureOf(config);
  const { title } = architecture;

  for (const [label, make, tolerances] of executors) {
    for (const kind of kinds) {
      Deno.test(`${title} equals transformers, ${kind} and gradients, in ${label}`, async () => {
        const { labels } = expected.classification;
        const subject = {
          config,
          parameters: parameters[kind],
          batch,
          targets: targetsOf(kind, kind === "classification" ? labels : expected.regression.scores),
          wanted: expected[kind],
          hidden: realTokens(expected, config.hidden),
        };
        await assertAsTransformers(await make(), subject, tolerances);
      });
    }
  }

  Deno.test(`${title} names its parameters, heads and adaptable layers as transformers does`, () => {
    assertEquals(config.architecture, family);
    const head = architecture.headParameters(config, 1);
    assertEquals(
      head.map(({ name, shape }) => [name, shape]),
      Object.entries(expected.regression.head).map(([name, { shape }]) => [name, shape]),
    );
    const outputs = architecture.headParameters(config, 3).slice(-2);
    assertEquals(outputs.map(({ shape }) => shape[0]), [3, 3]);
    const known = new Set(architecture.encoderParameters(config).map(({ name }) => name));
    for (const part of moduleParts) {
      for (let layer = 0; layer < config.layers; layer++) {
        assert(known.has(`${architecture.modulePath(layer, part)}.weight`), part);
      }
      assert(
        `${architecture.modulePath(0, part)}.weight` in expected.classification.gradients,
        part,
      );
    }
  });

  Deno.test(`${title} uses every parameter and offers every target module once`, () => {
    const leaves = new Map(
      [...parameters.classification].map(([name, { shape }]) => [name, input(name, shape)]),
    );
    const modules = targetModules(config);
    for (const wanted of ["all", "first"] as const) {
      const asked = new Set<string>();
      const seen: string[] = [];
      const context = contextOf(leaves, asked);
      const inputs = encoderInputs(config.heads);
      const states = architecture.encode(
        config,
        inputs,
        {
          ...context,
          linear: (layers, x) => {
            for (const { path, module } of layers) {
              if (module === null) continue;
              seen.push(module.name);
              assertEquals(path, architecture.modulePath(module.layer, module.part));
              assertEquals(leaves.get(`${path}.weight`)!.shape, [module.outSize, module.inSize]);
              assertEquals(x.shape[1], module.inSize);
            }
            return context.linear(layers, x);
          },
        },
        new Map(modules.map((module) => [module.name, module])),
        wanted,
      );
      if (wanted === "first") architecture.taskHead(config, states, inputs, context);
      assertEquals(seen, modules.map(({ name }) => name));
      const own = architecture.encoderParameters(config).map(({ name }) => name);
      const head = architecture.headParameters(config, 3).map(({ name }) => name);
      assertEquals([...asked].sort(), [...own, ...(wanted === "first" ? head : [])].sort());
    }
  });
}
