/** The stages of a run: their steps, what their losses see, and how one follows another. */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { RandomStream } from "../../src/base/random.ts";
import { ReferenceExecutor } from "../../src/exec/reference.ts";
import { interpret } from "../../src/graph/mod.ts";
import type { PolicyContext, RankPolicy } from "../../src/methods/rank_policy.ts";
import { defaultSettings, overlaySettings } from "../../src/study/schema/settings.ts";
import { firstBatch } from "../../src/tasks/batches.ts";
import { assemble } from "../../src/train/assemble.ts";
import type { AssemblyRequest } from "../../src/train/assembly_request.ts";
import { batchDims, inputFeeds, targetFeeds } from "../../src/train/feeds.ts";
import { sliceOf } from "../../src/train/slots.ts";
import {
  classMask,
  epochsAt,
  evaluationsOf,
  isBoundary,
  runStages,
  type StageData,
  stageOf,
} from "../../src/train/stages.ts";
import { initialVectors } from "../../src/train/vectors.ts";
import {
  assertBitEqual,
  lossesOf,
  noDropout,
  ofKind,
  started,
  type TinyRun,
  trainTo,
} from "./fixture.ts";
import { assertResumes, ended, executor } from "../methods/adapted_runs.ts";
import { sequenceRequest, tinySequence } from "./sequence_fixture.ts";
import { doubles } from "../graph/numbers.ts";

Deno.test("stages follow one another, each with its own epochs and evaluations", () => {
  const settings = overlaySettings(defaultSettings, {
    train: { batchSize: 10, epochs: 2, evaluateEvery: 4 },
  });
  const stage = (trainExamples: number): StageData => ({
    task: "t",
    batches: {
      batchesPerEpoch: Math.ceil(trainExamples / 10),
      next: () => {
        throw new Error("not asked");
      },
    },
    trainExamples,
    classes: null,
  });
  // 3 and 4 batches an epoch.
  const stages = runStages(settings, [stage(25), stage(31)]);
  assertEquals(stages.map(({ firstStep, steps }) => [firstStep, steps]), [[0, 6], [6, 8]]);
  assertEquals([0, 5, 6, 13, 14].map((step) => stageOf(stages, step).index), [0, 0, 1, 1, 1]);
  assertEquals([1, 6, 7, 14].map((done) => epochsAt(stages, done)), [1 / 3, 2, 2.25, 4]);
  assertEquals([5, 6, 7, 14].map((done) => isBoundary(stages, done)), [false, true, false, false]);
  assertEquals(evaluationsOf(settings, stages), [3, 4, 6, 10, 14]);
});

/** Loss and clipped gradient of the first batch of a stage, in double precision. */
function firstStep(
  assembly: AssemblyRequest,
  run: TinyRun,
  stage: number,
  labelsFrom: number,
  theta: (name: string, size: number) => Float64Array,
) {
  const request = sequenceRequest(new ReferenceExecutor(), run);
  const built = assemble(assembly);
  const { batch } = request.stages[stage]!.batches.next(firstBatch);
  const values = new Float64Array(built.layout.size);
  for (const slice of built.layout.slices) values.set(theta(slice.name, slice.size), slice.offset);
  const zeros = (name: "m" | "v" | "c1" | "c2") => doubles(new Float64Array(built.sizeOf(name)));
  const targets = batch.targets.map((target) => target - labelsFrom);
  const found = interpret(
    built.stepProgram,
    {
      theta: doubles(values),
      m: zeros("m"),
      v: zeros("v"),
      c1: zeros("c1"),
      c2: zeros("c2"),
      ...inputFeeds(built, batch),
      ...targetFeeds({ ...batch, targets }),
      classMask: classMask(5, request.stages[stage]!.classes),
      learningRate: doubles([0.01], []),
    },
    batchDims(batch),
    ["loss", "m.next"],
  );
  const gradient = (name: string) => {
    const { offset, size } = sliceOf(built.layout, name);
    return (found["m.next"]!.data as Float64Array).slice(offset, offset + size)
      .map((value) => value / (1 - 0.9));
  };
  return { loss: Number(found["loss"]!.data[0]), gradient, layout: built.layout };
}

