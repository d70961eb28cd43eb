/** ranklab in a browser tab: the same files, the same code, and on the same runtime the same numbers. */
import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { readTaskData } from "../../src/runs/inputs.ts";
import { embeddedFolder, findTask } from "../../src/tasks/catalog.ts";
import { bundled, hasBrowser, openPage, readFile } from "./browser.ts";
import { documentedSite } from "./documented_site.ts";
import { type Job, run, type Trained } from "./page.ts";

const missing = hasBrowser ? "" : " (the path has no chromium, or tests may not start it)";

/** Trains in the page; its files are those of the server that it is from. */
function inPage(job: Job): string {
  return `page.run(${JSON.stringify(job)}, async (path) => {
    const answer = await fetch("/" + path);
    if (!answer.ok) throw new Error(path + ": " + answer.status);
    return new Uint8Array(await answer.arrayBuffer());
  })`;
}

/** The first texts of `Topic` as a task of one's own. */
async function ownTopic(): Promise<Job["task"]> {
  const topic = findTask("Topic", []);
  const { splits } = await readTaskData(topic, decodeURIComponent(embeddedFolder.pathname));
  const labels = topic.output.type === "classification" ? topic.output.labels : [];
  const first = (split: string, count: number) =>
    splits.get(split)!.slice(0, count)
      .map(({ text, target }) => ({ text, label: labels[target]! }));
  return { name: "Own topic", labels, train: first("train", 20), dev: first("dev", 2) };
}

const settings = { steps: 10, batchSize: 2, maxLength: 16, evaluateEpochs: false };
const task = await ownTopic();
const jobs: readonly Job[] = [
  { method: "lora", options: {}, loads: true },
  {
    method: "elalora",
    options: { initWarmup: 2, finalWarmup: 2, maskInterval: 2 },
    loads: false,
  },
].map((own) => ({ ...own, task, budget: 2, train: settings, device: "wasm", encoder: "embedded" }));

Deno.test("the entry for tabs is bundled without native code and without a module of Node's", async () => {
  const script = new TextDecoder().decode(await bundled());
  assertEquals(script.match(/^\s*(?:import|export)\b[^;(]*?["']node:.*$/gm), null);
  assertEquals(script.includes("src/exec/native.ts"), false);
});

// One browser for all, since to start it takes seconds.
Deno.test({
  name: `a browser tab trains on WASM and on WebGPU${missing}`,
  ignore: !hasBrowser,
  fn: async (t) => {
    await using site = await documentedSite();
    await using page = await openPage(site.folder, [
      "--enable-unsafe-webgpu",
      "--use-webgpu-adapter=swiftshader",
    ]);
    await t.step("on one thread of WASM with the numbers that Deno has, to the bit", async () => {
      for (const job of jobs) {
        const found = await page.evaluate(inPage(job)) as Trained;
        const wanted = await run(job, readFile);
        assertEquals(found, wanted);
        assertEquals(found.threads, 1);
        assertEquals(new Set(found.losses).size, 10);
        assertEquals(found.moved > 0, job.method === "elalora");
        assert("adapter_model.safetensors" in found.files);
        for (const [i, own] of found.loaded.entries()) {
          assertAlmostEquals(own, found.probabilities[i]!, 1e-6);
        }
        assertEquals(found.loaded.length, job.loads ? 8 : 0);
      }
    });
    await t.step("on WebGPU, with no node off the device", async () => {
      const train = { ...settings, steps: 2 };
      const job: Job = { ...jobs[0]!, device: "webgpu", encoder: "tiny", loads: false, train };
      const found = await page.evaluate(inPage(job)) as Trained;
      // This executor loads no program of which a node would leave the device.
      assertStringIncludes(found.executor, "(WebGPU on google swiftshader");
      const { losses } = await run({ ...job, device: "wasm" }, readFile);
      assertEquals(found.losses.length, losses.length);
      for (const [i, loss] of found.losses.entries()) {
        assert(
          Math.abs(loss - losses[i]!) < 1e-5,
          `step ${i + 1}: found ${loss}, want ${losses[i]}`,
        );
      }
    });
    await t.step("by the library page's own files and command", async () => {
      const shown = await page.open("/site/index.html", "document.links.length === 3");
      assertMatch(
        shown,
        /^(?:step \d: loss 0\.\d+\n){4}a sad year: (?:good|bad) \(0\.\d+\)\nadapter_config\.json\nadapter_model\.safetensors\nhead\.safetensors\n*$/,
      );
    });
  },
});
