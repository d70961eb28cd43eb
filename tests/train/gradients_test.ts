/** The gradients, the regulariser and the importance of whole training steps, in double precision. */
import { assert, assertEquals } from "@std/assert";
import { RandomStream } from "../../src/base/random.ts";
import { nativeExecutor } from "../../src/exec/native.ts";
import { ReferenceExecutor } from "../../src/exec/reference.ts";
import { type HostTensor, interpret } from "../../src/graph/mod.ts";
import {
  type Importance,
  slotScore,
  updateImportance,
  zeroImportance,
} from "../../tools/traces/importance.ts";
import { firstBatch } from "../../src/tasks/batches.ts";
import { assemble, type Assembly, fedName } from "../../src/train/assemble.ts";
import {
  batchDims,
  dropoutFeeds,
  DropoutPools,
  inputFeeds,
  poolsFor,
  slotFeeds,
  targetFeeds,
} from "../../src/train/feeds.ts";
import { groupParameter, initialOrder, sliceOf, type SlotOrder } from "../../src/train/slots.ts";
import { slotScoresOf } from "../../src/train/policy_view.ts";
import { initialVectors } from "../../src/train/vectors.ts";
import {
  assertBitEqual,
  moduleNames,
  oneLayer,
  rowOf,
  started,
  type TinyRun,
  trainingRequest,
  trainTo,
} from "./fixture.ts";

type Vectors = Readonly<Record<string, Float64Array>>;

/** A run's first batch as a function of the state. */
interface Bench {
  readonly assembly: Assembly;
  readonly order: SlotOrder;
  /** Fresh vectors, with E and B that are not zero. */
  readonly start: Vectors;
  /** One step; the outputs by name. */
  readonly step: (
    vectors: Vectors,
    read: readonly string[],
    rates?: { readonly sensitivity: number; readonly uncertainty: number },
  ) => Vectors;
}

const learningRate = 0.01;

function bench(run: TinyRun, key = 12345): Bench {
  const request = trainingRequest(new ReferenceExecutor(), run);
  const assembly = assemble(request.assembly);
  const order = initialOrder(
    request.assembly.ranks.map(({ module, rank }) => ({ name: module.name, rank })),
  );
  const { batch } = request.stages[0]!.batches.next(firstBatch);
  const fresh = initialVectors(assembly, request.assembly.encoder, order, RandomStream.fromSeed(4));
  const start = Object.fromEntries(
    Object.entries(fresh).map(([name, vector]) => [name, Float64Array.from(vector)]),
  );
  const stream = RandomStream.fromSeed(8);
  const { adapter } = request.assembly.method;
  const fed = Object.entries(
    adapter?.step?.feeds?.({
      step: 0,
      totalSteps: 16,
      learningRate,
      ranks: request.assembly.ranks.map(({ rank }) => rank),
      stream: stream.fork("fed"),
    }) ??
      {},
  ).map(([name, value]) => [fedName(name), value] as const);
  for (const group of assembly.groups) {
    const { offset } = sliceOf(assembly.layout, groupParameter(group));
    group.modules.forEach(({ name }, m) => {
      for (const row of order[name]!) {
        const from = offset + (m * group.capacity + row) * group.rowLength;
        for (let i = from; i < from + group.rowLength; i++) {
          start["theta"]![i] = stream.normal() * 0.3;
        }
      }
    });
  }
  const host = (data: Float64Array, shape: readonly number[]): HostTensor => ({
    type: "f32",
    shape,
    data,
  });
  return {
    assembly,
    order,
    start,
    step: (vectors, read, rates = { sensitivity: 0.15, uncertainty: 0.15 }) => {
      const number = (value: number) => host(Float64Array.of(value), []);
      const feeds = {
        ...Object.fromEntries(
          Object.entries(vectors).map(([name, data]) => [name, host(data, [data.length])]),
        ),
        ...inputFeeds(assembly, batch),
        ...targetFeeds(batch),
        ...dropoutFeeds(assembly, batch, key),
        ...Object.fromEntries(
          poolsFor(assembly, batch).map((pool) => [
            pool.name,
            new DropoutPools().of(pool, assembly.dropout, key),
          ]),
        ),
        ...slotFeeds(assembly, order),
        ...Object.fromEntries(fed),
        gate: host(new Float64Array(assembly.layout.size).fill(1), [assembly.layout.size]),
        learningRate: number(learningRate),
        sensitivityRate: number(rates.sensitivity),
        uncertaintyRate: number(rates.uncertainty),
      };
      const found = interpret(assembly.stepProgram, feeds, batchDims(batch), read);
      return Object.fromEntries(Object.entries(found).map(([name, { data }]) => [name, data]));
    },
  };
}

