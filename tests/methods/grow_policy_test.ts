/** The policy that adds ranks, against steps worked out by hand. */
import { assertEquals, assertThrows } from "@std/assert";
import { RandomStream } from "../../src/base/random.ts";
import { type GrowOptions, growPolicy } from "../../src/methods/grow_policy.ts";
import type { SlotScores } from "../../src/methods/rank_actions.ts";
import { scoresOf, stepsDue, viewOf } from "./policies.ts";

const modules = [[8, 4], [8, 8], [2, 8]].map(([inSize, outSize], i) => ({
  name: `m${i}`,
  inSize: inSize!,
  outSize: outSize!,
}));
/** Of 14 steps counted from 0, ranks grow after 5, 8 and 10. */
const options: GrowOptions = { initWarmup: 2, finalWarmup: 3, interval: 3, share: 0.5 };
const times = { totalSteps: 14, stepsPerEpoch: 14 };
/** This policy reads no numbers of the model. */
const seen = viewOf();

Deno.test("ranks grow in the better half of the modules, by mean score and the room that they have", () => {
  const policy = growPolicy(options, false);
  const start = policy.start({ modules, ranks: [1, 1, 1], finalTotal: 12, ...times });
  assertEquals(start, {
    modules: ["m0", "m1", "m2"],
    ranks: [1, 1, 1],
    limits: [4, 8, 2],
    initialTotal: 3,
    finalTotal: 12,
    totalSteps: 14,
    cap: null,
  });
  assertEquals(stepsDue(policy, start, 14), [5, 8, 10]);
  assertEquals([10, 11].map((step) => policy.statisticsFrozen!(start, step)), [false, true]);
  // 12 − 9 · (2/3)³ = 9.3 ranks may be there: six more, of which m2 has room for one.
  const scores = scoresOf([1], [3], [2]);
  const first = policy.decide(start, 5, scores, seen);
  assertEquals(first.decision, {
    actions: [{ type: "grow", modules: ["m1", "m1", "m1", "m1", "m1", "m2"] }],
    scores,
    moved: 6,
  });
  assertEquals(first.state.ranks, [1, 6, 2]);
  // Now m0 and m2 have the better means, although m1 has the larger sum, and m2 is full.
  const second = policy.decide(first.state, 8, scoresOf([5], [6, 0, 0, 0, 0, 0], [2, 4]), seen);
  assertEquals(second.decision.actions, [{ type: "grow", modules: ["m0", "m0", "m0"] }]);
  assertEquals(second.state, { ...start, ranks: [4, 6, 2] });
  assertThrows(
    () => policy.start({ modules: [], ranks: [], finalTotal: 4, ...times }),
    RangeError,
    "0 modules",
  );
});

Deno.test("one module grows at least: the best by its mean, the first of equal ones, or one that is drawn", () => {
  // One event, after step 10.
  const once = { ...options, interval: 20 };
  const grown = (
    policy: ReturnType<typeof growPolicy>,
    scores: SlotScores,
    view = seen,
    finalTotal = 5,
  ) => {
    const start = policy.start({ modules, ranks: [1, 2, 1], finalTotal, ...times });
    return policy.decide(start, 10, scores, view).decision;
  };
  const few = growPolicy({ ...once, share: 0.1 }, false);
  const of = (module: string) => [{ type: "grow", modules: [module] } as const];
  assertEquals(grown(few, scoresOf([2.6], [3, 3], [1])).actions, of("m1"));
  assertEquals(grown(few, scoresOf([1], [3, 3], [3])).actions, of("m1"));
  assertEquals(grown(few, scoresOf([2.6], [3, 3], [1]), seen, 6).actions, [{
    type: "grow",
    modules: ["m1", "m1"],
  }]);
  // All may grow, and turns begin at the best.
  const all = growPolicy({ ...once, share: 1 }, false);
  assertEquals(grown(all, scoresOf([1], [2, 2], [3])).actions, of("m2"));
  const random = growPolicy({ ...once, share: 0.1 }, true);
  for (let seed = 0; seed < 5; seed++) {
    const stream = RandomStream.fromSeed(seed);
    const drawn = stream.fork("modules").permutation(3)[0]!;
    const decision = grown(random, [], { ...seen, stream });
    assertEquals(decision, { actions: of(`m${drawn}`), moved: 1 });
  }
});

Deno.test("under a cap ranks grow as long as it pays for them", () => {
  const policy = growPolicy({ ...options, interval: 20, share: 1 }, false);
  const wide = modules.slice(0, 2).map(({ name }) => ({ name, inSize: 64, outSize: 64 }));
  const start = policy.start({
    modules: wide,
    ranks: [1, 1],
    finalTotal: 4,
    costs: [10, 20],
    cap: 100,
    ...times,
  });
  // 70 are left: 10 + 20, 10 + 20 and 10.
  assertEquals(policy.decide(start, 10, scoresOf([2], [1]), seen).state.ranks, [4, 3]);
});
