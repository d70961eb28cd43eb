/** RAC-LoRA and XGBLoRA from start to end: what a merge leaves as it was, what it starts anew, and what is kept. */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { ReferenceExecutor } from "../../src/exec/reference.ts";
import { findMethod } from "../../src/methods/table.ts";
import { mergedWeight } from "../../src/methods/weight_update.ts";
import { bert } from "../../src/models/bert.ts";
import { targetModules } from "../../src/models/config.ts";
import { assemble } from "../../src/train/assemble.ts";
import { exportTensors, mergedRanks } from "../../src/train/stored_tensors.ts";
import { debertaModel } from "../models/deberta_fixture.ts";
import { goldenModel } from "../models/fixture.ts";
import {
  assertBitEqual,
  moduleNames,
  noDropout,
  ofKind,
  rowOf,
  started,
  type TinyRun,
  trainingRequest,
  trainTo,
} from "../train/fixture.ts";
import { assertMerges, assertResumes, ended, executor, logitsOf } from "./adapted_runs.ts";
import { sliceOf } from "../../src/train/slots.ts";

const modules = targetModules(goldenModel().config);

/** Merges after steps 5, 10 and 15 of 16. */
const rac: TinyRun = {
  method: "raclora",
  options: { blockSteps: 5, rewarmup: 2, alpha: 8 },
  train: { evaluateEvery: 5, weightDecay: 0.01, learningRate: 0.02 },
};

const sideB: TinyRun = { ...rac, options: { ...rac.options, frozenSide: "B" } };

/** Merges after steps 4, 8, 12 and, of 17 steps, 16; boosters in one layer of two, as a budget of rank 1/2 pays for. */
const xgb: TinyRun = {
  method: "xgblora",
  options: { kappa: 4, lambda: 0.01 },
  rank: 1,
  finalTotal: modules.length / 2,
  train: { evaluateEvery: 5, learningRate: 0.05, steps: 17 },
};

const deberta = debertaModel("shared", 2);

const cases = [
  { title: "RAC-LoRA, A frozen", run: rac, length: 5, blocks: 3, longer: { blockSteps: 16 } },
  { title: "RAC-LoRA, B frozen", run: sideB, length: 5, blocks: 3, longer: { blockSteps: 16 } },
  { title: "XGBLoRA", run: xgb, length: 4, blocks: 4, longer: { kappa: 16 } },
];

for (
  const { title, run, length, longer } of [
    ...cases,
    // Its queries and keys also project positions, so that their weights are fed twice.
    { ...cases[0]!, title: "RAC-LoRA on DeBERTa", run: { ...rac, encoder: deberta } },
  ]
) {
  Deno.test(`${title}: a merge leaves outputs as they were and starts the adapter anew`, async () => {
    const states = await Promise.all([run, { ...run, options: { ...run.options, ...longer } }].map(
      async (own) => {
        using trainer = await started(trainingRequest(executor, own));
        await trainTo(trainer, length);
        const checkpoint = await trainer.checkpoint();
        const logits = await logitsOf(trainer, own, checkpoint.vectors.theta!);
        const { adapterSize } = trainer.assembly;
        const bare = checkpoint.vectors.theta!.slice().fill(0, 0, adapterSize);
        const others = await logitsOf(trainer, own, bare);
        return { checkpoint, logits, others, adapterSize };
      },
    ));
    // The second has trained the same steps, but its block goes on.
    const after = states[0]!, before = states[1]!;
    assertEquals([after.checkpoint.history.length, before.checkpoint.history.length], [1, 0]);
    assertEquals(after.checkpoint.history[0]!.step, length);
    const effect = before.logits.map((value, i) => Math.abs(value - before.others[i]!));
    assert(Math.max(...effect) > 0.05, `the block changes logits by ${Math.max(...effect)}`);
    after.logits.forEach((value, i) =>
      assertAlmostEquals(value, before.logits[i]!, 2e-6, `logit ${i}`)
    );
    for (const name of ["m", "v", "c1", "c2"] as const) {
      const [now, then] = [after, before].map(({ checkpoint }) => checkpoint.vectors[name]!);
      const rows = now!.subarray(0, after.adapterSize);
      assert(rows.every((value) => value === 0), `${name} of the adapter was kept`);
      const head = now!.subarray(after.adapterSize);
      assertBitEqual(head, then!.subarray(after.adapterSize), `${name} of the head`);
      assert(head.some((value) => value !== 0), `${name} of the head is zero`);
    }
  });
}

