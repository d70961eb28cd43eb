/** SoRA: its proximal step, its thresholds over a run, its gates in training, and what is exported. */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { evaluationPass } from "../../src/methods/adapter.ts";
import { constant, input, type Tensor } from "../../src/graph/mod.ts";
import {
  phaseEnds,
  phaseThresholds,
  softThreshold,
  sora,
  soraPolicy,
  type SoraSchedule,
  thresholdAt,
  upstreamThreshold,
} from "../../src/methods/sora.ts";
import { ofKind, rowOf, runTo, type TinyRun } from "../train/fixture.ts";
import {
  assertAblates,
  assertMerges,
  assertResumes,
  ended,
  executor,
  exportedUpdates,
} from "./adapted_runs.ts";
import { contextOf, factsOf, stepsDue, viewOfNumbers } from "./policies.ts";
import { assertAlmost, doubles, valuesOf } from "../graph/numbers.ts";

function shrunk(
  shrink: (u: Tensor, xi: Tensor) => Tensor,
  gates: readonly number[],
  xi: number,
): readonly number[] {
  const value = shrink(input("u", [gates.length]), input("xi", []));
  return valuesOf({ value }, { u: doubles(gates), xi: doubles([xi], []) }).value;
}

Deno.test("the proximal step shrinks by xi; upstream's passes set to zero what is below 2 xi", () => {
  assertAlmost(shrunk(softThreshold, [0.5, -0.2, 0.05, 0.15, -0.1, 0], 0.1), [
    0.4,
    -0.1,
    0,
    0.05,
    0,
    0,
  ]);
  // The passes by hand: 0.5 → 0.4; −0.3 → −0.2; 0.15 → 0.05 → 0; 0.1 is neither above nor below and stays.
  assertAlmost(shrunk(upstreamThreshold, [0.5, -0.3, 0.05, 0.15, -0.15, 0.1], 0.1), [
    0.4,
    -0.2,
    0,
    0,
    0,
    0.1,
  ]);
  for (const shrink of [softThreshold, upstreamThreshold]) {
    assertAlmost(shrunk(shrink, [0.5, -0.2, 0], 0), [0.5, -0.2, 0]);
  }
});

const schedule: SoraSchedule = {
  sparseLambda2: 0,
  lambdaSchedule: "linear",
  maxLambda: 7e-4,
  lambdaNum: 7,
  firstStage: 0.36,
  countInterval: 0.05,
};

Deno.test("the thresholds of a schedule are NumPy's", () => {
  // numpy.linspace(0, 7e-4, 7); the others with log and exp around it, as the authors' code has them.
  assertAlmost(phaseThresholds(schedule), [
    0,
    0.00011666666666666667,
    0.00023333333333333333,
    0.00035,
    0.00046666666666666666,
    0.0005833333333333333,
    0.0007,
  ]);
  const between = { ...schedule, sparseLambda2: 0.5, maxLambda: 2, lambdaNum: 3 };
  // numpy.log(numpy.linspace(numpy.exp(0.5), numpy.exp(2), 3)) and exp(linspace(log 0.5, log 2, 3)).
  assertAlmost(phaseThresholds({ ...between, lambdaSchedule: "log_linear" }), [
    0.5,
    1.508266097422807,
    2,
  ]);
  assertAlmost(phaseThresholds({ ...between, lambdaSchedule: "exp_linear" }), [0.5, 1, 2]);
});