/** The clipped gradient, from a step that starts with m = 0. */
function gradientOf({ start, step }: Bench): Float64Array {
  return step(start, ["m.next"])["m.next"]!.map((value) => value / (1 - 0.9));
}

const runs: readonly TinyRun[] = [
  { method: "lora", options: { scaling: "alpha/sqrt(r)" } },
  { method: "adalora", options: { regulariser: "squared" } },
  { method: "elalora", options: { regulariser: "unsquared" } },
  { method: "elalora", options: { regulariser: "squared", regulariserWeight: 0.02 } },
  { method: "dylora" },
  { method: "sora" },
  { method: "beamlora" },
  { method: "bitfit" },
].map((run, i) => ({
  ...run,
  // Each entry costs two steps. A part of each method is stacked over layers as over modules: one run has two.
  ...(i === 3 ? {} : { encoder: oneLayer }),
  longest: 8,
  train: { clipNorm: null, batchSize: 2 },
}));

for (const run of runs) {
  const label = [run.method, run.options?.["regulariser"]].filter((part) => part).join(", ");
  Deno.test(`${label}: gradients are those of finite differences, dropout included`, () => {
    const subject = bench(run);
    const gradient = gradientOf(subject);
    const { assembly, order, start, step } = subject;
    const outputs = [
      "loss",
      ...(assembly.stepProgram.outputs.has("regulariser") ? ["regulariser"] : []),
    ];
    const objective = (theta: Float64Array) =>
      Object.values(step({ ...start, theta }, outputs)).reduce((sum, data) => sum + data[0]!, 0);
    // An entry of each part of each module, and of some whole parameters.
    const stream = RandomStream.fromSeed(2);
    const adapters = assembly.groups.flatMap((group) => {
      const { offset } = sliceOf(assembly.layout, groupParameter(group));
      return group.modules.map(({ name }, m) => {
        const rows = order[name]!;
        const row = rows[stream.int(rows.length)]!;
        return offset + (m * group.capacity + row) * group.rowLength + stream.int(group.rowLength);
      });
    });
    const wholes = [...assembly.parameters.keys()].filter((_, i) => i % 4 === 0).map((name) => {
      const { offset, size } = sliceOf(assembly.layout, name);
      return offset + stream.int(size);
    });
    const scale = gradient.reduce((top, value) => Math.max(top, Math.abs(value)), 0);
    assert(scale > 1e-3, `the largest gradient is ${scale}`);
    for (const at of [...adapters, ...wholes]) {
      const moved = (by: number) => {
        const theta = start["theta"]!.slice();
        theta[at]! += by;
        return objective(theta);
      };
      const h = 1e-5;
      const wanted = (moved(h) - moved(-h)) / (2 * h);
      assert(
        Math.abs(gradient[at]! - wanted) < 1e-7 + 1e-5 * Math.abs(wanted),
        `entry ${at}: found ${gradient[at]}, want ${wanted}`,
      );
    }
  });
}

for (const regulariser of ["unsquared", "squared"]) {
  Deno.test(`rows that are off get no gradient and stay zero (${regulariser} regulariser)`, () => {
    const options = { regulariser, maskInterval: 2 };
    const subject = bench({
      method: "elalora",
      options,
      encoder: oneLayer,
      longest: 8,
      train: { weightDecay: 0.1, batchSize: 2 },
    });
    const gradient = gradientOf(subject);
    const { "theta.next": theta, "m.next": m, "v.next": v } = subject.step(subject.start, [
      "theta.next",
      "m.next",
      "v.next",
    ]);
    const { assembly, order } = subject;
    let off = 0;
    for (const group of assembly.groups) {
      const { offset } = sliceOf(assembly.layout, groupParameter(group));
      group.modules.forEach(({ name }, index) => {
        for (let row = 0; row < group.capacity; row++) {
          const from = offset + (index * group.capacity + row) * group.rowLength;
          const cut = (vector: Float64Array) => vector.subarray(from, from + group.rowLength);
          const what = `${name} ${group.part.name} ${row}`;
          if (order[name]!.includes(row)) {
            assert(cut(gradient).some((value) => value !== 0), `${what} is on`);
            continue;
          }
          off++;
          for (const vector of [gradient, theta!, m!, v!]) {
            assert(cut(vector).every((value) => value === 0), `${what} is off`);
          }
        }
      });
    }
    // Four spare rows in each of three parts of each module.
    assertEquals(off, 4 * 3 * moduleNames(oneLayer.config).length);
  });
}

