/** What a step is fed: random numbers of its own, rates, and a rate factor for the adapters alone. */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { hashBytes } from "../../src/base/hash.ts";
import { RandomStream } from "../../src/base/random.ts";
import { nativeExecutor } from "../../src/exec/native.ts";
import { ReferenceExecutor } from "../../src/exec/reference.ts";
import type { HostTensor } from "../../src/graph/mod.ts";
import { firstBatch } from "../../src/tasks/batches.ts";
import { assemble } from "../../src/train/assemble.ts";
import { dropoutFeeds, DropoutPools, type Pool } from "../../src/train/feeds.ts";
import { sliceOf } from "../../src/train/slots.ts";
import { firstCapacities, firstState } from "../../src/train/run_start.ts";
import { runStages } from "../../src/train/stages.ts";
import { nextLearningRates, stepFeeds } from "../../src/train/step_feeds.ts";
import { sequenceRequest } from "./sequence_fixture.ts";
import { noDropout, ofKind, started, type TinyRun, trainingRequest, trainTo } from "./fixture.ts";

const executor = new ReferenceExecutor();

/** The feeds of a step as a function of what differs from step to step. */
function feedsOf(run: TinyRun, make = trainingRequest) {
  const request = make(executor, run);
  const capacities = firstCapacities(request);
  const assembly = assemble({
    ...request.assembly,
    capacityOf: ({ name }) => capacities[name]!,
  });
  const state = firstState(request, capacities);
  const stages = runStages(request.settings, request.stages);
  return (step: number, isFrozen = false, seed = 1, stage = 0) => {
    const { batch } = stages[stage]!.batches.next(firstBatch);
    const root = RandomStream.fromSeed(seed);
    const next = {
      state: { ...state, step },
      totalSteps: 16,
      stage: stages[stage]!,
      batch,
      learningRate: 0.25,
      headLearningRate: null,
      isFrozen,
    };
    const fed = stepFeeds(request, assembly, next, {
      dropout: root.fork("dropout"),
      method: root.fork("method"),
    });
    return Object.fromEntries(
      Object.entries(fed).map(([name, { data }]) => [name, Array.from(data, Number)]),
    );
  };
}

Deno.test("each step has dropout masks of its own, each seed too, and the same step the same ones", () => {
  const feeds = feedsOf({ method: "lora" });
  const names = Object.keys(feeds(0)).filter((name) => feeds(0)[name]!.length > 1)
    .filter((name) => !["labels", "targets"].includes(name));
  const keys = (...at: Parameters<typeof feeds>) =>
    JSON.stringify(Object.entries(feeds(...at)).filter(([name]) => names.includes(name)));
  assert(names.length >= 4, `${names}`);
  assertEquals(keys(3), keys(3));
  assertEquals(new Set([keys(3), keys(4), keys(5), keys(3, false, 2)]).size, 4);
});

Deno.test("dropout masks are those of recorded runs, to the bit", () => {
  // Golden numbers: with others, no record could be made again.
  const bytesOf = (data: HostTensor["data"]) => new Uint8Array(data.slice().buffer as ArrayBuffer);
  const hashOf = (data: HostTensor["data"]) => hashBytes(bytesOf(data)).slice(0, 8);
  const dropout = { hidden: 0.1, attention: 0.2, head: 0.3, adapter: 0.4 };
  const pools = Object.keys(dropout).map((kind) =>
    hashOf(
      new DropoutPools().of({ name: "p", kind: kind as Pool["kind"], width: 2 }, dropout, 77).data,
    )
  );
  assertEquals(pools, ["b343a031", "960d7b2b", "03c0cae4", "17d6c8a8"]);
  const { assembly, stages } = trainingRequest(executor, { method: "lora" });
  const built = assemble(assembly);
  const { batch } = stages[0]!.batches.next(firstBatch);
  const keys = Object.entries(dropoutFeeds(built, batch, 77))
    .map(([name, { data }]) => `${name} ${hashOf(data)}`);
  assertEquals(keys, [
    "dropout.rows.tokens 2895e725",
    "dropout.sites.tokens 0a8d2755",
    "dropout.rows.2*batch*seq fcf87dea",
    "dropout.sites.2*batch*seq 4228f5d0",
    "dropout.rows.batch b25cdc2e",
    "dropout.sites.batch f254faa9",
    "dropout.rows.2*batch 096308fc",
    "dropout.sites.2*batch 805e4275",
  ]);
});

Deno.test("what a method draws for a step is the step's own", () => {
  // Ranks of 1 to 8: sixteen draws are not all the same.
  const feeds = feedsOf({ method: "dylora", rank: 8 });
  const rankOf = (step: number) =>
    Object.entries(feeds(step)).find(([name]) => /(^|\.)b$/.test(name))![1][0]!;
  const drawn = Array.from({ length: 16 }, (_, step) => rankOf(step));
  assertEquals(drawn, Array.from({ length: 16 }, (_, step) => rankOf(step)));
  assert(new Set(drawn).size > 3, `${drawn}`);
  assert(drawn.every((rank) => rank >= 1 && rank <= 8), `${drawn}`);
});