Deno.test("the policy counts gates that are zero, and evaluates at the end of each phase", () => {
  const policy = soraPolicy({ ...schedule, lambdaNum: 3, firstStage: 4, countInterval: 5 });
  const context = contextOf([3, 1], { totalSteps: 12 });
  const start = policy.start(context);
  assertEquals(start, { modules: ["m0", "m1"], totalSteps: 12 });
  // Phases end when 4, 8 and 12 steps are done, counts follow 5 and 10.
  assertEquals(stepsDue(policy, start, 12), [3, 4, 7, 9, 11]);
  assert(policy.isDue(start, 5, true));
  const gates = (...m0: readonly number[]) => viewOfNumbers("g", { m0, m1: [1] });
  const ended = policy.decide(start, 3, [], gates(0.5, 0, -2));
  assertEquals(ended, {
    decision: {
      actions: [
        { type: "mask", slots: [{ module: "m0", slot: 1 }], isPermanent: false },
        { type: "evaluate" },
      ],
      threshold: 0,
      scores: [{ module: "m0", scores: [0.5, 0, 2] }, { module: "m1", scores: [1] }],
    },
    state: start,
  });
  const { decision } = policy.decide(start, 4, [], gates(0.5, 1, -2));
  assertEquals(decision.actions, [{ type: "mask", slots: [], isPermanent: false }]);
  assertEquals(decision.threshold, null);
  assertThrows(() => policy.start({ ...context, modules: [], ranks: [] }), RangeError, "0 modules");
  assertThrows(() => policy.start({ ...context, totalSteps: 5 }), RangeError, "without a step");
  // A share of the steps that rounds to none is one step.
  const often = soraPolicy({ ...schedule, lambdaNum: 3, firstStage: 4, countInterval: 0.01 });
  assertEquals(stepsDue(often, start, 12).length, 12);
});

Deno.test("a phase has one step at least, and a schedule ends at its last threshold", () => {
  const phases = (firstStage: number, totalSteps: number) =>
    phaseEnds({ ...schedule, lambdaNum: 3, firstStage }, totalSteps);
  assertEquals(phases(1, 3), [1, 2, 3]);
  assertThrows(() => phases(0, 12), RangeError, "without a step");
  assertThrows(() => phases(1, 2), RangeError, "without a step");
  assertEquals(thresholdAt(schedule, 1400, 1400), 7e-4);
  // 0.2 + (0.9 − 0.2) is not quite 0.9.
  assertEquals(phaseThresholds({ ...schedule, sparseLambda2: 0.2, maxLambda: 0.9 }).at(-1), 0.9);
  assertThrows(() => phaseThresholds({ ...schedule, sparseLambda2: 7e-4 }), RangeError, "below");
});

Deno.test("the first phase has its share of the steps, the others share the rest", () => {
  // 50 epochs and six times 15, at ten steps an epoch.
  const authors = { ...schedule, firstStage: 500 };
  assertEquals(phaseEnds(authors, 1400), [500, 650, 800, 950, 1100, 1250, 1400]);
  const at = [0, 499, 500, 1249, 1250, 1399].map((step) => thresholdAt(authors, 1400, step));
  const xi = phaseThresholds(authors);
  assertEquals(at, [xi[0], xi[0], xi[1], xi[5], xi[6], xi[6]]);
  const { learningRate } = sora.bind(sora.parseOptions(authors)).adapter!.step!;
  const train = { learningRate: 2, warmup: 0.1, schedule: "linear" } as const;
  // 50 steps of warm-up and 450 down to zero, then a tenth of the peak.
  const rates = [0, 25, 50, 275, 500, 1399].map((step) => learningRate!(step, 1400, train));
  assertEquals(rates, [0, 1, 2, 1, 0.2, 0.2]);
});

Deno.test("options that do not fit together or leave a phase without a step are refused", () => {
  const check = (options: Readonly<Record<string, unknown>>, totalSteps = 100) => () =>
    sora.check(sora.parseOptions(options), factsOf({ totalSteps }));
  const refused = (text: string, ...given: Parameters<typeof check>) =>
    assertThrows(check(...given), RangeError, text);
  check({})();
  check({ lambdaSchedule: "linear", maxLambda: 1e-3, lambdaNum: 5 })();
  refused('"countInterval" of 2.5', { countInterval: 2.5 });
  refused('without a "lambdaSchedule"', { maxLambda: 1e-3 });
  refused("both are wanted", { lambdaSchedule: "linear" });
  refused('found "sparseLambda2" of 0.0003 and "maxLambda" of 0.0001', {
    lambdaSchedule: "linear",
    maxLambda: 1e-4,
    lambdaNum: 3,
  });
  refused("a positive number", {
    lambdaSchedule: "exp_linear",
    sparseLambda2: 0,
    maxLambda: 1,
    lambdaNum: 3,
  });
  refused("leave a phase without a step", {
    lambdaSchedule: "linear",
    maxLambda: 1e-3,
    lambdaNum: 9,
  }, 10);
});

