/** Multiple choice: each choice is scored by the head as a text of its own, and the scores of an example are told apart. */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { RandomStream } from "../../src/base/random.ts";
import { ReferenceExecutor } from "../../src/exec/reference.ts";
import type { HostTensor } from "../../src/graph/mod.ts";
import { makeBatch } from "../../src/tasks/batches.ts";
import type { Batch, Encoded, TaskOutput } from "../../src/tasks/types.ts";
import { assemble } from "../../src/train/assemble.ts";
import { batchDims, inputFeeds, slotFeeds, targetFeeds } from "../../src/train/feeds.ts";
import { initialOrder } from "../../src/train/slots.ts";
import { initialVectors } from "../../src/train/vectors.ts";
import { makeExamples, noDropout, oneLayer, trainingRequest } from "./fixture.ts";
import { assertAlmost } from "../graph/numbers.ts";

const executor = new ReferenceExecutor();
const { assembly: request } = trainingRequest(executor, {
  method: "lora",
  encoder: oneLayer,
  rank: 1,
  withoutRank: ["key", "value", "attention_output", "intermediate", "output"],
  train: { dropout: noDropout },
});
const texts = makeExamples(6, oneLayer.config.vocabulary, 14, 5).encoded;
const three: readonly Encoded[] = [0, 3].map((i) => ({
  ...texts[i]!,
  further: texts.slice(i + 1, i + 3),
}));
const right = [2, 0];
const questions = makeBatch(three, right, [0, 1], 0);
const alone = makeBatch(texts, texts.map(() => 0), [0, 1, 2, 3, 4, 5], 0);

const choice = assemble({
  ...request,
  output: { type: "classification", labels: ["a", "b", "c"], perChoice: true },
});
const score: TaskOutput = { type: "regression", min: -1, max: 1 };
const scored = assemble({ ...request, output: score });

const order = initialOrder(request.ranks.map(({ module, rank }) => ({ name: module.name, rank })));
const stream = RandomStream.fromSeed(3);
const fresh = initialVectors(choice, request.encoder, order, RandomStream.fromSeed(4));
const theta = Float64Array.from(fresh["theta"]!, (value) => value + 0.1 * stream.normal());

function host(data: Float64Array): HostTensor {
  return { type: "f32", shape: [data.length], data };
}

async function logitsOf(assembly: typeof choice, batch: Batch): Promise<HostTensor> {
  const session = await executor.load(assembly.evaluationProgram);
  const names = [...assembly.evaluationProgram.inputs.keys()];
  const { read } = await session.run({
    feeds: {
      theta: host(theta),
      ...slotFeeds(assembly, order),
      ...inputFeeds(assembly, batch, names),
    },
    dims: batchDims(batch),
    read: ["logits"],
  });
  await session.release();
  return read["logits"]!;
}

Deno.test("a choice's logit is the score of its text alone", async () => {
  assertEquals(choice.layout.size, scored.layout.size);
  const ofChoices = await logitsOf(choice, questions);
  const ofTexts = await logitsOf(scored, alone);
  assertEquals([ofChoices.shape, ofTexts.shape], [[2, 3], [6, 1]]);
  const [found, wanted] = [ofChoices, ofTexts].map(({ data }) => Array.from(data, Number));
  assertAlmost(found!, wanted!, 1e-12);
});

Deno.test("the loss of choices is their cross entropy, and its gradient that of finite differences", async () => {
  const session = await executor.load(choice.stepProgram);
  const step = async (at: Float64Array) => {
    const feeds = {
      ...Object.fromEntries(
        Object.entries(fresh).map(([name, vector]) => [name, host(Float64Array.from(vector))]),
      ),
      theta: host(at),
      ...inputFeeds(choice, questions),
      ...targetFeeds(questions),
      ...slotFeeds(choice, order),
      learningRate: { type: "f32", shape: [], data: Float64Array.of(0) } as const,
    };
    const { read } = await session.run({
      feeds,
      dims: batchDims(questions),
      read: ["loss", "gradientNorm"],
    });
    return { loss: Number(read["loss"]!.data[0]), norm: Number(read["gradientNorm"]!.data[0]) };
  };
  const { loss, norm } = await step(theta);
  const logits = Array.from((await logitsOf(choice, questions)).data, Number);
  const own = right.map((label, i) => {
    const row = logits.slice(3 * i, 3 * i + 3);
    return Math.log(row.reduce((sum, value) => sum + Math.exp(value), 0)) - row[label]!;
  });
  assertAlmostEquals(loss, (own[0]! + own[1]!) / 2, 1e-12);

  const width = 1e-5;
  let squares = 0;
  for (let i = 0; i < theta.length; i++) {
    const [above, below] = [theta.slice(), theta.slice()];
    above[i]! += width;
    below[i]! -= width;
    squares += (((await step(above)).loss - (await step(below)).loss) / (2 * width)) ** 2;
  }
  assert(norm > 0.01);
  assertAlmostEquals(norm, Math.sqrt(squares), 1e-6);
  await session.release();
});
