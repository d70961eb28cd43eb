/** Forms with policies: what they are together, what they refuse, and what their random controls keep. */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { RandomStream } from "../../src/base/random.ts";
import { compositionOf } from "../../src/analysis/factorial.ts";
import { drawnRanks } from "../../src/methods/before_training.ts";
import { composed } from "../../src/methods/composed.ts";
import { movesByScore, movesPolicy, randomMoves } from "../../src/methods/elalora_policy.ts";
import { growPolicy } from "../../src/methods/grow_policy.ts";
import { lostWithin } from "../../src/methods/ranked_slots.ts";
import { presets } from "../../src/methods/presets.ts";
import { prunePolicy } from "../../src/methods/prune_policy.ts";
import { droppedSlots, type RankDecision } from "../../src/methods/rank_actions.ts";
import type { RankPolicy } from "../../src/methods/rank_policy.ts";
import { scoreNames } from "../../src/methods/slot_scores.ts";
import {
  ofKind,
  oneLayer,
  started,
  timeless,
  type TinyRun,
  trainingRequest,
  trainTo,
} from "../train/fixture.ts";
import { assertResumes, ended, executor } from "./adapted_runs.ts";
import {
  contextOf,
  factsOf,
  grownIn,
  modulesOf,
  scoresOf,
  steadyMoves,
  viewOf,
} from "./policies.ts";

const schedule = { initWarmup: 2, finalWarmup: 3 };
const moves = { type: "moves", ...schedule, maskInterval: 2 };

/** What a run told and left, without its times. */
async function traceOf(run: TinyRun) {
  const { trainer, events, end } = await ended(run);
  trainer.dispose();
  return { events: timeless(events), theta: [...end.vectors.theta!], order: end.order };
}

const same: readonly (readonly [string, TinyRun, Readonly<Record<string, unknown>>])[] = [
  ["lora", { method: "lora" }, { form: { type: "lora" }, policy: { type: "fixed" } }],
  [
    "elalora",
    { method: "elalora", options: { ...schedule, maskInterval: 2, k: 1 } },
    { form: { type: "svd" }, policy: { ...moves, k: 1 } },
  ],
  [
    "adalora",
    { method: "adalora", options: { ...schedule, maskInterval: 2, lastMask: "forced" } },
    { form: { type: "svd" }, policy: { type: "mask", ...schedule, interval: 2 } },
  ],
  [
    "sora",
    { method: "sora", options: { sparseLambda2: 0.05 } },
    { form: { type: "gated" }, policy: { type: "gates", sparseLambda2: 0.05 } },
  ],
];

for (const [name, run, options] of same) {
  Deno.test(`composed is ${name}, number for number, with its form and its policy`, async () => {
    const wanted = await traceOf({ ...run, encoder: oneLayer });
    const encoder = oneLayer;
    assertEquals(await traceOf({ method: "composed", options, encoder }), wanted);
  });
}

Deno.test("a preset says of what its method is composed", () => {
  const composedOf = same.map(([name, , options]) =>
    [name, compositionOf({ method: "composed", options: composed.parseOptions(options) })] as const
  );
  assertEquals(presets, Object.fromEntries(composedOf));
});

/** The form `svd` with moves by each score, and the other policies by one score and by chance. */
const arms: readonly (readonly [string, string, Readonly<Record<string, unknown>>])[] = [
  ...scoreNames.map((score) => ["svd", score, { ...moves, score, examples: 4 }] as const),
  ["lora", "importance", { ...moves, score: "importance" }],
  ["lora", "random", { ...moves, score: "random" }],
  ["gated", "fisher", { ...moves, score: "fisher" }],
  ...["magnitude", "random"].flatMap((score) => [
    ["svd", score, { type: "mask", ...schedule, interval: 2, score }] as const,
    ["lora", score, { type: "prune", ...schedule, interval: 2, score }] as const,
    ["svd", score, { type: "grow", ...schedule, interval: 2, score }] as const,
  ]),
  ["lora", "singular values", { type: "prune-after" }],
  ["svd", "singular values", { type: "prune-after" }],
];

