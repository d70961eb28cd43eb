/**
 * Encoders of the families other than BERT against what transformers computed (`tests/golden/encoders.py`).
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import type { Executor } from "../../src/exec/executor.ts";
import { nativeExecutor } from "../../src/exec/native.ts";
import { ReferenceExecutor } from "../../src/exec/reference.ts";
import {
  crossEntropy,
  grad,
  type HostTensor,
  input,
  makeProgram,
  meanSquaredError,
  type Program,
  reduceMean,
  reshape,
  type Tensor,
} from "../../src/graph/mod.ts";
import { architectureOf } from "../../src/models/architectures.ts";
import { targetModules } from "../../src/models/config.ts";
import { encoderInputs, tokenFeeds, tokenRows } from "../../src/models/token_rows.ts";
import { moduleParts } from "../../src/study/schema/settings.ts";
import { type GoldenEncoder, goldenEncoder, goldenFamilies } from "./encoders.ts";
import { assertNear, contextOf } from "./golden_tokens.ts";

const kinds = ["classification", "regression"] as const;
type Kind = (typeof kinds)[number];

/** How far values and gradients may be off, relative to the largest. */
interface Tolerances {
  readonly values: number;
  readonly gradients: number;
}

const executors: readonly (readonly [string, () => Promise<Executor>, Tolerances])[] = [
  [
    "double precision",
    () => Promise.resolve(new ReferenceExecutor()),
    { values: 1e-9, gradients: 1e-9 },
  ],
  ["the native executor", () => nativeExecutor(1), { values: 2e-6, gradients: 2e-5 }],
];

const leavesOf = (parameters: ReadonlyMap<string, HostTensor>): ReadonlyMap<string, Tensor> =>
  new Map([...parameters].map(([name, { shape }]) => [name, input(name, shape)]));

/** Hidden states of all tokens, logits and loss from first tokens, and the gradients that are known. */
function programOf(
  { model: { config }, expected, parameters }: GoldenEncoder,
  kind: Kind,
): Program {
  const architecture = architectureOf(config);
  const leaves = leavesOf(parameters[kind]);
  const context = contextOf(leaves);
  const inputs = encoderInputs(config.heads);
  const hidden = architecture.encode(config, inputs, context, new Map(), "all");
  const first = architecture.encode(config, inputs, context, new Map(), "first");
  const logits = architecture.taskHead(config, first, inputs, context);
  const loss = kind === "classification"
    ? reduceMean(crossEntropy(logits, input("targets", ["batch"], "i32")))
    : meanSquaredError(reshape(logits, ["batch"]), input("targets", ["batch"]));
  const names = Object.keys(expected[kind].gradients);
  const gradients = grad(loss, names.map((name) => leaves.get(name)!));
  return makeProgram({
    hidden,
    first,
    logits,
    loss,
    ...Object.fromEntries(names.map((name, i) => [`grad/${name}`, gradients[i]!])),
  });
}

async function compareWithTransformers(
  golden: GoldenEncoder,
  executor: Executor,
  kind: Kind,
  { values, gradients }: Tolerances,
) {
  const { model: { config }, expected, batch, targets, parameters } = golden;
  const program = programOf(golden, kind);
  const session = await executor.load(program);
  const rows = tokenRows(batch);
  const { read } = await session.run({
    feeds: {
      ...Object.fromEntries(parameters[kind]),
      ...tokenFeeds(batch, config, program.inputs.keys()),
      targets: targets[kind],
    },
    dims: { batch: batch.size, seq: batch.length, tokens: rows.count },
    read: [...program.outputs.keys()],
  });
  await session.release();
  const { hidden } = config;
  const wantedAt = (places: Iterable<number>) =>
    [...places].flatMap((place) => expected.hidden.slice(place * hidden, (place + 1) * hidden));
  assertEquals([...read["hidden"]!.shape], [rows.count, hidden]);
  // The last row is all padding, which is nobody's.
  const real = rows.placeOf.filter((place) => batch.mask[place] === 1);
  const found = { data: read["hidden"]!.data.slice(0, real.length * hidden) };
  assertNear(found, wantedAt(real), values, "hidden", 1);
  const firstPlaces = Array.from({ length: batch.size }, (_, text) => text * batch.length);
  assertNear(read["first"]!, wantedAt(firstPlaces), values, "first", 1);
  assertNear(read["logits"]!, expected[kind].logits, values, "logits", 1);
  assertNear(read["loss"]!, [expected[kind].loss], values, "loss", 1);
  for (const [name, wanted] of Object.entries(expected[kind].gradients)) {
    assertNear(read[`grad/${name}`]!, wanted, gradients, `gradient of ${name}`, 0);
  }
}

for (const family of goldenFamilies) {
  const golden = goldenEncoder(family);
  const { model: { config }, expected, parameters } = golden;
  const architecture = architectureOf(config);
  const { title } = architecture;

  for (const [label, make, tolerances] of executors) {
    for (const kind of kinds) {
      Deno.test(`${title} equals transformers, ${kind} and gradients, in ${label}`, async () => {
        await compareWithTransformers(golden, await make(), kind, tolerances);
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
    const leaves = leavesOf(parameters.classification);
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
