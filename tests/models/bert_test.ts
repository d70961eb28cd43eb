import { assertEquals } from "@std/assert";
import { nativeExecutor } from "../../src/exec/native.ts";
import { constant, type HostTensor, input, interpret, makeProgram } from "../../src/graph/mod.ts";
import { bert } from "../../src/models/bert.ts";
import { targetModules } from "../../src/models/config.ts";
import { encoderInputs, tokenFeeds, tokenRows } from "../../src/models/token_rows.ts";
import { expected, goldenConfig, goldenModel, storedClassifier } from "./fixture.ts";
import { contextOf, paddedTokens, realTokens } from "./golden_tokens.ts";
import { assertNear, doubles } from "../graph/numbers.ts";
import { assertAsTransformers, executors, kinds, targetsOf } from "./transformers.ts";

const { size, length } = expected;
const mask = Float32Array.from(expected.mask);
const { heads } = goldenConfig;

function f32(shape: readonly number[], data: readonly number[] | Float32Array): HostTensor {
  return { type: "f32", shape, data: Float32Array.from(data) };
}

/** A context whose parameters are constants. */
function frozen(parameters: ReadonlyMap<string, HostTensor>) {
  return contextOf(new Map([...parameters].map(([name, host]) => [name, constant(host, name)])));
}

/** What a program is fed for the golden batch. */
function batchFeeds(
  names: Iterable<string>,
  { ids = expected.ids, pooling = "first" as "first" | "mean" } = {},
) {
  const batch = paddedTokens({ ...expected, ids });
  const rows = tokenRows(batch);
  return {
    rows,
    dims: { batch: size, seq: length, tokens: rows.count },
    feeds: tokenFeeds(batch, { heads, pooling, paddingPosition: null }, names),
  };
}

const hiddenStates = realTokens(expected, goldenConfig.hidden);

/** The rows of real tokens, which come first. */
function tokensOf({ data }: Pick<HostTensor, "data">): Pick<HostTensor, "data"> {
  const tokens = mask.reduce((sum, one) => sum + one, 0);
  return { data: data.slice(0, tokens * goldenConfig.hidden) };
}

const classifier = new Map([...goldenModel().tensors, ...storedClassifier()]);

function regressorParameters(): ReadonlyMap<string, HostTensor> {
  const { hidden } = goldenConfig;
  const { head } = expected.regression;
  return new Map([
    ...goldenModel().tensors,
    ["classifier.weight", f32([1, hidden], head["classifier.weight"]!)],
    ["classifier.bias", f32([1], head["classifier.bias"]!)],
  ]);
}

for (const [label, make, tolerances] of executors) {
  for (const kind of kinds) {
    Deno.test(`encode() and taskHead() equal transformers, ${kind} and gradients, in ${label}`, async () => {
      const { classification: { labels }, regression: { scores } } = expected;
      const subject = {
        config: goldenConfig,
        parameters: kind === "classification" ? classifier : regressorParameters(),
        batch: paddedTokens(expected),
        targets: targetsOf(kind, kind === "classification" ? labels : scores),
        wanted: expected[kind],
        hidden: hiddenStates,
      };
      await assertAsTransformers(await make(), subject, tolerances);
    });
  }
}

Deno.test("encode() with frozen weights as constants equals transformers on the native executor", async () => {
  const config = goldenConfig;
  const context = frozen(classifier);
  const inputs = encoderInputs(heads);
  const hidden = bert.encode(config, inputs, context, new Map(), "all");
  const first = bert.encode(config, inputs, context, new Map(), "first");
  const program = makeProgram({ hidden, logits: bert.taskHead(config, first, inputs, context) });
  const executor = await nativeExecutor(1);
  const session = await executor.load(program);
  const { feeds, dims } = batchFeeds(program.inputs.keys());
  const { read } = await session.run({ feeds, dims, read: ["hidden", "logits"] });
  await session.release();
  assertNear(tokensOf(read["hidden"]!), hiddenStates, 2e-6, "hidden", 1);
  assertNear(read["logits"]!, expected.classification.logits, 2e-6, "logits", 1);
});

