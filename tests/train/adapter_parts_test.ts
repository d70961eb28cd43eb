/** What parts of an adapter may ask of the training step, with adapters made for the purpose. */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { nativeExecutor } from "../../src/exec/native.ts";
import { ReferenceExecutor } from "../../src/exec/reference.ts";
import { max, mul, sub } from "../../src/graph/mod.ts";
import {
  type AdapterPart,
  costsOf,
  evaluationPass,
  isOfWeights,
  type WeightAdapter,
} from "../../src/methods/adapter.ts";
import type { RankDecision, RowEdit } from "../../src/methods/rank_actions.ts";
import type { RankPolicy, RowView } from "../../src/methods/rank_policy.ts";
import { writeRows } from "../../src/train/row_edits.ts";
import { exportTensors, importTensors } from "../../src/train/stored_tensors.ts";
import { withoutModules } from "../../src/train/vectors.ts";
import {
  assertBitEqual,
  moduleNames,
  noDropout,
  ofKind,
  runTo,
  started,
  type TinyRun,
  trainingRequest,
  trainTo,
} from "./fixture.ts";
import { assertAlmost } from "../graph/numbers.ts";
import { throughFile } from "../methods/adapted_runs.ts";
import { sliceOf } from "../../src/train/slots.ts";

const executor = new ReferenceExecutor();

/** LoRA with something changed. */
function changed(
  change: (adapter: WeightAdapter) => Partial<WeightAdapter>,
  train: TinyRun["train"] = {},
): TinyRun {
  return {
    method: "lora",
    train: {
      steps: 4,
      clipNorm: 0.01,
      dropout: noDropout,
      ...train,
    },
    change: (method) => {
      const adapter = method.adapter!;
      assert(isOfWeights(adapter));
      return { ...method, adapter: { ...adapter, ...change(adapter) } };
    },
  };
}

/** The parts with fields of one of them changed. */
function partsWith(name: string, fields: Partial<AdapterPart>) {
  return ({ parts }: WeightAdapter) => ({
    parts: parts.map((part) => part.name === name ? { ...part, ...fields } : part),
  });
}

Deno.test("a part that is not trained stays as it was drawn and costs nothing", async () => {
  const frozen = changed(partsWith("A", { isTrained: false }));
  const run = await runTo(executor, { ...frozen, train: { ...frozen.train, weightDecay: 0.1 } }, 3);
  const { row, rowBefore } = run;
  for (const module of moduleNames()) {
    assertBitEqual(row(module, "A", 1), rowBefore(module, "A", 1), `A of ${module}`);
    assert(row(module, "B", 1).some((value) => value !== 0), `B of ${module} was not trained`);
    assert(row(module, "A", 0, "m").every((m) => m === 0));
  }
  const costs = costsOf(run.assembly.adapter!);
  const shape = run.assembly.modules[0]!.module;
  assertEquals([costs.perRank(shape), costs.perModule(shape)], [shape.outSize, 0]);
});

Deno.test("a part outside of clipping counts neither in the norm nor is it scaled", async () => {
  const plain = await runTo(executor, changed(() => ({})), 1);
  const apart = await runTo(executor, changed(partsWith("B", { isClipped: false })), 1);
  const normOf = ({ events }: typeof plain) => ofKind(events, "step")[0]!.gradientNorm;
  const module = moduleNames()[0]!;
  // After one step the first moment is 0.1 times the clipped gradient.
  const gradientOf = ({ row }: typeof plain, name: string) =>
    moduleNames().flatMap((own) =>
      [0, 1].flatMap((slot) => [...row(own, name, slot, "m")].map((m) => m / 0.1))
    );
  const factor = 0.01 / (normOf(plain) + 1e-6);
  const free = gradientOf(apart, "B");
  gradientOf(plain, "B").forEach((value, i) => assertAlmostEquals(value / factor, free[i]!, 1e-6));
  const squares = free.reduce((sum, value) => sum + value ** 2, 0);
  assertAlmostEquals(normOf(apart) ** 2, normOf(plain) ** 2 - squares, 1e-8);
  assert(normOf(apart) < normOf(plain), `${module}: the norm should lose B's share`);
});

/** A gain of B's columns that a module has once: B · (1 + M). */
const gain: AdapterPart = {
  name: "M",
  per: "module",
  rowLength: ({ outSize }) => outSize,
  initial: () => ({ type: "constant", value: 0.5 }),
};

