/** SD-LoRA: what is frozen when a task ends, what its magnitudes do, and how directions are expressed by earlier ones. */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { RandomStream } from "../../src/base/random.ts";
import {
  constant,
  gemm,
  grad,
  type HostTensor,
  input,
  interpret,
  makeProgram,
  mul,
  reduceSum,
  reshape,
  type Tensor,
} from "../../src/graph/mod.ts";
import { costsOf, evaluationPass, isOfWeights, type Pass } from "../../src/methods/adapter.ts";
import { sdlora } from "../../src/methods/sdlora.ts";
import { type Direction, innerProduct } from "../../src/methods/factored_directions.ts";
import { Trainer } from "../../src/train/trainer.ts";
import { withoutModules } from "../../src/train/vectors.ts";
import {
  assertBitEqual,
  lossesOf,
  moduleNames,
  ofKind,
  rowOf,
  started,
  type TinyRun,
  trainTo,
} from "../train/fixture.ts";
import { sequenceRequest } from "../train/sequence_fixture.ts";
import {
  assertAblates,
  assertMerges,
  assertResumes,
  ended,
  executor,
  logitsOf,
} from "./adapted_runs.ts";
import { assertAlmost, assertClose, doubles, numericGradient, valuesOf } from "../graph/numbers.ts";

/** Two tasks of 6 steps each. */
const run: TinyRun = {
  method: "sdlora",
  train: { learningRate: 2e-2, steps: 6, weightDecay: 0.1 },
};

function withOptions(options: TinyRun["options"]): TinyRun {
  return { ...run, ...(options === undefined ? {} : { options }) };
}

Deno.test("a part of the update is alpha of its task times its factor", () => {
  const adapter = sdlora.bind(sdlora.parseOptions({})).adapter!;
  assert(isOfWeights(adapter));
  const host = (shape: number[], data: number[]) => constant(doubles(data, shape));
  const { A, B } = adapter.prepare(
    {
      A: host([1, 3, 2], [1, 2, 3, 4, 5, 6]),
      B: host([1, 3, 1], [1, 1, 1]),
      task: host([1, 3, 1], [0, 2, 1]),
      live: host([1, 3, 1], [0, 1, 0]),
      factor: host([1, 3, 1], [0.5, 1, 2]),
      alpha: host([1, 1, 3], [10, 20, 30]),
    },
    1,
    evaluationPass,
  );
  // 10 · 0.5, 30 · 1 and 20 · 2.
  assertEquals(valuesOf({ A, B }).A, [5, 10, 90, 120, 200, 240]);
});

async function twoTasks(of: TinyRun) {
  const trainer = await Trainer.create(sequenceRequest(executor, of), null);
  const opening = trainer.activeParameters();
  const first = trainer.assembly;
  const early = await trainTo(trainer, 5);
  const before = await trainer.checkpoint();
  const mid = await trainTo(trainer, 6);
  const frozen = await trainer.checkpoint();
  const late = await trainTo(trainer);
  const end = await trainer.checkpoint();
  return {
    trainer,
    opening,
    first,
    before,
    frozen,
    end,
    events: [...early, ...mid, ...late],
  };
}

