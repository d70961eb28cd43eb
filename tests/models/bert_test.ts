import { assert, assertEquals } from "@std/assert";
import type { Executor } from "../../src/exec/executor.ts";
import { nativeExecutor } from "../../src/exec/native.ts";
import { ReferenceExecutor } from "../../src/exec/reference.ts";
import {
  constant,
  crossEntropy,
  grad,
  type HostTensor,
  input,
  interpret,
  makeProgram,
  meanSquaredError,
  productOf,
  reduceMean,
  reshape,
  type Tensor,
} from "../../src/graph/mod.ts";
import {
  encode,
  encoderInputs,
  type ForwardContext,
  maskedModelHead,
  poolWeightsOf,
  taskHead,
} from "../../src/models/bert.ts";
import { adaptableModules } from "../../src/models/modules.ts";
import { maskedModelHeadParameters } from "../../src/models/parameters.ts";
import { readSafetensors } from "../../src/models/safetensors.ts";
import { expected, goldenFiles, goldenModel } from "./fixture.ts";

const { size, length } = expected;
const dims = { batch: size, seq: length };
const mask = Float32Array.from(expected.mask);

function i32(shape: readonly number[], data: readonly number[]): HostTensor {
  return { type: "i32", shape, data: Int32Array.from(data) };
}

function f32(shape: readonly number[], data: readonly number[] | Float32Array): HostTensor {
  return { type: "f32", shape, data: Float32Array.from(data) };
}

const batchFeeds: Readonly<Record<string, HostTensor>> = {
  ids: i32([size, length], expected.ids),
  types: i32([size, length], expected.types),
  mask: f32([size, length], mask),
  positions: i32([length], Array.from({ length }, (_, i) => i)),
  poolWeights: f32([size, length], poolWeightsOf("first", mask, size, length)),
};

/** Parameters of the encoder and of its classification head, as the checkpoint has them. */
function classifierParameters(): ReadonlyMap<string, HostTensor> {
  const { tensors } = readSafetensors(goldenFiles.weights, "golden/model.safetensors");
  const head = ["classifier.weight", "classifier.bias"].map((name) => {
    const { shape, data } = tensors.get(name)!;
    return [name, f32(shape, data)] as const;
  });
  return new Map([...goldenModel().tensors, ...head]);
}

function regressorParameters(): ReadonlyMap<string, HostTensor> {
  const { hidden } = goldenModel().config;
  const { head } = expected.regression;
  return new Map([
    ...goldenModel().tensors,
    ["classifier.weight", f32([1, hidden], head["classifier.weight"]!)],
    ["classifier.bias", f32([1], head["classifier.bias"]!)],
  ]);
}

function contextOf(leaves: ReadonlyMap<string, Tensor>): ForwardContext {
  return {
    parameter: (name) => {
      const leaf = leaves.get(name);
      assert(leaf !== undefined, `the graph asks for "${name}", which is no parameter`);
      return leaf;
    },
    adapt: (_module, _x, y) => y,
    drop: (_site, x) => x,
  };
}

/** Fails where a number is off by more than `tolerance` relative to the largest wanted one (at least `floor`). */
function assertNear(
  found: Pick<HostTensor, "data">,
  wanted: readonly number[],
  tolerance: number,
  what: string,
  floor = 0,
) {
  assertEquals(found.data.length, wanted.length, what);
  const scale = wanted.reduce((top, value) => Math.max(top, Math.abs(value)), floor);
  wanted.forEach((value, i) => {
    const error = Math.abs(Number(found.data[i]) - value);
    assert(error <= tolerance * scale, `${what}[${i}]: found ${found.data[i]}, want ${value}`);
  });
}

interface Tolerances {
  readonly values: number;
  readonly gradients: number;
}