Deno.test("a part that a module has once is trained, stored, loaded and counted once", async () => {
  const run = await runTo(
    executor,
    changed(({ parts, prepare }) => ({
      parts: [...parts, gain],
      prepare: (own, scale, pass) => {
        const { A, B } = prepare(own, scale, pass);
        return { A, B: mul(B, own["M"]!) };
      },
    })),
    3,
  );
  const { assembly, after } = run;
  const module = assembly.modules[0]!.module;
  assertEquals(costsOf(assembly.adapter!).perModule(module), module.outSize);
  const row = run.row(module.name, "M", 0);
  assert(row.some((value) => value !== 0.5), "M was not trained");
  const tensors = exportTensors(assembly, after.vectors.theta!, after.order);
  const stored = new Map(tensors.map(({ name, ...tensor }) => [name, tensor]));
  assertEquals(stored.get(`${module.name}.M`)!.shape, [1, module.outSize]);
  const loaded = importTensors(assembly, stored);
  assertEquals(loaded.order, after.order);
  assertBitEqual(loaded.theta, after.vectors.theta!, "theta");
});

Deno.test("a part that all modules share is trained by all, stored with each, and kept by ablations", async () => {
  const withGain = (per: "module" | "adapter") =>
    changed(({ parts, prepare }) => ({
      parts: [...parts, {
        ...gain,
        per,
        rowLength: (_, stages = 1) => stages,
        isClipped: false,
      }],
      prepare: (own, scale, pass) => {
        const { A, B } = prepare(own, scale, pass);
        return { A: mul(A, own["M"]!), B };
      },
    }));
  // One step apart from B = 0, so that M has a gradient.
  const [shared, apart] = [
    await runTo(executor, withGain("adapter"), 2),
    await runTo(executor, withGain("module"), 2),
  ];
  const { assembly, after } = shared;
  assertEquals(assembly.groups.filter(({ part }) => part.name === "M").length, 1);
  assertEquals(assembly.groups.at(-1)!.rowLength, 1);
  assertEquals(assembly.adapterSize, apart.assembly.adapterSize - moduleNames().length + 1);
  const [first, second] = assembly.modules.map(({ module }) => module);
  const costs = costsOf(assembly.adapter!);
  assertEquals([costs.perModule(first!), costs.perAdapter?.(first!)], [0, 1]);
  // The second step's gradient is the sum of those of the modules; both runs stand at the same point before it.
  const gradientOf = ({ row }: typeof shared, module: string) => row(module, "M", 0, "m")[0]! / 0.1;
  const sum = moduleNames().reduce((total, name) => total + gradientOf(apart, name), 0);
  assertAlmostEquals(gradientOf(shared, first!.name), sum, 1e-6);
  assert(Math.abs(sum) > 1e-4, `a gradient of ${sum}`);
  const tensors = exportTensors(assembly, after.vectors.theta!, after.order);
  const stored = new Map(tensors.map(({ name, ...tensor }) => [name, tensor]));
  assertEquals(stored.get(`${first!.name}.M`), stored.get(`${second!.name}.M`));
  const loaded = importTensors(assembly, stored);
  assertBitEqual(loaded.theta, after.vectors.theta!, "theta");
  assertEquals(loaded.order, after.order);
  const off = withoutModules(assembly, after.vectors.theta!, [first!.name]);
  const { offset } = sliceOf(assembly.layout, "adapter.M");
  assertEquals([off[offset], off[0]], [after.vectors.theta![offset], 0]);
});

