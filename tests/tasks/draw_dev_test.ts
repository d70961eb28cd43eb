import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { drawDev } from "../../src/tasks/read_split.ts";
import type { Example, TaskOutput } from "../../src/tasks/types.ts";

const labels = { type: "classification", labels: ["a", "b", "c"] } as const;
const bounds: TaskOutput = { type: "regression", min: 0, max: 100 };

/** Rows of the given targets. */
function rows(targets: readonly number[]): readonly Example[] {
  return targets.map((target, id) => ({ id, text: `text ${id}`, pair: null, target }));
}

function idsOf(examples: readonly Example[]): readonly number[] {
  return examples.map(({ id }) => id);
}

/** 50 rows of class 0, 20 of 1, 5 of 2, mixed. */
const mixed = rows(Array.from({ length: 75 }, (_, i) => i % 15 === 0 ? 2 : i % 15 < 5 ? 1 : 0));

Deno.test("drawDev() draws the share of each label, in file order, and leaves the rest", () => {
  const { train, dev } = drawDev({ name: "T", output: labels, devShare: 0.2 }, mixed);
  const count = (examples: readonly Example[], label: number) =>
    examples.filter(({ target }) => target === label).length;
  assertEquals([0, 1, 2].map((label) => count(dev, label)), [10, 4, 1]);
  assertEquals([0, 1, 2].map((label) => count(train, label)), [40, 16, 4]);
  assertEquals([...idsOf(train), ...idsOf(dev)].toSorted((a, b) => a - b), idsOf(mixed));
  assertEquals(idsOf(dev), idsOf(dev).toSorted((a, b) => a - b));
  // Not simply the first ones.
  assertNotEquals(idsOf(dev).slice(0, 4), [0, 1, 2, 3]);
});

Deno.test("drawDev() draws the same rows again, and others for another name", () => {
  const draw = (name: string) => idsOf(drawDev({ name, output: labels, devShare: 0.2 }, mixed).dev);
  assertEquals(draw("T"), draw("T"));
  assertNotEquals(draw("T"), draw("U"));
});

Deno.test("drawDev() leaves a row of each label in train", () => {
  const few = rows([0, 0, 0, 1, 1, 2]);
  const { train, dev } = drawDev({ name: "T", output: labels, devShare: 0.9 }, few);
  assertEquals(train.map(({ target }) => target), [0, 1, 2]);
  assertEquals(dev.map(({ target }) => target), [0, 0, 1]);
});

Deno.test("drawDev() draws the share of all rows of a regression", () => {
  const scored = rows(Array.from({ length: 40 }, (_, i) => i));
  const { train, dev } = drawDev({ name: "S", output: bounds, devShare: 0.25 }, scored);
  assertEquals([train.length, dev.length], [30, 10]);
  assert(new Set(dev).isDisjointFrom(new Set(train)));
});

Deno.test("drawDev() refuses a share that draws nothing", () => {
  for (const [output, targets] of [[labels, [0, 0, 1, 1]], [bounds, [3]], [labels, [2]]] as const) {
    assertThrows(
      () => drawDev({ name: "Tickets", output, devShare: 0.2 }, rows(targets)),
      RangeError,
      'Cannot draw the dev split of "Tickets": 0.2 of',
    );
  }
});