for (const options of [{}, { alphaPer: "module" }, { normaliseCurrent: true }]) {
  Deno.test(`a later task leaves earlier factors alone and learns their magnitudes: ${JSON.stringify(options)}`, async () => {
    const { trainer, frozen, end, before, first } = await twoTasks(withOptions(options));
    const { assembly } = trainer;
    for (const module of moduleNames()) {
      const row = (at: typeof end, part: string, slot: number, vector: "theta" | "m" = "theta") =>
        rowOf(assembly, at.vectors[vector]!, module, part, slot);
      for (const part of ["A", "B"]) {
        for (const slot of [0, 1]) {
          assertBitEqual(row(end, part, slot), row(frozen, part, slot), `${part}${slot}`);
          assert(row(end, part, slot, "m").every((m) => m === 0));
          assert(
            rowOf(first, before.vectors.theta!, module, part, slot)
              .some((value, i) => value !== row(end, part, slot)[i]),
            "the last step of the first task was not trained",
          );
        }
        for (const slot of [2, 3]) {
          assert(row(end, part, slot).some((value, i) => value !== row(frozen, part, slot)[i]));
        }
      }
      assertEquals([0, 1, 2, 3].map((slot) => row(end, "task", slot)[0]), [0, 0, 1, 1]);
      assertEquals([0, 1, 2, 3].map((slot) => row(end, "live", slot)[0]), [0, 0, 1, 1]);
    }
    const owner = moduleNames()[0]!;
    const alpha = (at: typeof end) => rowOf(assembly, at.vectors.theta!, owner, "alpha", 0);
    assert(alpha(end)[0] !== alpha(frozen)[0]);
    assert(alpha(end)[1] !== alpha(frozen)[1]);
    assertEquals(alpha(frozen)[1], 1);
    trainer.dispose();
  });
}

Deno.test("directions are divided by the norm of their product when they are frozen", async () => {
  const { trainer, frozen } = await twoTasks(run);
  for (const module of moduleNames()) {
    const row = (part: string, slot: number) =>
      rowOf(trainer.assembly, frozen.vectors.theta!, module, part, slot);
    // The whole product, as the formula is printed.
    let squares = 0;
    const [a, b] = [[0, 1].map((slot) => row("A", slot)), [0, 1].map((slot) => row("B", slot))];
    for (let o = 0; o < b[0]!.length; o++) {
      for (let i = 0; i < a[0]!.length; i++) {
        squares += (a[0]![i]! * b[0]![o]! + a[1]![i]! * b[1]![o]!) ** 2;
      }
    }
    for (const slot of [0, 1]) {
      assertAlmostEquals(row("factor", slot)[0]! * Math.sqrt(squares), 1, 1e-5);
    }
    assertEquals([2, 3].map((slot) => row("factor", slot)[0]), [1, 1]);
  }
  trainer.dispose();
});

/** The logits right before and right after the first task ends. */
async function acrossTheEnd(options: TinyRun["options"]): Promise<number> {
  const whole = withOptions(options);
  // Without a second task, nothing is frozen: the same numbers as right before.
  const still: TinyRun = {
    ...whole,
    change: (method) => ({ ...method, adapter: { ...method.adapter!, policy: null } }),
  };
  const [at, kept] = [
    await Trainer.create(sequenceRequest(executor, whole), null),
    await Trainer.create(sequenceRequest(executor, still), null),
  ];
  const logits: (readonly number[])[] = [];
  for (const trainer of [at, kept]) {
    await trainTo(trainer, 6);
    logits.push(await logitsOf(trainer, whole, (await trainer.checkpoint()).vectors.theta!));
    trainer.dispose();
  }
  return Math.max(...logits[0]!.map((value, i) => Math.abs(value - logits[1]![i]!)));
}

Deno.test("freezing changes outputs where a magnitude is shared, and not where each module has one", async () => {
  const jump = await acrossTheEnd({});
  assert(jump > 0.05, `a shared magnitude jumps by ${jump}`);
  const own = await acrossTheEnd({ alphaPer: "module" });
  assert(own < 1e-4, `magnitudes by module jump by ${own}`);
  const folded = await acrossTheEnd({ foldNorms: true });
  assert(folded < jump && folded > own, `${folded}, ${jump}, ${own}`);
});

