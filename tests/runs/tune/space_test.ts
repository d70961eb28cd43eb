import { assert, assertEquals, assertThrows } from "@std/assert";
import { RandomStream } from "../../../src/base/random.ts";
import {
  drawnPoints,
  edgesOf,
  furtherPoints,
  gridPoints,
  limitPoints,
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

Deno.test("drawnPoints() go on after those that were drawn, in order", () => {
  const all = drawnPoints({ rate }, stream, 6);
  assertEquals(drawnPoints({ rate }, stream, 3), all.slice(0, 3));
  assertEquals(drawnPoints({ rate }, stream, 3, all.slice(0, 3)), all.slice(3));
});

Deno.test("ends of a range are tried as they are written, values between them rounded", () => {
  const fine: Space = { rate: { log: [0.000123456, 0.0123443] } };
  assertEquals(rates(gridPoints(fine, 3)), [0.000123456, 0.001234, 0.0123443]);
});

Deno.test("limitPoints() has one at each limit of each range of numbers", () => {
  const space: Space = { rate, b: { linear: [0, 1] }, c: { choices: [1, 2] } };
  assertEquals(limitPoints(space, { rate: 1e-3, b: 0.5, c: 1 }), [
    { rate: 1e-5, b: 0.5, c: 1 },
    { rate: 1e-1, b: 0.5, c: 1 },
    { rate: 1e-3, b: 0, c: 1 },
    { rate: 1e-3, b: 1, c: 1 },
  ]);
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
    [{ rate }, 1, "wanted 2 (2 points of the range)"],
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
  assertEquals(edgesOf(space, tried, tried[0]!), [
    { path: "rate", value: 1e-4, edge: "low", isOpen: true },
    { path: "b", value: 0, edge: "low", isOpen: false },
  ]);
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
  // Of two ranges the first that is open.
  const open = { linear: [0, 4], limits: [-9, 9] } as const;
  const both = [{ b: 0, d: 2 }, { b: 2, d: 0 }, { b: 2, d: 2 }, { b: 4, d: 4 }];
  const go = (space: Space, best: Point) => furtherPoints(space, both, best, 2, stream);
  assertEquals(go({ b: open, d: open }, { b: 4, d: 4 }), [{ b: 5, d: 4 }, { b: 6, d: 4 }]);
  assertEquals(go({ b: open, d: open }, { b: 2, d: 0 }), [{ b: 2, d: -1 }, { b: 2, d: -2 }]);
  assertEquals(go({ b: open, d: open }, { b: 2, d: 2 }), [{ b: 1, d: 2 }, { b: 3, d: 2 }]);
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
  const points = rates(furtherPoints({ rate }, tried, tried[1]!, 5, stream));
  assertEquals(points, [3.162e-4, 3.162e-3, 5.623e-4, 1.778e-4, 1.778e-3]);
  assertEquals(rates(furtherPoints({ rate }, tried, tried[1]!, 1, stream)), [3.162e-4]);
  const wide = [1e-5, 1e-4, 1e-3, 1e-2, 1e-1].map((rate) => ({ rate }));
  assertEquals(rates(furtherPoints({ rate }, wide, wide[2]!, 2, stream)), [3.162e-4, 3.162e-3]);
  // With four digits, nine numbers lie between these ends, and none between the others.
  const few = (high: number) => {
    const tried = [{ rate: 1 }, { rate: high }];
    return rates(furtherPoints({ rate: { linear: [1, high] } }, tried, tried[0]!, 9, stream));
  };
  assertEquals(few(1.01).length, 9);
  assertEquals(few(1.001), []);
  const choices: Space = { c: { choices: [1, 2, 3] } };
  assertEquals(furtherPoints(choices, [{ c: 2 }, { c: 1 }], { c: 1 }, 5, stream), [{ c: 3 }]);
});
