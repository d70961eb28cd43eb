import { assert, assertEquals } from "@std/assert";
import { RandomStream } from "../../src/base/random.ts";
import { drawnRanks, ranksByImportance } from "../../src/methods/before_training.ts";
import type { ModuleShape } from "../../src/study/types.ts";

const sizes = [[16, 16], [16, 64], [64, 16], [16, 16], [32, 32], [16, 48]] as const;
const modules = sizes.map(([inSize, outSize], layer): ModuleShape => ({
  name: `layer.${layer}.query`,
  layer,
  part: "query",
  inSize,
  outSize,
}));
const costs = modules.map(({ inSize, outSize }) => inSize + outSize);
const sumOf = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0);
const costOf = (ranks: readonly number[]) => sumOf(ranks.map((rank, i) => rank * costs[i]!));

function drawnImportance(seed: number): readonly number[] {
  const stream = RandomStream.fromSeed(seed);
  return modules.map(() => stream.next() ** 3);
}

/** GoRA's equation 8 with a factor of its own: rounded to the nearest, within bounds. */
function gora(importance: readonly number[], factor: number, most: number): readonly number[] {
  return modules.map(({ inSize, outSize }, i) => {
    const rank = Math.round(factor * importance[i]! / Math.sqrt(inSize + outSize));
    return Math.min(Math.max(rank, 1), most, inSize, outSize);
  });
}

Deno.test("ranks by importance are GoRA's, at the factor where they use the budget", () => {
  for (let seed = 1; seed <= 30; seed++) {
    const importance = drawnImportance(seed);
    const total = 12 + seed;
    const ranks = ranksByImportance(importance, modules, { total, costs, cap: null }, 3);
    assertEquals(sumOf(ranks), total);
    const most = Math.round(3 * total / modules.length);
    // The largest factor at which GoRA's ranks are not yet more than the budget.
    let [low, high] = [0, 1e6];
    for (let i = 0; i < 200; i++) {
      const middle = (low + high) / 2;
      if (sumOf(gora(importance, middle, most)) > total) high = middle;
      else low = middle;
    }
    const wanted = gora(importance, low, most);
    const missing = total - sumOf(wanted);
    // Two modules may get their next rank at the same factor; none did here.
    assertEquals(missing, 0);
    assertEquals(ranks, wanted);
  }
});

Deno.test("ranks by importance keep a cap and use what is spare, as their random control does", () => {
  const cap = 1000;
  const purse = { total: 18, costs, cap };
  for (let seed = 1; seed <= 20; seed++) {
    const ranks = ranksByImportance(drawnImportance(seed), modules, purse, 2);
    const drawn = drawnRanks(modules, purse, 2, RandomStream.fromSeed(seed));
    for (const own of [ranks, drawn]) {
      assert(costOf(own) <= cap, `${own}`);
      assert(own.every((rank) => rank >= 1 && rank <= 6), `${own}`);
      const able = modules.filter((_, i) => own[i]! < 6 && costs[i]! <= cap - costOf(own));
      assertEquals(able, []);
    }
  }
});

Deno.test("modules on which nothing depends share evenly what the others have no room for", () => {
  const purse = { total: 18, costs, cap: null };
  assertEquals(ranksByImportance([0, 0, 0, 0, 0, 0], modules, purse, 2), [3, 3, 3, 3, 3, 3]);
  assertEquals(ranksByImportance([0, 0, 7, 0, 0, 0], modules, purse, 2), [3, 3, 6, 2, 2, 2]);
});
