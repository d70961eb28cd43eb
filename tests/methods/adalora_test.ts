import { assertEquals, assertThrows } from "@std/assert";
import { RandomStream } from "../../src/base/random.ts";
import {
  adalora,
  adaloraPolicy,
  type AdaloraPolicyOptions,
  budgetAt,
  checkAdaloraSchedule,
} from "../../src/methods/adalora.ts";
import { actionsOf, type RankDecision } from "../../src/methods/rank_actions.ts";
import { contextOf, factsOf, modulesOf, scoresOf } from "./policies.ts";

const base: AdaloraPolicyOptions = {
  initWarmup: 2,
  finalWarmup: 4,
  maskInterval: 1,
  ties: "exact",
};

function maskOf(decision: RankDecision) {
  return actionsOf(decision, "mask")[0]!;
}

Deno.test("budgetAt falls from 432 to 288 along a cubic curve", () => {
  const totals = { initialTotal: 432, finalTotal: 288, totalSteps: 1000 };
  const options = { ...base, initWarmup: 100, finalWarmup: 300 };
  const found = [0, 100, 250, 400, 550, 699, 700, 701, 999].map((step) =>
    budgetAt(options, totals, step)
  );
  // 288 + 144·(3/4)³ = 348.75, 288 + 144/8 = 306, 288 + 144/64 = 290.25.
  assertEquals(found, [432, 432, 348, 306, 290, 288, 288, 288, 288]);
});

Deno.test("adaloraPolicy masks after multiples of the interval, then fixes the pattern", () => {
  const options = { ...base, initWarmup: 4, finalWarmup: 5, maskInterval: 3 };
  const policy = adaloraPolicy(options);
  let state = policy.start(contextOf([4, 4], { finalTotal: 4, totalSteps: 24 }));
  const scores = scoresOf([1, 2, 3, 4], [5, 6, 7, 8]);
  const steps: number[] = [], permanent: boolean[] = [];
  for (let step = 0; step < 24; step++) {
    assertEquals(policy.statisticsFrozen!(state, step), step >= 19);
    if (!policy.isDue(state, step)) continue;
    const next = policy.decide(JSON.parse(JSON.stringify(state)), step, scores);
    state = next.state;
    steps.push(step);
    permanent.push(maskOf(next.decision).isPermanent);
  }
  assertEquals(steps, [6, 9, 12, 15, 18, 20]);
  assertEquals(permanent, [false, false, false, false, false, true]);
  assertEquals(state.permanent, [0, 1, 2, 3].map((slot) => ({ module: "m0", slot })));
  assertEquals(policy.isDue(state, 21), false);
});

Deno.test("adaloraPolicy with a forced last mask fixes the pattern at T - t_f, as peft does", () => {
  const options = {
    ...base,
    initWarmup: 4,
    finalWarmup: 5,
    maskInterval: 4,
    lastMask: "forced",
  } as const;
  const policy = adaloraPolicy(options);
  let state = policy.start(contextOf([4, 4], { finalTotal: 4, totalSteps: 24 }));
  const found: (readonly [number, boolean])[] = [];
  for (let step = 0; step < 24; step++) {
    if (!policy.isDue(state, step)) continue;
    const next = policy.decide(state, step, scoresOf([1, 2, 3, 4], [5, 6, 7, 8]));
    state = next.state;
    found.push([step, maskOf(next.decision).isPermanent]);
  }
  assertEquals(found, [[8, false], [12, false], [16, false], [19, true]]);
  const never = { ...options, maskInterval: 30 };
  checkAdaloraSchedule(never, 24);
  assertThrows(() => checkAdaloraSchedule({ ...never, lastMask: "interval" }, 24), RangeError);
  assertThrows(() => checkAdaloraSchedule({ ...never, finalWarmup: 0 }, 24), RangeError);
});

Deno.test("adaloraPolicy leaves exactly the budget, with random and with equal scores", () => {
  const random = RandomStream.fromSeed(5);
  const policy = adaloraPolicy(base);
  for (let round = 0; round < 100; round++) {
    const ranks = Array.from({ length: 6 }, () => 1 + random.int(6));
    const initialTotal = ranks.reduce((a, b) => a + b, 0);
    const finalTotal = 1 + random.int(initialTotal);
    let state = policy.start(contextOf(ranks, { finalTotal }));
    let isPermanent = false, left = initialTotal;
    for (let step = 0; step < 20; step++) {
      if (!policy.isDue(state, step)) continue;
      const rows = ranks.map((rank) => Array.from({ length: rank }, () => random.int(4)));
      const next = policy.decide(state, step, scoresOf(...rows));
      state = next.state;
      const mask = maskOf(next.decision);
      const places = new Set(mask.slots.map(({ module, slot }) => `${module} ${slot}`));
      [isPermanent, left] = [mask.isPermanent, initialTotal - places.size];
      assertEquals(left, budgetAt(base, state, step));
      const off = rows.map((row, i) => row.filter((_, slot) => places.has(`m${i} ${slot}`))).flat();
      const on = rows.map((row, i) => row.filter((_, slot) => !places.has(`m${i} ${slot}`))).flat();
      assertEquals(Math.max(-1, ...off) <= Math.min(9, ...on), true);
      assertEquals(next.decision.threshold, off.length === 0 ? null : Math.max(...off));
    }
    assertEquals([isPermanent, left], [true, finalTotal]);
  }
});

