import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { claimRow, taskRows } from "../../../src/analysis/claims/claim_rows.ts";
import type { ScoredRun } from "../../../src/analysis/claims/series.ts";
import { lineOf, plainLine } from "../../../src/analysis/claims/text.ts";
import { type Claim, claimsHash, claimsSchema } from "../../../src/study/schema/claims.ts";
import { claimedStudy, claimOf, verdictsOn } from "./scored_runs.ts";

const overBoth = { over: ["seeds", "examples"] } as const satisfies Partial<Claim>;

const examples = 200;

/**
 * A study of two tasks at most on which `ours` is right where `lora` is, and alone on `always` examples with every seed and on
 * `bySeed` that change with the seed.
 */
function study(
  { always, bySeed, seeds = 9, claim = {}, tasks = ["t"], isKept = true }: {
    readonly always: number | Readonly<Record<string, number>>;
    readonly bySeed: (seed: number) => number;
    readonly seeds?: number;
    readonly claim?: Partial<Claim>;
    readonly tasks?: readonly string[];
    readonly isKept?: boolean;
  },
) {
  const alwaysOn = (task: string) => typeof always === "number" ? always : always[task]!;
  const gained = (task: string, seed: number) => alwaysOn(task) + bySeed(seed);
  const claimed = claimedStudy({
    claims: [claimOf(claim)],
    tasks: tasks.map((task) => [task, "accuracy"] as const),
    seeds,
    score: ({ task, label, seed }) =>
      (100 + (label === "ours" ? gained(task, seed) : 0)) / examples,
  });
  const runs = claimed.runs.map((run): ScoredRun => {
    const { task, label, seed } = run.record.asked;
    const own = label === "ours" ? gained(task, seed) : 0;
    const predictions = Array.from({ length: examples }, (_, id) => {
      // Examples that change lie elsewhere with each seed.
      const fixed = 100 + alwaysOn(task);
      const place = id < fixed ? id : fixed + (id + 11 * seed) % (200 - fixed);
      return { split: "dev", id, target: 1, prediction: Number(place < 100 + own) };
    });
    return isKept ? { ...run, predictions } : run;
  });
  return verdictsOn({ ...claimed, runs })[0]!;
}

const wobbling = { always: 6, bySeed: (seed: number) => 2 + seed % 2 };

Deno.test("a claim over examples too has an interval that is wider by what other examples would change", () => {
  const alone = study(wobbling);
  const both = study({ ...wobbling, claim: overBoth });
  assertEquals(alone.state.mean, both.state.mean);
  assertEquals([alone.answer, both.answer], ["supported", "undecided"]);
  assert(both.state.high - both.state.low > 2 * (alone.state.high - alone.state.low));
  assertEquals(both.more!.isWithinPlan, true);
  // Seeds make no interval narrower than these examples allow.
  const never = study({ always: 3, bySeed: (seed) => seed % 2, claim: overBoth });
  assertEquals([never.answer, never.more!.total, never.more!.isKnown], [
    "undecided",
    Infinity,
    true,
  ]);
});

Deno.test("where only seeds differ in the examples they get right, other examples change nothing", () => {
  const seedsOnly = { always: 0, bySeed: (seed: number) => 8 + seed % 2 };
  const [alone, both] = [study(seedsOnly), study({ ...seedsOnly, claim: overBoth })];
  assertEquals(both.state, alone.state);
  assertEquals(both.answer, "supported");
});

Deno.test("what other examples change is halved by a second task of as many", () => {
  const of = (tasks: readonly string[]) => study({ ...wobbling, claim: overBoth, tasks });
  const half = (tasks: readonly string[]) => of(tasks).state.high - of(tasks).state.mean!;
  assert(half(["t", "u"]) < 0.75 * half(["t"]));
});

Deno.test("tasks whose differences other examples could have made equal agree in a claim over examples", () => {
  const always = { p: 10, q: 8, r: 6, s: 8, t: 1, u: 6, v: 8, w: 5 };
  const of = (claim: Partial<Claim>, gains = always) =>
    study({
      always: gains,
      bySeed: (seed) => seed % 2,
      claim,
      tasks: Object.keys(gains),
    });
  const [alone, both] = [of({}), of(overBoth)];
  assertEquals([alone.answer, both.answer], ["tasks disagree", "supported"]);
  assert(alone.tasksDiffer! < 1e-9);
  // Each mean has a variance of nearly share · (1 − share) / 200: Σ(m − 3.25)² is 13 points², of which 1.6 · 7 are chance.
  assert(both.tasksDiffer! > 0.1 && both.tasksDiffer! < 0.5, String(both.tasksDiffer));
  // Other examples do not give one task 40 of 200.
  const apart = of(overBoth, { ...always, p: 40 });
  assertEquals(apart.answer, "tasks disagree");
});