Deno.test("a schedule of thresholds is refused where tasks are learned one after the other", () => {
  const stages = [{ task: "a", steps: 40 }, { task: "b", steps: 60 }];
  const scheduled = { lambdaSchedule: "linear", maxLambda: 1e-3, lambdaNum: 5 };
  sora.check(sora.parseOptions({}), factsOf({ stages }));
  sora.check(sora.parseOptions(scheduled), factsOf({ stages: stages.slice(0, 1) }));
  assertThrows(
    () => sora.check(sora.parseOptions(scheduled), factsOf({ stages })),
    RangeError,
    "over 2 tasks in turn",
  );
});

/** Four phases of ξ that send about half the gates to zero. */
const phased: TinyRun = {
  method: "sora",
  options: {
    sparseLambda: 0.01,
    sparseLambda2: 0,
    lambdaSchedule: "linear",
    maxLambda: 0.06,
    lambdaNum: 4,
    firstStage: 12,
    countInterval: 5,
  },
  rank: 4,
  train: { steps: 36, learningRate: 2e-2, evaluateEvery: 17 },
};

Deno.test("a run with phases counts its gates, evaluates after each, resumes, merges and ablates", async () => {
  using run = await ended(phased);
  const { events, trainer, end } = run;
  assertEquals(
    ofKind(events, "evaluation").map(({ snapshot }) => snapshot.step),
    [12, 17, 20, 28, 34, 36],
  );
  const counts = ofKind(events, "ranks");
  assertEquals(counts.map(({ step }) => step), [5, 10, 12, 15, 17, 20, 25, 28, 30, 34, 35, 36]);
  const gates = (theta: Float32Array) =>
    trainer.assembly.modules.flatMap(({ module }) =>
      end.order[module.name]!.map((row) =>
        rowOf(trainer.assembly, theta, module.name, "g", row)[0]!
      )
    );
  for (const { snapshot } of ofKind(events, "evaluation")) {
    const zeros = gates(snapshot.theta).filter((gate) => gate === 0).length;
    assertEquals(snapshot.off.length, zeros);
    const { budget } = counts.find(({ step }) => step === snapshot.step)!;
    assertEquals(budget, gates(snapshot.theta).length - zeros);
  }
  // No threshold in the first phase, more and more zeros in the others.
  const zeros = ofKind(events, "evaluation").map(({ snapshot }) => snapshot)
    .filter(({ step }) => step !== 17 && step !== 34).map(({ off }) => off.length);
  assertEquals(zeros[0], 0);
  assert(zeros[1]! < zeros[2]! && zeros[2]! < zeros[3]!, `found ${zeros} zero gates`);
  const total = gates(end.vectors.theta!).length;
  assert(zeros[3]! > total / 4 && zeros[3]! < total, `${zeros[3]} of ${total} are zero`);
  assertEquals(
    Object.values(trainer.ranks()).reduce((sum, rank) => sum + rank, 0),
    total - zeros[3]!,
  );
  // Zero slots are left out of what is exported.
  const exported = exportedUpdates(run).reduce((sum, { A }) => sum + A.shape[0]!, 0);
  assertEquals(exported, total - zeros[3]!);
  await assertMerges(run);
  await assertAblates(run);
  await assertResumes(run, [3, 12, 13, 30]);
});