Deno.test("encode() gives the same for a text whatever stands in its padding", () => {
  const { tensors } = goldenModel();
  const config = goldenConfig;
  const context = frozen(tensors);
  const program = makeProgram({
    hidden: bert.encode(config, encoderInputs(heads), context, new Map(), "all"),
  });
  const ids = expected.ids.map((id, i) => (expected.mask[i] === 0 ? 7 : id));
  const { feeds, dims } = batchFeeds(program.inputs.keys(), { ids });
  const { hidden } = interpret(program, feeds, dims);
  assertNear(tokensOf(hidden!), hiddenStates, 1e-9, "hidden");
});

Deno.test("encode() offers every target module once, in the forward pass's order, with its sizes", () => {
  const { tensors } = goldenModel();
  const config = goldenConfig;
  const context = frozen(tensors);
  const modules = targetModules(config);
  for (const wanted of ["all", "first"] as const) {
    const seen: string[][] = [];
    bert.encode(
      config,
      encoderInputs(heads),
      {
        ...context,
        linear: (layers, x) => {
          const y = context.linear(layers, x);
          const shapes = layers.map(({ module }) => module!);
          seen.push(shapes.map(({ name }) => name));
          for (const { inSize, name } of shapes) assertEquals(x.shape[1], inSize, name);
          assertEquals(y.shape[1], shapes.reduce((sum, { outSize }) => sum + outSize, 0));
          return y;
        },
      },
      new Map(modules.map((module) => [module.name, module])),
      wanted,
    );
    assertEquals(seen.flat(), modules.map(({ name }) => name));
    assertEquals(seen.slice(0, 4), [
      ["layer.0.query", "layer.0.key", "layer.0.value"],
      ["layer.0.attention_output"],
      ["layer.0.intermediate"],
      ["layer.0.output"],
    ]);
    const last = config.layers - 1;
    assertEquals(
      seen.filter((names) => names.includes(`layer.${last}.key`)),
      wanted === "all"
        ? [[`layer.${last}.query`, `layer.${last}.key`, `layer.${last}.value`]]
        : [[`layer.${last}.key`, `layer.${last}.value`]],
    );
  }
});

Deno.test("all padding of a batch is one row", () => {
  const batch = { size: 2, length: 4, mask: Float32Array.of(1, 1, 1, 1, 1, 1, 0, 0) };
  const packed = tokenRows(batch);
  assertEquals([...packed.rowOf], [0, 1, 2, 3, 4, 5, 6, 6]);
  assertEquals([...packed.placeOf], [0, 1, 2, 3, 4, 5, 6]);
  const full = { ...batch, mask: new Float32Array(8).fill(1) };
  assertEquals(tokenRows(full).count, 8);
});

Deno.test("the pool points at the first token or averages over the text", () => {
  const batch = {
    size: 2,
    length: 4,
    ids: new Int32Array(8),
    types: new Int32Array(8),
    mask: Float32Array.of(1, 1, 1, 1, 1, 1, 0, 0),
  };
  const poolOf = (pooling: "first" | "mean") => {
    return [
      ...tokenFeeds(batch, { heads, pooling, paddingPosition: null }, ["pool"])["pool"]!.data,
    ];
  };
  assertEquals(poolOf("first"), [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0]);
  assertEquals(
    poolOf("mean"),
    [0.25, 0.25, 0.25, 0.25, 0, 0, 0, 0, 0, 0, 0, 0.5, 0.5, 0],
  );
});

Deno.test("taskHead() without a pooler is the classifier of the mean over a text's tokens", () => {
  const config = { ...goldenConfig, pooler: false, pooling: "mean" } as const;
  const inputs = encoderInputs(heads);
  const logits = bert.taskHead(
    config,
    input("states", ["tokens", config.hidden]),
    inputs,
    frozen(classifier),
  );
  const { rows, dims, feeds } = batchFeeds(["pool"], { pooling: "mean" });
  // What the row of all padding holds must not count.
  const ofPadding = Array<number>(config.hidden).fill(7);
  const states = doubles([...hiddenStates, ...ofPadding], [rows.count, config.hidden]);
  const found = interpret(makeProgram({ logits }), { ...feeds, states }, dims)["logits"]!;
  const weight = classifier.get("classifier.weight")!.data;
  const bias = classifier.get("classifier.bias")!.data;
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
