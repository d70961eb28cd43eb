/** Budgets of numbers: what each kind counts is at most what it asks for, and nearly all of it is used. */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { findMethod } from "../../../src/methods/table.ts";
import { planRun, solveRanks } from "../../../src/study/budget/ranks.ts";
import { capOf, countParameters } from "../../../src/study/budget/costs.ts";
import { type Budget, budgetKey, budgetOf } from "../../../src/study/budget/budget.ts";
import { parseStudy } from "../../../src/study/schema/parse.ts";
import type { ModuleShape, RunSpec } from "../../../src/study/types.ts";

/** Four layers of the shape of the embedded encoder. */
const modules: readonly ModuleShape[] = [0, 1, 2, 3].flatMap((layer) => [
  ...(["query", "key", "value", "attention_output"] as const).map((part) => (
    { name: `layer.${layer}.${part}`, layer, part, inSize: 128, outSize: 128 }
  )),
  {
    name: `layer.${layer}.intermediate`,
    layer,
    part: "intermediate",
    inSize: 128,
    outSize: 512,
  } as const,
  { name: `layer.${layer}.output`, layer, part: "output", inSize: 512, outSize: 128 } as const,
]);

const totalSteps = 200;

function planOf(name: string, budget: Budget, given: object = {}) {
  const method = findMethod(name);
  const options = method.parseOptions(given);
  return { method, options, plan: solveRanks(method, options, modules, budget, totalSteps) };
}

/** Less than the dearest rank is left over, in numbers that a rank costs `times` as much. */
function assertUsed(found: number, value: number, times = 1): void {
  assert(found <= value, `${found} of ${value}`);
  assert(value - found <= times * 641 * 24 / 23 + times * 641, `${found} of ${value}`);
}

const moving = { form: { type: "svd" }, policy: { type: "moves" } };
const growing = { form: { type: "svd" }, policy: { type: "grow" } };

for (const value of [26_000, 33_333, 60_001]) {
  Deno.test(`a peak of ${value} bounds the ranks at the start and at the end`, () => {
    for (
      const [name, options] of [
        ["lora", {}],
        ["adalora", {}],
        ["adalora", { initialFactor: 2.7 }],
        ["elalora", {}],
        ["composed", growing],
      ] as const
    ) {
      const { plan } = planOf(name, { type: "peak", value }, options);
      // One rank a module more at the end may be several at the start.
      assertUsed(plan.peakParameters, value, 3);
      assertEquals(plan.requested, value);
    }
  });

  Deno.test(`${value} stored numbers count what is kept: E of the SVD form folds into A`, () => {
    const { plan, method, options } = planOf("elalora", { type: "stored", value });
    const folded = countParameters(plan.initial, modules, method.storedCosts!(options));
    assertUsed(folded, value);
    assert(plan.initialParameters > folded);
  });

  Deno.test(`a mean of ${value} trained numbers is what the schedule makes of it`, () => {
    const { plan, method, options } = planOf("adalora", { type: "meanTrained", value });
    const factor = method.meanFactor!(options, totalSteps)!;
    // Between the final ranks and the initial ones, nearer to the final.
    assert(factor > 1 && factor < 1.25, String(factor));
    assertUsed(plan.finalParameters * factor, value, 2);
    assertEquals(
      planOf("lora", { type: "meanTrained", value }).plan.initial,
      planOf("lora", { type: "parameters", value }).plan.initial,
    );
  });
}

Deno.test("the mean of AdaLoRA's schedule is that of its ranks, step by step", () => {
  const method = findMethod("adalora");
  const options = method.parseOptions({
    initWarmup: 0.1,
    finalWarmup: 0.3,
    maskInterval: 10,
    initialFactor: 2,
  });
  // Full for 21 steps; then masks after 30, 40, … 140, of 1 + (1 − (step − 20)/120)³ times the final ranks.
  let now = 2, sum = 0;
  for (let step = 0; step < totalSteps; step++) {
    sum += now;
    if (step > 20 && step <= 140 && step % 10 === 0) now = 1 + (1 - (step - 20) / 120) ** 3;
  }
  const found = method.meanFactor!(options, totalSteps)!;
  assert(Math.abs(found - sum / totalSteps) < 1e-6, `${found} and ${sum / totalSteps}`);
});

