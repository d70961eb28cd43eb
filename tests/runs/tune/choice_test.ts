import { assert, assertEquals, assertNotEquals } from "@std/assert";
import {
  choiceOf,
  firstPoints,
  furtherCount,
  meanScore,
  nextPoints,
} from "../../../src/runs/tune/trials.ts";
import type { Tune } from "../../../src/study/schema/tune.ts";
import type { Combination } from "../../../src/runs/tune/combinations.ts";
import type { Point, Space } from "../../../src/runs/tune/space.ts";

type Scored = Parameters<typeof nextPoints>[1][number];

const space = { rate: { log: [1, 100] } } as const;
const scored = (rate: number, score: number | null, isWhole = true) => ({
  point: { rate },
  score,
  isWhole,
});

Deno.test("choiceOf() takes the first best trial that was trained to the end", () => {
  const trials = [scored(1, 0.2), scored(10, 0.5), scored(20, 0.5), scored(100, 0.9, false)];
  assertEquals(choiceOf(space, trials), { best: trials[1] as never, edges: [] });
  assertEquals(choiceOf(space, [scored(1, null), scored(2, 0.7, false)]), null);
});

Deno.test("choiceOf() says where the best value lies at the edge of those tried", () => {
  const { edges } = choiceOf(space, [scored(1, 0.2), scored(50, 0.5), scored(60, null)])!;
  assertEquals(edges, []);
  assertEquals(choiceOf(space, [scored(1, 0.6), scored(50, 0.5)])!.edges, [
    { path: "rate", value: 1, edge: "low", isOpen: false },
  ]);
});

Deno.test("choiceOf() takes a value at an edge where values within did no better: nothing beyond it is known to be worse", () => {
  const wide = { rate: { log: [1, 100], limits: [1, 1000] } } as const;
  const of = (...trials: Parameters<typeof choiceOf>[1]) => {
    const { best, edges } = choiceOf(wide, trials)!;
    return [best.point["rate"], ...edges.map(({ edge, isOpen }) => `${edge} ${isOpen}`)];
  };
  assertEquals(of(scored(1, 0.2), scored(10, 0.5), scored(100, 0.5)), [100, "high true"]);
  // Runs that learned nothing are all alike; that is no optimum in the middle.
  assertEquals(of(scored(10, 0.5), scored(1, 0.5), scored(100, 0.5)), [100, "high true"]);
  assertEquals(of(scored(10, 0.5), scored(1, 0.5), scored(1000, 0.4)), [1, "low false"]);
  assertEquals(of(scored(1, 0.4), scored(10, 0.5), scored(20, 0.5), scored(100, 0.4)), [10]);
});

Deno.test("meanScore() weights scores, and is null where a run failed or diverged", () => {
  assertEquals(meanScore([0.25, 0.5], [1, 1]), 0.375);
  assertEquals(meanScore([0.25, 0.5], [3, 1]), 0.3125);
  assertEquals(meanScore([0.2, null], [1, 1]), null);
  assertEquals(meanScore([0.2, NaN], [1, 1]), null);
  assertEquals(meanScore([], []), null);
});

const rate = { log: [1e-3, 1e-2], limits: [1e-4, 1] } as const;
const tune: Tune = {
  vary: { rate },
  search: "grid",
  trials: 3,
  seeds: [101],
  heldOut: 0.2,
};

function combination(method: string, task: string, space: Space = { rate }): Combination {
  return { of: { method, name: method, task }, space, runs: [] };
}

/** Plays all rounds with a score for each point. */
function played(
  of: Tune,
  combinations: readonly Combination[],
  scoreOf: (combination: Combination, rate: number) => number | null,
): readonly (readonly number[])[] {
  let scored: readonly Scored[] = combinations.map((combination) => ({ combination, trials: [] }));
  let points: readonly (readonly Point[])[] = combinations.map((own) => firstPoints(of, own));
  for (let round = 0; points.some((own) => own.length > 0); round++) {
    scored = scored.map(({ combination, trials }, i) => ({
      combination,
      trials: [
        ...trials,
        ...points[i]!.map((point) => ({
          point,
          score: scoreOf(combination, point["rate"] as number),
        })),
      ],
    }));
    points = nextPoints(of, scored, round);
  }
  return scored.map(({ trials }) => trials.map(({ point }) => point["rate"] as number));
}

