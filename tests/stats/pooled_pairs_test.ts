import { assertAlmostEquals, assertEquals } from "@std/assert";
import { RandomStream } from "../../src/base/random.ts";
import { pooledDifferences } from "../../src/stats/pooled_pairs.ts";
import { summarise } from "../../src/stats/statistics.ts";

Deno.test("pooledDifferences() of one pair is its t interval; of one value each there is none", () => {
  const [a, b] = [[1, 2, 4], [0.5, 3, 1]];
  const [{ mean, low, high }] = pooledDifferences([[a, b]], [1, 1]) as [
    ReturnType<typeof summarise>,
  ];
  const wanted = summarise([0.5, -1, 3]);
  for (const [found, own] of [[mean, wanted.mean], [low, wanted.low], [high, wanted.high]]) {
    assertAlmostEquals(found!, own!, 1e-9);
  }
  assertEquals(pooledDifferences([[[3], [1]], [[2], [1]]], [2, 1]).map((own) => own.low), [
    null,
    null,
  ]);
  assertEquals(pooledDifferences([], [0, 0]), []);
});

Deno.test("pooledDifferences() cover the true difference in at least 95 % where all values spread alike", () => {
  const stream = RandomStream.fromSeed(12).fork("pooled");
  for (const [groups, seeds] of [[3, 2], [3, 3], [2, 2]] as const) {
    const draws = () =>
      Array.from({ length: groups }, () => Array.from({ length: seeds }, () => stream.normal()));
    const repeats = 2000;
    let covered = 0;
    for (let repeat = 0; repeat < repeats; repeat++) {
      const [ours, theirs] = [draws(), draws()];
      const pairs = ours.flatMap((a) => theirs.map((b) => [a, b] as const));
      const [{ low, high }] = pooledDifferences(pairs, [groups, groups]) as [
        ReturnType<typeof summarise>,
      ];
      if (low! <= 0 && high! >= 0) covered++;
    }
    const share = covered / repeats;
    assertEquals(share > 0.94 && share < 0.985, true, `${groups} groups, ${seeds} seeds: ${share}`);
  }
});
