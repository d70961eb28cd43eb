/** ALoRA: who is dropped and who gets ranks, scores by removal, new ranks without effect. */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import {
  alora,
  aloraPolicy,
  type AloraPolicyOptions,
  roundSteps,
} from "../../src/methods/alora.ts";
import { handOut } from "../../src/methods/ranked_slots.ts";
import { mergedTensors, updatesOf } from "../../src/methods/weight_update.ts";
import { droppedSlots } from "../../src/methods/rank_actions.ts";
import { RandomStream } from "../../src/base/random.ts";
import { bert } from "../../src/models/bert.ts";
import { fixedRanks, solveRanks } from "../../src/study/budget/ranks.ts";
import { removalScores } from "../../src/train/policy_view.ts";
import { evaluateSplit, exampleLoss } from "../../src/train/evaluate.ts";
import type { StageData } from "../../src/train/stages.ts";
import { Trainer } from "../../src/train/trainer.ts";
import { growSlots } from "../../src/train/row_edits.ts";
import { exportTensors } from "../../src/train/stored_tensors.ts";
import { withoutModules } from "../../src/train/vectors.ts";
import { goldenModel } from "../models/fixture.ts";
import {
  moduleNames,
  noDropout,
  ofKind,
  rowOf,
  started,
  type TinyRun,
  tinyTask,
  trainingRequest,
  trainTo,
} from "../train/fixture.ts";
import { sequenceRequest } from "../train/sequence_fixture.ts";
import {
  assertAblates,
  assertMerges,
  assertResumes,
  ended,
  executor,
  logitsOf,
} from "./adapted_runs.ts";
import { contextOf, factsOf, grownIn, modulesOf, scoresOf } from "./policies.ts";

const base: AloraPolicyOptions = { K1: 1, K2: 0.25, N_A: 8, n_A: null };

Deno.test("8 ranks over 3 modules are 3, 3 and 2, the remainder to the highest means", () => {
  const open = [0.1, 0.5, 0.3].map((mean, index) => ({ index, mean, room: 9 }));
  const countsOf = (grow: readonly number[]) =>
    [0, 1, 2].map((index) => grow.filter((other) => other === index).length);
  assertEquals(countsOf(handOut(8, open)), [2, 3, 3]);
  assertEquals(countsOf(handOut(1, open)), [0, 1, 0]);
  // A module without room passes its turns on; where nobody has room, fewer are handed out.
  const tight = open.map((module) => module.index === 1 ? { ...module, room: 1 } : module);
  assertEquals(countsOf(handOut(8, tight)), [3, 1, 4]);
  assertEquals(countsOf(handOut(8, open.map((module) => ({ ...module, room: 1 })))), [1, 1, 1]);
  assertEquals(handOut(4, []), []);
});

/** One round on the given scores. */
function decideOnce(options: Partial<AloraPolicyOptions>, rows: number[][], size = 64) {
  const policy = aloraPolicy({ ...base, ...options });
  const modules = modulesOf(...rows.map(() => size));
  const ranks = rows.map((row) => row.length);
  const start = policy.start(contextOf(ranks, { modules, totalSteps: 40, stepsPerEpoch: 8 }));
  const { decision, state } = policy.decide(start, 7, scoresOf(...rows));
  return { decision, drop: droppedSlots(decision), grow: grownIn(decision), ranks: state.ranks };
}

Deno.test("a round drops the lowest and gives to modules that lost none", () => {
  const { decision, drop, grow, ranks } = decideOnce({}, [[1, 5], [9, 0.5], [2, 3], [4, 8]]);
  assertEquals(drop, [
    { module: "m0", slot: 0 },
    { module: "m1", slot: 1 },
    { module: "m2", slot: 0 },
    { module: "m2", slot: 1 },
  ]);
  assertEquals(decision.threshold, 3);
  // Only m3 lost nothing: it gets all four.
  assertEquals(grow, ["m3", "m3", "m3", "m3"]);
  assertEquals(ranks, [1, 1, 0, 6]);
  const few = decideOnce({ n_A: 3 }, [[1, 5], [0.5, 0.7], [2, 3], [7, 8]]);
  assertEquals(few.grow, ["m2", "m3", "m3"]);
  assertEquals(few.ranks, [1, 0, 3, 4]);
  // Equal scores go in the order of modules and slots.
  const equal = decideOnce({ n_A: 1 }, [[2, 2], [2, 2]]);
  assertEquals(equal.drop, [{ module: "m0", slot: 0 }]);
});

