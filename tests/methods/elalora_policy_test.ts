import { assertEquals, assertThrows } from "@std/assert";
import { RandomStream } from "../../src/base/random.ts";
import { elalora } from "../../src/methods/elalora.ts";
import {
  checkElaloraSchedule,
  movedRanksAt,
  type MoveOptions,
  movesPolicy,
} from "../../src/methods/elalora_policy.ts";
import { droppedSlots, type SlotScores } from "../../src/methods/rank_actions.ts";
import { solveRanks } from "../../src/study/budget/ranks.ts";
import {
  contextOf,
  factsOf,
  grownIn,
  modulesOf,
  scoresOf,
  steadyMoves as base,
  stepsDue,
} from "./policies.ts";

/** One event on the given scores. */
function decideOnce(options: Partial<MoveOptions>, rows: number[][], size = 64) {
  const policy = movesPolicy({ ...base, ...options });
  const modules = modulesOf(...rows.map(() => size));
  const start = policy.start(contextOf(rows.map((row) => row.length), { modules }));
  const { decision, state } = policy.decide(start, 1, scoresOf(...rows));
  return {
    decision,
    drop: droppedSlots(decision),
    grow: grownIn(decision),
    ranks: state.ranks,
    state,
  };
}

Deno.test("elaloraPolicy solves the worked example: ranks 3,3,3 become 2,5,2", () => {
  const rows = [[5, 1, 2], [9, 8, 7], [0.5, 4, 3]];
  for (const ties of ["exact", "upstream"] as const) {
    const { decision, ranks } = decideOnce({ b: 2, ties }, rows);
    assertEquals(ranks, [2, 5, 2]);
    assertEquals(decision, {
      actions: [
        { type: "drop", slots: [{ module: "m0", slot: 1 }, { module: "m2", slot: 0 }] },
        { type: "grow", modules: ["m1", "m1"] },
      ],
      threshold: 1,
    });
  }
});

// Settings of the released scripts and the sequences that follow from the authors' schedule.
const published = [
  ["MNLI", 500, 1000, 500, 6136, [4, 4, 4, 4, 3, 3, 2, 1]],
  ["SST-2", 3000, 10000, 500, 21060, [...repeat(4, 8), 3, 3, 3, 2, 2, 1, 1]],
  ["CoLA", 500, 500, 100, 2680, [...repeat(4, 8), 3, 3, 3, 3, 2, 2, 1, 1]],
  ["QNLI", 2000, 2000, 200, 8185, [...repeat(4, 10), ...repeat(3, 5), 2, 2, 1, 1, 1]],
  ["RTE", 300, 500, 50, 1950, [...repeat(4, 11), ...repeat(3, 5), 2, 2, 2, 1, 1]],
  ["MRPC", 300, 400, 50, 1160, [4, 4, 4, 4, 3, 3, 2, 1]],
] as const;

function repeat(value: number, times: number): number[] {
  return Array<number>(times).fill(value);
}

/** Ranks moved at each event of a whole run. */
function sequence(options: MoveOptions, totalSteps: number): number[] {
  const policy = movesPolicy(options);
  const state = policy.start(contextOf([2], { totalSteps }));
  return stepsDue(policy, state, totalSteps)
    .map((step) => movedRanksAt(options, totalSteps, step));
}

Deno.test("elaloraPolicy moves the published numbers of ranks", () => {
  for (const [task, initWarmup, finalWarmup, maskInterval, totalSteps, wanted] of published) {
    const options = { ...base, initWarmup, finalWarmup, maskInterval, decay: "cubic" as const };
    assertEquals(sequence(options, totalSteps), [...wanted], task);
  }
});

Deno.test("elaloraPolicy moves the published totals for XSum and VTAB-1k", () => {
  const runs = [
    [{ b: 6, initWarmup: 8000, finalWarmup: 10000, maskInterval: 200 }, 51016, 160, 744],
    [{ b: 4, initWarmup: 500, finalWarmup: 1000, maskInterval: 200 }, 6300, 22, 71],
  ] as const;
  for (const [changes, totalSteps, events, moves] of runs) {
    const moved = sequence({ ...base, ...changes, decay: "cubic" }, totalSteps);
    assertEquals([moved.length, moved.reduce((a, b) => a + b, 0)], [events, moves]);
  }
});

Deno.test("elaloraPolicy takes warm-ups as shares of all steps", () => {
  const shares = { ...base, initWarmup: 0.1, finalWarmup: 0.2, maskInterval: 10 };
  const steps = { ...base, initWarmup: 20, finalWarmup: 40, maskInterval: 10 };
  assertEquals(sequence(shares, 200), sequence(steps, 200));
  const policy = movesPolicy(shares);
  const state = policy.start(contextOf([2], { totalSteps: 200 }));
  const due = stepsDue(policy, state, 200);
  assertEquals([due[0], due[1], due.at(-1)], [30, 40, 150]);
  const frozen = [0, 159, 160, 199].map((step) => policy.statisticsFrozen!(state, step));
  assertEquals(frozen, [false, false, true, true]);
});

