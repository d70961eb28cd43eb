import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  adaptedModules,
  fixedRanks,
  givenPlan,
  planRun,
  solveRanks,
} from "../../../src/study/budget/ranks.ts";
import type { Budget } from "../../../src/study/budget/budget.ts";
import { countParameters } from "../../../src/study/budget/costs.ts";
import { defaultSettings, overlaySettings } from "../../../src/study/schema/settings.ts";
import type { ModuleShape } from "../../../src/study/types.ts";
import { encoderModules, method, runsOf } from "../tables.ts";

const debertaBase = encoderModules(12, 768, 3072);
const ranks = (value: number): Budget => ({ type: "rank", value });
const numbers = (value: number): Budget => ({ type: "parameters", value });
const sum = (ranks: readonly number[]) => ranks.reduce((a, b) => a + b, 0);
const adaloraOptions = method("adalora").parseOptions({});

/** Query modules with the given sides. */
function squares(...sides: readonly number[]): readonly ModuleShape[] {
  return sides.map((side, layer) => ({
    name: `layer.${layer}.query`,
    layer,
    part: "query",
    inSize: side,
    outSize: side,
  }));
}

Deno.test("solveRanks() gives the published parameter counts of DeBERTaV3-base", () => {
  // 72 matrices: 165,888 numbers a rank without E, 165,960 with; 331,920 at rank 2, 1,659,600 at rank 10.
  const counts = [[method("lora"), 1, 165_888], [method("elalora"), 2, 331_920], [
    method("elalora"),
    10,
    1_659_600,
  ]] as const;
  for (const [entry, rank, parameters] of counts) {
    const plan = solveRanks(entry, {}, debertaBase, ranks(rank));
    assertEquals(plan, {
      initial: Array.from({ length: 72 }, () => rank),
      finalTotal: 72 * rank,
      requested: parameters,
      initialParameters: parameters,
      peakParameters: parameters,
      finalParameters: parameters,
    });
  }
});

Deno.test("solveRanks() starts AdaLoRA above its target", () => {
  // The paper's 432 → 288 over 72 matrices: average target 4, start 6.
  const plan = solveRanks(method("adalora"), adaloraOptions, debertaBase, ranks(4));
  assertEquals(sum(plan.initial), 432);
  assertEquals(plan.finalTotal, 288);
  assertEquals(plan.peakParameters, 6 * 165_960);
  assertEquals(plan.finalParameters, 4 * 165_960);
  // 1.5 × 9 = 13.5 ranks over three modules are 14: 4 each and two more.
  const odd = solveRanks(method("adalora"), adaloraOptions, squares(9, 9, 9), ranks(3));
  assertEquals(sum(odd.initial), 14);
  assertEquals([...odd.initial].sort(), [4, 5, 5]);
});

Deno.test("solveRanks() spreads an average rank that is not whole over the model", () => {
  const plan = (rank: number, modules: number) =>
    solveRanks(
      method("lora"),
      {},
      squares(...Array.from({ length: modules }, () => 8)),
      ranks(rank),
    );
  assertEquals(plan(2.5, 4).initial, [2, 3, 2, 3]);
  assertEquals(plan(1.25, 4).initial, [1, 1, 1, 2]);
  assertEquals(plan(1.75, 4).initial, [1, 2, 2, 2]);
  assertEquals(plan(2.5, 4).requested, 160);
  assertEquals(plan(2.5, 4).initialParameters, 160);
  const big = solveRanks(method("lora"), {}, debertaBase, ranks(2.5));
  assertEquals(sum(big.initial), 180);
  // Each layer of six modules gets 15.
  for (let layer = 0; layer < 12; layer++) {
    assertEquals(sum(big.initial.slice(layer * 6, layer * 6 + 6)), 15);
  }
});

Deno.test("solveRanks() buys uniform ranks, then the cheapest ones more, with parameters", () => {
  // Costs 40, 40 and 120: 200 for one rank everywhere.
  const plan = (value: number) =>
    solveRanks(method("lora"), {}, squares(20, 20, 60), numbers(value));
  assertEquals(plan(200).initial, [1, 1, 1]);
  assertEquals(plan(239).initial, [1, 1, 1]);
  // 200 + 75: one of the two cheap ones, 35 left.
  assertEquals(plan(275).initial, [1, 2, 1]);
  // 200 + 80 + 119: both cheap ones; the third costs 120, so both once more, 39 left.
  assertEquals(plan(399).initial, [3, 3, 1]);
  // 400 + 80 + 40.
  assertEquals(plan(520).initial, [3, 4, 2]);
  assertEquals(plan(601), {
    initial: [3, 3, 3],
    finalTotal: 9,
    requested: 601,
    initialParameters: 600,
    peakParameters: 600,
    finalParameters: 600,
  });
});

