import { assertEquals } from "@std/assert";
import { type Opening, Pool } from "../../../src/runs/pool/pool.ts";
import { StopFlag } from "../../../src/runs/pool/stop_flag.ts";
import type { RunWorker } from "../../../src/runs/pool/workers.ts";

Deno.test("workers stay open over rounds, and are opened anew where a round has work for more", async () => {
  const said: string[] = [];
  let count = 0;
  const watch = { stop: new StopFlag(), tell: () => Promise.resolve() };
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