Deno.test("elaloraPolicy keeps the total rank over 100 random events, with ties, walls and lone ranks", () => {
  for (const maxRank of [null, 5]) {
    const random = RandomStream.fromSeed(11).fork(String(maxRank));
    const policy = movesPolicy({ ...base, b: 7, k: 3, maxRank });
    const initial = [3, 1, 4, 2, 3, 3, 5, 1];
    const modules = modulesOf(...initial.map(() => 9));
    let state = policy.start(contextOf(initial, { modules, totalSteps: 200 }));
    let moved = 0;
    for (let step = 1; step <= 100; step++) {
      const before = state.ranks;
      // Few distinct values, so that equal scores are common.
      const rows = before.map((rank) => Array.from({ length: rank }, () => random.int(6) / 4));
      const next = policy.decide(JSON.parse(JSON.stringify(state)), step, scoresOf(...rows));
      state = next.state;
      const drop = droppedSlots(next.decision), grow = grownIn(next.decision);
      assertEquals(drop.length, grow.length);
      moved += drop.length;
      assertEquals(state.ranks.reduce((a, b) => a + b, 0), 22);
      assertEquals(state.ranks.every((rank) => rank >= 1 && rank <= (maxRank ?? 9)), true);
      const counted = before.map((rank, i) =>
        rank - drop.filter(({ module }) => module === `m${i}`).length +
        grow.filter((module) => module === `m${i}`).length
      );
      assertEquals(state.ranks, counted);
      before.forEach((rank, i) => {
        if (rank === 1) assertEquals(state.ranks[i], 1, "a lone rank neither leaves nor grows");
      });
      for (const { module, slot } of drop) {
        const row = rows[Number(module.slice(1))]!;
        const lower = row.filter((score) => score < row[slot]!).length;
        assertEquals(lower < 3, true, "only the weakest three of a module may leave");
      }
    }
    assertEquals(moved > 100, true);
  }
});

Deno.test("elaloraPolicy orders equal scores by module and slot, and upstream ties change the total", () => {
  const rows = [[0, 0, 5], [0, 0, 6], [1, 2, 3]];
  const exact = decideOnce({ b: 1 }, rows);
  assertEquals(exact.drop, [{ module: "m0", slot: 0 }]);
  assertEquals(exact.grow, ["m2"]);
  assertEquals(exact.ranks, [2, 3, 4]);
  const upstream = decideOnce({ b: 1, ties: "upstream" }, rows);
  assertEquals(upstream.drop, [{ module: "m0", slot: 0 }, { module: "m0", slot: 1 }]);
  assertEquals(upstream.ranks, [1, 3, 4]);
});

Deno.test("elaloraPolicy decides as upstream where scores are distinct and the pool is large", () => {
  const random = RandomStream.fromSeed(12);
  for (let round = 0; round < 50; round++) {
    const rows = Array.from(
      { length: 8 },
      () => Array.from({ length: 1 + random.int(5) }, () => random.next()),
    );
    const pool = rows.reduce((sum, row) => sum + Math.min(2, row.length - 1), 0);
    const b = 1 + random.int(Math.max(1, Math.floor(pool / 2)));
    const exact = decideOnce({ b }, rows);
    assertEquals(decideOnce({ b, ties: "upstream", poolOverlap: "upstream" }, rows), {
      ...exact,
      state: { ...exact.state, limits: rows.map(() => null) },
    });
  }
});

Deno.test("elaloraPolicy cuts moves to half the pool unless overlap is allowed", () => {
  const rows = [[1, 5], [2, 6], [3, 7]];
  const cut = decideOnce({ b: 3, k: 1 }, rows);
  assertEquals([cut.drop.length, cut.ranks], [1, [1, 2, 3]]);
  const allowed = decideOnce({ b: 3, k: 1, poolOverlap: "upstream" }, rows);
  assertEquals(allowed.drop.length, 3);
  assertEquals(allowed.grow, ["m0", "m1", "m2"]);
  assertEquals(allowed.ranks, [2, 2, 2]);
});

Deno.test("elaloraPolicy grows the next module where the best is full, and moves less where all are", () => {
  const rows = [[1, 20], [2, 21], [3, 30, 31, 32], [4, 40, 41, 42]];
  const capped = decideOnce({ b: 2, maxRank: 4 }, rows);
  assertEquals(capped.drop.map(({ module }) => module), ["m0", "m1"]);
  // m2 and m3 are full; of the dropped-from modules only owners in the pool can take the ranks back.
  assertEquals(capped.grow, ["m0", "m1"]);
  const free = decideOnce({ b: 2 }, rows);
  assertEquals(free.grow, ["m2", "m3"]);
  const bySize = decideOnce({ b: 2 }, [[1, 2, 3, 4], [5, 6, 7, 8]], 4);
  assertEquals(bySize.drop, [{ module: "m0", slot: 0 }, { module: "m0", slot: 1 }]);
  assertEquals(bySize.grow, ["m0", "m0"]);
});