for (const [form, by, policy] of arms) {
  Deno.test(`composed: ${form} with ${policy["type"]} by ${by} ends with its budget, and resumes to the bit`, async () => {
    const rank = policy["type"] === "grow" ? 4 : 2;
    const run: TinyRun = {
      method: "composed",
      options: { form: { type: form }, policy },
      rank,
      finalTotal: rank * 6,
      encoder: oneLayer,
    };
    using whole = await ended(run);
    const ranks = ofKind(whole.events, "ranks");
    assert(ranks.length > 0);
    assertEquals(ranks.at(-1)!.budget, rank * 6);
    await assertResumes(whole, [8]);
  });
}

Deno.test("composed refuses a policy that its form has no numbers for", () => {
  const check = (form: string, policy: object) =>
    composed.check(composed.parseOptions({ form: { type: form }, policy }), factsOf());
  assertThrows(
    () => check("lora", { type: "gates" }),
    RangeError,
    'which has no gates; want the form "gated"',
  );
  assertThrows(() => check("svd", { type: "gates" }), RangeError, "has no gates");
  assertThrows(() => check("lora", { type: "mask" }), RangeError, 'or the policy "prune"');
  assertThrows(
    () => check("svd", { ...moves, score: "removal", examples: 100 }),
    RangeError,
    "Cannot hold out 100 examples",
  );
  check("svd", moves);
});

const modules = modulesOf(8, 8, 32, 8, 32, 16);
const costs = modules.map(({ inSize, outSize }) => inSize + outSize);

/** A view of nothing but an event's random numbers. */
const viewAt = (step: number) => viewOf({ stream: RandomStream.fromSeed(7).fork(step) });

interface Kept {
  readonly modules: readonly string[];
  readonly ranks: readonly number[];
}

/** Ranks after each of some events, with scores that are drawn. */
function trajectory<State extends Kept>(
  policy: RankPolicy<State>,
  ranks: readonly number[],
  cap: number | null,
  finalTotal = ranks.reduce((sum, rank) => sum + rank, 0),
  seed = 1,
): readonly { readonly ranks: readonly number[]; readonly decision: RankDecision }[] {
  const totalSteps = 60;
  const stream = RandomStream.fromSeed(seed);
  let state = policy.start(contextOf(ranks, { modules, costs, cap, finalTotal, totalSteps }));
  const seen: { readonly ranks: readonly number[]; readonly decision: RankDecision }[] = [];
  for (let step = 0; step < totalSteps; step++) {
    if (!policy.isDue(state, step)) continue;
    const scores = state.modules.map((module, i) => ({
      module,
      scores: Array.from({ length: state.ranks[i]! }, () => stream.next()),
    }));
    const next = policy.decide(state, step, scores, viewAt(step));
    state = next.state;
    seen.push({ ranks: state.ranks, decision: next.decision });
  }
  return seen;
}

function costOf(ranks: readonly number[]): number {
  return ranks.reduce((sum, rank, i) => sum + rank * costs[i]!, 0);
}

for (const [name, choose] of [["by score", movesByScore], ["at random", randomMoves]] as const) {
  Deno.test(`moves ${name} never cost more than the cap, and leave less spare than the cheapest rank`, () => {
    for (const seed of [1, 2, 3, 4, 5]) {
      const start = [3, 3, 2, 3, 2, 2];
      const cap = costOf(start) + 7;
      const seen = trajectory(movesPolicy(steadyMoves, choose), start, cap, undefined, seed);
      assertEquals(seen.length, 59);
      for (const { ranks } of seen) {
        assert(costOf(ranks) <= cap, `${ranks}`);
        assert(ranks.every((rank, i) => rank >= 1 && rank <= modules[i]!.inSize));
        // A module of rank 1 takes no more part in moves by score.
        const spare = cap - costOf(ranks);
        const able = ranks.flatMap((rank, i) => rank > 1 && rank < modules[i]!.inSize ? [i] : []);
        assert(able.every((i) => costs[i]! > spare), `${ranks} leave ${spare}`);
      }
    }
  });

  Deno.test(`moves ${name} keep the number of ranks without a cap`, () => {
    for (
      const { ranks } of trajectory(movesPolicy(steadyMoves, choose), [3, 3, 2, 3, 2, 2], null)
    ) {
      assertEquals(ranks.reduce((sum, rank) => sum + rank, 0), 15);
    }
  });
}

