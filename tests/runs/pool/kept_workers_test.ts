import { assertEquals } from "@std/assert";
import { KeptWorkers } from "../../../src/runs/pool/kept_workers.ts";
import type { Opening } from "../../../src/runs/pool/open_workers.ts";
import type { RunWorker } from "../../../src/runs/pool/workers.ts";

Deno.test("workers stay open over rounds, and are opened anew where a round has work for more", async () => {
  const said: string[] = [];
  let count = 0;
  const kept = new KeptWorkers(({ due }) => {
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
  const round = async (count: number) => {
    said.length = 0;
    const workers = await kept.forRound({ due: new Array(count) } as unknown as Opening);
    for (const worker of workers) {
      await (worker.run as () => Promise<unknown>)().catch(() => {});
      await worker.close();
    }
    return said.join(", ");
  };
  assertEquals(await round(1), "open 1, run 1");
  assertEquals(await round(1), "run 1");
  assertEquals(await round(9), "close 1, open 2, open 3, open 4, run 2, run 3, run 4");
  assertEquals(await round(2), "run 2, run 3");
  // Three are as many as there are cores, say: more work opens no more.
  assertEquals(await round(12), "run 2, run 3, run 4");
  said.length = 0;
  await kept.close();
  await kept.close();
  assertEquals(said, ["close 2", "close 3", "close 4"]);
});