Deno.test("where every module lost a rank nothing is handed out and the total shrinks", () => {
  const { grow, ranks } = decideOnce({}, [[1, 5], [2, 6], [3, 7]]);
  assertEquals(grow, []);
  assertEquals(ranks, [1, 1, 1]);
  // A module of full rank cannot take more.
  const full = decideOnce({ n_A: 2 }, [[1, 2, 3], [7, 8, 9]], 3);
  assertEquals([full.grow, full.ranks], [[], [1, 3]]);
});

Deno.test("under a cap, what dropped ranks have cost pays for the new ones, and no more", () => {
  const grownOf = (cap: number) => {
    const policy = aloraPolicy({ ...base, n_A: 2 });
    const times = { totalSteps: 40, stepsPerEpoch: 8 };
    const state = policy.start(contextOf([2, 2], { ...times, costs: [3, 2], cap }));
    return policy.decide(state, 7, scoresOf([1, 2], [8, 9])).state.ranks;
  };
  // The four ranks cost 10, and m0's two give 6 back, which are three of m1's.
  assertEquals(grownOf(10), [0, 5]);
  assertEquals(grownOf(11), [0, 5]);
  assertEquals(grownOf(12), [0, 6]);
});

Deno.test("rounds follow K1 epochs and then every K2, N_A at most and none after the last step", () => {
  const run = { totalSteps: 24, stepsPerEpoch: 8 };
  assertEquals(roundSteps(base, run), [7, 9, 11, 13, 15, 17, 19, 21]);
  assertEquals(roundSteps({ ...base, N_A: 2 }, run), [7, 9]);
  assertEquals(roundSteps(base, { ...run, totalSteps: 12 }), [7, 9]);
  // A quarter of three steps is a step.
  assertEquals(roundSteps({ ...base, N_A: 3 }, { totalSteps: 24, stepsPerEpoch: 3 }), [2, 3, 4]);
  assertEquals(roundSteps(base, { ...run, totalSteps: 8 }), []);
  // 1.6 steps are two, 1.2 are one.
  assertEquals(roundSteps({ K1: 0.2, K2: 0.2, N_A: 3 }, run), [1, 3, 5]);
  assertEquals(roundSteps({ K1: 0.15, K2: 0.15, N_A: 3 }, run), [0, 1, 2]);
});

Deno.test("what cannot work is refused before a run", () => {
  const modules = modulesOf(64, 64, 64);
  const check = (options: Record<string, unknown>, rank = 2, facts = {}) => () => {
    const chosen = alora.parseOptions(options);
    const plan = solveRanks(alora, chosen, modules, { type: "rank", value: rank });
    const run = { totalSteps: 40, stepsPerEpoch: 8, trainExamples: 64, modules, plan };
    alora.check(chosen, factsOf({ ...run, ...facts }));
  };
  const refused = (text: string, ...given: Parameters<typeof check>) =>
    assertThrows(check(...given), RangeError, text);
  check({})();
  refused('"K1" of 5 epochs takes 40', { K1: 5 });
  refused("it starts with 6 in 3 modules", { n_A: 6 });
  refused("Cannot drop 3 ranks a round", {}, 1);
  // A module without a rank is not counted.
  const plan = fixedRanks(alora, alora.parseOptions({}), modules, { m0: 2, m1: 1, m2: 0 });
  check({}, 2, { plan })();
  refused("it starts with 3 in 2 modules", { n_A: 3 }, 2, { plan });
  refused("the run trains on 64", { examples: 64 });
  refused("none can grow; lower the budget", {}, 64);
  check({ N_A: 0, K1: 9, examples: 99 }, 64)();
});

/** Seven steps an epoch: rounds after 7, 9, 11 and 13 steps. */
const rounds: TinyRun = {
  method: "alora",
  options: { n_A: 3, examples: 6, alpha: 8 },
  train: { learningRate: 4e-2, evaluateEvery: 5 },
};