Deno.test("random moves are as many and as often as ElaLoRA's, and follow the run's stream", () => {
  const start = [5, 5, 5, 5, 5, 5];
  const counts = (choose: typeof randomMoves) =>
    trajectory(movesPolicy({ ...steadyMoves, decay: "cubic" }, choose), start, null)
      .map(({ decision }) => droppedSlots(decision).length);
  const [first] = [counts(movesByScore)];
  // Both are bounded by half of what modules offer, which their ranks decide; the first event's ranks are the same.
  assertEquals(counts(randomMoves)[0], first[0]);
  assertEquals(counts(randomMoves).length, first.length);
  const twice = [1, 2].map(() => trajectory(movesPolicy(steadyMoves, randomMoves), start, null));
  assertEquals(twice[0], twice[1]);
});

Deno.test("random moves come from and go to each module about equally often", () => {
  const left = new Map<string, number>();
  const came = new Map<string, number>();
  const policy = movesPolicy({ ...steadyMoves, b: 1 }, randomMoves);
  const ranks = [10, 10, 10, 10];
  const state = policy.start(contextOf(ranks));
  const scores = scoresOf(...ranks.map((rank) => Array<number>(rank).fill(0)));
  for (let draw = 0; draw < 2_000; draw++) {
    const { decision } = policy.decide(state, 1, scores, viewAt(draw));
    const [lost] = droppedSlots(decision);
    const [won] = grownIn(decision);
    left.set(lost!.module, (left.get(lost!.module) ?? 0) + 1);
    came.set(won!, (came.get(won!) ?? 0) + 1);
  }
  // 500 each; a deviation of five standard deviations would be 97.
  for (const name of state.modules) {
    assert(Math.abs(left.get(name)! - 500) < 97 && Math.abs(came.get(name)! - 500) < 97);
  }
});

Deno.test("an open floor lets a module of rank 1 grow again; an absorbing one does not", () => {
  const rows = [[5], [1, 2, 3], [2, 3, 4]];
  const grown = (floor: "open" | "absorbing") => {
    const policy = movesPolicy({ ...steadyMoves, b: 1, floor }, movesByScore);
    const state = policy.start(contextOf(rows.map((row) => row.length)));
    return policy.decide(state, 1, scoresOf(...rows)).state.ranks;
  };
  assertEquals(grown("open"), [2, 2, 3]);
  assertEquals(grown("absorbing"), [1, 2, 4]);
});

Deno.test("b, k and the interval may be shares of ranks and steps", () => {
  const shares = { ...steadyMoves, b: 0.2, k: 0.5, maskInterval: 0.1 };
  const state = movesPolicy(shares).start(contextOf([4, 4, 4, 4, 4, 4], { totalSteps: 60 }));
  assertEquals(state.numbers, { b: 5, k: 2, maskInterval: 6 });
});

