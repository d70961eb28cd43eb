import { assertEquals, assertNotEquals } from "@std/assert";
import { sampleByKind } from "../../../src/runs/after/recorded_run.ts";

const runs = ["lora", "adalora", "elalora", "head"].flatMap((method) =>
  Array.from({ length: 9 }, (_, i) => `${method}/${i}`)
);
const methodOf = (run: string) => run.split("/")[0]!;

Deno.test("sampleByKind takes one of each kind before any second one", () => {
  for (let seed = 0; seed < 20; seed++) {
    for (let count = 1; count <= 6; count++) {
      const drawn = sampleByKind(runs, count, methodOf, seed);
      assertEquals(drawn.length, count);
      assertEquals(new Set(drawn).size, count);
      assertEquals(new Set(drawn.map(methodOf)).size, Math.min(count, 4));
    }
  }
});

Deno.test("sampleByKind keeps the order of the values, and repeats with its seed", () => {
  const drawn = sampleByKind(runs, 7, methodOf, 5);
  assertEquals(drawn, runs.filter((run) => drawn.includes(run)));
  assertEquals(sampleByKind(runs, 7, methodOf, 5), drawn);
  assertNotEquals(sampleByKind(runs, 7, methodOf, 6), drawn);
});

Deno.test("sampleByKind draws all where more are wanted than there are", () => {
  assertEquals(sampleByKind(runs, 100, methodOf, 1), runs);
  assertEquals(sampleByKind([], 3, methodOf, 1), []);
});
