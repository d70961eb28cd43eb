import { assertAlmostEquals, assertEquals } from "@std/assert";
import { nativeExecutor } from "../../src/exec/native.ts";
import { encodeProgram, type HostTensor, interpret } from "../../src/graph/mod.ts";
import { findMethod } from "../../src/methods/table.ts";
import { architectureOf, type EncoderConfig, parseConfig } from "../../src/models/architectures.ts";
import { drawParameters } from "../../src/models/parameters.ts";
import { RandomStream } from "../../src/base/random.ts";
import { goldenEncoder, goldenFamilies } from "./encoders.ts";
import { plainModel } from "../../src/models/plain_model.ts";
import { defaultSettings } from "../../src/study/schema/settings.ts";
import { assemble } from "../../src/train/assemble.ts";
import type { EncoderWeights } from "../../src/train/assembly_request.ts";
import { batchDims, inputFeeds } from "../../src/train/feeds.ts";
import { flatten } from "../../src/train/slots.ts";
import type { Batch } from "../../src/tasks/types.ts";
import { expected, goldenModel, storedClassifier } from "./fixture.ts";
import { batchOf } from "./golden_tokens.ts";
import { bertInputs, plainFeeds, runtimeLogits } from "./runtime_logits.ts";
import { assertNear } from "../graph/numbers.ts";

/** The golden encoder with the classifier that transformers stored beside it. */
function goldenClassifier() {
  const { config, tensors } = goldenModel();
  return { config, tensors: new Map([...tensors, ...storedClassifier()]) };
}

/** A batch of texts of the given lengths, padded to `length`, with ids and types that depend on their place. */
function drawnBatch(lengths: readonly number[], length: number): Batch {
  const size = lengths.length;
  const places = Array.from({ length: size * length }, (_, i) => i);
  const isToken = (i: number) => i % length < lengths[Math.floor(i / length)]!;
  return {
    rows: lengths.map((_, i) => i),
    size,
    length,
    ids: Int32Array.from(places, (i) => isToken(i) ? 5 + (i * 7) % 35 : 0),
    types: Int32Array.from(places, (i) => isToken(i) && i % length > 2 ? 1 : 0),
    mask: Float32Array.from(places, (i) => isToken(i) ? 1 : 0),
    targets: new Float32Array(size),
    tokens: lengths.reduce((sum, each) => sum + each, 0),
  };
}

const goldenBatch = batchOf(expected, expected.classification.labels);

function assertClose(found: ArrayLike<number>, wanted: ArrayLike<number>, tolerance: number): void {
  assertEquals(found.length, wanted.length);
  for (let i = 0; i < wanted.length; i++) assertAlmostEquals(found[i]!, wanted[i]!, tolerance);
}

Deno.test("plainModel gives the logits of transformers, in the runtime and in double precision", async () => {
  const { config, tensors } = goldenClassifier();
  const program = plainModel(config, tensors);
  const { bytes, boundLeaves } = encodeProgram(program);
  assertEquals(boundLeaves.size, 0);
  const [found] = await runtimeLogits(bytes, [goldenBatch]);
  assertClose(found!, expected.classification.logits, 1e-5);
  const dims = { batch: expected.size, seq: expected.length };
  const { logits } = interpret(program, plainFeeds(goldenBatch), dims);
  assertClose(logits!.data, expected.classification.logits, 1e-9);
});

/** Checks the plain model against the evaluation program, whose rows and indices the host feeds. */
async function assertSameLogits(
  encoder: EncoderWeights,
  batches: readonly Batch[],
  inputs: readonly string[] = bertInputs,
): Promise<void> {
  const { config, tensors } = encoder;
  const assembly = assemble({
    encoder,
    output: { type: "classification", labels: ["a", "b", "c"] },
    method: findMethod("head").bind({}),
    ranks: [],
    train: defaultSettings.train,
  });
  const data = flatten(assembly.layout, ({ name }) => tensors.get(name)!.data as Float32Array);
  const theta: HostTensor = { type: "f32", shape: [data.length], data };
  const executor = await nativeExecutor(1);
  const evaluate = await executor.load(assembly.evaluationProgram);
  const { bytes } = encodeProgram(plainModel(config, tensors));
  const found = await runtimeLogits(bytes, batches, inputs);
  for (const [i, batch] of batches.entries()) {
    const { read } = await evaluate.run({
      feeds: { theta, ...inputFeeds(assembly, batch) },
      dims: batchDims(batch),
      read: ["logits"],
    });
    assertClose(found[i]!, read["logits"]!.data as Float32Array, 1e-5);
  }
  await evaluate.release();
}

Deno.test("plainModel gives the evaluation program's logits on batches of all sizes and with both poolings", async () => {
  const { config, tensors } = goldenClassifier();
  const batches = [
    drawnBatch([1], 1),
    drawnBatch([5], 5),
    drawnBatch([4, 9, 2], 9),
    drawnBatch([16, 3, 7, 1, 12], 16),
    drawnBatch([3, 2], 8),
  ];
  assertEquals(config.architecture, "bert");
  for (const change of [{}, { pooling: "mean", pooler: false }, { pooling: "mean" }] as const) {
    await assertSameLogits({ config: { ...config, ...change } as EncoderConfig, tensors }, batches);
  }
});

Deno.test("plainModel gives the logits of transformers for the other families", async () => {
  for (const family of goldenFamilies) {
    const { model: { config }, batch, parameters, expected } = goldenEncoder(family);
    const { bytes } = encodeProgram(plainModel(config, parameters.classification));
    const inputs = family === "electra" ? bertInputs : bertInputs.slice(0, 2);
    const [found] = await runtimeLogits(bytes, [batch], inputs);
    assertNear({ data: found! }, expected.classification.logits, 1e-5, family, 1);
  }
});

Deno.test("plainModel gives the evaluation program's logits for DeBERTa", async () => {
  for (const name of ["shared", "own", "c2p"]) {
    const url = new URL(`../golden/deberta/${name}.json`, import.meta.url);
    const file = JSON.parse(await Deno.readTextFile(url));
    const config = parseConfig(JSON.stringify({ model_type: "deberta-v2", ...file.config }), name);
    const { encoderParameters, headParameters } = architectureOf(config);
    const specs = [...encoderParameters(config), ...headParameters(config, 3)]
      .map((spec) =>
        spec.shape.length === 2
          ? { ...spec, initial: { type: "normal", deviation: 0.3 } as const }
          : spec
      );
    const tensors = drawParameters(specs, RandomStream.fromSeed(4));
    const batches = [drawnBatch([1], 1), drawnBatch([4, 9, 2], 9), drawnBatch([12, 3], 12)]
      .map((batch) => ({ ...batch, ids: batch.ids.map((id) => id % config.vocabulary) }));
    const inputs = config.tokenTypes > 0 ? bertInputs : bertInputs.slice(0, 2);
    await assertSameLogits({ config, tensors }, batches, inputs);
  }
});
