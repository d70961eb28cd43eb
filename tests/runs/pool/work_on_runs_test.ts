/** Which job is taken where others work on the same, and when a worker is done; with made-up work that ends when the test says so. */
import { assertEquals, assertRejects } from "@std/assert";
import type { Leases } from "../../../src/record/leases.ts";
import { StopFlag, type WorkEvent } from "../../../src/runs/events.ts";
import type { PlannedRun } from "../../../src/runs/plan/planned_run.ts";
import { LeasedWork, WorkQueue, workSideBySide } from "../../../src/runs/pool/work_on_runs.ts";

interface Others {
  readonly leased: Set<string>;
  readonly done: Set<string>;
  readonly from?: string;
}

/** Jobs by letter, of which others have leased some and done others. */
function workOn(
  jobs: string,
  others: Others,
  onPause: () => void = () => {
    throw new Error("waits");
  },
) {
  const told: string[] = [];
  const stop = new StopFlag();
  const emit = (event: WorkEvent) => {
    if ("title" in event) told.push(`${event.kind} ${event.title}`);
    return Promise.resolve();
  };
  const leases: Pick<Leases, "take" | "release"> = {
    take: (run) =>
      Promise.resolve(
        others.leased.has(run)
          ? { kind: "held", by: "somebody" }
          : { kind: "taken", lease: { run, token: run, from: others.from ?? null } },
      ),
    release: ({ token }) => {
      told.push(`released ${token}`);
      return Promise.resolve();
    },
  };
  const work = new LeasedWork<string>(
    { stop, emit },
    leases,
    {
      jobs: [...jobs],
      queue: new WorkQueue([...jobs], () => "kind"),
      plannedOf: (job) => ({ folder: job, title: job }) as PlannedRun,
      isDone: (job) => Promise.resolve(others.done.has(job)),
    },
    () => Promise.resolve(onPause()),
  );
  return { work, told, stop };
}

const none = () => ({ leased: new Set<string>(), done: new Set<string>() });

/** Takes all jobs of a worker. */
async function takeAll(work: LeasedWork<string>): Promise<string> {
  let all = "";
  for (let last = await work.take(null); last !== null; last = await work.take(last)) {
    all += last.job;
  }
  return all;
}

Deno.test("jobs of others are left to them, told once, and waited for until they are done", async () => {
  const others = { leased: new Set("ac"), done: new Set<string>() };
  let pauses = 0;
  const { work, told } = workOn("abcd", others, () => {
    pauses++;
    const job = pauses === 2 ? "a" : pauses === 4 ? "c" : null;
    if (job !== null && others.leased.delete(job)) others.done.add(job);
  });
  assertEquals(await takeAll(work), "bd");
  assertEquals(pauses, 4);
  assertEquals(told, [
    "left a",
    "left c",
    "released a",
    "done elsewhere a",
    "released c",
    "done elsewhere c",
  ]);
});

Deno.test("jobs are taken in their order, unless others have leased, given up or done them", async () => {
  const from = "a dead process";
  const cases: readonly [jobs: string, Partial<Others>, taken: string, told: readonly string[]][] =
    [
      ["abc", {}, "abc", []],
      // Given up after the first look.
      ["ab", { leased: new Set("a") }, "ba", ["left a"]],
      // Done since the work was planned.
      ["abc", { done: new Set("b") }, "ac", ["released b", "done elsewhere b"]],
      // Taken over, unless it is done.
      ["ab", { done: new Set("b"), from }, "a", ["taken over a", "released b", "done elsewhere b"]],
    ];
  for (const [jobs, given, taken, wanted] of cases) {
    const others = { ...none(), ...given };
    const { work, told } = workOn(jobs, others, () => others.leased.clear());
    assertEquals([await takeAll(work), told], [taken, wanted]);
  }
});

Deno.test("a job that was lost to another is waited for", async () => {
  const others = none();
  const { work, told } = workOn("a", others, () => {
    others.leased.clear();
    others.done.add("a");
  });
  const first = await work.take(null);
  others.leased.add("a");
  work.putBack("a");
  assertEquals(await work.take(first), null);
  assertEquals(told, ["left a", "released a", "done elsewhere a"]);
});

Deno.test("a stop ends the wait", async () => {
  const { work, stop } = workOn("a", { leased: new Set("a"), done: new Set() }, () => {
    stop.raise();
  });
  assertEquals(await takeAll(work), "");
});

Deno.test("workers of a process that wait together take what is given up once", async () => {
  const others = { leased: new Set("abcd"), done: new Set<string>() };
  let pauses = 0;
  const { work } = workOn("abcd", others, () => {
    if (++pauses > 3) others.leased.clear();
  });
  const taken = await Promise.all([takeAll(work), takeAll(work), takeAll(work)]);
  assertEquals([...taken.join("")].sort(), ["a", "b", "c", "d"]);
});

