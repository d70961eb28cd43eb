/**
 * The most memory that either side has resident, each in a process of its own that trains LoRA for some steps.
 *
 * @module
 */
import { say } from "../src/cli/terminal.ts";
import { type Engine, randomBatch, rank, requestOf } from "./minilm.ts";
import { ratioMeasurement } from "./pairs.ts";
import { installPeer, type MemoryUse, Peer } from "./peer.ts";
import { feedBatch, loadPeer } from "./peer_case.ts";
import type { Measurement } from "./setup.ts";

const steps = 5;

/** What `memory_child.ts` says of itself. */
async function ourMemory(folder: string): Promise<MemoryUse> {
  const script = decodeURIComponent(new URL("memory_child.ts", import.meta.url).pathname);
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-P=bench", script, "--model", folder, "--steps", String(steps)],
  }).output();
  const decoder = new TextDecoder();
  if (!success) throw new Error(`Cannot measure memory: ${decoder.decode(stderr)}`);
  return JSON.parse(decoder.decode(stdout)) as MemoryUse;
}

/** What a fresh peer says of itself after the same steps. */
async function peerMemory(engine: Engine, folder: string): Promise<MemoryUse> {
  const peer = await Peer.start();
  if (peer === null) throw new Error(`The peer is not installed; install it by: ${installPeer}`);
  const request = await requestOf({ engine, folder, method: "lora" });
  await loadPeer(peer, { folder, method: "lora", request });
  await feedBatch(peer, randomBatch({ batchSize: 32, length: 128 }));
  await peer.ask("train", { steps });
  const memory = await peer.ask("memory", {});
  await peer.stop();
  return memory;
}

/** Peak memory of LoRA training of 32 x 128 tokens, ours over the peer's; Linux only. */
export async function memoryBench(
  { engine, folder }: { readonly engine: Engine; readonly folder: string },
): Promise<readonly Measurement[]> {
  if (Deno.build.os !== "linux") {
    await say("Memory is left out: it is read from /proc, which only Linux has");
    return [];
  }
  const ours = await ourMemory(folder);
  const other = await peerMemory(engine, folder);
  const show = (bytes: number | null) => bytes === null ? "?" : `${(bytes / 1e9).toFixed(2)} GB`;
  const parts = ({ importedBytes, loadedBytes }: MemoryUse) =>
    `${show(importedBytes)} with its libraries, ${show(loadedBytes)} loaded`;
  const peaks = { ours: ours.peakBytes, other: other.peakBytes };
  return [
    ratioMeasurement(`peak memory over PyTorch's, LoRA, rank ${rank}, 32 x 128`, 0.7, peaks, show),
    {
      what: "of this, before training",
      goal: "-",
      measured: `ours ${parts(ours)}; PyTorch's ${parts(other)}`,
      isMet: null,
    },
  ];
}