Deno.test("solveRanks() leaves less than the cheapest rank and never exceeds the parameters", () => {
  const models = [debertaBase, encoderModules(4, 96, 384), squares(50, 30, 70, 30, 45)];
  for (const modules of models) {
    for (const entry of [method("lora"), method("elalora")]) {
      const costs = modules.map(entry.costs({}).perRank);
      const uniform = sum(costs);
      for (let i = 0; i < 40; i++) {
        const parameters = uniform + Math.floor((uniform * i * 7) / 40) + i;
        const plan = solveRanks(entry, {}, modules, numbers(parameters));
        const left = parameters - plan.initialParameters;
        assert(left >= 0 && left < Math.min(...costs), `${left} left of ${parameters}`);
        const base = Math.floor(parameters / uniform);
        assert(plan.initial.every((rank) => rank >= base));
        assertEquals(plan.finalTotal, sum(plan.initial));
        assertEquals(
          plan.initialParameters,
          countParameters(plan.initial, modules, entry.costs({})),
        );
      }
    }
  }
});

Deno.test("solveRanks() refuses a budget below one rank a module and states the least", () => {
  const cases = [
    ["lora", numbers(165_887), "165887 parameters", 165_888],
    ["elalora", numbers(165_959), "165959 parameters", 165_960],
    ["elalora", ranks(0.5), "rank 0.5", 165_960],
  ] as const;
  for (const [name, budget, found, least] of cases) {
    assertThrows(
      () => solveRanks(method(name), {}, debertaBase, budget),
      RangeError,
      `Cannot give "${name}" one rank in each of 72 modules with a budget of ${found}: ` +
        `at least rank 1 or ${least} parameters are wanted`,
    );
    const plan = solveRanks(method(name), {}, debertaBase, numbers(least));
    assertEquals(sum(plan.initial), 72);
  }
});

Deno.test("solveRanks() refuses ranks above a module's smaller side, no modules and factors of 0", () => {
  assertThrows(
    () => solveRanks(method("adalora"), adaloraOptions, squares(4, 6), ranks(4)),
    RangeError,
    'Cannot start "adalora" with rank 6 in module "layer.0.query" of 4 x 4: at most its smaller side, 4, is wanted',
  );
  assertThrows(
    () => solveRanks(method("lora"), {}, [], ranks(4)),
    RangeError,
    "no module is adapted",
  );
  const shrinking = { ...method("lora"), name: "odd", initialFactor: () => 0 };
  assertThrows(
    () => solveRanks(shrinking, {}, squares(4), ranks(2)),
    RangeError,
    "a factor above 0 is wanted",
  );
});

/** LoRA with weights that rise along a line from the first module to the last. */
function rising(from: number, to: number) {
  return {
    ...method("lora"),
    rankWeights: (_: unknown, { length }: readonly ModuleShape[]) =>
      Array.from({ length }, (_, i) => from + ((to - from) * i) / (length - 1)),
  };
}

/** LoRA with these weights. */
function weighing(...weights: readonly number[]) {
  return { ...method("lora"), rankWeights: () => weights };
}

Deno.test("solveRanks() gives a light module one rank and shares the rest by weight", () => {
  const plan = solveRanks(weighing(1, 1, 1, 13), {}, squares(8, 8, 8, 8), ranks(2));
  assertEquals([plan.initial, plan.finalTotal], [[1, 1, 1, 5], 8]);
  // The same by parameters: 16 a rank, and 8 left over.
  const bought = solveRanks(weighing(1, 1, 1, 13), {}, squares(8, 8, 8, 8), numbers(8 * 16 + 8));
  assertEquals([bought.initial, bought.finalParameters], [[1, 1, 1, 5], 128]);
});

