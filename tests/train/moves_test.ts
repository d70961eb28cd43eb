/** What ElaLoRA's rank events do to a run. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import type { Json } from "../../src/base/canonical_json.ts";
import type { Executor } from "../../src/exec/executor.ts";
import { nativeExecutor } from "../../src/exec/native.ts";
import { ReferenceExecutor } from "../../src/exec/reference.ts";
import type { BoundMethod } from "../../src/methods/method.ts";
import type { RankAction } from "../../src/methods/rank_actions.ts";
import type { RankPolicy } from "../../src/methods/rank_policy.ts";
import type { StateVector } from "../../src/train/assemble.ts";
import type { Snapshot } from "../../src/train/run_types.ts";
import { exportTensors } from "../../src/train/stored_tensors.ts";
import {
  assertBitEqual,
  lossesOf,
  moduleNames,
  ofKind,
  runTo,
  started,
  type TinyRun,
  trainingRequest,
  trainTo,
} from "./fixture.ts";
import { sliceOf } from "../../src/train/slots.ts";

const executor = await nativeExecutor(1);
const parts = ["A", "E", "B"];
const schedule = { initWarmup: 2, finalWarmup: 4, maskInterval: 2 };
const moving: TinyRun = { method: "elalora", options: { ...schedule, b: 4 } };
const still: TinyRun = { method: "elalora", options: { ...schedule, b: 0 } };
/** The first event follows step 5. */
const firstEvent = 5;

/** Fails unless the whole parameters and their moments are equal to the bit. */
function assertWholesEqual(found: Awaited<ReturnType<typeof runTo>>, wanted: typeof found): void {
  for (const parameter of wanted.assembly.parameters.keys()) {
    for (const name of ["theta", "m", "v", "c1", "c2"] as const) {
      const cut = ({ assembly, after }: typeof found) => {
        const { offset, size } = sliceOf(assembly.layout, parameter);
        return after.vectors[name]!.subarray(offset, offset + size);
      };
      assertBitEqual(cut(found), cut(wanted), `${name} of ${parameter}`);
    }
  }
}

function total(ranks: Readonly<Record<string, number>>): number {
  return Object.values(ranks).reduce((sum, rank) => sum + rank, 0);
}

function norm(row: ArrayLike<number>): number {
  return Math.hypot(...Array.from(row));
}

function cosine(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, i) => sum + value * b[i]!, 0) / (norm(a) * norm(b));
}

Deno.test("ranks move between modules while their total stays what it was", async () => {
  using trainer = await started(trainingRequest(executor, moving));
  const initial = 2 * moduleNames().length;
  assertEquals(total(trainer.ranks()), initial);
  const seen: Record<string, number> = { ...trainer.ranks() };
  let eventCount = 0;
  while (!trainer.isDone) {
    for (const event of ofKind(await trainer.next(), "ranks")) {
      eventCount++;
      assertEquals(event.budget, initial);
      assert(event.moved > 0, "an event moved nothing");
      for (const { module, from, to } of event.changes) {
        assertEquals(seen[module], from);
        seen[module] = to;
      }
    }
    assertEquals(trainer.ranks(), seen);
    assertEquals(total(trainer.ranks()), initial);
  }
  assertEquals(eventCount, 4);
  assert(new Set(Object.values(seen)).size > 1, "all modules ended with equal ranks");
});

Deno.test("an event leaves surviving slots and the head as they were, to the bit", async () => {
  // Without events, everything up to the first event is the same.
  const was = await runTo(executor, still, firstEvent);
  const is = await runTo(executor, moving, firstEvent);
  assertEquals(lossesOf(is.events), lossesOf(was.events));
  const [event] = ofKind(is.events, "ranks");
  assertEquals(event?.moved, 4);
  const names = Object.keys(was.after.vectors) as StateVector[];
  assertEquals(names, ["theta", "m", "v", "c1", "c2", "sensitivity", "uncertainty"]);

  let grown = 0;
  for (const module of moduleNames()) {
    const [old, now] = [was.after.order[module]!, is.after.order[module]!];
    // A row that was dropped may be taken by a new slot at once; a new E is at most 1e-13.
    const isFresh = (row: number) => Math.abs(is.row(module, "E", row)[0]!) <= 1e-13;
    const fresh = now.filter(isFresh);
    const kept = now.filter((row) => !isFresh(row));
    grown += fresh.length;
    // Survivors keep their order and come first.
    assertEquals(now, [...old.filter((row) => kept.includes(row)), ...fresh]);
    for (const name of names) {
      for (const part of parts) {
        for (let row = 0; row < is.after.capacities[module]!; row++) {
          if (name === "theta" && fresh.includes(row)) continue;
          const values = is.row(module, part, row, name);
          // The counters of rows that were never on run all the same; those of dropped and new rows start anew.
          const stays = kept.includes(row) || (!old.includes(row) && !now.includes(row));
          const wanted = stays ? was.row(module, part, row, name) : values.map(() => 0);
          assertBitEqual(values, wanted, `${name} of ${module} ${part} ${row}`);
        }
      }
    }
    for (const part of ["A", "B"]) {
      fresh.forEach((row, i) => {
        const own = is.row(module, part, row);
        assert(Math.abs(norm(own) - 1) < 1e-6, `a new row of ${part} has norm ${norm(own)}`);
        for (const other of [...kept, ...fresh.slice(0, i)]) {
          const found = cosine(own, is.row(module, part, other));
          assert(
            Math.abs(found) < 1e-5,
            `a new row of ${part} has cosine ${found} with an old one`,
          );
        }
      });
    }
  }
  assertEquals(grown, 4);
  assertWholesEqual(is, was);
});

