/** One training step of an encoder of the embedded shape on every executor. */
import { assert, assertEquals } from "@std/assert";
import { RandomStream } from "../../src/base/random.ts";
import type { Executor } from "../../src/exec/executor.ts";
import { architectureOf } from "../../src/models/architectures.ts";
import { drawParameters } from "../../src/models/parameters.ts";
import { embeddedEncoderConfig } from "../../tools/pretrain/run.ts";
import type { EncoderWeights } from "../../src/train/assemble.ts";
import { sliceOf } from "../../src/train/layout.ts";
import { groupParameter } from "../../src/train/slots.ts";
import type { Checkpoint } from "../../src/train/run_types.ts";
import { Trainer } from "../../src/train/trainer.ts";
import { subjects, testEach } from "../exec/executors.ts";
import {
  lossesOf,
  moduleNames,
  ofKind,
  type TinyRun,
  trainingRequest,
  trainTo,
} from "./fixture.ts";

const config = embeddedEncoderConfig(600);
const encoder: EncoderWeights = {
  config,
  tensors: drawParameters(
    architectureOf(config).encoderParameters(config),
    RandomStream.fromSeed(11),
  ),
};

/** 4 texts of at most 16 tokens, all dropout on. */
const run: TinyRun = { method: "elalora", encoder, longest: 16, train: { steps: 20 } };
const beta1 = 0.9;

/** A run's start with ranks that have learned something: E is not zero, so that A and B get gradients. */
async function start(executor: Executor): Promise<Checkpoint> {
  const trainer = await Trainer.create(trainingRequest(executor, run), null);
  const checkpoint = await trainer.checkpoint();
  const { assembly } = trainer;
  trainer.dispose();
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
  readonly loss: number;
  readonly regulariser: number;
  readonly gradientNorm: number;
  /** Clipped gradient of each parameter and each adapter group, by name. */
  readonly gradients: ReadonlyMap<string, Float32Array>;
}

async function oneStep(executor: Executor): Promise<Outcome> {
  const request = trainingRequest(executor, run);
  const trainer = await Trainer.create(request, await start(executor));
  const [step] = ofKind(await trainer.next(), "step");
  const { vectors } = await trainer.checkpoint();
  const { layout } = trainer.assembly;
  trainer.dispose();
  await request.programs.clear();
  // m started at zero, so it is (1 − β1)·g.
  const gradient = vectors.m!.map((value) => value / (1 - beta1));
  return {
    loss: step!.loss,
    regulariser: step!.regulariser,
    gradientNorm: step!.gradientNorm,
    gradients: new Map(layout.slices.map(({ name, offset, size }) => [
      name,
      gradient.slice(offset, offset + size),
    ])),
  };
}

const all = await subjects();
const reference = all.find(({ kind }) => kind === "reference")!.executor!;

const others = all.filter(({ kind }) => kind !== "reference");
let wanted: Promise<Outcome> | null = null;
let severalWanted: Promise<readonly number[]> | null = null;

Deno.test("in double precision, the step starts from a guess and every parameter gets a gradient", async () => {
  wanted ??= oneStep(reference);
  const { loss, regulariser, gradientNorm, gradients } = await wanted;
  assertEquals(moduleNames(config).length, 24);
  assert(Math.abs(loss - Math.log(2)) < 0.5, `the loss is ${loss}`);
  assert(regulariser > 0 && gradientNorm > 0);
  for (const [name, values] of gradients) {
    const scale = values.reduce((top, value) => Math.max(top, Math.abs(value)), 0);
    assert(scale > 1e-6, `the gradient of "${name}" is at most ${scale}`);
  }
});

testEach(others, "one step agrees with double precision", async (executor) => {
  wanted ??= oneStep(reference);
  const want = await wanted;
  const found = await oneStep(executor);
  for (const name of ["loss", "regulariser", "gradientNorm"] as const) {
    const error = Math.abs(found[name] / want[name] - 1);
    const tolerance = name === "gradientNorm" ? 1e-4 : 1e-5;
    assert(error < tolerance, `${name}: found ${found[name]}, want ${want[name]}`);
  }
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
  const losses = async (on: Executor) => {
    const request = trainingRequest(on, { ...run, train: { steps: 20, learningRate: 1e-3 } });
    const trainer = await Trainer.create(request, await start(on));
    const found = lossesOf(await trainTo(trainer, 3));
    trainer.dispose();
    await request.programs.clear();
    return found;
  };
  severalWanted ??= losses(reference);
  const want = await severalWanted;
  (await losses(executor)).forEach((loss, i) =>
    assert(Math.abs(loss - want[i]!) < 1e-3, `step ${i + 1}: found ${loss}, want ${want[i]}`)
  );
});
