/** What the loop trains, keeps and refuses. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { nativeExecutor } from "../../src/exec/native.ts";
import { architectureOf } from "../../src/models/architectures.ts";
import { type BatchStream, firstBatch } from "../../src/tasks/batches.ts";
import { sliceOf } from "../../src/train/slots.ts";
import { DivergenceError } from "../../src/train/run_types.ts";
import { withBatches } from "../../src/train/stages.ts";
import { Trainer } from "../../src/train/trainer.ts";
import { goldenModel } from "../models/fixture.ts";
import {
  assertBitEqual,
  lossesOf,
  moduleNames,
  ofKind,
  rowOf,
  started,
  type TinyRun,
  tinyTask,
  trainingRequest,
  trainTo,
} from "./fixture.ts";

const executor = await nativeExecutor(1);

Deno.test("AdaLoRA ends with as many nonzero E as the budget says, and its pattern is fixed", async () => {
  const rank = 2;
  const modules = moduleNames();
  const run: TinyRun = {
    method: "adalora",
    rank,
    options: { initWarmup: 2, finalWarmup: 5, maskInterval: 2 },
    train: { steps: 16 },
  };
  using trainer = await started(trainingRequest(executor, run));
  const initial = 3 * modules.length;
  const final = rank * modules.length;
  /** Slots whose E is not zero, as `module/slot`. */
  const nonzero = async () => {
    const { vectors, order } = await trainer.checkpoint();
    return modules.flatMap((module) =>
      order[module]!.filter((row) =>
        rowOf(trainer.assembly, vectors.theta!, module, "E", row)[0] !== 0
      ).map((row) => `${module}/${row}`)
    );
  };
  assertEquals(await nonzero(), []);
  // Steps are counted from 0 in the schedule: masks after steps 4, 6, 8, 10 and the last one for good after 12.
  const budgets = new Map<number, number>();
  let pattern: readonly string[] | null = null;
  let lastCount = 0;
  while (!trainer.isDone) {
    const [event] = ofKind(await trainer.next(), "ranks");
    const on = await nonzero();
    lastCount = on.length;
    if (event !== undefined) {
      budgets.set(trainer.step - 1, event.budget);
      // Just after a mask, exactly the budget is left.
      assertEquals(on.length, event.budget);
      assertEquals(initial - event.moved, event.budget);
      assertEquals(event.budget, Object.values(trainer.ranks()).reduce((sum, r) => sum + r, 0));
    }
    if (trainer.step > 12) {
      pattern ??= on;
      assertEquals(on, pattern, `the pattern after step ${trainer.step}`);
    } else if (event === undefined && trainer.step > 5) {
      // Between masks all E are trained, so that masked ones come back.
      assertEquals(on.length, initial);
    }
  }
  // b(t) = bT + (b0 − bT)(1 − (t − 2)/(16 − 5 − 2))³, truncated: 24 + 12·(7/9)³ = 29.6, then 26.05, 24.4, 24.02.
  assertEquals([...budgets], [[4, 29], [6, 26], [8, 24], [10, 24], [12, 24]]);
  assertEquals(lastCount, final);
  assertEquals(pattern!.length, final);
  const { last } = await trainer.checkpoint();
  assertEquals(last!.off.length, initial - final);
});

Deno.test("AdaLoRA's masked slots start from zero again with the moments that they had", async () => {
  const run: TinyRun = {
    method: "adalora",
    options: { initWarmup: 2, finalWarmup: 5, maskInterval: 2 },
  };
  // The same run until its first mask, but without one.
  const unmasked: TinyRun = { ...run, options: { ...run.options, initWarmup: 4 } };
  const [masked, plain] = await Promise.all([run, unmasked].map(async (each) => {
    const trainer = await Trainer.create(trainingRequest(executor, each), null);
    await trainTo(trainer, 5);
    return { assembly: trainer.assembly, at: await trainer.checkpoint() };
  }));
  const { off } = masked!.at;
  assertEquals(off.length, 36 - 29);
  for (const name of ["m", "v", "c1", "c2", "sensitivity", "uncertainty"] as const) {
    assertBitEqual(masked!.at.vectors[name]!, plain!.at.vectors[name]!, name);
  }
  const theta = plain!.at.vectors.theta!.slice();
  const differing = theta.reduce(
    (count, value, i) => count + (value === masked!.at.vectors.theta![i] ? 0 : 1),
    0,
  );
  assertEquals(differing, off.length);
  for (const { module, slot } of off) {
    const { assembly, at } = masked!;
    assertEquals(rowOf(assembly, at.vectors.theta!, module, "E", slot)[0], 0);
  }
});