Deno.test("solveRanks() spreads the total by a method's weights", () => {
  const modules = squares(...Array.from({ length: 12 }, () => 64));
  const plan = solveRanks(rising(4, 12), {}, modules, ranks(8));
  assertEquals(plan.initial, [4, 5, 5, 6, 7, 8, 8, 9, 10, 11, 11, 12]); // PRILoRA, L = 12
  const parameters = solveRanks(rising(4, 12), {}, modules, numbers(96 * 128));
  assertEquals(parameters.initial, plan.initial);
  assertEquals(parameters.finalParameters, 96 * 128);
  const low = solveRanks(rising(1, 9), {}, squares(8, 8, 8), ranks(2));
  assertEquals(low.initial, [1, 2, 3], "no module is left without a rank");
  assertThrows(
    () => solveRanks(rising(0, 12), {}, modules, ranks(8)),
    RangeError,
    "found 12 weights, one of them 0",
  );
});

Deno.test("solveRanks() rounds the total of an average rank, and the start of a shrinking method, to the nearest", () => {
  const plan = (value: number) => solveRanks(method("lora"), {}, squares(8, 8, 8), ranks(value));
  // 3.9 and 4.2 ranks; 62.4 and 67.2 numbers.
  assertEquals([sum(plan(1.3).initial), plan(1.3).requested], [4, 62]);
  assertEquals([sum(plan(1.4).initial), plan(1.4).requested], [4, 67]);
  const grown = { ...method("lora"), initialFactor: () => 1.1 };
  // 1.1 × 12 = 13.2, 1.1 × 6 = 6.6.
  const startOf = (value: number) =>
    sum(solveRanks(grown, {}, squares(8, 8, 8), ranks(value)).initial);
  assertEquals([startOf(4), startOf(2)], [13, 7]);
});

Deno.test("solveRanks() pays for what a module costs besides its ranks", () => {
  const costs = { perRank: () => 10, perModule: () => 3 };
  const entry = { ...method("lora"), costs: () => costs };
  const plan = solveRanks(entry, {}, squares(8, 8), numbers(45));
  assertEquals(plan.initial, [1, 2]);
  assertEquals(plan.initialParameters, 36);
  assertEquals(countParameters([0, 2], squares(8, 8), costs), 23);
});

Deno.test("solveRanks() pays once for what an adapter costs besides its modules", () => {
  const costs = { perRank: () => 10, perModule: () => 3, perAdapter: () => 5 };
  const entry = { ...method("lora"), costs: () => costs };
  const shapes = squares(8, 8);
  // 2 · 3 + 5 are fixed, and 34 and 29 pay for three ranks and for two.
  const parameters = (value: number) => solveRanks(entry, {}, shapes, numbers(value));
  assertEquals(parameters(45).initial, [1, 2]);
  assertEquals([parameters(45).initialParameters, parameters(40).initialParameters], [41, 31]);
  assertEquals(solveRanks(entry, {}, shapes, ranks(2)).requested, 51);
  assertThrows(() => parameters(30), RangeError, "at least rank 1 or 31 parameters");
  assertEquals(countParameters([0, 2], shapes, costs), 28);
  assertEquals(countParameters([0, 0], shapes, costs), 0);
});

Deno.test("adaptedModules() keeps the settings' parts in model order", () => {
  const settings = overlaySettings(defaultSettings, { adapter: { modules: ["value", "query"] } });
  assertEquals(
    adaptedModules(encoderModules(2, 8, 16), settings).map(({ name }) => name),
    ["layer.0.query", "layer.0.value", "layer.1.query", "layer.1.value"],
  );
});

Deno.test("fixedRanks() plans ranks by module name, 0 included", () => {
  const modules = squares(3, 5);
  const plan = fixedRanks(method("lora"), {}, modules, { "layer.1.query": 2, "layer.0.query": 0 });
  assertEquals(plan, {
    initial: [0, 2],
    finalTotal: 2,
    requested: 20,
    initialParameters: 20,
    peakParameters: 20,
    finalParameters: 20,
  });
});

Deno.test("fixedRanks() of a method that shrinks ends with what its initial factor leaves", () => {
  const [first, second] = squares(8, 20) as [ModuleShape, ModuleShape];
  const plan = fixedRanks(method("adalora"), adaloraOptions, [first, second], {
    "layer.0.query": 3,
    "layer.1.query": 6,
  });
  // A rank costs 17 and 41 numbers; of 9 ranks in all, 9 / 1.5 stay, in proportion.
  assertEquals(plan, {
    initial: [3, 6],
    finalTotal: 6,
    requested: 3 * 17 + 6 * 41,
    initialParameters: 3 * 17 + 6 * 41,
    peakParameters: 3 * 17 + 6 * 41,
    finalParameters: 2 * 17 + 4 * 41,
  });
});

