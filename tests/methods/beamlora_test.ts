/** BeamLoRA: its weights, which ranks are overwritten when, and what an event leaves in the vectors. */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { constant } from "../../src/graph/mod.ts";
import {
  beamlora,
  beamloraPolicy,
  type BeamloraPolicyOptions,
  beamScores,
  beamWeights,
  keptShare,
  prunedSlots,
} from "../../src/methods/beamlora.ts";
import {
  actionsOf,
  movedSlots,
  type RankDecision,
  type RowEdit,
} from "../../src/methods/rank_actions.ts";
import {
  assertBitEqual,
  moduleNames,
  noDropout,
  ofKind,
  runTo,
  type TinyRun,
} from "../train/fixture.ts";
import { assertAblates, assertMerges, assertResumes, ended, executor } from "./adapted_runs.ts";
import { contextOf, factsOf, modulesOf, stepsDue, viewOfNumbers } from "./policies.ts";
import { assertAlmost, doubles, valuesOf } from "../graph/numbers.ts";

/** softmax([0, 0, 0, −1]) · 4: e⁰ three times and e⁻¹ over their sum of 3.36788. */
const strong = 4 / (3 + Math.exp(-1)), weak = 4 * Math.exp(-1) / (3 + Math.exp(-1));

Deno.test("weights are r times the softmax of a module's gates, 1 at the start", () => {
  const gates = [0, 0, 0, -0.05];
  assertAlmost(beamScores(gates, 0.05), [strong, strong, strong, weak]);
  assertAlmostEquals(strong, 1.188, 1e-3);
  assertAlmostEquals(weak, 0.437, 1e-3);
  const value = beamWeights(constant(doubles([...gates, 0, 0, 0, 0], [2, 4, 1])), 0.05);
  assertEquals(value.shape, [2, 4, 1]);
  assertAlmost(valuesOf({ value }).value, [strong, strong, strong, weak, 1, 1, 1, 1]);
});

Deno.test("p rises from its start to 1 by a cosine", () => {
  // The authors' T of 3000 and end of 24688, to three places.
  const shares = [3000, 12000, 21000].map((step) => keptShare(0.95, 24688, step).toFixed(3));
  assertEquals(shares, ["0.952", "0.974", "0.997"]);
  assertEquals([keptShare(0.95, 24688, 24688), keptShare(0.95, 24688, 30000)], [1, 1]);
});

Deno.test("what lies beyond the share p of all scores is overwritten, half a module at most", () => {
  const of = (scores: Readonly<Record<string, readonly number[]>>, p: number) =>
    prunedSlots(Object.entries(scores).map(([module, scores]) => ({ module, scores })), p)
      .map(({ module, slot }) => `${module}${slot}`);
  // The bound is 3.8, and the sums are 1.19, 2.38, 3.56 and 4.00.
  assertEquals(of({ a: [strong, strong, strong, weak] }, 0.95), ["a3"]);
  assertEquals(of({ a: [strong, strong, strong, weak] }, 1), []);
  // Jointly: the sums 2, 3.5, 4.5, 5.5, 5.9, 6 against 0.9 · 6 = 5.4, so that the fourth goes already.
  assertEquals(of({ a: [2, 0.4, 0.1], b: [1.5, 1, 1] }, 0.9), ["a2", "b2"]);
  // All but one of a's slots are weak; two of four have a source.
  assertEquals(of({ a: [3.4, 0.3, 0.2, 0.1], b: [1, 1, 1, 1] }, 0.5), ["a2", "a3", "b2", "b3"]);
});

const options: BeamloraPolicyOptions = {
  useBeamloraStep: 4,
  cumsumThreshold: 0.95,
  resetEndStep: 100,
  temperature: 0.05,
  moments: "assigned",
};
/** The decision of the first event over two modules with these gates. */
function firstEvent(
  gates: Readonly<Record<string, readonly number[]>>,
  changed: Partial<BeamloraPolicyOptions> = {},
): RankDecision & { readonly rows: readonly RowEdit[] } {
  const policy = beamloraPolicy({ ...options, ...changed });
  const seen = viewOfNumbers("g", gates);
  const start = policy.start(contextOf([4, 4], { totalSteps: 12 }));
  const cached = policy.decide(start, 1, [], seen);
  assertEquals(cached.decision, { actions: [{ type: "cache" }] });
  const { decision } = policy.decide(cached.state, 3, [], seen);
  return { ...decision, rows: actionsOf(decision, "write").flatMap(({ rows }) => rows) };
}

Deno.test("a copy and its source share their gates; moments are those of the source", () => {
  const decision = firstEvent({ m0: [0, 0.025, 0, -0.075], m1: [0, 0, 0, 0] }, {
    cumsumThreshold: 0.975,
  });
  assertEquals(decision.moved, 1);
  assertAlmostEquals(decision.threshold!, beamScores([0, 0.025, 0, -0.075], 0.05)[3]!, 1e-6);
  assertEquals(
    decision.rows.map(({ module, slot, part, moments }) => [module, slot, part, moments]),
    [
      ["m0", 3, "A", "cached"],
      ["m0", 3, "B", "cached"],
      ["m0", 0, "g", "zero"],
      ["m0", 1, "g", "zero"],
      ["m0", 2, "g", "zero"],
      ["m0", 3, "g", "zero"],
    ],
  );
  assertEquals(decision.rows[0]!.values, { cachedSlot: 1 });
  const gates = decision.rows.slice(2).map(({ values }) => (values as readonly number[])[0]!);
  // (0.025 − 0.075) / 2 for both.
  [0, -0.025, 0, -0.025].forEach((gate, i) => assertAlmostEquals(gates[i]!, gate, 1e-8));
  const upstream = firstEvent({ m0: [0, 0.025, 0, -0.075], m1: [0, 0, 0, 0] }, {
    cumsumThreshold: 0.975,
    moments: "upstream",
  });
  assertEquals(upstream.rows.map(({ module, moments }) => [module, moments]), [
    ["m0", "keep"],
    ["m0", "keep"],
    ...["m0", "m1"].flatMap((module) => [0, 1, 2, 3].map(() => [module, "zero"])),
  ]);
});