Deno.test("a claim on every task counts what other examples of that task would change", () => {
  const on = { on: "every task" } as const;
  const of = (claim: Partial<Claim>) => study({ ...wobbling, claim, tasks: ["t", "u"] });
  assertEquals(of(on).answer, "supported");
  assertEquals(of({ ...on, ...overBoth }).answer, "undecided");
  const one = study({ ...wobbling, claim: overBoth });
  assertEquals(of({ ...on, ...overBoth }).state, one.state);
});

Deno.test("each task's own verdict counts other examples where its claim does", () => {
  const rowsOf = (claim: Partial<Claim>) => taskRows(study({ ...wobbling, claim }));
  assertEquals(rowsOf({}).map(({ answer }) => answer), ["better"]);
  assertEquals(rowsOf(overBoth).map(({ answer }) => answer), ["undecided"]);
});

Deno.test("without predictions a claim over examples has no verdict and says so", () => {
  const verdict = study({ ...wobbling, claim: overBoth, isKept: false });
  assertEquals(verdict.answer, "no predictions");
  assert(lineOf(verdict).notes.some((note) => note.includes('leave "examples" out of "over"')));
  assertEquals(study({ ...wobbling, isKept: false }).answer, "supported");
});

Deno.test("where half of the dev texts was kept for verdicts, claims are decided on it alone", () => {
  const claimed = claimedStudy({
    claims: [claimOf()],
    tasks: [["t", "accuracy"]],
    seeds: 9,
    score: ({ label, seed }) => 0.5 + (label === "ours" ? -0.2 : 0) + 0.002 * (seed % 2),
  });
  const runs = claimed.runs.map(({ record }): ScoredRun => {
    const { asked: { label, seed }, happened } = record;
    const accuracy = 0.5 + (label === "ours" ? 0.1 + 0.002 * (seed % 3) : 0);
    const others = [{ ...happened.last!, split: "verdict", metrics: { accuracy } }];
    return { record: { ...record, happened: { ...happened, others } } };
  });
  const [whole, half] = [verdictsOn(claimed)[0]!, verdictsOn({ ...claimed, runs })[0]!];
  assertEquals([whole.answer, half.answer], ["refuted", "supported"]);
  assertEquals(
    lineOf(half).scope,
    "over seeds, on this task and the half of these dev texts that was kept for verdicts",
  );
});

Deno.test("a line says what its claim holds over", () => {
  const scopeOf = (claim: Partial<Claim>, tasks?: readonly string[]) =>
    lineOf(study({ ...wobbling, claim, ...(tasks === undefined ? {} : { tasks }) })).scope;
  assertEquals(scopeOf({}), "over seeds, on this task and these dev texts");
  assertEquals(scopeOf({}, ["t", "u"]), "over seeds, on these 2 tasks and these dev texts");
  assertEquals(scopeOf(overBoth), "over seeds and dev texts, on this task");
  const verdict = study(wobbling);
  assert(
    plainLine(lineOf(verdict)).includes("ours is better than lora, over seeds, on this task"),
  );
  assertEquals(claimRow(verdict).scope, lineOf(verdict).scope);
});

Deno.test("from two tasks on, the chances on a further task are told", () => {
  const next = (tasks: readonly string[]) => claimRow(study({ ...wobbling, tasks })).nextBetter;
  assertEquals(next(["t"]), null);
  const chance = next(["t", "u"])!;
  assert(chance > 0.5 && chance < 1);
});

Deno.test("the hash of claims is that of before where a claim is over seeds, in words or without", () => {
  const hashOf = (claim: Partial<Claim>) =>
    claimsHash({ claims: [claimOf(claim)], axes: { seeds: [1, 2, 3] } });
  assertEquals(hashOf({}), "1c5c5ec64ce9baa9656e89b016ea8056b1f68c4b92dc643a9ae8547758173b34");
  assertEquals(hashOf({ over: ["seeds"] }), hashOf({}));
  assertNotEquals(hashOf(overBoth), hashOf({}));
  assertEquals(hashOf({ over: ["examples", "seeds"] }), hashOf(overBoth));
});

Deno.test("a claim over examples alone or over anything else is refused", () => {
  for (const over of [["examples"], [], ["seeds", "seeds"], ["tasks"]]) {
    assertThrows(() => claimsSchema.parse([{ ...claimOf(), over }]));
  }
  claimsSchema.parse([{ ...claimOf(), ...overBoth }]);
});
