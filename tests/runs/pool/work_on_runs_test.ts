/** Which job is taken where others work on the same, and when a worker is done. */
import { assertEquals, assertRejects } from "@std/assert";
import type { Leases } from "../../../src/record/leases.ts";
import { StopFlag, type WorkEvent } from "../../../src/runs/events.ts";
import type { PlannedRun } from "../../../src/runs/plan/planned_run.ts";
import { LeasedWork, WorkQueue } from "../../../src/runs/pool/work_on_runs.ts";

/** Jobs by letter, of which others have leased some and done others. */
function workOn(
  jobs: string,
  others: { leased: Set<string>; done: Set<string>; from?: string },
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

Deno.test("jobs that nobody has leased are taken in their order", async () => {
  const { work, told } = workOn("abc", none());
  assertEquals(await takeAll(work), "abc");
  assertEquals(told, []);
});

Deno.test("jobs of others are left to them, told once, and waited for until they are done", async () => {
  const others = { leased: new Set("ac"), done: new Set<string>() };
  let pauses = 0;
  const { work, told } = workOn("abcd", others, () => {
    pauses++;
    if (pauses === 2) others.done.add("a");
    if (pauses === 2) others.leased.delete("a");
    if (pauses === 4) others.done.add("c");
    if (pauses === 4) others.leased.delete("c");
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

Deno.test("a job that another gives up is done here", async () => {
  const others = { leased: new Set("a"), done: new Set<string>() };
  const { work, told } = workOn("ab", others, () => others.leased.clear());
  assertEquals(await takeAll(work), "ba");
  assertEquals(told, ["left a"]);
});

Deno.test("a job that another did since the work was planned is not done again", async () => {
  const others = { leased: new Set<string>(), done: new Set("b") };
  const { work, told } = workOn("abc", others);
  assertEquals(await takeAll(work), "ac");
  assertEquals(told, ["released b", "done elsewhere b"]);
});

Deno.test("a job whose lease was taken over is told, unless it is done", async () => {
  const others = { leased: new Set<string>(), done: new Set("b"), from: "a dead process" };
  const { work, told } = workOn("ab", others);
  assertEquals(await takeAll(work), "a");
  assertEquals(told, ["taken over a", "released b", "done elsewhere b"]);
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