Deno.test("nothing is overwritten while no gate has learned anything", () => {
  const decision = firstEvent({ m0: [0, 0, 0, 0], m1: [0, 0, 0, 0] });
  assertEquals([decision.rows, movedSlots(decision, { m0: 4, m1: 4 })], [[], 0]);
  assertEquals(decision.threshold ?? null, null);
});

Deno.test("events follow T, 2T, … while T steps are left, caches half a period before them", () => {
  const policy = beamloraPolicy({ ...options, useBeamloraStep: 5 });
  const state = policy.start(contextOf([2, 2], { totalSteps: 18 }));
  // Steps are counted from 0: 2 and 7 steps done for caches, 5 and 10 for events; 15 leaves but 3.
  assertEquals(stepsDue(policy, state, 18), [1, 4, 6, 9]);
});

Deno.test("rank 1 and a schedule without an event are refused with what would work", () => {
  const check = (totalSteps: number, initial: readonly number[]) => () => {
    const counts = { requested: 1, initialParameters: 1, peakParameters: 1, finalParameters: 1 };
    const plan = { initial, finalTotal: 4, ...counts };
    const facts = factsOf({ totalSteps, modules: modulesOf(3, 3), plan });
    beamlora.check(beamlora.parseOptions({ useBeamloraStep: 10 }), facts);
  };
  check(20, [2, 2])();
  check(20, [2, 0])();
  assertThrows(check(20, [2, 1]), RangeError, 'with rank 1 in "m1"');
  assertThrows(check(19, [2, 2]), RangeError, "want one from 2 to 9");
});

/** Events after 4, 8 and 12 of 16 steps, caches after 2, 6 and 10. */
const run: TinyRun = {
  method: "beamlora",
  options: { useBeamloraStep: 4, cumsumThreshold: 0.8, resetEndStep: 100 },
  rank: 4,
  train: { learningRate: 2e-2, steps: 16 },
};

/** The same run without events. */
function quiet(run: TinyRun): TinyRun {
  return {
    ...run,
    change: (method) => ({ ...method, adapter: { ...method.adapter!, policy: null } }),
  };
}

Deno.test("an event puts rows of half a period ago in the place of weak ones", async () => {
  const [after, before, cached] = [
    await runTo(executor, run, 4),
    await runTo(executor, quiet(run), 4),
    await runTo(executor, quiet(run), 2),
  ];
  let copies = 0;
  for (const module of moduleNames()) {
    const gate = (of: typeof after, slot: number) => of.row(module, "g", slot)[0]!;
    const isCopied = [0, 1, 2, 3].map((slot) =>
      after.row(module, "A", slot).some((value, i) => value !== before.row(module, "A", slot)[i])
    );
    for (const slot of [0, 1, 2, 3].filter((slot) => isCopied[slot])) {
      copies++;
      const source = [0, 1, 2, 3].find((other) =>
        cached.row(module, "A", other)[0] === after.row(module, "A", slot)[0]
      )!;
      assert(source !== undefined && !isCopied[source], `${module} ${slot} has no source`);
      assert(gate(before, source) > gate(before, slot), "a source is the stronger one");
      for (const part of ["A", "B"]) {
        for (const name of ["theta", "m", "v"] as const) {
          assertBitEqual(
            after.row(module, part, slot, name),
            cached.row(module, part, source, name),
            `${name} of ${part}`,
          );
        }
        assertBitEqual(after.row(module, part, source), before.row(module, part, source), "source");
      }
      const mean = Math.fround((gate(before, source) + gate(before, slot)) / 2);
      assertEquals([gate(after, slot), gate(after, source)], [mean, mean]);
    }
    if (!isCopied.includes(true)) continue;
    const moments = [0, 1, 2, 3].map((slot) => after.row(module, "g", slot, "m")[0]);
    assertEquals(moments, [0, 0, 0, 0]);
  }
  const [event] = ofKind(after.events, "ranks");
  assertEquals([event!.step, event!.moved, event!.changes], [4, copies, []]);
  assert(copies > 0, "nothing was overwritten");
});

Deno.test("a run resumes to the bit, merges with its weights and ablates", async () => {
  using whole = await ended(run);
  assertEquals(ofKind(whole.events, "ranks").map(({ step }) => step), [4, 8, 12]);
  assert(ofKind(whole.events, "ranks").every(({ budget }) => budget === 4 * moduleNames().length));
  await assertMerges(whole);
  await assertAblates(whole);
  await assertResumes(whole, [1, 2, 4, 7, 13]);
});

Deno.test("with gates at 0 the first step is LoRA's", async () => {
  const train = { steps: 16, dropout: noDropout };
  const [own, lora] = [
    await runTo(executor, { ...run, train: { ...run.train, ...train } }, 1),
    await runTo(executor, { method: "lora", rank: 4, train: { ...run.train, ...train } }, 1),
  ];
  for (const module of moduleNames()) {
    for (const part of ["A", "B"]) {
      own.row(module, part, 2).forEach((value, i) =>
        assertAlmostEquals(value, lora.row(module, part, 2)[i]!, 1e-6)
      );
    }
  }
  const losses = [own, lora].map(({ events }) => ofKind(events, "step")[0]!.loss);
  assertAlmostEquals(losses[0]!, losses[1]!, 1e-6);
});
