/** Training steps of an encoder of the embedded shape, with two layers, on every executor. */
import { assert, assertEquals } from "@std/assert";
import { RandomStream } from "../../src/base/random.ts";
import type { Executor } from "../../src/exec/executor.ts";
import { architectureOf } from "../../src/models/architectures.ts";
import type { BertConfig } from "../../src/models/bert.ts";
import { drawParameters } from "../../src/models/parameters.ts";
import type { EncoderWeights } from "../../src/train/assembly_request.ts";
import { groupParameter, sliceOf } from "../../src/train/slots.ts";
import type { Checkpoint } from "../../src/train/run_types.ts";
import { Trainer } from "../../src/train/trainer.ts";
import { subjects, testEach } from "../exec/executors.ts";
import {
  lossesOf,
  moduleNames,
  ofKind,
  started,
  type TinyRun,
  trainingRequest,
  trainTo,
} from "./fixture.ts";

const config: BertConfig = {
  architecture: "bert",
  layers: 2,
  hidden: 128,
  heads: 4,
  intermediate: 512,
  vocabulary: 600,
  maxPositions: 128,
  paddingPosition: null,
  paddingId: 0,
  tokenizerClass: "BertTokenizer",
  tokenTypes: 2,
  activation: "gelu",
  layerNormEpsilon: 1e-12,
  pooling: "mean",
  pooler: false,
  initializerRange: 0.02,
};
const encoder: EncoderWeights = {
  config,
  tensors: drawParameters(
    architectureOf(config).encoderParameters(config),
    RandomStream.fromSeed(11),
  ),
};

/** 2 texts of at most 8 tokens, all dropout on. */
const run: TinyRun = {
  method: "elalora",
  encoder,
  longest: 8,
  train: { steps: 20, batchSize: 2, learningRate: 1e-3 },
};
const beta1 = 0.9;

/** A run's start with ranks that have learned something: E is not zero, so that A and B get gradients. */
async function start(executor: Executor): Promise<Checkpoint> {
  using trainer = await started(trainingRequest(executor, run));
  const checkpoint = await trainer.checkpoint();
  const { assembly } = trainer;
  const theta = checkpoint.vectors.theta!.slice();
  const stream = RandomStream.fromSeed(5);
  for (const group of assembly.groups.filter(({ part }) => part.name === "E")) {
    const { offset } = sliceOf(assembly.layout, groupParameter(group));
    group.modules.forEach(({ name }, i) => {
      for (const row of checkpoint.order[name]!) {
        theta[offset + i * group.capacity + row] = 0.5 + stream.next();
      }
    });
  }
  return { ...checkpoint, vectors: { ...checkpoint.vectors, theta } };
}

interface Outcome {
  /** Of three steps. */
  readonly losses: readonly number[];
  /** Of the first step, as what follows. */
  readonly regulariser: number;
  readonly gradientNorm: number;
  /** Clipped gradient of each parameter and each adapter group, by name. */
  readonly gradients: ReadonlyMap<string, Float32Array>;
}

async function threeSteps(executor: Executor): Promise<Outcome> {
  const request = trainingRequest(executor, run);
  const trainer = await Trainer.create(request, await start(executor));
  const first = ofKind(await trainTo(trainer, 1), "step");
  const { vectors } = await trainer.checkpoint();
  const { layout } = trainer.assembly;
  const losses = lossesOf([...first, ...await trainTo(trainer, 3)]);
  trainer.dispose();
  await request.programs.clear();
  // m started at zero, so it is (1 − β1)·g.
  const gradient = vectors.m!.map((value) => value / (1 - beta1));
  return {
    losses,
    regulariser: first[0]!.regulariser,
    gradientNorm: first[0]!.gradientNorm,
    gradients: new Map(layout.slices.map(({ name, offset, size }) => [
      name,
      gradient.slice(offset, offset + size),
    ])),
  };
}

const all = await subjects();
const reference = all.find(({ kind }) => kind === "reference")!.executor!;

const others = all.filter(({ kind }) => kind !== "reference");

const outcomes = new Map<Executor, Promise<Outcome>>();

/** Trained once by each executor. */
function outcomeOf(executor: Executor): Promise<Outcome> {
  const found = outcomes.get(executor) ?? threeSteps(executor);
  outcomes.set(executor, found);
  return found;
}

Deno.test("in double precision, the step starts from a guess and every parameter gets a gradient", async () => {
  const { losses, regulariser, gradientNorm, gradients } = await outcomeOf(reference);
  assertEquals(moduleNames(config).length, 12);
  assert(Math.abs(losses[0]! - Math.log(2)) < 0.5, `the loss is ${losses[0]}`);
  assert(regulariser > 0 && gradientNorm > 0);
  for (const [name, values] of gradients) {
    const scale = values.reduce((top, value) => Math.max(top, Math.abs(value)), 0);
    assert(scale > 1e-6, `the gradient of "${name}" is at most ${scale}`);
  }
});

testEach(others, "one step agrees with double precision", async (executor) => {
  const want = await outcomeOf(reference);
  const found = await outcomeOf(executor);
  const close = (name: string, value: number, wanted: number, tolerance: number) =>
    assert(Math.abs(value / wanted - 1) < tolerance, `${name}: found ${value}, want ${wanted}`);
  close("loss", found.losses[0]!, want.losses[0]!, 1e-5);
  close("regulariser", found.regulariser, want.regulariser, 1e-5);
  close("gradientNorm", found.gradientNorm, want.gradientNorm, 1e-4);
  assertEquals([...found.gradients.keys()], [...want.gradients.keys()]);
  for (const [name, values] of want.gradients) {
    const own = found.gradients.get(name)!;
    const scale = values.reduce((top, value) => Math.max(top, Math.abs(value)), 0);
    const worst = values.reduce((top, value, i) => Math.max(top, Math.abs(own[i]! - value)), 0);
    assert(
      worst <= 1e-3 * scale,
      `gradient of "${name}": off by ${worst}, its largest entry is ${scale}`,
    );
  }
});

testEach(others, "several steps stay close to double precision", async (executor) => {
  const want = await outcomeOf(reference);
  const found = await outcomeOf(executor);
  assertEquals(found.losses.length, 3);
  found.losses.forEach((loss, i) =>
    assert(
      Math.abs(loss - want.losses[i]!) < 1e-3,
      `step ${i + 1}: found ${loss}, want ${want.losses[i]}`,
    )
  );
});