Deno.test("a score is what the loss on the examples says, rank by rank", async () => {
  const run: TinyRun = { ...rounds, train: { learningRate: 4e-2, dropout: noDropout } };
  const request = trainingRequest(executor, run);
  using trainer = await started(request);
  await trainTo(trainer, 6);
  const { vectors, order } = await trainer.checkpoint();
  const { programs, assembly } = trainer;
  const [{ scoring }] = request.stages as readonly [StageData];
  const theta = vectors.theta!.slice();
  // A rank whose B is zero changes nothing when it is left out, and is nothing alone.
  const idle = moduleNames()[4]!;
  const group = assembly.groups.find(({ part, modules }) =>
    part.name === "B" && modules.some(({ name }) => name === idle)
  )!;
  const marker = rowOf(assembly, theta, idle, "B", 1);
  const at = theta.findIndex((value, i) =>
    value === marker[0] && marker.every((other, j) => theta[i + j] === other)
  );
  theta.fill(0, at, at + group.rowLength);
  const scores = await removalScores({
    executor,
    programs,
    theta,
    order,
    task: tinyTask,
    examples: scoring!,
    classes: null,
  });
  const lossOf = async (parameters: Float32Array) =>
    (await evaluateSplit(
      programs,
      { type: "f32", shape: [parameters.length], data: parameters },
      tinyTask,
      scoring!,
    )).loss;
  const whole = await lossOf(theta);
  const none = await lossOf(withoutModules(assembly, theta, moduleNames()));
  assert(Math.abs(whole - none) > 1e-3, `adapters move the loss by ${whole - none} only`);
  const scoreOf = (module: string, slot: number) =>
    scores.find((entry) => entry.module === module)!.scores[slot]!;
  assertAlmostEquals(scoreOf(idle, 1), whole - none, 1e-6);

  // Another rank, with its update merged into the weights of a plain encoder, or all others'.
  const other = moduleNames()[2]!;
  const golden = goldenModel();
  const tensors = new Map(
    exportTensors(assembly, theta, order).map((part) => [part.name, part]),
  );
  const updates = updatesOf(
    { tensors, off: [], scale: assembly.adapter!.scale(2) },
    assembly.adapter!,
    assembly.modules.map(({ module }) => module),
    ({ layer, part }) => bert.modulePath(layer, part),
  );
  const otherModule = assembly.modules.find(({ module }) => module.name === other)!.module;
  const path = bert.modulePath(otherModule.layer, otherModule.part);
  const plainLoss = async (keeps: (isOther: boolean, slot: number) => boolean) => {
    const kept = updates.map((update) => {
      const [rank, inner] = update.A.shape as readonly [number, number];
      const data = Float32Array.from(update.A.data);
      for (let slot = 0; slot < rank; slot++) {
        if (!keeps(update.path === path, slot)) data.fill(0, slot * inner, (slot + 1) * inner);
      }
      return { ...update, A: { ...update.A, data } };
    });
    const merged = mergedTensors(golden.tensors, kept, new Map());
    const plainRun: TinyRun = {
      method: "head",
      encoder: { config: golden.config, tensors: merged },
    };
    using plain = await started(trainingRequest(executor, plainRun));
    const head = new Float32Array(plain.assembly.layout.size);
    for (const { name, offset } of plain.assembly.layout.slices) {
      head.set(tensors.get(name)!.data, offset);
    }
    const { loss } = await evaluateSplit(
      plain.programs,
      { type: "f32", shape: [head.length], data: head },
      tinyTask,
      scoring!,
    );
    return loss;
  };
  const alone = await plainLoss((isOther, slot) => isOther && slot === 0);
  const without = await plainLoss((isOther, slot) => !(isOther && slot === 0));
  assertAlmostEquals(scoreOf(other, 0), without - alone, 1e-5);
  // Scoring leaves the parameters as they were.
  assertEquals(
    await removalScores({
      ...{ executor, programs, theta, order },
      task: tinyTask,
      examples: scoring!,
      classes: null,
    }),
    scores,
  );
});

Deno.test("the loss of an example is the cross entropy, or for a score the squared error", () => {
  assertAlmostEquals(exampleLoss(tinyTask, Float32Array.of(0, Math.log(3)), 0), Math.log(4), 1e-6);
  // Of a sequence, among the classes of the task that is learned.
  const outputs = Float32Array.of(7, 0, Math.log(3), 9);
  const classes = { first: 1, count: 2 };
  assertAlmostEquals(exampleLoss(tinyTask, outputs, 1, classes), Math.log(4), 1e-6);
  const regression = { output: { type: "regression", min: 0, max: 5 } } as const;
  assertEquals(exampleLoss(regression, Float32Array.of(3), 1), 4);
});

