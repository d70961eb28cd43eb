import { assert, assertEquals } from "@std/assert";
import { RandomStream } from "../../../src/base/random.ts";
import {
  fewest,
  type HalvingJob,
  type HalvingRules,
  nextJob,
  rungCount,
  rungSteps,
} from "../../../src/runs/tune/halving.ts";

/** Gives out jobs until none is left; `done` are ended in an order that a stream decides. */
function played(
  trials: number,
  rules: HalvingRules,
  scoreOf: (job: HalvingJob) => number | null,
  seed: number,
): readonly HalvingJob[] {
  const stream = RandomStream.fromSeed(seed);
  const jobs: HalvingJob[] = [];
  const scores: (number | null | undefined)[] = [];
  for (;;) {
    const next = nextJob(trials, jobs, scores, rules);
    if (next === "done") return jobs;
    const open = jobs.flatMap((_, i) => scores[i] === undefined ? [i] : []);
    if (next === "wait" || open.length > 0 && stream.next() < 0.5) {
      const ended = open[stream.int(open.length)]!;
      scores[ended] = scoreOf(jobs[ended]!);
      // A job is asked for again: what was given out must not depend on it.
      continue;
    }
    jobs.push(next);
    assert(jobs.length - scores.filter((score) => score !== undefined).length <= rules.atOnce);
  }
}

const rules = { reduction: 3, rungs: 3, atOnce: 4 } as const;
const quality = ({ trial, rung }: HalvingJob) => ((trial * 7) % 12) / 12 + rung / 10;

Deno.test("nextJob() gives the same jobs in whatever order they end", () => {
  const first = played(12, rules, quality, 1);
  for (let seed = 2; seed < 12; seed++) assertEquals(played(12, rules, quality, seed), first);
});

Deno.test("nextJob() lets a third go on at each rung, the best of all in the end", () => {
  const jobs = played(12, { ...rules, atOnce: 1 }, quality, 1);
  const counts = [0, 1, 2].map((rung) => jobs.filter((job) => job.rung === rung).length);
  assertEquals(counts[0], 12);
  assert(counts[1]! >= 4 && counts[2]! >= 1 && counts[2]! <= counts[1]!, String(counts));
  const best = [...Array(12).keys()].toSorted((a, b) =>
    quality({ trial: b, rung: 0 }) - quality({ trial: a, rung: 0 })
  )[0]!;
  assert(jobs.some(({ trial, rung }) => rung === 2 && trial === best));
  // Nobody goes on without the rung below, and nobody goes on twice.
  jobs.forEach(({ trial, rung }, i) => {
    if (rung > 0) {
      assert(jobs.slice(0, i).some((job) => job.trial === trial && job.rung === rung - 1));
    }
    assertEquals(jobs.filter((job) => job.trial === trial && job.rung === rung).length, 1);
  });
});

Deno.test("nextJob() promotes as the algorithm of the paper does where one job runs at a time", () => {
  // Scores of trials 0, 1, 2 at rung 0: the best of three goes on before a fourth begins.
  const small = { reduction: 3, rungs: 2, atOnce: 1 };
  const begun = [0, 1, 2].map((trial) => ({ trial, rung: 0 }));
  assertEquals(nextJob(9, begun.slice(0, 2), [0.1, 0.9], small), { trial: 2, rung: 0 });
  assertEquals(nextJob(9, begun, [0.1, 0.9, 0.5], small), { trial: 1, rung: 1 });
  assertEquals(nextJob(9, [...begun, { trial: 1, rung: 1 }], [0.1, 0.9, 0.5, 1], small), {
    trial: 3,
    rung: 0,
  });
});

Deno.test("nextJob() never lets a failed trial go on, and waits while a score is not known", () => {
  const jobs = played(6, rules, ({ trial }) => trial === 5 ? 0.5 : null, 3);
  assertEquals(jobs.filter(({ rung }) => rung > 0).map(({ trial }) => trial), [5]);
  assertEquals(nextJob(2, [{ trial: 0, rung: 0 }], [undefined], { ...rules, atOnce: 1 }), "wait");
  assertEquals(nextJob(1, [], [], rules), { trial: 0, rung: 0 });
});

Deno.test("nextJob() waits for the first jobs, though a later one has a score", () => {
  const two = { reduction: 2, rungs: 2, atOnce: 2 };
  const begun = [0, 1, 2].map((trial) => ({ trial, rung: 0 }));
  assertEquals(nextJob(4, begun, [undefined, 0.5, undefined], two), "wait");
  assertEquals(nextJob(4, begun, [0.4, 0.5, undefined], two), { trial: 1, rung: 1 });
});

Deno.test("nextJob() takes the better of two, failures last and the earlier trial of equals", () => {
  const two = { reduction: 2, rungs: 3, atOnce: 1 };
  const begun = [0, 1, 2, 3].map((trial) => ({ trial, rung: 0 }));
  // Of several that may go on, the best is first.
  assertEquals(nextJob(4, begun, [0.1, 0.8, 0.2, 0.9], two), { trial: 3, rung: 1 });
  const jobs = [...begun, { trial: 3, rung: 1 }, { trial: 1, rung: 1 }];
  const after = (third: number | null, first: number | null) =>
    nextJob(4, jobs, [0.1, 0.8, 0.2, 0.9, third, first], two);
  const [one, three] = [1, 3].map((trial) => ({ trial, rung: 2 }));
  assertEquals(after(0.5, 0.5), one);
  assertEquals([after(0.9, 0.2), after(0.2, 0.9)], [three, one]);
  assertEquals([after(0.5, null), after(null, 0.5)], [three, one]);
  // A correlation below zero is still a score.
  assertEquals([after(-0.3, null), after(null, -0.3)], [three, one]);
  assertEquals(after(null, null), "done");
});

Deno.test("rungSteps() are reduction times apart and end with the run", () => {
  const ninth = { reduction: 3, leastShare: 0.11 };
  assertEquals(rungSteps(900, ninth), [100, 300, 900]);
  assertEquals(rungSteps(100, ninth), [11, 33, 100]);
  assertEquals(rungSteps(4, { reduction: 4, leastShare: 0.25 }), [1, 4]);
  assertEquals(rungSteps(90, { reduction: 3, leastShare: 0.9 }), [30, 90]);
  // Both are rounded, not cut.
  assertEquals(rungSteps(14, ninth), [2, 6, 14]);
  assertEquals(rungCount({ reduction: 3, leastShare: 0.12 }), 3);
  assertEquals([rungCount(ninth), fewest(ninth)], [3, 9]);
  for (let steps = 9; steps < 200; steps++) {
    const rungs = rungSteps(steps, ninth);
    assert(rungs.every((step, i) => step > (rungs[i - 1] ?? 0)), `${steps}: ${rungs}`);
  }
});