Deno.test("a new slot takes a first step of the size of the learning rate, an old one goes on", async () => {
  const learningRate = 5e-3;
  const run: TinyRun = { ...moving, train: { learningRate, clipNorm: null } };
  const before = await runTo(executor, run, firstEvent);
  const after = await runTo(executor, run, firstEvent + 1);
  let checked = 0;
  for (const module of moduleNames()) {
    for (const row of before.after.order[module]!) {
      const scaleAt = (of: typeof before, name: StateVector) => of.row(module, "E", row, name)[0]!;
      const old = scaleAt(before, "theta");
      if (Math.abs(old) > 1e-13) {
        // After 6 steps of β1 = 0.9 and β2 = 0.999.
        assert(Math.abs(scaleAt(after, "c1") - (1 - 0.9 ** 6)) < 1e-6);
        assert(Math.abs(scaleAt(after, "c2") - (1 - 0.999 ** 6)) < 1e-7);
        continue;
      }
      checked++;
      const step = Math.abs(scaleAt(after, "theta") - old);
      assert(
        Math.abs(step / learningRate - 1) < 1e-3,
        `the E of a new slot of ${module} moved by ${step}, want ${learningRate}`,
      );
    }
  }
  assertEquals(checked, 4);
});

/** A method whose policy does what a script says: decisions by step (counted from 0). */
function scripted(
  method: BoundMethod,
  script: Readonly<Record<number, readonly RankAction[]>>,
): BoundMethod {
  const { adapter } = method;
  const rule: RankPolicy<Json> = {
    start: () => null,
    isDue: (_state, step) => script[step] !== undefined,
    decide: (state, step) => ({
      decision: { actions: script[step]! },
      state,
    }),
  };
  return { ...method, adapter: { ...adapter!, policy: { ...adapter!.policy!, rule } } };
}

Deno.test("growth past a module's room keeps what the network computes and all that was learned", async () => {
  const query = "layer.0.query";
  const grow = [query, query, query, "layer.1.output", query, query];
  const run = (script: Parameters<typeof scripted>[1]): TinyRun => ({
    method: "elalora",
    options: { regulariserWeight: 0 },
    train: { steps: 8, evaluateEvery: 4 },
    change: (method) => scripted(method, script),
  });
  const plain = await runTo(executor, run({}), 4);
  const grown = await runTo(executor, run({ 3: [{ type: "grow", modules: grow }] }), 4);
  assertEquals(grown.after.order["layer.0.query"], [0, 1, 2, 3, 4, 5, 6]);
  assertEquals(grown.after.order["layer.1.output"], [0, 1, 2]);
  assertEquals(grown.after.order["layer.1.query"], [0, 1]);
  const rooms = ({ after: { capacities } }: typeof plain) =>
    [query, "layer.1.output", "layer.1.key"].map((name) => capacities[name]);
  assertEquals(rooms(plain), [6, 6, 6]);
  assertEquals(rooms(grown), [12, 6, 6]);
  for (const module of moduleNames()) {
    for (const part of parts) {
      for (const name of Object.keys(plain.after.vectors) as StateVector[]) {
        for (const row of [0, 1]) {
          const what = `${name} of ${module} ${part} ${row}`;
          assertBitEqual(
            grown.row(module, part, row, name),
            plain.row(module, part, row, name),
            what,
          );
        }
      }
    }
  }
  assertWholesEqual(grown, plain);
  const [was] = ofKind(plain.events, "evaluation");
  const [is] = ofKind(grown.events, "evaluation");
  const [before, after] = [was!, is!].map(({ snapshot }) => snapshot.evaluations[0]!);
  assert(Math.abs(after!.loss - before!.loss) < 1e-6, `loss ${before!.loss} became ${after!.loss}`);
  assertEquals(after!.predictions, before!.predictions);
});