Deno.test("each step drops other values of the same batch, and evaluations drop none", async () => {
  const run = (hidden: number): TinyRun => ({
    method: "lora",
    train: {
      steps: 6,
      batchSize: 26,
      // Too small to change a parameter in single precision.
      learningRate: 1e-30,
      evaluateEvery: 1,
      dropout: { hidden, attention: 0, head: 0, adapter: 0 },
    },
  });
  const found = async (hidden: number) => {
    const request = trainingRequest(executor, run(hidden));
    const { batch } = request.stages[0]!.batches.next(firstBatch);
    const batches: BatchStream = { batchesPerEpoch: 1, next: (cursor) => ({ batch, cursor }) };
    using trainer = await started(withBatches(request, batches));
    const events = await trainTo(trainer);
    return {
      steps: lossesOf(events),
      dev: ofKind(events, "evaluation").map(({ snapshot }) => snapshot.evaluations[0]!.loss),
    };
  };
  const dropped = await found(0.3);
  assertEquals(new Set(dropped.steps).size, 6);
  const kept = await found(0);
  assertEquals(new Set(kept.steps).size, 1);
  for (const loss of [...dropped.dev, ...kept.dev]) assertEquals(loss, kept.dev[0]);
});

Deno.test("a rate that is far too high ends the run with a DivergenceError", async () => {
  const run: TinyRun = {
    method: "full",
    train: { learningRate: 1e30, clipNorm: null },
  };
  using trainer = await started(trainingRequest(executor, run));
  const error = await assertRejects(() => trainTo(trainer), DivergenceError, "learningRate");
  // The failed step is not counted as done.
  assertEquals(error.step, trainer.step + 1);
});

Deno.test("numbers that are none before anything was trained are not blamed on the rate", async () => {
  const request = trainingRequest(executor, { method: "lora" });
  const { encoder } = request.assembly;
  const tensors = new Map(encoder.tensors);
  for (const [name, tensor] of tensors) {
    if (!name.endsWith("dense.weight")) continue;
    tensors.set(name, {
      ...tensor,
      data: Float32Array.from(tensor.data as Float32Array, () => 3e38),
    });
  }
  const overflowing = {
    ...request,
    assembly: { ...request.assembly, encoder: { ...encoder, tensors } },
  };
  using trainer = await started(overflowing);
  const error = await assertRejects(() => trainTo(trainer), DivergenceError, "its config.json");
  assertEquals([error.step, error.message.includes("learningRate")], [1, false]);
  // Of a later step, or of an evaluation after the first, the rate may be the cause.
  for (const later of [new DivergenceError(2, NaN), new DivergenceError(1, NaN, 'loss on "dev"')]) {
    assert(later.message.includes("lower train.learningRate"));
  }
});

Deno.test("a last step that leaves no finite parameters is no success", async () => {
  const run: TinyRun = {
    method: "head",
    // Rates of 0 and, in the last step, 1e38.
    train: { steps: 2, warmup: 2, learningRate: 2e38, schedule: "linear" },
  };
  using trainer = await started(trainingRequest(executor, run));
  await trainTo(trainer, 1);
  await assertRejects(() => trainer.next(), DivergenceError, 'loss on "dev"');
});

Deno.test("an importance that is not finite ends the run before it decides about ranks", async () => {
  const run: TinyRun = {
    method: "elalora",
    options: { initWarmup: 0, finalWarmup: 1, maskInterval: 1, regulariserWeight: 0 },
    train: { steps: 8, warmup: 2, learningRate: 1e39, clipNorm: null },
  };
  using trainer = await started(trainingRequest(executor, run));
  await trainTo(trainer, 1);
  await assertRejects(() => trainer.next(), DivergenceError, "found importance");
});

