import { assert, assertEquals, assertThrows } from "@std/assert";
import { RandomStream } from "../../../src/base/random.ts";
import { parametersWithin } from "../../../src/study/budget/range.ts";
import { countParameters } from "../../../src/study/budget/costs.ts";
import type { CountRange, ModuleShape, RankRange } from "../../../src/study/types.ts";
import { costsWith, encoderModules } from "../tables.ts";

/** All ranks within the bounds of the modules. */
function* choices(bounds: readonly CountRange[]): Generator<readonly number[]> {
  const [first, ...rest] = bounds;
  if (first === undefined) {
    yield [];
    return;
  }
  for (let rank = first.least; rank <= first.most; rank++) {
    for (const others of choices(rest)) yield [rank, ...others];
  }
}

/** What every choice within a range costs, at least and at most, by trying all. */
function tried(
  range: RankRange,
  initial: readonly number[],
  modules: readonly ModuleShape[],
): CountRange {
  let [least, most] = [Infinity, -Infinity];
  for (const ranks of choices(range.modules)) {
    const sum = ranks.reduce((total, rank) => total + rank, 0);
    const left = ranks.reduce((total, rank, i) => total + Math.max(0, initial[i]! - rank), 0);
    if (sum < range.total.least || sum > range.total.most || left > range.moved) continue;
    const cost = countParameters(ranks, modules, costsWith(1));
    least = Math.min(least, cost);
    most = Math.max(most, cost);
  }
  return { least, most };
}

Deno.test("parametersWithin() finds the least and the most of all choices, in 300 draws", () => {
  const stream = RandomStream.fromSeed(1);
  let compared = 0;
  let wide = 0;
  for (let draw = 0; draw < 300; draw++) {
    const modules = Array.from({ length: 2 + stream.int(3) }, (_, layer): ModuleShape => ({
      name: `layer.${layer}.query`,
      layer,
      part: "query",
      inSize: 1 + stream.int(9),
      outSize: 1 + stream.int(9),
    }));
    const initial = modules.map(() => stream.int(4));
    const bounds = initial.map((rank) => ({
      least: stream.int(rank + 1),
      most: rank + stream.int(3),
    }));
    const sum = initial.reduce((total, rank) => total + rank, 0);
    const total = { least: Math.max(0, sum - stream.int(4)), most: sum + stream.int(2) };
    const moved = stream.int(3) === 0 ? Infinity : stream.int(5);
    const range = { modules: bounds, total, moved };
    const wanted = tried(range, initial, modules);
    assertEquals(parametersWithin(range, initial, modules, costsWith(1)), wanted, `draw ${draw}`);
    compared++;
    if (wanted.least < wanted.most) wide++;
  }
  assertEquals(compared, 300);
  assert(wide > 150, `${wide} ranges were wider than one number`);
});

Deno.test("parametersWithin() takes a total below the initial one from any module", () => {
  const modules = encoderModules(1, 8, 32);
  const initial = modules.map(() => 3);
  const range = {
    modules: modules.map(() => ({ least: 0, most: 3 })),
    total: { least: 12, most: 12 },
    moved: Infinity,
  };
  // Four modules of 16 and two of 40 a rank: 12 of the 18 ranks stay.
  assertEquals(parametersWithin(range, initial, modules, costsWith(0)), {
    least: 12 * 16,
    most: 6 * 40 + 6 * 16,
  });
});

Deno.test("parametersWithin() counts what modules cost besides their ranks into the bound", () => {
  const modules = encoderModules(1, 8, 32).slice(0, 2);
  const costs = { perRank: () => 10, perModule: () => 3, perAdapter: () => 1 };
  const falls = (least: number) =>
    parametersWithin(
      {
        modules: [{ least, most: 2 }, { least, most: 2 }],
        total: { least: 0, most: 4 },
        moved: Infinity,
      },
      [2, 2],
      modules,
      costs,
    );
  assertEquals(falls(0), { least: 0, most: 47 });
  assertEquals(falls(1), { least: 27, most: 47 });
});

Deno.test("parametersWithin() refuses a total that no ranks have", () => {
  const modules = encoderModules(1, 8, 32).slice(0, 2);
  const bounds = modules.map(() => ({ least: 2, most: 3 }));
  for (const total of [{ least: 9, most: 9 }, { least: 0, most: 3 }]) {
    assertThrows(
      () =>
        parametersWithin(
          { modules: bounds, total, moved: Infinity },
          [2, 2],
          modules,
          costsWith(0),
        ),
      RangeError,
      "Cannot bound parameters: no ranks sum to",
    );
  }
});