Deno.test("adaloraPolicy masks equal scores in module and slot order, upstream all of them", () => {
  const rows = [[0, 3], [0, 0], [0, 4]];
  const context = contextOf([2, 2, 2], { finalTotal: 4 });
  const off = (ties: AdaloraPolicyOptions["ties"]) => {
    const policy = adaloraPolicy({ ...base, ties });
    return policy.decide(policy.start(context), 17, scoresOf(...rows)).decision;
  };
  assertEquals(maskOf(off("exact")).slots, [{ module: "m0", slot: 0 }, { module: "m1", slot: 0 }]);
  assertEquals(maskOf(off("upstream")).slots, [
    { module: "m0", slot: 0 },
    { module: "m1", slot: 0 },
    { module: "m1", slot: 1 },
    { module: "m2", slot: 0 },
  ]);
  assertEquals([off("exact").threshold, off("upstream").threshold], [0, 0]);
});

Deno.test("adaloraPolicy lets a masked slot come back before the last phase", () => {
  const policy = adaloraPolicy(base);
  const state = policy.start(contextOf([3], { finalTotal: 2 }));
  const first = policy.decide(state, 14, scoresOf([1, 2, 3]));
  const second = policy.decide(first.state, 15, scoresOf([4, 2, 3]));
  assertEquals(maskOf(first.decision).slots, [{ module: "m0", slot: 0 }]);
  assertEquals(maskOf(second.decision).slots, [{ module: "m0", slot: 1 }]);
});

Deno.test("adaloraPolicy masks nothing where start and target agree", () => {
  for (const ties of ["exact", "upstream"] as const) {
    const policy = adaloraPolicy({ ...base, ties });
    const { decision } = policy.decide(policy.start(contextOf([2])), 17, scoresOf([1, 2]));
    assertEquals(decision, {
      actions: [{ type: "mask", slots: [], isPermanent: true }],
      threshold: null,
    });
  }
});

Deno.test("adaloraPolicy refuses a target that it cannot reach", () => {
  const policy = adaloraPolicy(base);
  for (const finalTotal of [0, 2.5, 5]) {
    assertThrows(
      () => policy.start(contextOf([2, 2], { finalTotal })),
      RangeError,
      `final total rank of ${finalTotal}`,
    );
  }
});

Deno.test("checkAdaloraSchedule wants a mask between the warm-ups and the final budget at the end", () => {
  const valid: [Partial<AdaloraPolicyOptions>, number][] = [
    [{ initWarmup: 600, finalWarmup: 1800, maskInterval: 1 }, 3900],
    [{ initWarmup: 0.1, finalWarmup: 0.3, maskInterval: 10 }, 100],
    [{ initWarmup: 0, finalWarmup: 2, maskInterval: 8 }, 10],
    [{ initWarmup: 0, finalWarmup: 1, maskInterval: 3 }, 10],
  ];
  const invalid: [Partial<AdaloraPolicyOptions>, number, string][] = [
    [{ initWarmup: 600, finalWarmup: 1800, maskInterval: 1 }, 2400, '"initWarmup" takes 600'],
    [{ initWarmup: 8000, finalWarmup: 50000, maskInterval: 100 }, 200, '"finalWarmup" 50000'],
    [{ initWarmup: 0, finalWarmup: 3, maskInterval: 8 }, 10, '"maskInterval" of 8'],
    [{ initWarmup: 0, finalWarmup: 0, maskInterval: 1 }, 10, '"finalWarmup" of 0'],
    [{ initWarmup: 0, finalWarmup: 1, maskInterval: 2 }, 10, '"finalWarmup" of 1'],
    [{ initWarmup: 2.5, finalWarmup: 1, maskInterval: 2 }, 10, '"initWarmup" of 2.5'],
  ];
  for (const [options, totalSteps] of valid) {
    checkAdaloraSchedule({ ...base, ...options }, totalSteps);
  }
  // A composed method calls it otherwise.
  assertThrows(
    () =>
      checkAdaloraSchedule(
        { ...base, initWarmup: 0, finalWarmup: 3, maskInterval: 8 },
        10,
        "interval",
      ),
    RangeError,
    '"interval" of 8',
  );
  for (const [options, totalSteps, text] of invalid) {
    assertThrows(
      () => checkAdaloraSchedule({ ...base, ...options }, totalSteps),
      RangeError,
      text,
    );
  }
});

Deno.test("AdaLoRA under a cap is planned to end within it, with nothing left for a rank that went, and does", () => {
  const modules = modulesOf(8, 16, 32);
  const costs = modules.map(({ inSize, outSize }) => inSize + outSize + 1);
  const ranks = [6, 6, 6], cap = 400;
  const options = adalora.parseOptions({ initWarmup: 2, finalWarmup: 4, maskInterval: 1 });
  const initialParameters = costs.reduce((sum, cost) => sum + 6 * cost, 0);
  const plan = {
    initial: ranks,
    finalTotal: 12,
    requested: cap,
    initialParameters,
    peakParameters: initialParameters,
    finalParameters: cap,
  };
  const budget = { type: "parameters", value: cap, isCap: true } as const;
  const own = { plan, costs: adalora.costs(options), budget, keep: "last" } as const;
  const facts = { ...factsOf({ totalSteps: 20, modules }), ...own };
  const { final } = adalora.counts!(options, facts);
  assertEquals(final, { least: cap - 65, most: cap });
  assertEquals(adalora.counts!(options, { ...facts, keep: "best" }).final!.most, initialParameters);
  const policy = adaloraPolicy(base);
  const random = RandomStream.fromSeed(8);
  for (let round = 0; round < 50; round++) {
    const context = contextOf(ranks, { modules, finalTotal: 12, costs, cap });
    const scores = scoresOf(
      ...ranks.map((rank) => Array.from({ length: rank }, () => random.next())),
    );
    const { slots } = maskOf(policy.decide(policy.start(context), 17, scores).decision);
    const off = slots.reduce((sum, { module }) => sum + costs[Number(module.slice(1))]!, 0);
    const left = initialParameters - off;
    assertEquals(left >= final!.least && left <= final!.most, true, `${left}`);
  }
});