Deno.test("no module gets more ranks than its smaller side has numbers, whichever that is", () => {
  const wide: ModuleShape = { ...squares(8)[0]!, inSize: 9, outSize: 3 };
  const tall: ModuleShape = { ...squares(8)[0]!, inSize: 3, outSize: 9 };
  for (const [module, sides] of [[wide, "3 x 9"], [tall, "9 x 3"]] as const) {
    assertEquals(
      solveRanks(method("lora"), {}, [module], ranks(3)).initialParameters,
      3 * 12,
    );
    const message =
      `with rank 4 in module "layer.0.query" of ${sides}: at most its smaller side, 3`;
    assertThrows(
      () => solveRanks(method("lora"), {}, [module], ranks(4)),
      RangeError,
      message,
    );
    assertThrows(
      () => fixedRanks(method("lora"), {}, [module], { "layer.0.query": 4 }),
      RangeError,
      message,
    );
  }
});

Deno.test("fixedRanks() refuses unknown and missing modules and ranks that cannot be", () => {
  const cases: readonly [Readonly<Record<string, number>>, string][] = [
    [
      { "layer.0.qeury": 1, "layer.1.query": 1 },
      'Unknown module "layer.0.qeury": known are "layer.0.query", "layer.1.query". Did you mean "layer.0.query"?',
    ],
    [{ "layer.0.query": 1 }, 'found none for module "layer.1.query"'],
    [{ "layer.0.query": 1.5, "layer.1.query": 1 }, 'found 1.5 for module "layer.0.query"'],
    [{ "layer.0.query": -1, "layer.1.query": 1 }, 'found -1 for module "layer.0.query"'],
    [{ "layer.0.query": 0, "layer.1.query": 0 }, "found 0 for every module"],
    [{ "layer.0.query": 4, "layer.1.query": 1 }, "at most its smaller side, 3, is wanted"],
  ];
  for (const [ranks, message] of cases) {
    assertThrows(() => fixedRanks(method("lora"), {}, squares(3, 5), ranks), RangeError, message);
  }
});

Deno.test("planRun() follows fixed ranks, then the budget, and has no plan without ranks", () => {
  const modules = encoderModules(1, 8, 16);
  const base = { adapter: { modules: ["query", "value"] as const } };
  const [lora] = runsOf({ base, axes: { budgets: [3] } });
  const [head] = runsOf({ base, axes: { methods: ["head"] } });
  assert(lora !== undefined && head !== undefined);
  assertEquals(planRun(method("lora"), lora, modules)?.initial, [3, 3]);
  const ranks = { "layer.0.query": 1, "layer.0.value": 5 };
  assertEquals(planRun(method("lora"), { ...lora, ranks }, modules)?.initial, [1, 5]);
  assertEquals(planRun(method("head"), head, modules), null);
  assertThrows(
    () => planRun(method("lora"), { ...lora, budget: null }, modules),
    RangeError,
    'Cannot give ranks to "lora": found no budget, wanted one',
  );
});

Deno.test("givenPlan() refuses ranks above a cap that a policy keeps to, and no others", () => {
  const modules = squares(8, 8);
  const ranks = { "layer.0.query": 2, "layer.1.query": 4 };
  const run = (value: number, isCap: boolean) => ({
    options: {},
    budget: { type: "parameters" as const, value, ...(isCap ? { isCap: true as const } : {}) },
  });
  // Six ranks of 8 + 8 + 1 numbers.
  const elalora = method("elalora");
  assertEquals(givenPlan(elalora, run(102, true), modules, ranks).initial, [2, 4]);
  assertThrows(
    () => givenPlan(elalora, run(101, true), modules, ranks),
    RangeError,
    'Cannot start "elalora" with these ranks: they cost 102 numbers, more than the 101 that its budget of 101 leaves',
  );
  assertEquals(givenPlan(elalora, run(101, false), modules, ranks).initialParameters, 102);
});

Deno.test("planRun() of ranks that another run gives is that of the budget, where ranks can be given", () => {
  const modules = encoderModules(1, 8, 16);
  const [lora] = runsOf({ axes: { budgets: [3] } });
  const taken = { ...lora!, ranksFrom: { run: "0123", as: "same" as const } };
  assertEquals(planRun(method("lora"), taken, modules), planRun(method("lora"), lora!, modules));
  const own = { ...method("lora"), plan: () => planRun(method("lora"), lora!, modules)! };
  assertThrows(() => planRun(own, taken, modules), RangeError, "it chooses them itself");
});