Deno.test("as printed, freezing changes nothing but for the next direction, drawn near zero and divided", async () => {
  const { trainer, frozen } = await twoTasks(withOptions({ normaliseCurrent: true }));
  const { assembly } = trainer;
  const [module] = moduleNames();
  const rows = (part: string, slots: readonly number[]) =>
    slots.map((slot) => rowOf(assembly, frozen.vectors.theta!, module!, part, slot));
  const next: Direction = { A: rows("A", [2, 3]), B: rows("B", [2, 3]), factor: 1 };
  const norm = Math.sqrt(innerProduct(next, next));
  assert(norm > 0 && norm < 0.1, `${norm}`);
  const adapter = assembly.adapter!;
  assert(isOfWeights(adapter));
  const host = (part: string, slots: readonly number[]) => {
    const own = rows(part, slots);
    return constant(doubles(own.flatMap((row) => [...row]), [1, own.length, own[0]!.length]));
  };
  const all = [0, 1, 2, 3];
  const { A, B } = adapter.prepare(
    Object.fromEntries([
      ...["A", "B", "task", "live", "factor"].map((part) => [part, host(part, all)]),
      ["alpha", host("alpha", [0])],
    ]),
    1,
    evaluationPass,
  );
  const made = valuesOf({ A, B });
  const split = (name: "A" | "B", slot: number) => {
    const width = made[name].length / all.length;
    return made[name].slice(slot * width, (slot + 1) * width);
  };
  const alpha = rows("alpha", [0])[0]!;
  [[0, 1], [2, 3]].forEach((slots, task) => {
    const own = {
      A: slots.map((slot) => split("A", slot)),
      B: slots.map((slot) => split("B", slot)),
      factor: 1,
    };
    assertAlmostEquals(Math.sqrt(innerProduct(own, own)), Math.abs(alpha[task]!), 1e-5);
  });
  trainer.dispose();
});

Deno.test("in its first task it is LoRA with the scale alpha of that task", async () => {
  // LoRA draws and trains the same numbers when the magnitude is held at 1.
  const held: TinyRun = {
    ...run,
    change: (method) => ({
      ...method,
      adapter: {
        ...method.adapter!,
        parts: method.adapter!.parts.map((part) =>
          part.name === "alpha" ? { ...part, isTrained: false } : part
        ),
      },
    }),
  };
  const lora: TinyRun = {
    ...run,
    method: "lora",
    options: { alpha: 2 },
    change: (method) => ({
      ...method,
      adapter: {
        ...method.adapter!,
        parts: method.adapter!.parts.map((part) => ({ ...part, decay: false })),
      },
    }),
  };
  const losses: (readonly number[])[] = [];
  for (const each of [held, lora]) {
    using trainer = await started(sequenceRequest(executor, each));
    losses.push(lossesOf(await trainTo(trainer, 5)));
  }
  assertAlmost(losses[0]!, losses[1]!, 1e-6);
});

for (const options of [{}, { alphaPer: "module" }, { normaliseCurrent: true }]) {
  Deno.test(`a run resumes across the end of a task, merges and ablates: ${JSON.stringify(options)}`, async () => {
    const long = { ...run, train: { ...run.train, learningRate: 5e-2, steps: 8 } };
    using whole = await ended({ ...long, options }, sequenceRequest);
    await assertMerges(whole);
    await assertAblates(whole);
    await assertResumes(whole, [5, 8, 10]);
  });
}

Deno.test("what a task trains is counted: its factors and all magnitudes", async () => {
  const { trainer, opening, end, events } = await twoTasks(run);
  const modules = trainer.assembly.modules.map(({ module }) => module);
  const factors = modules.reduce((sum, { inSize, outSize }) => sum + 2 * (inSize + outSize), 0);
  assertEquals([opening, trainer.activeParameters()], [factors + 1, factors + 2]);
  assertEquals(end.peakParameters, factors + 2);
  assertEquals(Object.values(trainer.ranks()), modules.map(() => 4));
  const { perRank, perModule, perAdapter } = costsOf(trainer.assembly.adapter!);
  const [module] = modules as [typeof modules[0] & object];
  assertEquals([perModule(module), perAdapter?.(module)], [0, 1]);
  assertEquals(perRank(module), module.inSize + module.outSize);
  const [event, ...others] = ofKind(events, "ranks");
  assertEquals(others, []);
  assertEquals([event!.step, event!.moved, event!.budget], [6, 0, 4 * modules.length]);
  // The evaluation after the first task is of what it learned, and comes before the event.
  const kinds = events.slice(0, events.indexOf(event!)).map(({ kind }) => kind);
  assertEquals(kinds.at(-1), "evaluation");
  trainer.dispose();
  const each = await twoTasks(withOptions({ alphaPer: "module" }));
  assertEquals(
    [each.opening, each.trainer.activeParameters()],
    [factors + modules.length, factors + 2 * modules.length],
  );
  each.trainer.dispose();
});

