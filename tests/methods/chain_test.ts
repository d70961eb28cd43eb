/** Where the blocks of a chain begin, how its rate warms up anew, and which layers a round of boosting chooses. */
import { ruleOf } from "../../src/methods/adapter.ts";
import { assertEquals, assertThrows } from "@std/assert";
import { RandomStream } from "../../src/base/random.ts";
import { blocksOfLength, evenBlocks, rewarmed } from "../../src/methods/chain.ts";
import { findMethod } from "../../src/methods/table.ts";
import { randomLayers } from "../../src/methods/xgblora.ts";
import { planRun } from "../../src/study/budget/ranks.ts";
import { defaultSettings } from "../../src/study/schema/settings.ts";
import type { Budget } from "../../src/study/budget/budget.ts";
import type { ModuleShape, RunSpec } from "../../src/study/types.ts";
import { contextOf, factsOf, stepsDue } from "./policies.ts";

Deno.test("the rate of the adapter starts over in each block but the first", () => {
  const factors = (rewarmup: number) =>
    Array.from(
      { length: 9 },
      (_, step) => rewarmed(blocksOfLength(4), rewarmup)({ step, totalSteps: 9 }),
    );
  assertEquals(factors(3), [1, 1, 1, 1, 1 / 4, 2 / 4, 3 / 4, 1, 1 / 4]);
  assertEquals(factors(0.5), [1, 1, 1, 1, 1 / 3, 2 / 3, 1, 1, 1 / 2]);
  assertEquals(factors(0), Array(9).fill(1));
  const even = rewarmed(evenBlocks(2), 1);
  assertEquals([0, 3, 4, 5].map((step) => even({ step, totalSteps: 9 })), [1, 1, 1 / 2, 1]);
});

const room = Object.fromEntries(
  [0, 1, 2, 3].flatMap((layer) => [[`layer.${layer}.query`, 2], [`layer.${layer}.output`, 2]]),
);

Deno.test("a round chooses whole layers, each as likely as the others", () => {
  const stream = RandomStream.fromSeed(3);
  const counts = [0, 0, 0, 0];
  for (let round = 0; round < 4000; round++) {
    const names = Object.keys(randomLayers({ room, total: 11 }, stream));
    // 11 slots pay for two layers of 4; both modules of each, in model order.
    assertEquals(names.length, 4);
    const layers = names.map((name) => Number(name.split(".")[1]));
    assertEquals([layers[0], layers[2]], [layers[1], layers[3]]);
    assertEquals(layers[0]! < layers[2]!, true);
    counts[layers[0]!]!++;
    counts[layers[2]!]!++;
  }
  // 2000 of 4000 rounds, with a standard deviation of 32.
  for (const count of counts) assertEquals(Math.abs(count - 2000) < 150, true, `${counts}`);
});

const modules: readonly ModuleShape[] = [0, 1, 2, 3].flatMap((layer) => [
  { name: `layer.${layer}.query`, layer, part: "query", inSize: 8, outSize: 8 },
  { name: `layer.${layer}.output`, layer, part: "output", inSize: 32, outSize: 8 },
]);

function planOf(options: Readonly<Record<string, number>>, budget: Budget, ranks = null) {
  const method = findMethod("xgblora");
  const run = {
    method: "xgblora",
    label: "xgblora",
    options: method.parseOptions(options),
    budget,
    ranks,
    settings: { ...defaultSettings, adapter: { modules: ["query", "output"] } },
  } as unknown as RunSpec;
  return planRun(method, run, modules);
}

Deno.test("a budget pays for layers: L_s times the booster's rank over L is the average rank", () => {
  // A layer's boosters of rank 1: 8 + 8 and 32 + 8, 56 numbers.
  const half = planOf({}, { type: "rank", value: 0.5 })!;
  assertEquals(half.initial, Array(8).fill(1));
  assertEquals([half.finalTotal, half.requested, half.peakParameters], [4, 112, 112]);
  const two = planOf({ rank: 3 }, { type: "rank", value: 2 })!;
  assertEquals([two.finalTotal, two.requested, two.finalParameters], [12, 448, 336]);
  const all = planOf({}, { type: "rank", value: 2 })!;
  assertEquals([all.finalTotal, all.requested, all.initialParameters], [8, 448, 224]);
  const some = planOf({ layers: 1 }, { type: "parameters", value: 300 })!;
  assertEquals([some.finalTotal, some.requested, some.finalParameters], [2, 300, 56]);
  assertThrows(
    () => planOf({ layers: 3, rank: 2 }, { type: "parameters", value: 300 }),
    RangeError,
    "boosters of rank 2 in 3 of 4 layers with a budget of 300 parameters: at least rank 1.5 or 336 parameters are wanted; " +
      "raise the budget, or lower layers, or lower rank",
  );
  assertThrows(
    () => planOf({}, { type: "rank", value: 0.2 }),
    RangeError,
    "in 1 of 4 layers with a budget of rank 0.2: at least rank 0.25 or 56 parameters are wanted; raise the budget",
  );
});

Deno.test("blocks that are too short, or longer than the run, are told before the run", () => {
  const check = (name: string, options: Readonly<Record<string, number>>, totalSteps = 60) => {
    const method = findMethod(name);
    method.check(method.parseOptions(options), factsOf({ totalSteps, modules }));
  };
  const refused = (said: string, ...given: Parameters<typeof check>) =>
    assertThrows(() => check(...given), RangeError, said);
  check("raclora", { blocks: 7 });
  refused("in blocks of 7 steps (blocks 8, 60 steps in all)", "raclora", { blocks: 8 });
  refused("in blocks of 0 steps", "raclora", { blocks: 61 });
  refused("lower blocks or train longer", "raclora", {}, 79);
  check("raclora", {}, 80);
  check("raclora", { blockSteps: 8 });
  refused("at least 8 steps a block are wanted", "raclora", { blockSteps: 7 });
  refused("room for one block is wanted", "raclora", { blockSteps: 61 });
  refused('Cannot resolve "rewarmup" of 1.5', "raclora", { blocks: 2, rewarmup: 1.5 });
  check("xgblora", {}, 8);
  refused("the run has 7, room for one block is wanted; train longer", "xgblora", {}, 7);
  refused("at least 8 steps a block are wanted", "xgblora", { kappa: 5 });
  refused("the run has 60, room for one block is wanted; set kappa", "xgblora", { kappa: 90 });
  check("xgblora", { layers: 4 });
  refused("Cannot choose 5 layers in each round", "xgblora", { layers: 5 });
});

Deno.test("a round is a twentieth of the run, within 8 and 100 steps", () => {
  const { adapter } = findMethod("xgblora").bind(findMethod("xgblora").parseOptions({}));
  const policy = ruleOf(adapter)!;
  const endsOf = (totalSteps: number) => {
    const state = policy.start(contextOf(Array(8).fill(1), { modules, totalSteps }));
    return stepsDue(policy, state, totalSteps).map((step) => step + 1);
  };
  assertEquals(endsOf(30), [8, 16, 24]);
  assertEquals(endsOf(400).slice(0, 2), [20, 40]);
  assertEquals(endsOf(400).length, 19);
  assertEquals(endsOf(2500).slice(0, 2), [100, 200]);
});
