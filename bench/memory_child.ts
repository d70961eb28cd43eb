/**
 * A process of its own that trains LoRA for some steps of 32 x 128 tokens and prints its resident memory as one JSON line.
 *
 * `deno run -P=bench bench/memory_child.ts --model DIR --steps N`
 *
 * @module
 */
import { complain, readArguments, say, wholeNumber } from "../src/cli/terminal.ts";
import { Trainer } from "../src/train/trainer.ts";
import { randomBatch, repeating, requestOf, startEngine } from "./minilm.ts";

/** Bytes of a line of this process's status; read by `cat`, since Deno gives /proc to none but all permissions. */
async function memoryLine(key: string): Promise<number> {
  const path = `/proc/${Deno.pid}/status`;
  const { stdout } = await new Deno.Command("cat", { args: [path], stderr: "inherit" }).output();
  const found = new TextDecoder().decode(stdout).match(new RegExp(`^${key}:\\s+(\\d+) kB$`, "m"));
  if (found === null) {
    throw new TypeError(
      `Cannot measure resident memory: found no line "${key}" in "${path}", want one as Linux writes it`,
    );
  }
  return Number(found[1]) * 1024;
}
const args = readArguments(Deno.args, { strings: ["model", "steps"] });
const folder = args.text("model");
const steps = wholeNumber(args.text("steps"), "steps");
if (folder === null || steps === null) {
  await complain("error: want --model DIR and --steps N");
  Deno.exit(2);
}
const importedBytes = await memoryLine("VmRSS");
const request = await requestOf({ engine: await startEngine(), folder, method: "lora" });
const trainer = await Trainer.create(
  repeating(request, randomBatch({ batchSize: 32, length: 128 })),
  null,
);
const loadedBytes = await memoryLine("VmRSS");
for (let i = 0; i < steps; i++) await trainer.next();
const peakBytes = await memoryLine("VmHWM");
await say(JSON.stringify({ bareBytes: null, importedBytes, loadedBytes, peakBytes }));
Deno.exit(0);
