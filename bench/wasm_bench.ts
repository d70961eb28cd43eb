/**
 * `deno run -P=bench bench/wasm_bench.ts`: a step of the embedded encoder in WebAssembly and on the native CPU.
 *
 * LoRA of rank 8, batches of up to 32 x 64 tokens, with one thread and with two. Each of the four has a worker of its own,
 * since WebAssembly's threads are settled once; they take turns in blocks of steps on the same batches, and the first
 * goes last in the next round.
 *
 * @module
 */
import { AskedThread } from "../src/base/ask_thread.ts";
import type { Executor } from "../src/exec/executor.ts";
import { say } from "../src/cli/terminal.ts";
import { textTable } from "../src/base/text_table.ts";
import { pause } from "./pairs.ts";
import { lowerQuartile } from "./setup.ts";
import type { WasmBenchAsked } from "./wasm_worker.ts";

const burnIn = 3;
const rounds = 8;
const blockSteps = 5;

const settings = [
  { executor: "cpu", threads: 2 },
  { executor: "cpu", threads: 1 },
  { executor: "wasm", threads: 2 },
  { executor: "wasm", threads: 1 },
] as const;

function stepMillis(worker: AskedThread, count: number): Promise<number> {
  return worker.ask({ kind: "steps", count } satisfies WasmBenchAsked);
}

const sides: { readonly title: string; readonly worker: AskedThread; readonly times: number[] }[] =
  [];
for (const setting of settings) {
  const url = new URL("./wasm_worker.ts", import.meta.url);
  const worker = new AskedThread(new Worker(url, { type: "module" }), "of the bench");
  const asked: WasmBenchAsked = { kind: "start", ...setting };
  const reply = await worker.ask<Pick<Executor, "name" | "threads">>(asked);
  const threads = reply.threads === 1 ? "1 thread" : `${reply.threads} threads`;
  sides.push({ title: `${reply.name}, ${threads}`, worker, times: [] });
  await stepMillis(worker, burnIn);
}
for (let round = 0; round < rounds; round++) {
  for (let i = 0; i < sides.length; i++) {
    const { worker, times } = sides[(i + round) % sides.length]!;
    await pause();
    times.push(await stepMillis(worker, blockSteps));
  }
}
// Other work on the machine only adds time, so the quicker blocks tell most about the code.
const quick = sides.map(({ times }) => lowerQuartile(times));
const rows = sides.map(({ title }, i) => [
  title,
  `${quick[i]!.toFixed(1)} ms`,
  (quick[i]! / quick[0]!).toFixed(2),
]);
await say(textTable(["executor", "a step", `over ${sides[0]!.title}`], rows).trimEnd());
for (const { worker } of sides) worker.close();
Deno.exit(0);
