/** The engine in a browser tab: the same files, the same code, and on the same runtime the same numbers. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { hasBrowser, openPage, readFile } from "./browser.ts";
import { type Job, train, type Trained } from "./page.ts";

const missing = hasBrowser ? "" : " (the path has no chromium, or tests may not start it)";

/** Trains in the page; its files are those of the server that it is from. */
function inPage(job: Job): string {
  return `page.train(${JSON.stringify(job)}, async (path) => {
    const answer = await fetch("/" + path);
    if (!answer.ok) throw new Error(path + ": " + answer.status);
    return new Uint8Array(await answer.arrayBuffer());
  })`;
}

const jobs: readonly Job[] = [
  { method: "lora", options: {} },
  { method: "elalora", options: { initWarmup: 2, finalWarmup: 2, maskInterval: 2 } },
].map((own) => ({ ...own, executor: "wasm", encoder: "embedded", steps: 10, batchSize: 2 }));

// One browser for both, since to start it takes seconds.
Deno.test({
  name: `a browser tab trains on WASM and on WebGPU${missing}`,
  ignore: !hasBrowser,
  fn: async (t) => {
    await using page = await openPage([
      "--enable-unsafe-webgpu",
      "--use-webgpu-adapter=swiftshader",
    ]);
    await t.step("on one thread of WASM with the losses that Deno has, to the bit", async () => {
      for (const job of jobs) {
        const found = await page.evaluate(inPage(job)) as Trained;
        const wanted = await train(job, readFile);
        assertEquals(found, wanted);
        assertEquals(found.threads, 1);
        assertEquals(new Set(found.losses).size, 10);
        assertEquals(found.moved > 0, job.method === "elalora");
      }
    });
    await t.step("on WebGPU, with no node off the device", async () => {
      const job: Job = { ...jobs[0]!, executor: "webgpu", encoder: "tiny", steps: 2 };
      const found = await page.evaluate(inPage(job)) as Trained;
      // This executor loads no program of which a node would leave the device.
      assertStringIncludes(found.executor, "(WebGPU on google swiftshader");
      const { losses } = await train({ ...job, executor: "wasm" }, readFile);
      assertEquals(found.losses.length, losses.length);
      for (const [i, loss] of found.losses.entries()) {
        assert(
          Math.abs(loss - losses[i]!) < 1e-5,
          `step ${i + 1}: found ${loss}, want ${losses[i]}`,
        );
      }
    });
  },
});
