import { assertEquals } from "@std/assert";
import { Pool, shareCores } from "../../../src/runs/pool/pool.ts";
import { StopFlag } from "../../../src/runs/events.ts";
import type { RunWorker } from "../../../src/runs/pool/workers.ts";

type Opening = Parameters<Pool["workersFor"]>[0];
type ShareRequest = Parameters<typeof shareCores>[0];

Deno.test("workers stay open over rounds, and are opened anew where a round has work for more", async () => {
  const said: string[] = [];
  let count = 0;
  const watch = { stop: new StopFlag(), emit: () => Promise.resolve() };
  const pool = new Pool({}, watch, ({ due }) => {
    const opened = Array.from({ length: Math.min(due.length, 3) }, (): RunWorker => {
      const name = `${++count}`;
      said.push(`open ${name}`);
      return {
        run: () => {
          said.push(`run ${name}`);
          return Promise.reject(new Error("not made"));
        },
        ablate: () => Promise.reject(new Error("not asked")),
        close: () => {
          said.push(`close ${name}`);
          return Promise.resolve();
        },
      };
    });
    return Promise.resolve(opened);
  });
  const round = async (count: number, work: Partial<Opening> = {}) => {
    said.length = 0;
    const due = new Array(count);
    const opening = { results: "here", studyRuns: 1, ...work, due } as unknown as Opening;
    for (const worker of await pool.workersFor(opening)) {
      await (worker.run as () => Promise<unknown>)().catch(() => {});
    }
    return said.join(", ");
  };
  assertEquals(await round(1), "open 1, run 1");
  assertEquals(await round(1), "run 1");
  assertEquals(await round(9), "close 1, open 2, open 3, open 4, run 2, run 3, run 4");
  assertEquals(await round(2), "run 2, run 3");
  // Three are as many as there are cores, say: more work opens no more.
  assertEquals(await round(12), "run 2, run 3, run 4");
  assertEquals(await round(1, { results: "there" }), "close 2, close 3, close 4, open 5, run 5");
  // A record says how many threads it was made with: more runs that share the cores have others.
  const last = navigator.hardwareConcurrency === 1 ? 5 : 6;
  const opened = last === 5 ? "" : "close 5, open 6, ";
  assertEquals(await round(1, { results: "there", studyRuns: 1e6 }), `${opened}run ${last}`);
  said.length = 0;
  await pool[Symbol.asyncDispose]();
  await pool[Symbol.asyncDispose]();
  assertEquals(said, [`close ${last}`]);
});

Deno.test("shareCores gives whole shares, and what was asked for as it was asked", () => {
  const base: ShareRequest = { cores: 8, executor: "cpu", runs: 60, jobs: null, threads: null };
  const cases: readonly [Partial<ShareRequest>, jobs: number, threads: number][] = [
    [{ jobs: 1 }, 1, 8],
    [{ jobs: 3 }, 3, 2],
    // More jobs than cores: one thread each.
    [{ jobs: 12 }, 12, 1],
    [{ jobs: 2, threads: 5 }, 2, 5],
    // As many as fit beside one another.
    [{ threads: 3 }, 2, 3],
    [{ threads: 16 }, 1, 16],
    // A study of one run has all cores, of three runs a third each.
    [{ runs: 1 }, 1, 8],
    [{ runs: 3 }, 3, 2],
    [{ runs: 1, jobs: 2 }, 2, 4],
    // One device, one run.
    [{ executor: "webgpu" }, 1, 8],
    [{ executor: "wasm" }, 1, 8],
    [{ executor: "webgpu", jobs: 2 }, 2, 4],
    [{ cores: 1 }, 1, 1],
    // Each job has a copy of the weights: a large machine gives its cores to a few.
    [{ cores: 64 }, 8, 8],
  ];
  for (const [given, jobs, threads] of cases) {
    assertEquals(shareCores({ ...base, ...given }), { jobs, threads }, JSON.stringify(given));
  }
});

Deno.test("a default is at least one job and no more than the cores", () => {
  for (const executor of ["cpu", "wasm", "webgpu", "reference"] as const) {
    for (const cores of [1, 2, 3, 16, 64]) {
      const { jobs } = shareCores({ cores, executor, runs: 60, jobs: null, threads: null });
      assertEquals(Number.isInteger(jobs) && jobs >= 1 && jobs <= cores, true, `${executor}`);
    }
  }
});