async function compareWithTransformers(
  executor: Executor,
  kind: "classification" | "regression",
  { values, gradients: ofGradients }: Tolerances,
) {
  const { config } = goldenModel();
  const wanted = expected[kind];
  const parameters = kind === "classification" ? classifierParameters() : regressorParameters();
  const leaves = new Map(
    [...parameters].map(([name, { shape }]) => [name, input(name, shape)]),
  );
  const context = contextOf(leaves);
  const hidden = encode(config, encoderInputs(), context, new Map());
  const logits = taskHead(config, hidden, input("poolWeights", ["batch", "seq"]), context);
  const loss = kind === "classification"
    ? reduceMean(crossEntropy(logits, input("targets", ["batch"], "i32")))
    : meanSquaredError(reshape(logits, ["batch"]), input("targets", ["batch"]));
  const names = Object.keys(wanted.gradients);
  const gradients = grad(loss, names.map((name) => leaves.get(name)!));
  const program = makeProgram({
    hidden,
    logits,
    loss,
    ...Object.fromEntries(names.map((name, i) => [`grad/${name}`, gradients[i]!])),
  });
  const targets = kind === "classification"
    ? i32([size], expected.classification.labels)
    : f32([size], expected.regression.scores);
  const session = await executor.load(program);
  const { read } = await session.run({
    feeds: { ...Object.fromEntries(parameters), ...batchFeeds, targets },
    dims,
    read: [...program.outputs.keys()],
  });
  await session.release();
  assertEquals([...read["hidden"]!.shape], [size * length, config.hidden]);
  assertNear(read["hidden"]!, expected.hidden, values, "hidden", 1);
  assertNear(read["logits"]!, wanted.logits, values, "logits", 1);
  assertNear(read["loss"]!, [wanted.loss], values, "loss", 1);
  for (const name of names) {
    assertNear(read[`grad/${name}`]!, wanted.gradients[name]!, ofGradients, `gradient of ${name}`);
  }
}

const executors: readonly (readonly [string, () => Promise<Executor>, Tolerances])[] = [
  [
    "double precision",
    () => Promise.resolve(new ReferenceExecutor()),
    { values: 1e-9, gradients: 1e-9 },
  ],
  ["the native executor", () => nativeExecutor(1), { values: 2e-6, gradients: 2e-5 }],
];

for (const [label, make, tolerances] of executors) {
  for (const kind of ["classification", "regression"] as const) {
    Deno.test(`encode() and taskHead() equal transformers, ${kind} and gradients, in ${label}`, async () => {
      await compareWithTransformers(await make(), kind, tolerances);
    });
  }
}

Deno.test("encode() with frozen weights as constants equals transformers on the native executor", async () => {
  const { config } = goldenModel();
  const leaves = new Map(
    [...classifierParameters()].map(([name, host]) => [name, constant(host, name)]),
  );
  const context = contextOf(leaves);
  const hidden = encode(config, encoderInputs(), context, new Map());
  const logits = taskHead(config, hidden, input("poolWeights", ["batch", "seq"]), context);
  const executor = await nativeExecutor(1);
  const session = await executor.load(makeProgram({ hidden, logits }));
  const { read } = await session.run({ feeds: batchFeeds, dims, read: ["hidden", "logits"] });
  await session.release();
  assertNear(read["hidden"]!, expected.hidden, 2e-6, "hidden", 1);
  assertNear(read["logits"]!, expected.classification.logits, 2e-6, "logits", 1);
});

Deno.test("maskedModelHead() equals transformers", () => {
  const { config, tensors } = goldenModel();
  const { chosen, head, logits: wanted } = expected.masked;
  const specs = maskedModelHeadParameters(config);
  assertEquals(specs.map(({ name }) => name).sort(), Object.keys(head).sort());
  const parameters = new Map([
    ...tensors,
    ...specs.map(({ name, shape }) => [name, f32(shape, head[name]!)] as const),
  ]);
  const context = contextOf(
    new Map([...parameters].map(([name, host]) => [name, constant(host, name)])),
  );
  const hidden = encode(config, encoderInputs(), context, new Map());
  const logits = maskedModelHead(config, hidden, input("chosen", ["masked"], "i32"), context);
  const feeds = { ...batchFeeds, chosen: i32([chosen.length], chosen) };
  const found = interpret(makeProgram({ logits }), feeds, { ...dims, masked: chosen.length });
  assertNear(found["logits"]!, wanted, 1e-9, "logits", 1);
});