Deno.test("the best snapshot is the first of the highest metric, the last is that of the end", async () => {
  const train = { steps: 48, batchSize: 13, evaluateEvery: 6, learningRate: 1e-2 };
  const request = trainingRequest(executor, { method: "lora", train });
  using trainer = await started(request);
  const seen: { step: number; accuracy: number; theta: Float32Array }[] = [];
  while (!trainer.isDone) {
    for (const { snapshot } of ofKind(await trainer.next(), "evaluation")) {
      const { vectors } = await trainer.checkpoint();
      assertBitEqual(snapshot.theta, vectors.theta!, "the snapshot of an evaluation");
      const [evaluation] = snapshot.evaluations;
      const { predictions, metrics } = evaluation!;
      // Accuracy by hand.
      const [split] = request.splits;
      const right = predictions.filter((value, i) => value === split!.targets[i]).length;
      assert(Math.abs(metrics["accuracy"]! - right / predictions.length) < 1e-12);
      seen.push({
        step: snapshot.step,
        accuracy: right / predictions.length,
        theta: snapshot.theta,
      });
    }
  }
  assertEquals(seen.map(({ step }) => step), [6, 12, 18, 24, 30, 36, 42, 48]);
  const highest = Math.max(...seen.map(({ accuracy }) => accuracy));
  const wanted = seen.find(({ accuracy }) => accuracy === highest)!;
  const { best, last } = await trainer.checkpoint();
  assertEquals(best!.step, wanted.step);
  assertBitEqual(best!.theta, wanted.theta, "best");
  assertEquals(last!.step, 48);
  assertBitEqual(last!.theta, seen.at(-1)!.theta, "last");
  assertEquals(tinyTask.metrics[0], "accuracy");
  // The case is a real one: the best evaluation is neither the first nor the last.
  assert(
    wanted.step > 6 && wanted.step < 48,
    `accuracies: ${seen.map(({ accuracy }) => accuracy)}`,
  );
});

Deno.test("head, BitFit, full fine-tuning and LoRA train what they should and nothing else", async () => {
  const { config, tensors } = goldenModel();
  const own = architectureOf(config).encoderParameters(config).map(({ name }) => name);
  const head = architectureOf(config).headParameters(config, 2).map(({ name }) => name);
  assertEquals(head.length, 4);
  const wanted: Readonly<Record<string, readonly string[]>> = {
    head,
    bitfit: [...own.filter((name) => name.endsWith(".bias")), ...head],
    full: [...own, ...head],
    lora: head,
    elalora: head,
  };
  // 1 norm and 8 biases a layer.
  assertEquals(wanted["bitfit"]!.length, 1 + 2 * 8 + 4);
  for (const [method, names] of Object.entries(wanted)) {
    const options = method === "elalora" ? { maskInterval: 2 } : {};
    using trainer = await started(trainingRequest(executor, { method, options }));
    const { layout, parameters } = trainer.assembly;
    assertEquals([...parameters.keys()], names, method);
    const before = await trainer.checkpoint();
    await trainTo(trainer, 3);
    const after = await trainer.checkpoint();
    for (const name of names) {
      const { offset, size } = sliceOf(layout, name);
      const cut = (vector: Float32Array) => vector.subarray(offset, offset + size);
      const start = cut(before.vectors.theta!);
      // The checkpoint's numbers, where it has them.
      const loaded = tensors.get(name);
      if (loaded !== undefined) assertBitEqual(start, loaded.data as Float32Array, name);
      const end = cut(after.vectors.theta!);
      assert(end.some((value, i) => value !== start[i]), `${method} did not train ${name}`);
    }
    // Beyond these there are adapters or nothing.
    const adapters = layout.slices.filter(({ name }) => !parameters.has(name));
    assert(adapters.every(({ name }) => name.startsWith("adapter.")));
    assertEquals(adapters.length > 0, method.endsWith("lora"));
    // Steps leave the frozen weights, which other runs share, alone.
    assertEquals(
      [...goldenModel().tensors].every(([name, { data }]) =>
        data.every((value, i) => value === tensors.get(name)!.data[i])
      ),
      true,
    );
  }
});

Deno.test("training ends far below the loss of a head alone with every method that adapts the encoder, and learns the task", async () => {
  for (const method of ["head", "full", "bitfit", "lora", "adalora", "elalora"]) {
    const dropout = { hidden: 0.1, attention: 0.1, head: 0.1, adapter: 0 };
    const train = { steps: 60, batchSize: 13, learningRate: 1e-2, dropout };
    const options = method === "elalora" ? { b: 2, maskInterval: 5 } : {};
    using trainer = await started(
      trainingRequest(executor, { method, options, train }),
    );
    const events = await trainTo(trainer);
    const losses = lossesOf(events);
    const accuracy = ofKind(events, "evaluation").at(-1)!.snapshot.evaluations[0]!
      .metrics["accuracy"]!;
    const mean = (values: readonly number[]) =>
      values.reduce((sum, value) => sum + value, 0) / values.length;
    const [first, last] = [mean(losses.slice(0, 6)), mean(losses.slice(-6))];
    const text = `${method}: loss from ${first} to ${last}, accuracy ${accuracy}`;
    if (method === "head") assert(last > 0.5 * first, text);
    else assert(last < 0.3 * first && accuracy >= 0.9, text);
  }
});
