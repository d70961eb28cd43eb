import { assert, assertEquals } from "@std/assert";
import type { PlannedRun } from "../../../src/runs/plan/planned_run.ts";
import { Ladder, RungQueue, type RungRun } from "../../../src/runs/tune/rung_queue.ts";
import type { Trial, TrialOutcome } from "../../../src/runs/tune/trials.ts";

/** Trials of some runs each, named by trial and place. */
function trials(count: number, runs = 1): readonly Trial[] {
  return Array.from({ length: count }, (_, i): Trial => ({
    point: { rate: i },
    isAdded: false,
    weights: Array.from({ length: runs }, () => 1),
    runs: Array.from({ length: runs }, (_, place) => ({ title: `${i}/${place}` }) as PlannedRun),
  }));
}

const rules = { reduction: 2, rungs: 3, atOnce: 2 };

function ladderOf(own: readonly Trial[]): Ladder {
  const ladder = new Ladder(rules, () => [10, 20, 40]);
  ladder.extend(own);
  return ladder;
}

const outcome = (score: number | null) => ({ metric: "accuracy", score, seconds: 1 });

const queueOf = (ladders: readonly Ladder[], known: (run: RungRun) => boolean = () => false) =>
  new RungQueue({
    ladders,
    kindOf: () => "kind",
    knownOf: (run) => known(run) ? outcome(0.5) : null,
    stop: { isRaised: false },
    pauseMillis: 1,
  });

Deno.test("a queue of rungs gives out all runs of a trial before its score lets others go on", async () => {
  const own = trials(2, 2);
  const ladder = ladderOf(own);
  const queue = queueOf([ladder]);
  const first = [
    await queue.take(null),
    await queue.take(null),
    await queue.take(null),
  ] as RungRun[];
  const last = (await queue.take(null))!;
  assertEquals([...first, last].map(({ planned, pauseAt }) => [planned.title, pauseAt]), [
    ["0/0", 10],
    ["0/1", 10],
    ["1/0", 10],
    ["1/1", 10],
  ]);
  for (const run of first) queue.settle(run, outcome(0.1));
  const waiting = queue.take(null);
  queue.settle(last, outcome(0.9));
  const next = (await waiting)!;
  // The mean of 0.1 and 0.9 is better than 0.1.
  assertEquals([next.planned.title, next.pauseAt], ["1/0", 20]);
  assertEquals(ladder.outcomes().get(own[1]!)!.score, 0.5);
  assertEquals(ladder.outcomes().get(own[0]!)!.share, 0.25);
});

Deno.test("a queue of rungs does not give out what is known, nor waits for what other processes do", async () => {
  const known = queueOf([ladderOf(trials(4))], () => true);
  assertEquals([await known.take(null), known.known > 4], [null, true]);
  const own = trials(1);
  const ladder = ladderOf(own);
  const queue = queueOf([ladder]);
  const run = (await queue.take(null))!;
  queue.leave(run);
  assertEquals(await queue.take(null), null);
  queue.settle(run, outcome(null));
  assertEquals(await queue.take(null), null);
  const { score, share, isWhole } = ladder.outcomes().get(own[0]!)!;
  assertEquals([score, share, isWhole], [null, 1, false]);
});

Deno.test("a queue of rungs ends where a stop was asked for", async () => {
  const stop = { isRaised: false };
  const queue = new RungQueue({
    ladders: [ladderOf(trials(1))],
    kindOf: () => "kind",
    knownOf: () => null,
    stop,
    pauseMillis: 1,
  });
  assert(await queue.take(null) !== null);
  const waiting = queue.take(null);
  stop.isRaised = true;
  assertEquals(await waiting, null);
});

Deno.test("a ladder goes on with trials that are added, and what it knows is not asked again", async () => {
  const own = trials(4);
  const ladder = ladderOf(own.slice(0, 2));
  const play = async () => {
    const queue = queueOf([ladder]);
    const steps: string[] = [];
    for (let run = await queue.take(null); run !== null; run = await queue.take(null)) {
      steps.push(`${run.planned.title} ${run.pauseAt}`);
      queue.settle(run, outcome(Number(run.planned.title[0]) / 10));
    }
    return steps;
  };
  assertEquals(await play(), ["0/0 10", "1/0 10", "1/0 20"]);
  ladder.extend(own);
  // Each job is decided without the score of the one before it.
  assertEquals(await play(), [
    "2/0 10",
    "3/0 10",
    "2/0 20",
    "3/0 20",
    "2/0 Infinity",
    "3/0 Infinity",
  ]);
  assertEquals([ladder.climbed, ladder.open, ladder.outcomes().size], [9, 0, 4]);
  assertEquals(
    [...ladder.outcomes().values()].map(({ point, isWhole, share }) => [
      point["rate"],
      isWhole,
      share,
    ]),
    [[0, false, 0.25], [1, false, 0.5], [2, true, 1], [3, true, 1]],
  );
});

Deno.test("what came of a trial is the mean of its runs, and each of them", () => {
  const steps = new Map([["0/0", [10, 20, 40]], ["0/1", [11, 21, 41]]]);
  const ladder = new Ladder(rules, ({ title }) => steps.get(title)!);
  ladder.extend(trials(1, 2));
  for (const [i, run] of ladder.next().entries()) {
    assertEquals(run.pauseAt, 10 + i);
    ladder.settle(run, { ...outcome(0.4 + 0.2 * i), seconds: 3 + i });
  }
  const [{ score, runs, share }] = [...ladder.outcomes().values()] as [TrialOutcome];
  assertEquals([score, share], [0.5, 0.25]);
  assertEquals(runs.map(({ seconds }) => seconds), [3, 4]);
});

Deno.test("a worker is given the first run of the kind that it had, else the first of all", async () => {
  const queue = new RungQueue({
    ladders: [ladderOf(trials(1, 4))],
    kindOf: ({ title }) => title.endsWith("0") ? "small" : "large",
    knownOf: () => null,
    stop: { isRaised: false },
  });
  const [, large] = queue.waiting();
  const first = await queue.take(large!);
  const second = await queue.take(null);
  const third = await queue.take(second);
  assertEquals([first, second, third].map((run) => run!.planned.title), ["0/1", "0/0", "0/2"]);
});

Deno.test("a queue waits for no run that is left to others, and again for one that is leased", async () => {
  const queue = queueOf([ladderOf(trials(2))]);
  const [first, second] = [await queue.take(null), await queue.take(null)];
  queue.settle(second!, outcome(0.5));
  queue.leave(first!);
  assertEquals(await queue.take(null), null);
  queue.leased(first!);
  const waiting = queue.take(null);
  queue.settle(first!, outcome(0.4));
  assertEquals((await waiting)!.planned.title, "1/0");
});