Deno.test("a part is changed after the optimiser by what the method feeds", async () => {
  const threshold = { shape: [], type: "f32", data: Float32Array.of(0.004) } as const;
  const moments: number[] = [];
  const shrinking = changed(() => ({
    step: {
      after: {
        B: (rows, pass) => {
          const xi = pass.fed("xi", []);
          return sub(max(sub(rows, xi), 0), max(sub(mul(rows, -1), xi), 0));
        },
      },
      feeds: ({ step, totalSteps, learningRate }) => {
        moments.push(step, totalSteps, learningRate);
        return { xi: step === 0 ? { ...threshold, data: Float32Array.of(0) } : threshold };
      },
    },
  }));
  const plain = await runTo(executor, changed(() => ({})), 1);
  const once = await runTo(executor, shrinking, 1);
  assertBitEqual(once.after.vectors.theta!, plain.after.vectors.theta!, "a threshold of 0");
  assertEquals(moments, [0, 4, 5e-3]);
  const twice = await runTo(executor, shrinking, 2);
  const bare = await runTo(executor, changed(() => ({})), 2);
  const module = moduleNames()[3]!;
  const wanted = bare.row(module, "B", 0)
    .map((value) => Math.sign(value) * Math.max(Math.abs(value) - 0.004, 0));
  assertAlmost(twice.row(module, "B", 0), wanted, 1e-7);
  assertBitEqual(twice.row(module, "A", 0), bare.row(module, "A", 0), "A");
  assertThrows(() => evaluationPass.fed("xi", []), RangeError, 'Cannot feed "xi" in an evaluation');
});

/** Caches after step 1, and after step 2 gives slot 0 the cached slot 1, and slot 1 twice its numbers. */
function editing(module: string): RankPolicy<number> {
  const decide = (step: number, seen: RowView): RankDecision => {
    if (step === 1) return { actions: [{ type: "cache" }] };
    const doubled = seen.rows(module, "A")[1]!.map((v) => 2 * v);
    const rows: readonly RowEdit[] = [
      { module, slot: 0, part: "A", values: { cachedSlot: 1 }, moments: "cached" },
      { module, slot: 1, part: "A", values: doubled, moments: "zero" },
    ];
    return { actions: [{ type: "write", rows }], scores: [{ module, scores: [1, 3] }] };
  };
  return {
    start: () => 0,
    isDue: (_, step) => step === 1 || step === 2,
    decide: (events, step, _scores, seen) => ({
      decision: decide(step, seen),
      state: events + 1,
    }),
  };
}

Deno.test("an edit takes rows from the cache or from the policy, also after a checkpoint", async () => {
  const module = moduleNames()[2]!;
  const run = changed(() => ({
    policy: { rule: editing(module), kind: "edit" },
  }));
  const plain = await runTo(executor, changed(() => ({})), 3);
  const cached = await runTo(executor, changed(() => ({})), 2);
  const edited = await runTo(executor, run, 3);
  const at = ({ row }: typeof plain, slot: number, name: "theta" | "m" = "theta") =>
    row(module, "A", slot, name);
  assertBitEqual(at(edited, 0), at(cached, 1), "the cached slot");
  assertBitEqual(at(edited, 1), at(plain, 1).map((v) => 2 * v), "its own numbers");
  assertBitEqual(edited.row(module, "B", 0), plain.row(module, "B", 0), "another part");
  assertBitEqual(at(edited, 0, "m"), at(cached, 1, "m"), "cached moments");
  assert(at(edited, 1, "m").every((m) => m === 0));
  const [event] = ofKind(edited.events, "ranks").slice(-1);
  assertEquals([event!.moved, event!.changes.length], [2, 0]);
  assertEquals(ofKind(edited.events, "importance").map(({ scores }) => scores), [{ [module]: 4 }]);

  // What lies in double precision on the reference is rounded in a checkpoint.
  const native = await nativeExecutor(1);
  const whole = await runTo(native, run, 3), half = await runTo(native, run, 2);
  using resumed = await started(trainingRequest(native, run), throughFile(half.after));
  await trainTo(resumed, 3);
  const { vectors } = await resumed.checkpoint();
  assertBitEqual(vectors.theta!, whole.after.vectors.theta!, "after going on");
});

Deno.test("an edit of what does not exist is refused", async () => {
  const { assembly, after } = await runTo(executor, changed(() => ({})), 1);
  const module = moduleNames()[0]!;
  const edit = (row: Partial<RowEdit>) =>
    writeRows(
      assembly,
      { vectors: after.vectors, order: after.order },
      [{ module, slot: 0, part: "A", values: [1], moments: "keep", ...row }],
      null,
    );
  assertThrows(() => edit({}), RangeError, "found 1 numbers for part A");
  assertThrows(() => edit({ slot: 7 }), RangeError, "Cannot write slot 7");
  assertThrows(() => edit({ part: "E" }), RangeError, 'Cannot find part "E"');
  assertThrows(() => edit({ values: { cachedSlot: 0 } }), RangeError, "it is empty");
});
