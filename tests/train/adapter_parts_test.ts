/** What parts of an adapter may ask of the training step, with adapters made for the purpose. */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import type { Executor } from "../../src/exec/executor.ts";
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
import { decodeCheckpoint, encodeCheckpoint } from "../../src/record/checkpoint_file.ts";
import type { Checkpoint } from "../../src/train/run_types.ts";
import { sliceOf } from "../../src/train/slots.ts";
import { Trainer } from "../../src/train/trainer.ts";
import { writeRows } from "../../src/train/row_edits.ts";
import { exportTensors, importTensors } from "../../src/train/stored_tensors.ts";
import { withoutModules } from "../../src/train/vectors.ts";
import {
  assertBitEqual,
  moduleNames,
  ofKind,
  rowOf,
  type TinyRun,
  trainingRequest,
  trainTo,
} from "./fixture.ts";

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
      dropout: { hidden: 0, attention: 0, head: 0, adapter: 0 },
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

async function trained(run: TinyRun, steps: number, on: Executor = executor) {
  const trainer = await Trainer.create(trainingRequest(on, run), null);
  const before = await trainer.checkpoint();
  const events = await trainTo(trainer, steps);
  const after = await trainer.checkpoint();
  const { assembly } = trainer;
  trainer.dispose();
  return { before, after, events, assembly };
}

function rowsOf({ assembly, after }: Awaited<ReturnType<typeof trained>>, at: Checkpoint = after) {
  return (module: string, part: string, row: number) =>
    rowOf(assembly, at.vectors.theta!, module, part, row);
}

Deno.test("a part that is not trained stays as it was drawn and costs nothing", async () => {
  const frozen = changed(partsWith("A", { isTrained: false }));
  const run = await trained({ ...frozen, train: { ...frozen.train, weightDecay: 0.1 } }, 3);
  const now = rowsOf(run), start = rowsOf(run, run.before);
  for (const module of moduleNames()) {
    assertBitEqual(now(module, "A", 1), start(module, "A", 1), `A of ${module}`);
    assert(now(module, "B", 1).some((value) => value !== 0), `B of ${module} was not trained`);
    assertEquals(
      [...rowOf(run.assembly, run.after.vectors.m!, module, "A", 0)].every((m) => m === 0),
      true,
    );
  }
  const costs = costsOf(run.assembly.adapter!);
  const shape = run.assembly.modules[0]!.module;
  assertEquals([costs.perRank(shape), costs.perModule(shape)], [shape.outSize, 0]);
});

Deno.test("a part outside of clipping counts neither in the norm nor is it scaled", async () => {
  const plain = await trained(changed(() => ({})), 1);
  const apart = await trained(changed(partsWith("B", { isClipped: false })), 1);
  const normOf = ({ events }: typeof plain) => ofKind(events, "step")[0]!.gradientNorm;
  const module = moduleNames()[0]!;
  // After one step the first moment is 0.1 times the clipped gradient.
  const gradientOf = ({ assembly, after }: typeof plain, name: string) =>
    moduleNames().flatMap((own) =>
      [0, 1].flatMap((row) =>
        [...rowOf(assembly, after.vectors.m!, own, name, row)].map((m) => m / 0.1)
      )
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
  const run = await trained(
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
  const row = rowsOf(run)(module.name, "M", 0);
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
    await trained(withGain("adapter"), 2),
    await trained(withGain("module"), 2),
  ];
  const { assembly, after } = shared;
  assertEquals(assembly.groups.filter(({ part }) => part.name === "M").length, 1);
  assertEquals(assembly.groups.at(-1)!.rowLength, 1);
  assertEquals(assembly.adapterSize, apart.assembly.adapterSize - moduleNames().length + 1);
  const [first, second] = assembly.modules.map(({ module }) => module);
  const costs = costsOf(assembly.adapter!);
  assertEquals([costs.perModule(first!), costs.perAdapter?.(first!)], [0, 1]);
  // The second step's gradient is the sum of those of the modules; both runs stand at the same point before it.
  const gradientOf = ({ assembly, after }: typeof shared, module: string) =>
    rowOf(assembly, after.vectors.m!, module, "M", 0)[0]! / 0.1;
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
  const plain = await trained(changed(() => ({})), 1);
  const once = await trained(shrinking, 1);
  assertBitEqual(once.after.vectors.theta!, plain.after.vectors.theta!, "a threshold of 0");
  assertEquals(moments, [0, 4, 5e-3]);
  const twice = await trained(shrinking, 2), two = await trained(changed(() => ({})), 2);
  const module = moduleNames()[3]!;
  const [now, bare] = [rowsOf(twice), rowsOf(two)];
  bare(module, "B", 0).forEach((value, i) => {
    const wanted = Math.sign(value) * Math.max(Math.abs(value) - 0.004, 0);
    assertAlmostEquals(now(module, "B", 0)[i]!, wanted, 1e-7);
  });
  assertBitEqual(now(module, "A", 0), bare(module, "A", 0), "A");
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
  const plain = await trained(changed(() => ({})), 3),
    cached = await trained(changed(() => ({})), 2);
  const edited = await trained(run, 3);
  const [now, third, second] = [rowsOf(edited), rowsOf(plain), rowsOf(cached)];
  assertBitEqual(now(module, "A", 0), second(module, "A", 1), "the cached slot");
  assertBitEqual(now(module, "A", 1), third(module, "A", 1).map((v) => 2 * v), "its own numbers");
  assertBitEqual(now(module, "B", 0), third(module, "B", 0), "another part");
  const momentOf = ({ assembly, after }: typeof plain, row: number) =>
    rowOf(assembly, after.vectors.m!, module, "A", row);
  assertBitEqual(momentOf(edited, 0), momentOf(cached, 1), "cached moments");
  assertEquals([...momentOf(edited, 1)].every((m) => m === 0), true);
  const [event] = ofKind(edited.events, "ranks").slice(-1);
  assertEquals([event!.moved, event!.changes.length], [2, 0]);
  assertEquals(ofKind(edited.events, "importance").map(({ scores }) => scores), [{ [module]: 4 }]);

  // What lies in double precision on the reference is rounded in a checkpoint.
  const native = await nativeExecutor(1);
  const whole = await trained(run, 3, native), half = await trained(run, 2, native);
  const timings = {
    trainMillis: 0,
    evaluateMillis: 0,
    wallMillis: 0,
    startedAt: "",
  };
  const bytes = encodeCheckpoint({ checkpoint: half.after, run: "0123", journals: {}, timings });
  const { checkpoint } = decodeCheckpoint(bytes, "checkpoint");
  const resumed = await Trainer.create(trainingRequest(native, run), checkpoint);
  await trainTo(resumed, 3);
  const { vectors } = await resumed.checkpoint();
  resumed.dispose();
  assertBitEqual(vectors.theta!, whole.after.vectors.theta!, "after going on");
});

Deno.test("an edit of what does not exist is refused", async () => {
  const { assembly, after } = await trained(changed(() => ({})), 1);
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
