import { assert, assertEquals, assertThrows } from "@std/assert";
import { RandomStream } from "../../../src/base/random.ts";
import {
  drawnPoints,
  edgesOf,
  furtherPoints,
  gridPoints,
  type Point,
  pointKey,
  type Space,
} from "../../../src/runs/tune/space.ts";

const stream = RandomStream.fromSeed(101).fork("tune");
const rate = { log: [1e-4, 1e-2], limits: [1e-5, 1e-1] } as const;
const rates = (points: readonly Point[]) => points.map((point) => point["rate"]);

Deno.test("drawnPoints() draws by the logarithm, the same values whatever varies beside them", () => {
  const alone = drawnPoints({ rate }, stream, 40);
  const values = rates(alone) as number[];
  assert(values.every((value) => value >= 1e-4 && value <= 1e-2));
  const low = values.filter((value) => value < 1e-3).length;
  assert(low > 10 && low < 30, `${low} of 40 in the lower decade`);
  const beside = drawnPoints({ alpha: { linear: [8, 32] }, rate }, stream, 40);
  assertEquals(rates(beside), values);
  assert(beside.every(({ alpha }) => Number(alpha) >= 8 && Number(alpha) <= 32));
});

Deno.test("drawnPoints() draws no point twice and all of a space without ranges", () => {
  const space: Space = { a: { choices: [1, 2, 3] }, b: { choices: ["x", null] } };
  const all = drawnPoints(space, stream, 9);
  assertEquals(all.length, 6);
  assertEquals(new Set(all.map(pointKey)).size, 6);
  assertEquals(
    drawnPoints(space, stream, 9, all.slice(0, 4)).map(pointKey).toSorted(),
    [
      ...all.slice(4).map(pointKey),
    ].toSorted(),
  );
});

Deno.test("gridPoints() divides ranges evenly with both ends and crosses them with choices", () => {
  assertEquals(rates(gridPoints({ rate }, 3)), [1e-4, 1e-3, 1e-2]);
  const both = gridPoints({ rate, b: { linear: [0, 1] }, c: { choices: [1, 2] } }, 18);
  assertEquals(both.length, 18);
  assertEquals(new Set(both.map(pointKey)).size, 18);
  assertEquals(new Set(both.map(({ b }) => b)), new Set([0, 0.5, 1]));
  assertEquals(gridPoints({ c: { choices: [1, 2] } }, 2), [{ c: 1 }, { c: 2 }]);
});

Deno.test("gridPoints() names the trials that make a grid", () => {
  const two: Space = { rate, b: { linear: [0, 1] } };
  const cases: readonly [Space, number, string][] = [
    [two, 12, "found 12 trials, which make no grid, wanted 9 (3 points of each of 2 ranges) or 16"],
    [two, 3, "wanted 4 (2 points of each of 2 ranges)"],
    [
      { ...two, c: { choices: [1, 2] } },
      12,
      "wanted 8 (2 points of each of 2 ranges, times 2 comb",
    ],
    [{ c: { choices: [1, 2] } }, 3, "found 3 trials, wanted 2: the choices have so many"],
  ];
  for (const [space, trials, text] of cases) {
    assertThrows(() => gridPoints(space, trials), RangeError, text);
  }
});

Deno.test("edgesOf() finds the settings of which only lower or only higher values were tried", () => {
  const space: Space = { rate, b: { linear: [0, 1] }, c: { choices: [1, 2] } };
  const tried = [
    { rate: 1e-4, b: 0, c: 1 },
    { rate: 1e-3, b: 0.5, c: 1 },
    { rate: 1e-2, b: 1, c: 2 },
  ];
  assertEquals(edgesOf(space, tried, tried[1]!), []);
  assertEquals(edgesOf(space, tried, tried[2]!), [
    { path: "rate", value: 1e-2, edge: "high", isOpen: true },
    { path: "b", value: 1, edge: "high", isOpen: false },
  ]);
});

Deno.test("furtherPoints() go beyond an edge by half the range, up to the limit, and nowhere else", () => {
  const tried = [1e-4, 1e-3, 1e-2].map((rate) => ({ rate, c: 1 }));
  const space: Space = { rate, c: { choices: [1, 2] } };
  const high = furtherPoints(space, tried, tried[2]!, 2, stream);
  assertEquals(high, [{ rate: 0.03162, c: 1 }, { rate: 0.1, c: 1 }]);
  const low = furtherPoints(space, tried, tried[0]!, 2, stream);
  assertEquals(low, [{ rate: 3.162e-5, c: 1 }, { rate: 1e-5, c: 1 }]);
  // At the limit nothing is left outside, so that the points lie inside.
  const limited: Space = { ...space, rate: { log: [1e-4, 1e-2] } };
  assertEquals(rates(furtherPoints(limited, tried, tried[2]!, 3, stream)), [
    3.162e-3,
    5.623e-3,
    1.778e-3,
  ]);
});

Deno.test("furtherPoints() lie between the neighbours of a best value that is at no edge, as many as asked", () => {
  const tried = [1e-4, 1e-3, 1e-2].map((rate) => ({ rate }));
  const points = rates(furtherPoints({ rate }, tried, tried[1]!, 5, stream)) as number[];
  assertEquals(points.length, 5);
  assertEquals(new Set(points).size, 5);
  assert(points.every((value) => value > 1e-4 && value < 1e-2 && value !== 1e-3));
  const choices: Space = { c: { choices: [1, 2, 3] } };
  assertEquals(furtherPoints(choices, [{ c: 2 }, { c: 1 }], { c: 1 }, 5, stream), [{ c: 3 }]);
});