Deno.test("actions are done in order: an evaluation sees what is dropped after it, and each growth draws anew", async () => {
  const [module] = moduleNames() as readonly [string];
  const grow: RankAction = { type: "grow", modules: [module] };
  const actions: readonly RankAction[] = [
    { type: "evaluate" },
    { type: "drop", slots: [{ module, slot: 0 }] },
    grow,
    grow,
  ];
  const run: TinyRun = {
    method: "elalora",
    train: { steps: 6, evaluateEvery: 4 },
    change: (method) => {
      const { adapter, ...rest } = scripted(method, { 3: actions });
      // Rows that are drawn by name.
      return { ...rest, adapter: { ...adapter!, policy: { ...adapter!.policy!, growth: {} } } };
    },
  };
  const { events, after, row } = await runTo(executor, run, 4);
  assertEquals(after.order[module], [1, 0, 2]);
  // The evaluation that the settings ask for after this step is the one of the event.
  const evaluations = ofKind(events, "evaluation").map(({ snapshot }) => snapshot);
  assertEquals(evaluations.map(({ step, order }) => [step, order[module]]), [[4, [0, 1]]]);
  assertEquals(ofKind(events, "ranks").map(({ moved, changes }) => [moved, changes]), [
    [1, [{ module, from: 2, to: 3, score: ofKind(events, "ranks")[0]!.changes[0]!.score }]],
  ]);
  const rows = [0, 2].map((slot) => row(module, "A", slot));
  assert(rows.every((row) => row.some((value) => value !== 0)), "a new row was not drawn");
  assert(rows[0]!.join() !== rows[1]!.join(), "both growths drew the same row");
});

Deno.test("a decision that its policy's kind is not made for stops the run", async () => {
  const run: TinyRun = {
    method: "elalora",
    change: (method) => scripted(method, { 0: [{ type: "merge", ranks: {} }] }),
  };
  using trainer = await started(trainingRequest(executor, run));
  await assertRejects(() => trainer.next(), RangeError, 'Cannot do "merge" at a rank event');
});

Deno.test("snapshots from before a growth hold the same tensors after it", async () => {
  const grow = new Array(5).fill("layer.1.intermediate");
  const run: TinyRun = {
    method: "elalora",
    train: { steps: 8, evaluateEvery: 3 },
    change: (method) => scripted(method, { 4: [{ type: "grow", modules: grow }] }),
  };
  using trainer = await started(trainingRequest(executor, run));
  await trainTo(trainer, 4);
  const tensorsOf = ({ theta, order }: Snapshot) => exportTensors(trainer.assembly, theta, order);
  const { last: before } = await trainer.checkpoint();
  assertEquals(before!.step, 3);
  const wanted = tensorsOf(before!);
  const { size } = trainer.assembly.layout;
  await trainTo(trainer, 5);
  assert(trainer.assembly.layout.size > size, "no module outgrew its room");
  const { last, best } = await trainer.checkpoint();
  for (const snapshot of [last!, best!]) {
    assertEquals(snapshot.step, 3);
    assertEquals(snapshot.theta.length, trainer.assembly.layout.size);
    assertEquals(tensorsOf(snapshot), wanted);
  }
});

Deno.test("without moved ranks, ElaLoRA is the fixed-rank triple", async () => {
  const losses = async (run: TinyRun, on: Executor = executor) =>
    lossesOf((await runTo(on, run)).events);
  const bare = (room: (rank: number) => number): TinyRun => ({
    method: "adalora",
    options: { initialFactor: 1 },
    change: (method) => ({
      ...method,
      adapter: {
        ...method.adapter!,
        policy: {
          rule: { ...method.adapter!.policy!.rule, start: () => null, isDue: () => false },
          kind: "edit",
          capacity: room,
        },
      },
    }),
  });
  const moved = await losses(still);
  // The same room for the same products.
  assertEquals(await losses(bare((rank) => rank + 4)), moved);
  // Without spare room, in double precision: spare rows change no sum.
  const reference = new ReferenceExecutor();
  const few = { train: { steps: 4 } };
  const inDouble = await losses({ ...still, options: { b: 0 }, ...few }, reference);
  const exact = await losses({ ...bare((rank) => rank), ...few }, reference);
  exact.forEach((loss, i) =>
    assert(Math.abs(loss - inDouble[i]!) < 1e-9, `step ${i + 1}: ${loss} and ${inDouble[i]}`)
  );
});

Deno.test("upstream-reset forgets all moments and pins the rate at its peak", async () => {
  const run: TinyRun = {
    method: "elalora",
    options: { ...schedule, b: 4, optimizer: "upstream-reset" },
    // All of it would be warm-up.
    train: { schedule: "linear", warmup: 16, learningRate: 1e-3 },
  };
  const { events, after } = await runTo(executor, run, firstEvent);
  assertEquals(after.isRatePinned, true);
  for (const name of ["m", "v", "c1", "c2"] as const) {
    const vector = after.vectors[name]!;
    assertBitEqual(vector, new Float32Array(vector.length), name);
  }
  const wanted = [0, 1, 2, 3, 4].map((step) => 1e-3 * step / 16);
  assertEquals(ofKind(events, "step").map(({ learningRate }) => learningRate), wanted);
  const { events: all } = await runTo(executor, run, 9);
  assertEquals(
    ofKind(all, "step").slice(firstEvent).map(({ learningRate }) => learningRate),
    [1e-3, 1e-3, 1e-3, 1e-3],
  );
});
