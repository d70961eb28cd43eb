/** PRILoRA: ranks along a line, norms of inputs against PyTorch's, and pruning. */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { RandomStream } from "../../src/base/random.ts";
import { ReferenceExecutor } from "../../src/exec/reference.ts";
import { lineOverLayers, prilora, prunedRow } from "../../src/methods/prilora.ts";
import { solveRanks } from "../../src/study/budget/ranks.ts";
import type { ModulePart } from "../../src/study/schema/settings.ts";
import type { ModuleShape } from "../../src/study/types.ts";
import { withBatches } from "../../src/train/stages.ts";
import { rowView } from "../../src/train/policy_view.ts";
import { nonzeroAdapterNumbers } from "../../src/train/stored_tensors.ts";
import { common, debertaModel } from "../models/deberta_fixture.ts";
import { expected, goldenModel } from "../models/fixture.ts";
import { batchOf } from "../models/golden_tokens.ts";
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
} from "../train/fixture.ts";
import { executor } from "./adapted_runs.ts";
import { factsOf } from "./policies.ts";

/** A view of rows wants one; PRILoRA draws nothing from it. */
const unused = RandomStream.fromSeed(0);

const parts: readonly ModulePart[] = ["query", "value", "output"];

function modulesOf(layers: number): readonly ModuleShape[] {
  return Array.from({ length: layers }, (_, layer) =>
    parts.map((part): ModuleShape => ({
      name: `layer.${layer}.${part}`,
      layer,
      part,
      inSize: 64,
      outSize: 64,
    }))).flat();
}

Deno.test("ranks rise along a line over layers, the same for all modules of a layer", () => {
  const modules = modulesOf(12);
  const plan = solveRanks(prilora, prilora.parseOptions({}), modules, { type: "rank", value: 8 });
  // r_s = 4, r_f = 12, L = 12; the sum is 96 = 12 · 8 for each part.
  const line = [4, 5, 5, 6, 7, 8, 8, 9, 10, 11, 11, 12];
  assertEquals(plan.initial, line.flatMap((rank) => parts.map(() => rank)));
  const half = solveRanks(prilora, prilora.parseOptions({}), modules, { type: "rank", value: 4 });
  assertEquals(half.initial.reduce((sum, rank) => sum + rank), 4 * modules.length);
  assertEquals([half.initial[0], half.initial.at(-1)], [2, 6]);
  assertEquals(lineOverLayers(4, 12, modulesOf(1)), [4, 4, 4]);
  // Layers without a module do not count.
  assertEquals(lineOverLayers(4, 12, [{ layer: 2 }, { layer: 7 }, { layer: 9 }]), [4, 8, 12]);
});

Deno.test("a pruning takes half of a row by |A|·X, of equal ones the first", () => {
  const row = Float32Array.of(1, -2, 3, -1, 0.5, 9, 2);
  // Scores 4, 2, 3, 4, 4, 0, 4: three of seven go, and the first of the four that tie.
  const norms = [4, 1, 1, 4, 8, 0, 2];
  assertEquals([...prunedRow(row, norms, 0.5)], [1, 0, 0, -1, 0.5, 0, 2]);
  assertEquals([...prunedRow(row, norms, 0.6)], [0, 0, 0, -1, 0.5, 0, 2]);
});

interface Norms {
  readonly all: readonly number[];
  readonly first: readonly number[];
}

const golden = JSON.parse(
  Deno.readTextFileSync(new URL("../golden/input_norms.json", import.meta.url)),
) as Readonly<Record<"bert" | "deberta", Readonly<Record<string, Norms>>>>;

const encoders = {
  bert: { encoder: goldenModel(), batch: batchOf(expected, [0, 1, 0]) },
  deberta: {
    encoder: debertaModel("shared", 2),
    batch: batchOf(common, [0, 1, 0]),
  },
} as const;