Deno.test("elaloraPolicy makes an empty decision where every module has one rank", () => {
  const { decision, ranks } = decideOnce({ optimizer: "upstream-reset" }, [[1], [2]]);
  assertEquals(decision, {
    actions: [{ type: "drop", slots: [] }, { type: "grow", modules: [] }, { type: "reset" }],
    threshold: null,
  });
  assertEquals(ranks, [1, 1]);
});

Deno.test("elaloraPolicy without moves has no events", () => {
  assertEquals(sequence({ ...base, b: 0 }, 50), []);
});

Deno.test("elaloraPolicy refuses scores that do not fit its state", () => {
  const policy = movesPolicy(base);
  const context = contextOf([2, 2]);
  const state = policy.start(context);
  const wrong: [SlotScores, string][] = [
    [scoresOf([1, 2]), "scores of 1 modules found, 2 wanted"],
    [scoresOf([1, 2], [3]), '1 scores of "m1", 2 of "m1" wanted'],
    [scoresOf([1, 2], [3, 4]).toReversed(), '"m1", 2 of "m0" wanted'],
    [scoresOf([1, 2], [3, NaN]), 'slot 1 of "m1" is NaN'],
  ];
  for (const [scores, text] of wrong) {
    assertThrows(() => policy.decide(state, 1, scores), RangeError, text);
  }
  assertThrows(() => policy.start({ ...context, ranks: [2] }), RangeError, "1 ranks found");
  assertThrows(() => policy.start({ ...context, ranks: [2, 0] }), RangeError, '"m1" is 0');
});

Deno.test("checkElaloraSchedule wants room for one event", () => {
  const valid: [Partial<MoveOptions>, number][] = [
    [{ initWarmup: 10, finalWarmup: 10, maskInterval: 5 }, 26],
    [{ initWarmup: 0.5, finalWarmup: 0.25, maskInterval: 10 }, 100],
    [{ initWarmup: 500, finalWarmup: 500, maskInterval: 100, b: 0 }, 10],
  ];
  const invalid: [Partial<MoveOptions>, number, string][] = [
    [{ initWarmup: 10, finalWarmup: 10, maskInterval: 5 }, 25, '"initWarmup" takes 10'],
    [{ initWarmup: 500, finalWarmup: 500, maskInterval: 100 }, 900, '"finalWarmup" 500'],
    [{ initWarmup: 0.5, finalWarmup: 0.5, maskInterval: 1 }, 100, '"maskInterval" of 1'],
    [{ initWarmup: 1.5, finalWarmup: 0, maskInterval: 1 }, 100, '"initWarmup" of 1.5'],
    [{ initWarmup: 1, finalWarmup: -1, maskInterval: 1 }, 100, '"finalWarmup" of -1'],
    // The only event would come so late that no rank is left to move.
    [{ initWarmup: 0, finalWarmup: 0, maskInterval: 98, decay: "cubic" }, 100, "no event fits"],
  ];
  for (const [options, totalSteps] of valid) {
    checkElaloraSchedule({ ...base, ...options }, totalSteps);
  }
  for (const [options, totalSteps, text] of invalid) {
    assertThrows(
      () => checkElaloraSchedule({ ...base, ...options }, totalSteps),
      RangeError,
      text,
    );
  }
});

Deno.test("ElaLoRA is refused where no module can grow", () => {
  const modules = modulesOf(4, 4, 4);
  const check = (options: Record<string, unknown>, rank: number) => {
    const chosen = elalora.parseOptions(options);
    const plan = solveRanks(elalora, chosen, modules, { type: "rank", value: rank });
    elalora.check(chosen, factsOf({ totalSteps: 200, modules, plan }));
  };
  const capped =
    'every module starts with rank 2, its highest, and none can grow; raise "maxRank" of 2';
  assertThrows(() => check({ maxRank: 2 }, 2), RangeError, capped);
  assertThrows(() => check({ maxRank: 1 }, 2), RangeError, 'raise "maxRank" of 1 above 2');
  assertThrows(() => check({ maxRank: 8 }, 4), RangeError, "none can grow; lower the budget");
  check({ maxRank: 3 }, 2);
  // One module of three starts below the highest rank.
  check({ maxRank: 3 }, 8 / 3);
  check({ maxRank: 2, b: 0 }, 2);
  check({ maxRank: 2, ties: "upstream" }, 2);
});

Deno.test("upstream: true is the four switches of ElaLoRA, and says where one contradicts it", () => {
  const four = {
    ties: "upstream",
    directions: "upstream",
    optimizer: "upstream-reset",
    poolOverlap: "upstream",
  };
  assertEquals(elalora.parseOptions({ upstream: true }), elalora.parseOptions(four));
  assertEquals(elalora.parseOptions({ upstream: false }), elalora.parseOptions({}));
  assertThrows(
    () => elalora.parseOptions({ upstream: true, ties: "exact" }),
    RangeError,
    'found "ties" of "exact" beside it, want "upstream"',
  );
  assertThrows(() => elalora.parseOptions({ upstream: "yes" }));
});
