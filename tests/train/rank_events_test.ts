/** What a decision does to the numbers of a state, and what is told of it, without any training. */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { RandomStream } from "../../src/base/random.ts";
import { ReferenceExecutor } from "../../src/exec/reference.ts";
import type { RankAction, RankDecision, RowEdit, SlotRef } from "../../src/methods/rank_actions.ts";
import { assemble, type Assembly } from "../../src/train/assemble.ts";
import { afterAction, toldOf } from "../../src/train/rank_events.ts";
import { cachedRows, writeRows } from "../../src/train/row_edits.ts";
import { firstCapacities, firstState } from "../../src/train/run_start.ts";
import type { StateVectors } from "../../src/train/vectors.ts";
import { assertBitEqual, moduleNames, rowOf, type TinyRun, trainingRequest } from "./fixture.ts";

type EventState = ReturnType<typeof afterAction>;

/** The assembly and the first state of a run, with vectors of which no two numbers are equal. */
function begun(run: TinyRun) {
  const request = trainingRequest(new ReferenceExecutor(), run);
  const capacities = firstCapacities(request);
  const assembly = assemble({
    ...request.assembly,
    capacityOf: ({ name }) => capacities[name]!,
  });
  const stream = RandomStream.fromSeed(5).fork("vectors");
  const vectors: StateVectors = Object.fromEntries(
    assembly.stateVectors.map((name) => [
      name,
      Float32Array.from({ length: assembly.sizeOf(name) }, () => stream.normal()),
    ]),
  );
  return { assembly, state: firstState(request, capacities), vectors };
}

const root = RandomStream.fromSeed(7);
const [module, other] = moduleNames() as [string, string];

/** A move of ranks. */
function move(modules: readonly string[], slots: readonly SlotRef[] = []): readonly RankAction[] {
  return [{ type: "drop", slots }, { type: "grow", modules }];
}

/** The state after an action that is alone in its event, which follows a step. */
function afterEvent(
  { assembly, state, vectors }: ReturnType<typeof begun>,
  index: number,
  action: Parameters<typeof afterAction>[2],
): EventState {
  return afterAction({ assembly, index, root, growths: 0 }, { state, vectors }, action);
}

function rowsAfter(
  assembly: Assembly,
  { state, vectors }: EventState,
  name: string,
  part: string,
): readonly Float32Array[] {
  return state.order[name]!.map((row) => rowOf(assembly, vectors.theta!, name, part, row));
}

function dot(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, i) => sum + value * b[i]!, 0);
}

const elalora: TinyRun = { method: "elalora", options: { b: 4, maskInterval: 2 } };

Deno.test("slots that one event adds to one module are orthonormal to each other and to those before", () => {
  const before = begun(elalora);
  const { assembly } = before;
  const after = afterEvent(before, 4, {
    type: "grow",
    modules: [module, other, module, module],
  });
  for (const [name, count] of [[module, 5], [other, 3]] as const) {
    for (const part of ["A", "B"]) {
      const rows = rowsAfter(assembly, after, name, part);
      assertEquals(rows.length, count);
      for (const [i, row] of rows.entries()) {
        // The two rows of before are neither of length one nor orthogonal.
        if (i < 2) continue;
        assertAlmostEquals(dot(row, row), 1, 1e-6, `${part} ${i}`);
        for (const earlier of rows.slice(0, i)) {
          const cosine = dot(row, earlier) / Math.sqrt(dot(earlier, earlier));
          assertAlmostEquals(cosine, 0, 1e-6, `${part} ${i}`);
        }
      }
    }
  }
});

Deno.test("each event draws directions of its own, and so does each of its slots", () => {
  const before = begun(elalora);
  const { assembly } = before;
  const grownAt = (index: number) =>
    afterEvent(before, index, { type: "grow", modules: [module, other] });
  const newRow = (index: number, name: string) =>
    rowsAfter(assembly, grownAt(index), name, "A").at(-1)!;
  assertBitEqual(newRow(3, module), newRow(3, module), "the same event");
  // Directions in 16 dimensions that have nothing to do with each other.
  for (const row of [newRow(5, module), newRow(13, module), newRow(3, other)]) {
    const cosine = Math.abs(dot(newRow(3, module), row));
    assert(cosine < 0.9, `${cosine}`);
  }
});

Deno.test("each merge draws a block of its own", () => {
  const before = begun({ method: "raclora" });
  const ranks = Object.fromEntries(moduleNames().map((name) => [name, 2]));
  const rowAfter = (index: number) => {
    const after = afterEvent(before, index, { type: "merge", ranks });
    assertEquals(after.state.history.map(({ step }) => step), [index + 1]);
    return rowsAfter(before.assembly, after, module, "A")[0]!;
  };
  assertBitEqual(rowAfter(3), rowAfter(3), "the same merge");
  assert(rowAfter(3).every((value, i) => value !== rowAfter(7)[i]));
});