Deno.test("upstream's new rows of B are drawn with AdaLoRA's deviation of 0.02, zero-B's are not drawn", () => {
  const growthOf = (newSlots: string) => {
    const growth = alora.bind(alora.parseOptions({ newSlots })).adapter!.policy!.growth?.["B"];
    return typeof growth === "function" ? growth(modulesOf(64)[0]!, 1) : growth;
  };
  assertEquals(growthOf("upstream"), { type: "normal", deviation: 0.02 });
  // As at the start.
  assertEquals(growthOf("zero-B"), undefined);
});

Deno.test("new ranks leave the outputs as they are, and change them with upstream", async () => {
  for (const newSlots of ["zero-B", "upstream"]) {
    const run: TinyRun = {
      ...rounds,
      options: { ...rounds.options, newSlots },
      change: ({ adapter, ...method }) => ({
        ...method,
        adapter: { ...adapter!, policy: { ...adapter!.policy!, capacity: (rank) => rank + 2 } },
      }),
    };
    using trainer = await started(trainingRequest(executor, run));
    await trainTo(trainer, 4);
    const { vectors, order } = await trainer.checkpoint();
    const { assembly } = trainer;
    const module = moduleNames()[5]!;
    const moved = growSlots(
      assembly,
      { vectors, order },
      { type: "grow", modules: [module, module] },
      RandomStream.fromSeed(3),
    );
    const rows = moved.order[module]!.slice(-2).map((row) =>
      rowOf(assembly, moved.vectors.theta!, module, "A", row)
    );
    const bound = 1 / Math.sqrt(rows[0]!.length);
    assert(rows.every((row) => row.every((value) => value !== 0 && Math.abs(value) <= bound)));
    assert(rows[0]!.join() !== rows[1]!.join());
    const before = await logitsOf(trainer, run, vectors.theta!);
    const after = await logitsOf(trainer, run, moved.vectors.theta!);
    const change = Math.max(...before.map((value, i) => Math.abs(value - after[i]!)));
    assert(newSlots === "zero-B" ? change < 1e-6 : change > 1e-4, `${newSlots}: ${change}`);
  }
});

Deno.test("a run keeps its total where it can, resumes to the bit and is an encoder without rows", async () => {
  using end = await ended(rounds);
  const events = ofKind(end.events, "ranks");
  assertEquals(events.map(({ step }) => step), [7, 9, 11, 13, 15]);
  for (const { budget, moved } of events) assertEquals([budget, moved], [24, 3]);
  assertEquals(
    ofKind(end.events, "importance").map(({ scores }) => Object.keys(scores)),
    events.map(() => moduleNames()),
  );
  assert(end.trainer.eventMillis! > 0);
  assert(new Set(Object.values(end.trainer.ranks())).size > 1, "no rank has moved");
  await assertResumes(end, [6, 10, 13]);
  await assertMerges(end);
  await assertAblates(end);
});

Deno.test("a module may lose all its ranks and the total may shrink", async () => {
  const run: TinyRun = { ...rounds, options: { ...rounds.options, n_A: 14, N_A: 2 }, rank: 2 };
  using end = await ended(run);
  const ranks = Object.values(end.trainer.ranks());
  assert(ranks.includes(0), `found ranks ${ranks}`);
  const [first] = ofKind(end.events, "ranks");
  assertEquals(first!.moved, 14);
  await assertAblates(end);
});

Deno.test("in a sequence ranks are scored on the task that is being learned", async () => {
  // The first task's 26 texts take 7 steps, the second's 18 take 5: rounds are every two steps from the fourth on.
  const options = { ...rounds.options, K1: 0.5, K2: 0.25 };
  const request = sequenceRequest(executor, {
    ...rounds,
    options,
    train: { steps: null, epochs: 1, learningRate: 4e-2, keep: "last" },
  });
  const [first, second] = request.stages as readonly [StageData, StageData];
  const scoring = {
    ...first.scoring!,
    targets: first.scoring!.targets.map((target) => 2 + target),
  };
  const both = { ...request, stages: [first, { ...second, scoring }] };
  using trainer = await started(both);
  const events = ofKind(await trainTo(trainer), "ranks");
  assertEquals(events.map(({ step }) => step), [4, 6, 8, 10]);
});

Deno.test("a run that is given no examples to score on does not start", async () => {
  const request = trainingRequest(executor, rounds);
  const stages = request.stages.map(({ scoring: _, ...stage }) => stage);
  const error = await Trainer.create({ ...request, stages }, null).then(
    () => null,
    (error) => error,
  );
  assertEquals(error?.message.includes('want some as "scoring"'), true);
});
