/** DoRA with dynamic rank: its schedule and ties by hand, its scores, and its runs: resumed, merged, removed. */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { RandomStream } from "../../src/base/random.ts";
import { input } from "../../src/graph/mod.ts";
import {
  componentShares,
  doraDynamic,
  dynamicRankPolicy,
  maskedAt,
} from "../../src/methods/dora_dynamic.ts";
import { actionsOf } from "../../src/methods/rank_actions.ts";
import { ofKind, type TinyRun } from "../train/fixture.ts";
import { assertAblates, assertMerges, assertResumes, ended } from "./adapted_runs.ts";
import { contextOf, factsOf, stepsDue, viewOfNumbers } from "./policies.ts";
import { assertAlmost, doubles, valuesOf } from "../graph/numbers.ts";

const schedule = { initWarmup: 3, finalWarmup: 0.5, interval: 3 };
const policyWith = (ties: "exact" | "upstream") => dynamicRankPolicy({ ...schedule, ties });
const context = contextOf([6, 6], { finalTotal: 8 });
const even = [[1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5, 6]];

Deno.test("masks follow the interval within the phase and its last step, by a cubic rise", () => {
  const due = (ties: "exact" | "upstream") => {
    const policy = policyWith(ties);
    return stepsDue(policy, policy.start(context));
  };
  // The phase is steps 4 to 10, counted from 1.
  assertEquals(due("exact"), [5, 8, 9]);
  assertEquals(due("upstream"), [2, 5, 8, 9]);
  const totals = { initialTotal: 12, finalTotal: 8, totalSteps: 20 };
  const masked = (step: number) => maskedAt({ ...schedule, ties: "upstream" }, totals, step);
  assertEquals([1, 2, 5, 8, 9].map(masked), [null, 0, 0, 2, 4]);
});

Deno.test("the mean over time counts the ranks of each step before its mask", () => {
  // Of 20 steps: 9 at 12 ranks (masks of none after 6), then 1 at 12 − 4·(6/7)³, then 10 at 8.
  const wanted = (9 * 12 + (12 - 4 * (6 / 7) ** 3) + 10 * 8) / (20 * 8) -
    // The mask after step 6 is of 4·(3/7)³ ranks, for the 3 steps after it.
    3 * 4 * (3 / 7) ** 3 / (20 * 8);
  assertAlmostEquals(
    doraDynamic.meanFactor!(doraDynamic.parseOptions(schedule), 20)!,
    wanted,
    1e-8,
  );
});

Deno.test("exact ties mask as many as are due; the authors' mask more, and one where none is due", () => {
  const seen = viewOfNumbers("S", { m0: even[0]!, m1: even[1]! });
  const masks = (ties: "exact" | "upstream", step: number) => {
    const policy = policyWith(ties);
    const { decision } = policy.decide(policy.start(context), step, [], seen);
    const [mask] = actionsOf(decision, "mask");
    assertEquals(decision.scores!.map(({ scores }) => scores), even);
    return { off: mask!.slots.map(({ module, slot }) => `${module[1]}/${slot}`), ...mask! };
  };
  assertEquals(masks("exact", 5).off, []);
  assertEquals(masks("upstream", 2).off, ["0/0", "1/0"]);
  assertEquals(masks("exact", 9).off, ["0/0", "0/1", "1/0", "1/1"]);
  assertEquals([masks("exact", 8).isPermanent, masks("exact", 9).isPermanent], [false, true]);
});

Deno.test("a schedule without a step between its warm-ups is refused by name", () => {
  const error = assertThrows(
    () =>
      doraDynamic.check(
        doraDynamic.parseOptions({ ...schedule, initWarmup: 0.5 }),
        factsOf({ totalSteps: 20 }),
      ),
    RangeError,
  );
  assert(/"initWarmup" of 0.5 and a "finalWarmup" of 0.5/.test(error.message), error.message);
});

Deno.test("the score of a component is its share in the norm of its module's update, 0 where there is none", () => {
  const stream = RandomStream.fromSeed(4);
  const sizes = { A: [2, 3, 5], E: [2, 3, 1], B: [2, 3, 4] } as const;
  const values = Object.fromEntries(
    Object.entries(sizes).map(([name, shape]) => [
      name,
      Float64Array.from(stream.fork(name).normals(shape[0] * shape[1] * shape[2])),
    ]),
  ) as Record<keyof typeof sizes, Float64Array>;
  // The second module's scales are zero.
  values.E.fill(0, 3);
  const shares = componentShares(
    Object.fromEntries(Object.entries(sizes).map(([name, shape]) => [name, input(name, shape)])),
  );
  const feeds = Object.fromEntries(
    Object.entries(sizes).map(([name, shape]) => [name, doubles(values[name as "A"], shape)]),
  );
  const found = valuesOf({ shares }, feeds).shares;
  const entry = (k: number, o: number, i: number) =>
    values.B[k * 4 + o]! * values.E[k]! * values.A[k * 5 + i]!;
  const places = Array.from({ length: 20 }, (_, at) => [Math.floor(at / 5), at % 5] as const);
  const normOf = (components: readonly number[]) =>
    Math.hypot(
      ...places.map(([o, i]) => components.reduce((sum, k) => sum + entry(k, o, i), 0)),
    );
  const wanted = [0, 1, 2].map((k) => normOf([k]) / (normOf([0, 1, 2]) + 1e-8));
  assertAlmost(found, [...wanted, 0, 0, 0]);
});

Deno.test("a run ends at the final rank, is resumed to the bit, merges, and without its rows is the encoder", async () => {
  const run: TinyRun = {
    method: "dora-dynamic",
    options: { interval: 2, initWarmup: 2, finalWarmup: 4 },
    train: { steps: 10, learningRate: 2e-2 },
  };
  using whole = await ended(run);
  const off = whole.end.off.length;
  assertEquals(off, 12);
  assertEquals(whole.end.isMaskPermanent, true);
  const regulariser = ofKind(whole.events, "step").map((step) => step.regulariser);
  // Ranks are final after 6 steps.
  assertEquals(regulariser.map((value) => value > 0), regulariser.map((_, step) => step < 6));
  await assertMerges(whole);
  await assertAblates(whole);
  await assertResumes(whole, [3, 7]);
});