for (const family of ["bert", "deberta"] as const) {
  Deno.test(`running norms of inputs are PyTorch's, padding left out: ${family}`, async () => {
    const { encoder, batch } = encoders[family];
    const run: TinyRun = {
      method: "prilora",
      options: { n: 4, beta: 0.75 },
      train: { learningRate: 1e-12, dropout: noDropout },
      encoder,
    };
    const request = withBatches(trainingRequest(new ReferenceExecutor(), run), {
      batchesPerEpoch: 1,
      next: ({ epoch }) => ({ batch, cursor: { epoch: epoch + 1, batch: 0 } }),
    });
    using trainer = await started(request);
    for (const steps of [1, 2]) {
      await trainTo(trainer, steps);
      const { vectors, order } = await trainer.checkpoint();
      const seen = rowView({
        assembly: trainer.assembly,
        order,
        vectors,
        stream: unused,
        isEvaluated: false,
      });
      for (const [name, norms] of Object.entries(golden[family])) {
        // Of the last layer all but keys and values see first tokens alone; see the design's item 8.
        const isCut = name.startsWith("layer.1") && !/key|value/.test(name);
        const wanted = norms[isCut ? "first" : "all"];
        const found = seen.inputNorms(name);
        assertEquals(found.length, wanted.length);
        const share = 1 - 0.75 ** steps;
        wanted.forEach((norm, j) => assertAlmostEquals(found[j]!, share * norm, 1e-5 * norm, name));
      }
    }
  });
}

Deno.test("every n steps each row of A loses half its entries and nothing else changes", async () => {
  const pruned: TinyRun = { method: "prilora", options: { n: 3 } };
  const plain: TinyRun = { method: "prilora", options: { ratio: 0 } };
  const [now, before] = [await runTo(executor, pruned, 3), await runTo(executor, plain, 3)];
  const seen = rowView({
    assembly: now.assembly,
    order: now.after.order,
    vectors: now.after.vectors,
    stream: unused,
    isEvaluated: false,
  });
  const zeros = (row: Float32Array) => row.filter((value) => value === 0).length;
  for (const name of moduleNames()) {
    const norms = seen.inputNorms(name);
    for (const slot of [0, 1]) {
      const row = now.row(name, "A", slot), was = before.row(name, "A", slot);
      assertEquals(zeros(was), 0);
      assertEquals(zeros(row), Math.floor(row.length / 2));
      const kept = [...row.keys()].filter((j) => row[j] !== 0);
      const gone = [...row.keys()].filter((j) => row[j] === 0);
      const score = (j: number) => Math.abs(was[j]!) * norms[j]!;
      assert(Math.max(...gone.map(score)) <= Math.min(...kept.map(score)));
      assert(kept.every((j) => row[j] === was[j]));
      assertBitEqual(now.row(name, "B", slot), before.row(name, "B", slot), "B");
      for (const vector of ["m", "v"] as const) {
        assertBitEqual(
          now.row(name, "A", slot, vector),
          before.row(name, "A", slot, vector),
          vector,
        );
      }
    }
  }
  // Zeros grow back until the next pruning.
  const row = (await runTo(executor, pruned, 5)).row(moduleNames()[0]!, "A", 0);
  assert(zeros(row) < 4, `${zeros(row)} of ${row.length} entries are still zero`);
  const [event] = ofKind(now.events, "ranks");
  assertEquals([event!.step, event!.budget, event!.moved], [3, 24, 24]);
  assertEquals(event!.changes, []);
});

Deno.test("a last pruning leaves the zeros out of what is stored", async () => {
  const run: TinyRun = { method: "prilora", options: { n: 100, finalPrune: true } };
  using trainer = await started(trainingRequest(executor, run));
  const events = await trainTo(trainer);
  assertEquals(ofKind(events, "ranks").map(({ step }) => step), [16]);
  const { order, last } = await trainer.checkpoint();
  const { assembly } = trainer;
  assertEquals(assembly.adapter!.storage?.isSparse, true);
  const wanted = assembly.modules.reduce(
    (sum, { module: { inSize, outSize } }) => sum + 2 * (inSize - Math.floor(inSize / 2) + outSize),
    0,
  );
  // The evaluation after the last step sees the pruned parameters.
  assertEquals(nonzeroAdapterNumbers(assembly, last!.theta, order), wanted);
});

Deno.test("a schedule without a pruning is refused before a run", () => {
  const check = (options: Record<string, number | boolean>) =>
    prilora.check(prilora.parseOptions(options), factsOf({ totalSteps: 30 }));
  assertThrows(() => check({}), RangeError, 'found "n" of 40, at most 30 is wanted');
  assertThrows(() => check({ ratio: 0, finalPrune: true }), RangeError, "prunes nothing");
  check({ n: 30 });
  check({ ratio: 0 });
  check({ finalPrune: true });
});
