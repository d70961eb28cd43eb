import { assertEquals } from "@std/assert";
import { KeptSplits } from "../../src/train/run_data.ts";

const encoded = [3, 5].map((size) => ({ ids: new Int32Array(size), types: new Int32Array(size) }));
const source = { name: "dev", encoded, rows: [0, 1], firstClass: 0 };
const none = { name: "dev", batches: [], targets: [], ids: [] };

/** How often splits of some sources are made, one after the other. */
function made(sources: readonly typeof source[], limit?: number): number {
  const kept = new KeptSplits(limit);
  let count = 0;
  for (const each of sources) {
    kept.of(each, () => {
      count++;
      return none;
    });
  }
  return count;
}

Deno.test("a split is made once for equal rows of the same encodings", () => {
  assertEquals(made([source, { ...source, rows: [0, 1] }, source]), 1);
});

Deno.test("a split is made anew where anything differs that it follows from", () => {
  const others = [
    { ...source, name: "held_out" },
    { ...source, encoded: [...encoded] },
    { ...source, rows: [0] },
    { ...source, rows: [1, 0] },
    { ...source, firstClass: 2 },
  ];
  for (const other of others) assertEquals(made([source, other, source]), 2);
});

Deno.test("the splits that were used last are kept, no more than the limit says", () => {
  const [a, b, c] = ["a", "b", "c"].map((name) => ({ ...source, name }));
  assertEquals(made([a!, b!, a!, c!, a!], 2), 3);
  assertEquals(made([a!, b!, a!, c!, b!], 2), 4);
});