Deno.test("switching a module off leaves the magnitudes that others share", async () => {
  const { trainer, end } = await twoTasks(run);
  const { assembly } = trainer;
  const [module, other] = moduleNames() as [string, string];
  const off = withoutModules(assembly, end.vectors.theta!, [module]);
  const alpha = (theta: Float32Array) => rowOf(assembly, theta, module, "alpha", 0);
  assertBitEqual(alpha(off), alpha(end.vectors.theta!), "alpha");
  assert(rowOf(assembly, off, module, "A", 0).every((value) => value === 0));
  const kept = rowOf(assembly, end.vectors.theta!, other, "A", 0);
  assertBitEqual(rowOf(assembly, off, other, "A", 0), kept, "A");
  trainer.dispose();
});

Deno.test("a task with magnitudes set anew starts all of them at 0.8", async () => {
  const { trainer, frozen } = await twoTasks(withOptions({ alphas: "upstream" }));
  const [module] = moduleNames();
  const alpha = rowOf(trainer.assembly, frozen.vectors.theta!, module!, "alpha", 0);
  assertEquals(Array.from(alpha), [Math.fround(0.8), Math.fround(0.8)]);
  trainer.dispose();
});

const trainingPass: Pass = { ...evaluationPass, mode: "training" };

for (const options of [{}, { normaliseCurrent: true }]) {
  Deno.test(`gradients equal finite differences, and are zero for what is frozen: ${JSON.stringify(options)}`, () => {
    const adapter = sdlora.bind(sdlora.parseOptions(options)).adapter!;
    assert(isOfWeights(adapter));
    const stream = RandomStream.fromSeed(5);
    const fed: Readonly<Record<string, HostTensor>> = {
      A: doubles(stream.normals(12), [1, 3, 4]),
      B: doubles(stream.normals(15), [1, 3, 5]),
      task: doubles([0, 1, 1], [1, 3, 1]),
      live: doubles([0, 1, 1], [1, 3, 1]),
      factor: doubles([0.4, 1, 1], [1, 3, 1]),
      alpha: doubles([0.7, 1.3, 1], [1, 1, 3]),
    };
    const inputs = Object.fromEntries(
      Object.entries(fed).map(([name, { shape }]) => [name, input(name, shape)]),
    );
    const { A, B } = adapter.prepare(inputs, 1, trainingPass);
    const update = gemm(reshape(B, [3, 5]), reshape(A, [3, 4]), { transA: true });
    const weights = constant(doubles(stream.normals(20), [5, 4]));
    const loss: Tensor = reduceSum(mul(mul(update, update), weights));
    const trained = ["A", "B", "alpha"];
    const gradients = grad(loss, trained.map((name) => inputs[name]!));
    const program = makeProgram({
      loss,
      ...Object.fromEntries(trained.map((name, i) => [name, gradients[i]!])),
    });
    const found = interpret(program, fed);
    for (const name of trained) {
      const width = fed[name]!.shape[2]!;
      const numeric = numericGradient(program, fed, name);
      const own = Array.from(found[name]!.data, Number);
      // The first slot is frozen; the third task has no slot yet.
      const isStill = own.map((_, i) => name === "alpha" ? i === 2 : i < width);
      assertClose(own, numeric.map((value, i) => isStill[i] ? 0 : value), 1e-6, name);
      assert(own.every((value, i) => isStill[i] || value !== 0));
    }
  });
}