for (const { title, run, length, blocks } of cases) {
  Deno.test(`${title}: a run resumes to the bit and merges as one LoRA of all blocks`, async () => {
    using whole = await ended(run);
    const { history, order, vectors, last, best, openingRanks } = whole.end;
    assertEquals(ofKind(whole.events, "ranks").length, blocks);
    assertEquals([history.length, last!.merged], [blocks, blocks]);
    assert(best!.merged <= history.length);
    assertEquals(Object.keys(openingRanks), moduleNames());
    const merged = mergedRanks(history);
    const tensors = exportTensors(whole.trainer.assembly, vectors.theta!, order, history);
    const adapters = tensors.filter(({ name }) => name.startsWith("layer."));
    assertEquals(adapters.length, 2 * modules.length);
    for (const { name, shape } of adapters) {
      const module = name.slice(0, name.lastIndexOf("."));
      assertEquals(shape[0], (merged[module] ?? 0) + order[module]!.length, name);
    }
    await assertMerges(whole);
    // Within the first block, right after a merge, after a merge and an evaluation, and within a later block.
    await assertResumes(whole, [3, length, 10, 13]);
  });
}

for (const run of [rac, sideB]) {
  const [frozen, trained] = run === rac ? ["A", "B"] as const : ["B", "A"] as const;
  Deno.test(`RAC-LoRA: ${frozen} is drawn as LoRA draws A, has no gradient, and is drawn anew`, async () => {
    using trainer = await started(trainingRequest(executor, run));
    const { assembly } = trainer;
    const start = await trainer.checkpoint();
    await trainTo(trainer, 4);
    const later = await trainer.checkpoint();
    await trainTo(trainer, 5);
    const next = await trainer.checkpoint();
    const seen = { largest: 0, squares: 0, count: 0 };
    for (const { name, inSize, outSize } of modules) {
      const size = frozen === "A" ? inSize : outSize;
      for (const row of [0, 1]) {
        const at = (of: typeof start, part: string, vector: "theta" | "m" | "v" = "theta") =>
          rowOf(assembly, of.vectors[vector]!, name, part, row);
        assertBitEqual(at(later, frozen), at(start, frozen), name);
        assert([...at(later, frozen, "m"), ...at(later, frozen, "v")].every((m) => m === 0));
        assert(at(start, trained).every((value) => value === 0));
        assert(at(later, trained).some((value) => value !== 0));
        assert(at(next, trained).every((value) => value === 0));
        assert(at(next, frozen).every((value, i) => value !== at(start, frozen)[i]));
        for (const value of [...at(start, frozen), ...at(next, frozen)]) {
          seen.largest = Math.max(seen.largest, Math.abs(value) * Math.sqrt(size));
          seen.squares += value * value * size;
          seen.count++;
        }
      }
    }
    // Uniform on ±1/√size: a variance of 1/3 of that.
    assert(seen.largest <= 1 && seen.largest > 0.95, `${seen.largest}`);
    assertAlmostEquals(seen.squares / seen.count, 1 / 3, 0.02);
  });
}

/** The gradient of a parameter before clipping, from the first moment after one step: m = (1 − β₁)g. */
async function firstMoments(run: TinyRun) {
  using trainer = await started(trainingRequest(new ReferenceExecutor(), run));
  const { assembly } = trainer;
  const before = await trainer.checkpoint();
  await trainTo(trainer, 1);
  const { vectors } = await trainer.checkpoint();
  return { assembly, before, m: vectors.m! };
}

Deno.test("RAC-LoRA: a plain gradient step from A = 0, merged, is W − η(α/r)² B_S B_Sᵀ ∇f", async () => {
  const train = {
    clipNorm: null,
    evaluateEvery: null,
    weightDecay: 0,
    dropout: noDropout,
  };
  // The gradient of whole weights is that of full fine-tuning; the head starts alike.
  const whole = await firstMoments({ method: "full", train });
  const adapted = await firstMoments({ ...sideB, train });
  const [eta, rank, factor] = [0.1, 2, 8 / 2];
  for (const { name, layer, part, inSize, outSize } of modules) {
    const path = bert.modulePath(layer, part);
    const { offset } = sliceOf(whole.assembly.layout, `${path}.weight`);
    const gradient = whole.m.subarray(offset, offset + outSize * inSize).map((m) => m / 0.1);
    const rowsOf = (vector: Float32Array, which: string) =>
      [0, 1].map((row) => rowOf(adapted.assembly, vector, name, which, row));
    const B = rowsOf(adapted.before.vectors.theta!, "B");
    const A = rowsOf(adapted.m, "A").map((row) => row.map((m) => -eta * m / 0.1));
    const weight = goldenModel().tensors.get(`${path}.weight`)!;
    const stepped = mergedWeight(weight, {
      path,
      scale: factor,
      A: { shape: [rank, inSize], data: Float32Array.from(A.flatMap((row) => [...row])) },
      B: {
        shape: [outSize, rank],
        data: Float32Array.from(
          { length: outSize * rank },
          (_, i) => B[i % rank]![Math.floor(i / rank)]!,
        ),
      },
    });
    for (let o = 0; o < outSize; o++) {
      for (let i = 0; i < inSize; i++) {
        // (B Bᵀ ∇f)[o, i]
        let projected = 0;
        for (const column of B) {
          let dot = 0;
          for (let k = 0; k < outSize; k++) dot += column[k]! * gradient[k * inSize + i]!;
          projected += column[o]! * dot;
        }
        const wanted = Number(weight.data[o * inSize + i]) - eta * factor ** 2 * projected;
        assertAlmostEquals(Number(stepped.data[o * inSize + i]), wanted, 1e-6, `${name} ${o},${i}`);
      }
    }
  }
});