Deno.test("encode() gives the same for a text whatever stands in its padding", () => {
  const { config, tensors } = goldenModel();
  const leaves = new Map([...tensors].map(([name, host]) => [name, constant(host, name)]));
  const program = makeProgram({
    hidden: encode(config, encoderInputs(), contextOf(leaves), new Map()),
  });
  const ids = expected.ids.map((id, i) => (expected.mask[i] === 0 ? 7 : id));
  const { hidden } = interpret(program, { ...batchFeeds, ids: i32([size, length], ids) }, dims);
  const inText = (values: ArrayLike<number>) =>
    Array.from(values).filter((_, i) => expected.mask[Math.floor(i / config.hidden)] === 1);
  const found = inText(hidden!.data);
  assertNear(
    { data: Float64Array.from(found) },
    inText(expected.hidden),
    1e-9,
    "hidden",
  );
});

Deno.test("encode() offers every adaptable module once, in the forward pass's order, with its sizes", () => {
  const { config, tensors } = goldenModel();
  const leaves = new Map([...tensors].map(([name, host]) => [name, constant(host, name)]));
  const modules = adaptableModules(config);
  const seen: string[] = [];
  encode(config, encoderInputs(), {
    ...contextOf(leaves),
    adapt: (module, x, y) => {
      seen.push(module.name);
      assertEquals([x.shape[1], y.shape[1]], [module.inSize, module.outSize], module.name);
      return y;
    },
  }, new Map(modules.map((module) => [module.name, module])));
  assertEquals(seen, modules.map(({ name }) => name));
  assertEquals(seen.slice(0, 6), [
    "layer.0.query",
    "layer.0.key",
    "layer.0.value",
    "layer.0.attention_output",
    "layer.0.intermediate",
    "layer.0.output",
  ]);
});

Deno.test("poolWeightsOf() points at the first token or averages over the text", () => {
  const twoTexts = Float32Array.of(1, 1, 1, 1, 1, 1, 0, 0);
  assertEquals([...poolWeightsOf("first", twoTexts, 2, 4)], [1, 0, 0, 0, 1, 0, 0, 0]);
  assertEquals(
    [...poolWeightsOf("mean", twoTexts, 2, 4)],
    [0.25, 0.25, 0.25, 0.25, 0.5, 0.5, 0, 0],
  );
});

Deno.test("taskHead() without a pooler is the classifier of the mean over a text's tokens", () => {
  const config = { ...goldenModel().config, pooler: false, pooling: "mean" } as const;
  const parameters = classifierParameters();
  const leaves = new Map([...parameters].map(([name, host]) => [name, constant(host, name)]));
  const states = input("states", [productOf(["batch", "seq"]), config.hidden]);
  const logits = taskHead(
    config,
    states,
    input("poolWeights", ["batch", "seq"]),
    contextOf(leaves),
  );
  const found = interpret(makeProgram({ logits }), {
    states: {
      type: "f32",
      shape: [size * length, config.hidden],
      data: Float64Array.from(expected.hidden),
    },
    poolWeights: f32([size, length], poolWeightsOf("mean", mask, size, length)),
  }, dims)["logits"]!;
  const weight = parameters.get("classifier.weight")!.data;
  const bias = parameters.get("classifier.bias")!.data;
  const wanted = Array.from({ length: size }, (_, row) => {
    const own = expected.mask.slice(row * length, (row + 1) * length);
    const count = own.filter((value) => value === 1).length;
    const mean = Array.from(
      { length: config.hidden },
      (_, column) =>
        own.reduce(
          (sum, kept, token) =>
            sum + kept * expected.hidden[(row * length + token) * config.hidden + column]!,
          0,
        ) /
        count,
    );
    return [0, 1, 2].map((label) =>
      mean.reduce(
        (sum, value, i) => sum + value * Number(weight[label * config.hidden + i]),
        Number(bias[label]),
      )
    );
  }).flat();
  assertNear(found, wanted, 1e-6, "logits", 1);
});