Deno.test("importance in the graph is that of plain arithmetic, and so are slot scores", () => {
  const beta1 = 0.85, beta2 = 0.7;
  const { assembly, order, start, step } = bench({
    method: "elalora",
    options: { maskInterval: 2 },
    longest: 8,
    train: { batchSize: 2 },
  });
  const size = assembly.adapterSize;
  let state = start;
  let wanted: Importance = zeroImportance(size);
  for (let i = 0; i < 4; i++) {
    const names = assembly.stateVectors.map((name) => `${name}.next`);
    const found = step(state, names, { sensitivity: 1 - beta1, uncertainty: 1 - beta2 });
    const next = Object.fromEntries(
      assembly.stateVectors.map((name) => [name, found[`${name}.next`]!]),
    );
    const clipped = next["m"]!.map((value, at) => (value - 0.9 * state["m"]![at]!) / (1 - 0.9));
    wanted = updateImportance(
      wanted,
      next["theta"]!.subarray(0, size),
      clipped.subarray(0, size),
      beta1,
      beta2,
    );
    for (const name of ["sensitivity", "uncertainty"] as const) {
      const top = wanted[name].reduce((most, value) => Math.max(most, value), 0);
      next[name]!.forEach((value, at) =>
        assert(
          Math.abs(value - wanted[name][at]!) < 1e-9 * top,
          `${name}[${at}] of step ${i + 1}: found ${value}, want ${wanted[name][at]}`,
        )
      );
    }
    state = next;
  }
  const statistics = {
    sensitivity: Float32Array.from(state["sensitivity"]!),
    uncertainty: Float32Array.from(state["uncertainty"]!),
  };
  const part = (module: string, name: string, row: number): Importance => ({
    sensitivity: Float64Array.from(rowOf(assembly, statistics.sensitivity, module, name, row)),
    uncertainty: Float64Array.from(rowOf(assembly, statistics.uncertainty, module, name, row)),
  });
  const scores = slotScoresOf(assembly, order, statistics);
  assertEquals(scores.map(({ module }) => module), moduleNames());
  for (const { module, scores: own } of scores) {
    own.forEach((score, slot) => {
      const row = order[module]![slot]!;
      const [a, e, b] = ["A", "E", "B"].map((name) => part(module, name, row));
      const want = slotScore({ a: a!, e: e!, b: b! });
      assert(
        want > 0 && Math.abs(score / want - 1) < 1e-12,
        `${module} ${slot}: ${score}, ${want}`,
      );
    });
  }
});

Deno.test("frozen rates leave the averages as they are, to the bit", async () => {
  const executor = await nativeExecutor(1);
  const schedule = { initWarmup: 2, finalWarmup: 6, maskInterval: 2 };
  for (
    const run of [{ method: "adalora", options: schedule }, {
      method: "elalora",
      options: schedule,
    }]
  ) {
    using trainer = await started(trainingRequest(executor, run));
    await trainTo(trainer, 9);
    const earlier = await trainer.checkpoint();
    await trainTo(trainer, 10);
    const frozen = await trainer.checkpoint();
    await trainTo(trainer);
    const end = await trainer.checkpoint();
    for (const name of ["sensitivity", "uncertainty"] as const) {
      assertBitEqual(end.vectors[name]!, frozen.vectors[name]!, `${name} of ${run.method}`);
      const isMoved = frozen.vectors[name]!.some((value, i) => value !== earlier.vectors[name]![i]);
      assert(isMoved, `${name} of ${run.method} did not move before the last phase`);
    }
  }
});