Deno.test("an edit keeps, clears or restores both moments of its row and touches no other", () => {
  const { assembly, state: { order }, vectors } = begun({ method: "lora" });
  const cache = cachedRows(
    assembly,
    Object.fromEntries(
      Object.entries(vectors).map(([name, vector]) => [name, vector.map((value) => 2 * value)]),
    ),
  );
  const values = Float32Array.from({ length: 16 }, (_, i) => i);
  const edited = (edit: Pick<RowEdit, "values" | "moments">) =>
    writeRows(assembly, { vectors, order }, [{ module, slot: 1, part: "A", ...edit }], cache);
  const row = (of: StateVectors, name: keyof StateVectors, slot = 1) =>
    rowOf(assembly, of[name]!, module, "A", slot);
  const doubled = (name: keyof StateVectors, slot = 1) =>
    row(vectors, name, slot).map((value) => 2 * value);
  for (
    const [edit, wanted] of [
      [{ values, moments: "keep" }, [values, row(vectors, "m"), row(vectors, "v")]],
      [{ values, moments: "zero" }, [values, new Float32Array(16), new Float32Array(16)]],
      [{ values, moments: "cached" }, [values, doubled("m"), doubled("v")]],
      [
        { values: { cachedSlot: 0 }, moments: "cached" },
        [doubled("theta", 0), doubled("m", 0), doubled("v", 0)],
      ],
    ] as const
  ) {
    const after = edited(edit);
    for (const [i, name] of (["theta", "m", "v"] as const).entries()) {
      assertBitEqual(row(after, name), wanted[i], `${name}, moments ${edit.moments}`);
      // With the row as it was, nothing has changed.
      const restored = after[name]!.slice();
      const start = restored.findIndex((value, at) => value !== vectors[name]![at]);
      if (start >= 0) restored.set(row(vectors, name), start - start % 16);
      assertBitEqual(restored, vectors[name], `the rest of ${name}`);
    }
    for (const name of ["c1", "c2"] as const) assertBitEqual(after[name], vectors[name], name);
  }
});

Deno.test("a run has room for the ranks of its adapted modules, and for no others", () => {
  const request = trainingRequest(new ReferenceExecutor(), {
    ...elalora,
    withoutRank: ["query", "key", "value", "attention_output", "intermediate"],
  });
  // ElaLoRA asks for b ranks more than it starts with.
  assertEquals(firstCapacities(request), { "layer.0.output": 6, "layer.1.output": 6 });
});

Deno.test("an event tells the mean score of a module's slots, and beside it their sum", () => {
  const told = toldOf({
    step: 6,
    decision: { actions: move([other], [{ module, slot: 0 }]), threshold: 0.25 },
    scores: [
      { module, scores: [0.25, 0.5, 1.5] },
      { module: other, scores: [3, 1] },
      { module: "empty", scores: [] },
    ],
    ranksBefore: { [module]: 3, [other]: 2, empty: 0, still: 4 },
    ranksAfter: { [module]: 2, [other]: 3, empty: 1, still: 4 },
  });
  assertEquals(told, [
    {
      kind: "ranks",
      step: 6,
      budget: 10,
      moved: 1,
      threshold: 0.25,
      changes: [
        { module, from: 3, to: 2, score: 0.75 },
        { module: other, from: 2, to: 3, score: 2 },
        { module: "empty", from: 0, to: 1, score: 0 },
      ],
    },
    { kind: "importance", step: 6, scores: { [module]: 2.25, [other]: 4, empty: 0 } },
  ]);
});

Deno.test("an event counts the slots that it changed, as each kind of action has them", () => {
  const movedBy = (decision: RankDecision) => {
    const [ranks] = toldOf({
      ...{ step: 1, decision, scores: [] },
      ...{ ranksBefore: { [module]: 3, [other]: 2 }, ranksAfter: { [module]: 3, [other]: 2 } },
    });
    return ranks!.kind === "ranks" ? ranks!.moved : null;
  };
  const off = [{ module, slot: 0 }, { module, slot: 2 }, { module: other, slot: 1 }];
  const edit = (slot: number, part: string): RowEdit => ({
    ...{ module, slot, part, values: [], moments: "keep" },
  });
  const rows = [edit(0, "A"), edit(0, "B"), edit(2, "A")];
  const edits: RankDecision = { actions: [{ type: "write", rows }] };
  assertEquals(movedBy({ actions: move([other], off) }), 3);
  assertEquals(movedBy({ actions: [{ type: "mask", slots: off, isPermanent: false }] }), 3);
  assertEquals(movedBy({ actions: [{ type: "merge", ranks: {} }] }), 5);
  // Two rows of one slot are one slot.
  assertEquals(movedBy(edits), 2);
  assertEquals(movedBy({ ...edits, moved: 7 }), 7);
});

Deno.test("an action about a slot or a module that is not there, or about a slot twice, is refused by name", () => {
  const none = '"layer.9.query": no such module is adapted; adapted are "';
  const run = begun(elalora);
  const { length } = run.state.order[module]!;
  for (const [type, taken] of [["drop", {}], ["mask", { isPermanent: false }]] as const) {
    for (
      const [slots, said] of [
        [
          [{ module, slot: length }],
          `slot ${length} of "${module}": it has ${length}, counted from 0`,
        ],
        [[{ module, slot: 0 }, { module, slot: 0 }], `slot 0 of "${module}" twice: name it once`],
        [[{ module: "layer.9.query", slot: 0 }], `slots of ${none}`],
      ] as const
    ) {
      const action = { type, slots, ...taken } as Parameters<typeof afterAction>[2];
      assertThrows(() => afterEvent(run, 3, action), RangeError, `Cannot ${type} ${said}`);
    }
  }
  assertThrows(
    () => afterEvent(run, 3, { type: "grow", modules: ["layer.9.query"] }),
    RangeError,
    `Cannot grow slots of ${none}`,
  );
});