Deno.test("XGBLoRA: a round has slots in its layers only, and events tell which", async () => {
  using trainer = await started(trainingRequest(executor, xgb));
  const layersOf = (
    ranks: Readonly<Record<string, number>>,
  ) => [
    ...new Set(
      Object.entries(ranks).filter(([, rank]) => rank > 0)
        .map(([name]) => name.split(".")[1]!),
    ),
  ];
  const ranks: Record<string, number> = { ...(await trainer.checkpoint()).openingRanks };
  const rounds = [layersOf(ranks)];
  const perLayer = trainer.activeParameters();
  assertEquals(
    perLayer,
    modules.filter(({ layer }) => layer === 0)
      .reduce((sum, { inSize, outSize }) => sum + inSize + outSize, 0),
  );
  for (const event of ofKind(await trainTo(trainer), "ranks")) {
    assertEquals([event.moved, event.budget], [modules.length / 2, modules.length / 2]);
    for (const { module, to } of event.changes) ranks[module] = to;
    rounds.push(layersOf(ranks));
  }
  assertEquals(ranks, trainer.ranks());
  assert(rounds.every((layers) => layers.length === 1));
  assertEquals(new Set(rounds.flat()), new Set(["0", "1"]));
  const { peakParameters, history, order, vectors } = await trainer.checkpoint();
  assertEquals(peakParameters, perLayer);
  history.forEach(({ tensors }, i) =>
    assert(tensors.every(({ name }) => name.startsWith(`layer.${rounds[i]![0]}.`)))
  );
  // A module without slots has zeros, which no step moves.
  for (const { name } of modules.filter(({ name }) => order[name]!.length === 0)) {
    for (const part of ["A", "B"]) {
      for (const vector of [vectors.theta!, vectors.m!]) {
        assert(rowOf(trainer.assembly, vector, name, part, 0).every((value) => value === 0));
      }
    }
  }
});

Deno.test("XGBLoRA: lambda weighs the squared norms of A and B", async () => {
  using trainer = await started(trainingRequest(executor, xgb));
  const { vectors } = await trainer.checkpoint();
  const { adapterSize } = trainer.assembly;
  const squares = vectors.theta!.subarray(0, adapterSize)
    .reduce((sum, value) => sum + value * value, 0);
  const [step] = ofKind(await trainer.next(), "step");
  assertAlmostEquals(step!.regulariser, 0.01 * squares, 1e-6);
});

Deno.test("the programs of a chain are built once, and plain weights can be asked for", () => {
  const request = trainingRequest(executor, rac).assembly;
  const fed = assemble(request), plain = assemble({ ...request, weights: "constant" });
  // Query, key and value are one product; in the last layer the query is of first tokens only, and apart.
  assertEquals(fed.fedWeights.map(({ paths }) => paths.length).sort(), [1, 1, 1, 1, 1, 1, 1, 2, 3]);
  for (const { name, shape } of fed.fedWeights) {
    assertEquals(fed.stepProgram.inputs.get(name)?.shape, shape);
    assertEquals(fed.evaluationProgram.inputs.get(name)?.shape, shape);
  }
  assertEquals(plain.fedWeights, []);
  assert([...plain.stepProgram.inputs.keys()].every((name) => !name.startsWith("base.")));
});

Deno.test("an adapter with a row a module cannot be merged", () => {
  const lora = findMethod("raclora").bind(findMethod("raclora").parseOptions({}));
  const parts = [...lora.adapter!.parts, {
    ...lora.adapter!.parts[0]!,
    name: "M",
    per: "module" as const,
  }];
  const method = { ...lora, adapter: { ...lora.adapter!, parts } };
  assertThrows(
    () => assemble({ ...trainingRequest(executor, rac).assembly, method }),
    RangeError,
    "Cannot merge an adapter whose part M has one row a module",
  );
});

Deno.test("an evaluation at the end of a block keeps the block, not the next one", async () => {
  using trainer = await started(trainingRequest(executor, rac));
  await trainTo(trainer, 10);
  const { last, history, vectors } = await trainer.checkpoint();
  assertEquals([last!.step, last!.merged, history.length], [10, 1, 2]);
  const rowsOf = (of: Float32Array) => rowOf(trainer.assembly, of, moduleNames()[0]!, "B", 0);
  assert(rowsOf(last!.theta).some((value) => value !== 0));
  assert(rowsOf(vectors.theta!).every((value) => value === 0));
  const tensors = exportTensors(
    trainer.assembly,
    last!.theta,
    last!.order,
    history.slice(0, last!.merged),
  );
  // Two blocks of rank 2.
  assertEquals(tensors[0]!.shape[0], 4);
});