Deno.test("a stage's loss and gradients are those of a head with its classes alone", () => {
  const run: TinyRun = { method: "full", train: { dropout: noDropout, clipNorm: null } };
  const { assembly } = sequenceRequest(new ReferenceExecutor(), run);
  const whole = assemble(assembly);
  const drawn = initialVectors(whole, assembly.encoder, {}, RandomStream.fromSeed(3)).theta!;
  const weights = (name: string) => {
    const { offset, size } = sliceOf(whole.layout, name);
    return Float64Array.from(drawn.subarray(offset, offset + size));
  };
  for (const [stage, { classes: { first, count } }] of tinySequence.stages!.entries()) {
    const masked = firstStep(assembly, run, stage, 0, weights);
    // The same encoder with a head that has no other classes, and no mask.
    const labels = Array.from({ length: count }, (_, i) => String(i));
    const rowsOf = (values: Float64Array) => {
      const width = values.length / 5;
      return values.slice(first * width, (first + count) * width);
    };
    const isOutput = (name: string) => name.startsWith("classifier");
    const alone = firstStep(
      { ...assembly, output: { type: "classification", labels }, stages: 1 },
      run,
      stage,
      first,
      (name) => isOutput(name) ? rowsOf(weights(name)) : weights(name),
    );
    assertAlmostEquals(masked.loss, alone.loss, 1e-12);
    for (const { name } of whole.layout.slices) {
      const found = masked.gradient(name);
      const own = isOutput(name) ? rowsOf(found) : found;
      const wanted = alone.gradient(name);
      own.forEach((value, i) => assertAlmostEquals(value, wanted[i]!, 1e-12, `${name}[${i}]`));
      assert(wanted.some((value) => value !== 0), `${name} has no gradient`);
      if (!isOutput(name)) continue;
      // Not small, but zero: nothing reaches the classes of the other stage.
      const width = found.length / 5;
      found.forEach((value, i) => {
        const row = Math.floor(i / width);
        if (row < first || row >= first + count) assertEquals(Math.abs(value), 0, `${name}[${i}]`);
      });
    }
  }
});

Deno.test("training a stage leaves the other stage's rows of the head as they were, to the bit", async () => {
  const run: TinyRun = { method: "head", train: { steps: 6, learningRate: 0.05 } };
  using trainer = await started(sequenceRequest(executor, run));
  const { layout } = trainer.assembly;
  const rows = async (first: number, count: number) => {
    const { offset, size } = sliceOf(layout, "classifier.weight");
    const { vectors } = await trainer.checkpoint();
    return vectors.theta!.slice(offset + first * size / 5, offset + (first + count) * size / 5);
  };
  const later = await rows(2, 3);
  const own = await rows(0, 2);
  await trainTo(trainer, 6);
  assertBitEqual(await rows(2, 3), later, "rows of the second task after the first stage");
  const learned = await rows(0, 2);
  assert(learned.some((value, i) => value !== own[i]), "the first stage has learned nothing");
  await trainTo(trainer);
  assertEquals(trainer.step, 12);
  assertBitEqual(await rows(0, 2), learned, "rows of the first task after the second stage");
  assert((await rows(2, 3)).some((value, i) => value !== later[i]), "the second learned nothing");
});

Deno.test("each stage has its own schedule, a fresh optimiser and its own first batch", async () => {
  const run: TinyRun = {
    method: "lora",
    train: { steps: 4, warmup: 2, schedule: "linear", learningRate: 8e-3 },
  };
  using trainer = await started(sequenceRequest(executor, run));
  const before = await trainTo(trainer, 3);
  assert((await trainer.checkpoint()).vectors.v!.some((value) => value !== 0));
  const boundary = await trainTo(trainer, 4);
  const checkpoint = await trainer.checkpoint();
  assertEquals(checkpoint.cursor, firstBatch);
  for (const name of ["m", "v", "c1", "c2"] as const) {
    assertEquals(checkpoint.vectors[name]!.findIndex((value) => value !== 0), -1, name);
  }
  const after = await trainTo(trainer);
  const steps = ofKind([...before, ...boundary, ...after], "step");
  // 8e-3 × (0, 1/2, 1, 1/2) by the schedule's definition, in both stages.
  const rates = steps.map(({ learningRate }) => learningRate);
  assertEquals(rates, [0, 4e-3, 8e-3, 4e-3, 0, 4e-3, 8e-3, 4e-3]);
  const request = sequenceRequest(executor, run);
  const { batch } = request.stages[1]!.batches.next(firstBatch);
  assertEquals(steps[4]!.tokens, batch.tokens);
});