Deno.test("importance averages take 1 − β of a step, and nothing while they are frozen", () => {
  const options = { beta1: 0.75, beta2: 0.5, initWarmup: 2, finalWarmup: 4, maskInterval: 2 };
  for (const method of ["elalora", "adalora"]) {
    const feeds = feedsOf({ method, options });
    const { sensitivityRate, uncertaintyRate, learningRate } = feeds(3);
    assertEquals([sensitivityRate, uncertaintyRate, learningRate], [[0.25], [0.5], [0.25]], method);
    const frozen = feeds(3, true);
    assertEquals([frozen["sensitivityRate"], frozen["uncertaintyRate"]], [[0], [0]], method);
  }
  const without = feedsOf({ method: "lora" })(3);
  assertEquals([without["sensitivityRate"], without["uncertaintyRate"]], [[0], [0]]);
});

Deno.test("only a run of several stages is fed which classes count", () => {
  assertEquals(feedsOf({ method: "lora" })(0)["classMask"], undefined);
  const feeds = feedsOf({ method: "lora" }, sequenceRequest);
  const far = Math.fround(-1e9);
  assertEquals(feeds(0, false, 1, 0)["classMask"], [0, 0, far, far, far]);
  assertEquals(feeds(0, false, 1, 1)["classMask"], [far, far, 0, 0, 0]);
});

Deno.test("a rate factor scales the steps of adapters and leaves those of the head as they are", async () => {
  const run = (factor: number): TinyRun => ({
    method: "lora",
    train: {
      steps: 1,
      learningRate: 0.01,
      clipNorm: null,
      dropout: noDropout,
    },
    change: (method) => ({
      ...method,
      adapter: { ...method.adapter!, step: { rateFactor: () => factor } },
    }),
  });
  const moved = async (factor: number) => {
    using trainer = await started(trainingRequest(executor, run(factor)));
    const before = await trainer.checkpoint();
    await trainTo(trainer);
    const after = await trainer.checkpoint();
    const { assembly } = trainer;
    const differences = after.vectors.theta!.map((value, i) => value - before.vectors.theta![i]!);
    const { offset, size } = sliceOf(assembly.layout, "classifier.weight");
    return {
      adapters: differences.subarray(0, assembly.adapterSize),
      head: differences.subarray(offset, offset + size),
    };
  };
  const [whole, quarter] = [await moved(1), await moved(0.25)];
  assert(whole.adapters.some((value) => Math.abs(value) > 0.009));
  // Adam's first step is as long as the rate, in single precision.
  whole.adapters.forEach((value, i) =>
    assertAlmostEquals(quarter.adapters[i]!, value / 4, 1e-7, `adapter ${i}`)
  );
  assert(whole.head.every((value) => Math.abs(value) > 0.009));
  whole.head.forEach((value, i) => assertEquals(quarter.head[i], value, `head ${i}`));
});

Deno.test("a head's own rate follows the warm-up and the schedule of all else, and an event pins it at its own peak", () => {
  const request = trainingRequest(executor, {
    method: "lora",
    train: { learningRate: 0.5, headLearningRate: 2, warmup: 2, schedule: "linear" },
  });
  const rates = (step: number, isRatePinned = false) =>
    nextLearningRates(request, { step, isRatePinned }, { firstStep: 4, steps: 10 });
  assertEquals(rates(5), { learningRate: 0.25, headLearningRate: 1 });
  assertEquals(rates(10), { learningRate: 0.25, headLearningRate: 1 });
  assertEquals(rates(10, true), { learningRate: 0.5, headLearningRate: 2 });
  const shared = trainingRequest(executor, { method: "lora" });
  assertEquals(
    nextLearningRates(shared, { step: 0, isRatePinned: false }, { firstStep: 0, steps: 10 })
      .headLearningRate,
    null,
  );
});

Deno.test("a rate that an event pins is let go at the end of its stage", async () => {
  const learningRate = 8e-3;
  const run: TinyRun = {
    method: "elalora",
    options: {
      ...{ initWarmup: 2, finalWarmup: 8, maskInterval: 4, b: 4 },
      optimizer: "upstream-reset",
    },
    train: { steps: 8, warmup: 4, schedule: "linear", learningRate, evaluateEvery: null },
  };
  using trainer = await started(sequenceRequest(await nativeExecutor(1), run));
  const events = await trainTo(trainer);
  const rates = ofKind(events, "step").map(({ learningRate }) => learningRate);
  const pinnedAfter = ofKind(events, "ranks").map(({ step }) => step);
  // Within the first stage, and none in the second.
  assert(pinnedAfter.some((step) => step < 8) && pinnedAfter.every((step) => step <= 8));
  const [first] = pinnedAfter;
  const shares = [0, 1 / 4, 2 / 4, 3 / 4, 1, 3 / 4, 2 / 4, 1 / 4];
  const planned = shares.map((share) => share * learningRate);
  assertEquals(rates, [
    ...planned.map((rate, step) => step < first! ? rate : learningRate),
    ...planned,
  ]);
});