Deno.test("pruning and growing reach the final total, and stay within a cap to the end", () => {
  const options = { initWarmup: 5, finalWarmup: 10, interval: 5 };
  const full = [6, 6, 6, 6, 6, 6];
  const pruned = trajectory(prunePolicy(options), full, null, 24);
  assertEquals(pruned.at(-1)!.ranks.reduce((sum, rank) => sum + rank, 0), 24);
  const cap = 600;
  const within = trajectory(prunePolicy(options), full, cap, 24);
  assert(costOf(within.at(-1)!.ranks) <= cap);
  const grow = { ...options, share: 0.5 };
  for (const isRandom of [false, true]) {
    const grown = trajectory(growPolicy(grow, isRandom), [2, 2, 2, 2, 2, 2], null, 24);
    assertEquals(grown.at(-1)!.ranks.reduce((sum, rank) => sum + rank, 0), 24);
    for (const { ranks } of trajectory(growPolicy(grow, isRandom), [2, 2, 2, 2, 2, 2], cap, 24)) {
      assert(costOf(ranks) <= cap, `${ranks}`);
    }
  }
});

Deno.test("under a cap the best ranks stay that it pays for, and what is spare pays for cheaper ones", () => {
  const slot = (moduleIndex: number, score: number) => ({
    module: `m${moduleIndex}`,
    moduleIndex,
    slot: 0,
    score,
  });
  const slots = [slot(0, 1), slot(1, 4), slot(2, 3), slot(0, 2)];
  const cap = { costs: [10, 20, 50], most: 45 };
  assertEquals(lostWithin(slots, 99, cap).map(({ score }) => score), [3]);
  assertEquals(lostWithin(slots, 3, null).map(({ score }) => score), [1]);
});

Deno.test("the mean of what was trained follows the ranks step by step, across a checkpoint too", async () => {
  const policy = { type: "prune", ...schedule, interval: 2, score: "random" };
  const run: TinyRun = { method: "composed", options: { form: { type: "lora" }, policy } };
  const request = trainingRequest(executor, run);
  using whole = await started(request);
  const seen: number[] = [];
  while (whole.step < whole.totalSteps) {
    seen.push(whole.activeParameters());
    await whole.next();
  }
  const mean = seen.reduce((sum, count) => sum + count, 0) / seen.length;
  assert(Math.min(...seen) < Math.max(...seen));
  assertAlmostEquals(whole.meanTrained(), mean, 1e-9);
  using half = await started(request);
  await trainTo(half, 7);
  const at = await half.checkpoint();
  using rest = await started(request, at);
  await trainTo(rest);
  assertAlmostEquals(rest.meanTrained(), mean, 1e-9);
});

Deno.test("ranks that are drawn before training keep the budget, the cap and the highest rank, and follow the stream", () => {
  const draw = (cap: number | null, seed: number) =>
    drawnRanks(modules, { total: 24, costs, cap }, 2, RandomStream.fromSeed(seed));
  for (let seed = 1; seed <= 20; seed++) {
    const ranks = draw(null, seed);
    assertEquals(ranks.reduce((sum, rank) => sum + rank, 0), 24);
    assert(ranks.every((rank) => rank >= 1 && rank <= 8), `${ranks}`);
    const capped = draw(500, seed);
    assert(costOf(capped) <= 500 && capped.every((rank) => rank >= 1), `${capped}`);
  }
  assertEquals(draw(null, 1), draw(null, 1));
  assert(draw(null, 1).join() !== draw(null, 2).join());
});

Deno.test("composed finds ranks before training by dimension, variance, gradients or chance", () => {
  const estimate = (by: string, examples = 128) => {
    const options = composed.parseOptions({ policy: { type: "before", by, examples } });
    return composed.bind(options).estimate;
  };
  assertEquals(
    ["variance", "gradients", "random"].map((by) => estimate(by)?.of),
    ["inputs", "gradients", "nothing"],
  );
  assertEquals(estimate("dimension")?.of ?? "states", "states");
  const check = (by: string, examples: number) => {
    const options = composed.parseOptions({ policy: { type: "before", by, examples } });
    return () => composed.check(options, factsOf());
  };
  assertThrows(check("variance", 101), RangeError, "found 100 training examples");
  assertThrows(check("gradients", 101), RangeError, "found 100 training examples");
  assertThrows(check("dimension", 99), RangeError, "at least 100 are wanted");
  check("random", 101)();
});