/** A score that is best at a rate. */
const peakAt = (best: number) => (rate: number) => -Math.abs(Math.log(rate / best));

Deno.test("nextPoints() widens a range until its best value has worse ones on both sides", () => {
  const [own] = played(tune, [combination("svd", "RTE")], (_, rate) => peakAt(0.05)(rate));
  const sorted = own!.toSorted((a, b) => a - b);
  const best = sorted.toSorted((a, b) => peakAt(0.05)(b) - peakAt(0.05)(a))[0]!;
  assert(Math.abs(best - 0.05) < 0.02, `${sorted}`);
  assert(sorted.at(-1)! > best && sorted.at(-1)! <= 1 && sorted[0]! < best, `${sorted}`);
});

Deno.test("nextPoints() stops at the limit where the best value still lies there", () => {
  const [own] = played(tune, [combination("svd", "RTE")], (_, rate) => rate);
  assertEquals(Math.max(...own!), 1);
});

Deno.test("nextPoints() gives all methods of a task the same number of trials, and other tasks none", () => {
  const all = [combination("lora", "RTE"), combination("svd", "RTE"), combination("lora", "CoLA")];
  for (const search of ["grid", "random"] as const) {
    const [lora, svd, other] = played(
      { ...tune, search, trials: 6 },
      all,
      ({ of }, rate) => peakAt(of.method === "svd" ? 0.3 : 0.004)(rate),
    );
    assertEquals(other!.length, 6);
    assert(svd!.length > 6);
    assertEquals(lora!.length, svd!.length);
    assertEquals(new Set(lora).size, lora!.length);
    assert(Math.max(...lora!) <= 1e-2, `${lora}`);
    // The first trials are the same for all, whatever becomes of them.
    assertEquals(lora!.slice(0, 6), svd!.slice(0, 6));
  }
});

Deno.test("nextPoints() has none where every trial failed, or only choices vary", () => {
  const failed = played(tune, [combination("svd", "RTE")], () => null);
  assertEquals(failed[0]!.length, 3);
  const choices: Space = { rate: { choices: [1, 2, 3] } };
  const chosen = played(tune, [combination("svd", "RTE", choices)], (_, rate) => rate);
  assertEquals(chosen[0], [1, 2, 3]);
});

Deno.test("firstPoints() are a grid where that is asked for, else drawn", () => {
  const rates = (of: Tune) =>
    firstPoints(of, combination("svd", "RTE")).map((point) => point["rate"] as number);
  const { search: _search, ...plain } = tune;
  assertEquals(rates(tune), [0.001, 0.003162, 0.01]);
  assertNotEquals(rates(plain), rates(tune));
  assertEquals(rates(plain), rates({ ...tune, search: "random" }));
});

Deno.test("half as many trials follow, and at least two", () => {
  assertEquals([2, 3, 5, 12].map((trials) => furtherCount({ trials })), [2, 2, 3, 6]);
});

Deno.test("nextPoints() gives more to those of a task and budget only, and none for a failure", () => {
  const at = (budget: number): Combination => ({
    of: { method: "lora", name: "lora", task: "RTE", budget },
    space: { rate },
    runs: [],
  });
  const scored = (combination: Combination, scores: readonly (number | null)[]): Scored => ({
    combination,
    trials: firstPoints(tune, combination).map((point, i) => ({ point, score: scores[i]! })),
  });
  const count = (...of: readonly Scored[]) => nextPoints(tune, of, 0).map(({ length }) => length);
  const [edge, inner, failed] = [[1, 2, 3], [1, 3, 2], [null, null, null]];
  assertEquals(count(scored(at(2), edge!), scored(at(4), inner!)), [2, 0]);
  assertEquals(count(scored(at(2), edge!), scored(at(2), inner!)), [2, 2]);
  assertEquals(count(scored(at(2), failed!), scored(at(2), inner!)), [0, 0]);
  assertEquals(count(scored(at(2), failed!), scored(at(2), edge!)), [0, 2]);
  const rounds = [31, 32].map((round) =>
    nextPoints(tune, [scored(at(2), edge!)], round)[0]!.length
  );
  assertEquals(rounds, [2, 0]);
});
