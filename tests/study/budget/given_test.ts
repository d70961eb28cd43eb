/** Ranks that come from elsewhere than a budget, as pure functions. */
import { assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import {
  evenRanks,
  ranksOfFile,
  ranksWithDeltas,
  totalRank,
  transformedRanks,
} from "../../../src/study/budget/given.ts";
import type { RankDelta } from "../../../src/study/types.ts";
import { encoderModules } from "../tables.ts";

const modules = encoderModules(3, 8, 32);
const ranks = Object.fromEntries(modules.map(({ name }, i) => [name, i % 7]));
const rankOf = (layer: number, part: string) => `layer.${layer}.${part}`;

Deno.test("ranks that are taken as they are, reversed, permuted or evened out keep their total", () => {
  assertEquals(transformedRanks("same", modules, ranks, 1), ranks);
  const reversed = transformedRanks("reversed", modules, ranks, 1);
  for (const { name, layer, part } of modules) {
    assertEquals(reversed[name], ranks[rankOf(2 - layer, part)]);
  }
  const uniform = transformedRanks("uniform", modules, ranks, 1);
  assertEquals(totalRank(uniform), totalRank(ranks));
  assertEquals(Math.max(...Object.values(uniform)) - Math.min(...Object.values(uniform)), 1);
  assertEquals(uniform, evenRanks(modules, totalRank(ranks)));
});

Deno.test("a permutation keeps the ranks, and is the seed's own", () => {
  const sorted = (values: Readonly<Record<string, number>>) => Object.values(values).toSorted();
  const permuted = transformedRanks("permuted", modules, ranks, 1);
  assertEquals(Object.keys(permuted), Object.keys(ranks));
  assertEquals(sorted(permuted), sorted(ranks));
  assertNotEquals(permuted, ranks);
  assertEquals(transformedRanks("permuted", modules, ranks, 1), permuted);
  assertNotEquals(transformedRanks("permuted", modules, ranks, 2), permuted);
});

Deno.test("doses add to a layer, a module or a part, and sum up", () => {
  const base = modules.map(() => 2);
  const add: readonly RankDelta[] = [
    { layer: 1, by: 1 },
    { module: "layer.1.query", by: 3 },
    { part: "output", by: -2 },
  ];
  const withDeltas = ranksWithDeltas(modules, base, add);
  for (const { name, layer, part } of modules) {
    const wanted = 2 + (layer === 1 ? 1 : 0) + (name === "layer.1.query" ? 3 : 0) -
      (part === "output" ? 2 : 0);
    assertEquals(withDeltas[name], wanted, name);
  }
});

Deno.test("a delta below zero, above the smaller side or for nothing is refused by name", () => {
  const fails = (add: readonly RankDelta[], message: string) =>
    assertThrows(() => ranksWithDeltas(modules, modules.map(() => 2), add), RangeError, message);
  fails(
    [{ part: "key", by: -3 }],
    'Cannot add -3 for part "key": found rank -1 for module "layer.0.key", whose budget gives it 2; wanted 0 to 8',
  );
  fails([{ layer: 2, by: 7 }], 'found rank 9 for module "layer.2.query"');
  fails([{ layer: 3, by: 1 }], 'Unknown layer "3": known are "0", "1", "2"');
  fails([{ module: "layer.0.qery", by: 1 }], 'Did you mean "layer.0.query"?');
  fails([{ part: "qery", by: 1 }], 'Did you mean "query"?');
});

Deno.test("a file of ranks is an object of module to rank, or a record", () => {
  assertEquals(ranksOfFile({ "layer.0.query": 2 }), { "layer.0.query": 2 });
  assertEquals(ranksOfFile({ happened: { finalRanks: { "layer.0.query": 3 } } }), {
    "layer.0.query": 3,
  });
  for (const wrong of [{}, [1], null, { "layer.0.query": 1.5 }, { ranks: { a: 1 } }]) {
    assertThrows(() => ranksOfFile(wrong), RangeError, "wanted an object of module to whole rank");
  }
  assertThrows(
    () => ranksOfFile({ happened: { finalRanks: null } }),
    RangeError,
    "found a record without final ranks",
  );
});