Deno.test("an error while leasing reaches the worker", async () => {
  const { work } = workOn("a", { leased: new Set("a"), done: new Set() });
  await assertRejects(() => takeAll(work), Error, "waits");
});

/** Jobs such as `a1`: the letter is the kind. */
const kindOf = (job: string) => job[0]!;

/** Work whose jobs wait to be ended by hand. */
class Bench {
  readonly begun: string[] = [];
  readonly #ends = new Map<string, (outcome: string | Error) => void>();
  #most = 0;

  readonly work = (job: string): Promise<string> => {
    this.begun.push(job);
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    this.#ends.set(
      job,
      (outcome) => outcome instanceof Error ? reject(outcome) : resolve(outcome),
    );
    this.#most = Math.max(this.#most, this.#ends.size);
    return promise;
  };

  get underWay(): readonly string[] {
    return [...this.#ends.keys()];
  }

  get most(): number {
    return this.#most;
  }

  /** Ends a job, and lets everything that follows from it happen. */
  async end(job: string, outcome: string | Error = `${job} done`): Promise<void> {
    const end = this.#ends.get(job)!;
    this.#ends.delete(job);
    end(outcome);
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
}

Deno.test("a single worker takes jobs in their order", () => {
  const jobs = ["a1", "a2", "b1", "b2", "c1"];
  const queue = new WorkQueue(jobs, kindOf);
  const taken: string[] = [];
  for (let last: string | null = queue.take(null); last !== null; last = queue.take(last)) {
    taken.push(last);
  }
  assertEquals(taken, jobs);
});

Deno.test("workers stay with their kind, begin new ones, and at last help where most is left", () => {
  const queue = new WorkQueue(["a1", "a2", "a3", "a4", "b1", "b2", "c1"], kindOf);
  assertEquals([queue.take(null), queue.take(null)], ["a1", "b1"]);
  assertEquals(queue.take("b1"), "b2");
  assertEquals(queue.take("b2"), "c1");
  // No kind is untouched; three are left of a.
  assertEquals([queue.take("c1"), queue.take("a1"), queue.take("a2")], ["a2", "a3", "a4"]);
  assertEquals([queue.take("a3"), queue.take(null)], [null, null]);
});

Deno.test("each worker works on one job at a time, and results come in the order of completion", async () => {
  const bench = new Bench();
  const results: string[] = [];
  const all = workSideBySide(new WorkQueue(["a1", "a2", "b1", "b2"], kindOf), {
    workers: [bench.work, bench.work],
    onResult: (job, result) => {
      results.push(`${job}: ${result}`);
      return Promise.resolve(true);
    },
    onError: () => {},
  });
  assertEquals(bench.underWay, ["a1", "b1"]);
  await bench.end("b1", "failed, but that is a result");
  assertEquals(bench.underWay, ["a1", "b2"]);
  await bench.end("b2");
  assertEquals(bench.underWay, ["a1", "a2"]);
  await bench.end("a1");
  await bench.end("a2");
  await all;
  assertEquals(results, [
    "b1: failed, but that is a result",
    "b2: b2 done",
    "a1: a1 done",
    "a2: a2 done",
  ]);
  assertEquals(bench.most, 2);
});

Deno.test("an error lets the other workers come to rest, begins nothing more, and is thrown on", async () => {
  const bench = new Bench();
  const results: string[] = [];
  let toldOfErrors = 0;
  let isOver = false;
  const all = workSideBySide(new WorkQueue(["a1", "a2", "b1", "b2", "c1"], kindOf), {
    workers: [bench.work, bench.work, bench.work],
    onResult: (job) => {
      results.push(job);
      return Promise.resolve(true);
    },
    onError: () => toldOfErrors++,
  });
  const thrown = assertRejects(() => all, Error, "disk full").finally(() => isOver = true);
  await bench.end("b1", new Error("disk full"));
  assertEquals([toldOfErrors, isOver], [1, false]);
  await bench.end("c1", new Error("disk still full"));
  await bench.end("a1");
  await thrown;
  assertEquals(bench.begun, ["a1", "b1", "c1"]);
  assertEquals(results, ["a1"]);
  assertEquals(toldOfErrors, 1);
});

Deno.test("a worker whose result says so takes no more", async () => {
  const bench = new Bench();
  const all = workSideBySide(new WorkQueue(["a1", "a2", "b1", "b2"], kindOf), {
    workers: [bench.work, bench.work],
    onResult: (job) => Promise.resolve(job !== "a1"),
    onError: () => {},
  });
  await bench.end("a1");
  assertEquals(bench.underWay, ["b1"]);
  await bench.end("b1");
  await bench.end("b2");
  // The other worker does what is left.
  assertEquals(bench.underWay, ["a2"]);
  await bench.end("a2");
  await all;
});