Deno.test("a step is the optimiser's, then the proximal step", async () => {
  const at = async (sparseLambda2: number, threshold = "exact") => {
    const run: TinyRun = {
      method: "sora",
      options: { sparseLambda2, threshold, sparseLambda: 0 },
      train: { steps: 4, weightDecay: 0.1 },
    };
    const { assembly, row } = await runTo(executor, run, 1);
    return (part: string) =>
      assembly.modules.flatMap(({ module: { name } }) =>
        [0, 1].flatMap((slot) => [...row(name, part, slot)])
      );
  };
  const [free, exact, upstream] = [await at(0), await at(0.3), await at(0.3, "upstream")];
  assertEquals(exact("A"), free("A"));
  assertEquals(exact("B"), free("B"));
  free("g").forEach((gate, i) => {
    const wanted = Math.sign(gate) * Math.max(Math.abs(gate) - 0.3, 0);
    assertAlmostEquals(exact("g")[i]!, wanted, 1e-6);
    assertAlmostEquals(upstream("g")[i]!, Math.abs(gate) < 0.6 ? 0 : wanted, 1e-6);
  });
  const between = free("g").filter((gate) => Math.abs(gate) > 0.3 && Math.abs(gate) < 0.6);
  assert(between.length > 0, "no gate tells the thresholds apart");
  // Gates start from N(0, 1), and a first step with B = 0 moves none.
  const deviation = Math.sqrt(
    free("g").reduce((sum, gate) => sum + gate ** 2, 0) / free("g").length,
  );
  assert(deviation > 0.5 && deviation < 1.5, `found a deviation of ${deviation}`);
});

Deno.test("the loss has the mean size of all gates, whatever their groups", () => {
  const { regulariser } = sora.bind(sora.parseOptions({})).adapter!.step!;
  assertEquals(regulariser!.weight, 10);
  const group = (part: string, shape: readonly number[], data: readonly number[]) => ({
    part,
    rows: constant(doubles(data, shape)),
    on: constant(doubles(Array(shape[0]! * shape[1]!).fill(1), shape.slice(0, 2))),
  });
  const value = regulariser!.build([
    group("A", [1, 2, 2], [9, 9, 9, 9]),
    group("g", [1, 2, 1], [0.5, -1.5]),
    group("g", [2, 1, 1], [-3, 0]),
  ], evaluationPass);
  assertAlmost(valuesOf({ value }).value, [(0.5 + 1.5 + 3) / 4]);
  assertEquals(sora.bind(sora.parseOptions({ sparseLambda: 0 })).adapter!.step!.regulariser, null);
});

Deno.test("gates are neither clipped nor decayed, however hard they are pulled", async () => {
  /** The first step: B is zero, so that the loss itself moves no gate, and their pull is all that they feel. */
  const first = async (sparseLambda: number, weightDecay = 0) => {
    const run: TinyRun = {
      method: "sora",
      options: { sparseLambda, sparseLambda2: 0 },
      train: { steps: 1, clipNorm: 0.01, weightDecay },
    };
    const { events, assembly, row } = await runTo(executor, run);
    const start = await runTo(executor, run, 0);
    const rowsOf = (vector: "theta" | "m", part: string, of = row) =>
      assembly.modules.flatMap(({ module: { name } }) =>
        [0, 1].flatMap((slot) => [...of(name, part, slot, vector)])
      );
    return { norm: ofKind(events, "step")[0]!.gradientNorm, rowsOf, before: start.row };
  };
  const [free, pulled] = [await first(0), await first(1e4)];
  // The norm that is clipped is far above its limit, and the same with and without the pull.
  assert(free.norm > 0.1, `${free.norm}`);
  assertEquals(pulled.norm, free.norm);
  assertEquals(pulled.rowsOf("m", "B"), free.rowsOf("m", "B"));
  // The gradient of 10⁴ · mean |g| is ±10⁴ over the 24 gates, unclipped: m = (1 − β₁) of that.
  const gates = pulled.rowsOf("theta", "g", pulled.before);
  assertEquals(gates.length, 24);
  pulled.rowsOf("m", "g").forEach((m, i) =>
    assertAlmostEquals(m / (0.1 * Math.sign(gates[i]!) * 1e4 / 24), 1, 1e-5)
  );
  const decayed = await first(0, 0.5);
  assertEquals(decayed.rowsOf("theta", "g"), free.rowsOf("theta", "g"));
  assert(decayed.rowsOf("theta", "A").some((value, i) => value !== free.rowsOf("theta", "A")[i]));
});