Deno.test("evaluations are of the tasks seen so far, among their classes and with the task known", async () => {
  const run: TinyRun = { method: "lora", train: { steps: 8 } };
  using trainer = await started(sequenceRequest(executor, run));
  const [first, second] = ofKind(await trainTo(trainer), "evaluation").map(({ snapshot }) =>
    snapshot.evaluations
  );
  assertEquals(first!.map(({ split }) => split), ["all tasks", "tiny"]);
  assertEquals(second!.map(({ split }) => split), ["all tasks", "tiny", "kinds"]);
  // Only two classes have been seen, so that the task is known.
  assertEquals(first![1]!.metrics["accuracy"], first![1]!.metrics["task_aware_accuracy"]);
  assert(first![1]!.predictions.every((label) => label < 2));
  const [whole, tiny, kinds] = second!;
  const { splits } = sequenceRequest(executor, run);
  const right = (of: typeof tiny, split: number) =>
    of!.predictions.filter((label, i) => label === splits[split]!.targets[i]).length /
    of!.predictions.length;
  assertAlmostEquals(tiny!.metrics["accuracy"]!, right(tiny, 0), 1e-12);
  assertAlmostEquals(kinds!.metrics["accuracy"]!, right(kinds, 1), 1e-12);
  assertAlmostEquals(whole!.metrics["average_accuracy"]!, (right(tiny, 0) + right(kinds, 1)) / 2);
  assert(tiny!.metrics["task_aware_accuracy"]! >= tiny!.metrics["accuracy"]!);
  assertEquals(trainer.progress.best, trainer.progress.last);
});

const schedule = { initWarmup: 3, finalWarmup: 6, maskInterval: 2 };

for (
  const run of [
    { method: "lora", train: { steps: 8, evaluateEvery: 5, schedule: "linear", warmup: 2 } },
    { method: "adalora", options: schedule, train: { steps: 8, evaluateEvery: 5 } },
    { method: "elalora", options: { ...schedule, b: 4 }, train: { steps: 8, evaluateEvery: 5 } },
    {
      method: "elalora",
      options: { ...schedule, b: 4, optimizer: "upstream-reset" },
      train: { steps: 8, evaluateEvery: 5, schedule: "linear", warmup: 2 },
    },
  ] satisfies readonly TinyRun[]
) {
  const label = [run.method, "optimizer" in (run.options ?? {}) ? "upstream-reset" : ""].join(" ");
  Deno.test(`${label}: a sequence that is cut in two ends bit-equal to one that is not`, async () => {
    using whole = await ended(run, sequenceRequest);
    assertEquals(whole.end.step, 16);
    // In the first stage, one before its end, at the boundary, after it, and in the second stage.
    await assertResumes(whole, [3, 7, 8, 9, 13]);
  });
}

Deno.test("a run of one stage has no class mask, and one of two has the same losses ahead or not", async () => {
  const run: TinyRun = { method: "lora", train: { steps: 6 } };
  const { assembly } = sequenceRequest(executor, run);
  assert(assemble(assembly).stepProgram.inputs.has("classMask"));
  const { stages: _, ...single } = assembly;
  assert(!assemble(single).stepProgram.inputs.has("classMask"));
  using one = await started(sequenceRequest(executor, run));
  const wanted = lossesOf(await trainTo(one));
  using ahead = await started(sequenceRequest(executor, run));
  const losses: number[] = [];
  // Blocks end at the boundary, whatever the executor could queue.
  while (!ahead.isDone) losses.push(...lossesOf(await ahead.advance(4)));
  assertEquals(losses, wanted);
});

Deno.test("a rank policy receives the stages, and may decide at the end of one", async () => {
  const run: TinyRun = {
    method: "elalora",
    options: { ...schedule, b: 4 },
    train: { steps: 8 },
  };
  const seen: PolicyContext[] = [];
  const asked: number[] = [];
  const request = sequenceRequest(executor, {
    ...run,
    change: (method) => {
      const { adapter } = method;
      const rule: RankPolicy<never> = {
        start: (context) => {
          seen.push(context);
          return context.stages!.map(({ firstStep, steps }) => firstStep + steps - 1) as never;
        },
        isDue: (ends, step) => (ends as readonly number[]).includes(step),
        decide: (state, step) => {
          asked.push(step);
          return { decision: { actions: [] }, state };
        },
      };
      return {
        ...method,
        adapter: { ...adapter!, policy: { ...adapter!.policy!, rule: rule as never } },
      };
    },
  });
  using trainer = await started(request);
  await trainTo(trainer);
  assertEquals(seen[0]!.stages, [
    { task: "tiny", firstStep: 0, steps: 8, classes: { first: 0, count: 2 } },
    { task: "kinds", firstStep: 8, steps: 8, classes: { first: 2, count: 3 } },
  ]);
  assertEquals(seen[0]!.totalSteps, 16);
  assertEquals(asked, [7, 15]);
});