Deno.test("the mean of a pruned or grown run is that of its ranks, step by step", () => {
  const method = findMethod("composed");
  const schedule = { score: "random", initWarmup: 20, finalWarmup: 60, interval: 10 };
  const found = (policy: object) =>
    method.meanFactor!(method.parseOptions({ policy: { ...schedule, ...policy } }), totalSteps)!;
  // Events after steps 30, 40, … 130 and 139: the first ranks train for 31 steps, the last for 60.
  const trained = [31, ...Array.from({ length: 10 }, () => 10), 9, 60];
  const wanted = (first: number) =>
    trained.reduce((sum, steps, i) => sum + steps * (1 + (first - 1) * (1 - i / 12) ** 3), 0) / 200;
  assertEquals(totalSteps, 200);
  assertAlmostEquals(found({ type: "prune", initialFactor: 2 }), wanted(2), 1e-6);
  assertAlmostEquals(found({ type: "grow", start: 0.5 }), wanted(0.5), 1e-6);
});

Deno.test("a budget that does not pay for a rank a module, or that a method cannot tell before, is refused", () => {
  const refused = (name: string, budget: Budget, text: string, options: object = {}) =>
    assertThrows(() => planOf(name, budget, options), RangeError, text);
  refused("lora", { type: "peak", value: 9_215 }, "at least 9216 parameters are wanted");
  refused("adalora", { type: "peak", value: 9_300 }, 'with a budget of 9300 parameters as "peak"');
  refused("lora", { type: "stored", value: 100 }, 'as "stored"');
  refused(
    "sora",
    { type: "meanTrained", value: 50_000 },
    "want a budget of rank, parameters, peak or stored",
  );
  const xgblora = findMethod("xgblora");
  const run = {
    options: xgblora.parseOptions({}),
    budget: { type: "peak", value: 50_000 },
    ranks: null,
    settings: { adapter: { modules: modules.map(({ part }) => part) } },
  } as unknown as RunSpec;
  assertThrows(
    () => planRun(xgblora, run, modules),
    RangeError,
    'Cannot spend a budget of "peak" on "xgblora": found that it chooses its ranks itself',
  );
});

Deno.test("policies receive what ranks may cost as the budget counts them", () => {
  const method = findMethod("elalora");
  const options = method.parseOptions({});
  const cap = (type: Exclude<Budget["type"], "rank">, isCap = true) =>
    capOf(
      method,
      { options, budget: { type, value: 20_000, ...(isCap ? { isCap } : {}) } },
      modules,
      totalSteps,
    );
  const query = modules[0]!;
  assertEquals(cap("parameters")!.perRank(query), 257);
  assertEquals(cap("stored")!.perRank(query), 256);
  assertEquals(cap("peak")!.most, 20_000);
  assertEquals(cap("parameters", false), null);
  const adalora = findMethod("adalora");
  const own = adalora.parseOptions({});
  const of = (type: "peak" | "meanTrained") =>
    capOf(
      adalora,
      { options: own, budget: { type, value: 20_000, isCap: true } },
      modules,
      totalSteps,
    );
  assertEquals(of("peak"), null);
  assert(of("meanTrained")!.most < 20_000);
});

Deno.test("studies write budgets by what they count, one key each", () => {
  const study = (budget: unknown) =>
    parseStudy({
      name: "try",
      axes: { tasks: ["RTE"], methods: ["lora"], budgets: [budget], seeds: [1] },
    });
  for (const type of ["parameters", "peak", "stored", "meanTrained"] as const) {
    const [budget] = study({ [type]: 20_000 }).axes.budgets!;
    assertEquals(budgetOf(budget!), { type, value: 20_000 });
  }
  const keys = (["rank", "parameters", "peak", "stored", "meanTrained"] as const)
    .map((type) => budgetKey({ type, value: 4 }));
  assertEquals(keys, ["r4", "p4", "peak4", "stored4", "mean4"]);
  assertThrows(
    () => study({ peak: 1, stored: 2 }),
    Error,
    "found 2 keys, wanted one of rank, parameters, peak, stored, meanTrained",
  );
  assertThrows(() => study({ peek: 1 }), Error, 'Did you mean "peak"?');
});

Deno.test("moving under a cap is planned within it", () => {
  const { plan } = planOf("composed", { type: "parameters", value: 20_000, isCap: true }, moving);
  assertUsed(plan.initialParameters, 20_000);
});
