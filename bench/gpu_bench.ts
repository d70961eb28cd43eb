/**
 * `deno run -P=bench bench/gpu_bench.ts`: a training step of MiniLM's size on a real GPU.
 *
 * LoRA of rank 8 on all modules, batches of 32 x 128 tokens without padding, random weights. A software GPU computes on the
 * CPU, so it is refused; `--allow-software` tries the bench out on one with a small model and prints its times as what they
 * are.
 *
 * Where the peer is installed and its PyTorch finds a CUDA card, its eager steps stand beside these figures.
 *
 * @module
 */
import { readArguments, say } from "../src/cli/terminal.ts";
import { trainingRequest } from "../src/runs/training_request.ts";
import { textTable } from "../src/base/text_table.ts";
import type { Executor } from "../src/exec/executor.ts";
import {
  adapterName,
  findAdapter,
  isSoftwareAdapter,
  requestDevice,
  webgpuExecutor,
} from "../src/exec/webgpu.ts";
import { ProgramCache } from "../src/train/programs.ts";
import type { TrainingRequest } from "../src/train/run_types.ts";
import { Trainer } from "../src/train/trainer.ts";
import { watchGpu } from "./gpu_meter.ts";
import { modelFolder, randomBatch, rank, repeating, requestOf, startEngine } from "./minilm.ts";
import { installPeer, Peer } from "./peer.ts";
import { feedBatch, loadPeer } from "./peer_case.ts";
import { benchStudy, median, planned, runOf } from "./setup.ts";

/** Steps whose commands are counted and whose passes are timed; the passes of many would not fit a query set. */
const watchedSteps = 2;

/** How large the work is. */
interface Work {
  readonly what: string;
  readonly burnIn: number;
  /** Blocks of steps that are timed. */
  readonly blocks: number;
  /** Steps of a block; its losses are read together at its end. */
  readonly blockSteps: number;
  readonly request: (executor: Executor, programs: ProgramCache) => Promise<TrainingRequest>;
}

const minilm: Work = {
  what: `MiniLM-L6 (6 x 384/1536, 12 heads, vocabulary 30,522), LoRA rank ${rank}, 32 x 128 tokens`,
  burnIn: 16,
  blocks: 8,
  blockSteps: 16,
  request: async (executor, programs) => {
    const folder = await modelFolder(null);
    const batch = { batchSize: 32, length: 128 };
    const request = await requestOf({
      engine: { executor, programs },
      folder,
      method: "lora",
      train: { batchSize: batch.batchSize, maxLength: batch.length },
    });
    return repeating(request, randomBatch(batch));
  },
};

const small: Work = {
  what: `the embedded encoder, LoRA rank ${rank}, 4 short texts`,
  burnIn: 2,
  blocks: 2,
  blockSteps: 4,
  request: async (executor, programs) => {
    const study = await benchStudy("bench-gpu", 1000, rank);
    const plan = await planned({
      ...study,
      base: { ...study.base, train: { ...study.base?.train, batchSize: 4, maxLength: 16 } },
    });
    const request = await trainingRequest(runOf(plan, "lora"), {
      executor,
      programs,
      inputs: plan.inputs,
    });
    const { batch } = request.stages[0]!.batches.next({ epoch: 0, batch: 0 });
    return repeating(request, batch);
  },
};

/** What was measured, a step. */
interface Figures {
  readonly stepMillis: number;
  readonly passMillis: number | null;
  readonly dispatches: number;
  readonly submits: number;
  readonly copies: number;
  /** Of the last step; equal steps have equal losses. */
  readonly loss: number;
}

async function takeSteps(trainer: Trainer, count: number): Promise<number> {
  let loss = NaN;
  for (let done = 0; done < count;) {
    const events = await trainer.advance(count - done);
    const steps = events.filter((event) => event.kind === "step");
    done += steps.length;
    loss = steps[steps.length - 1]?.loss ?? loss;
  }
  return loss;
}

async function measure(work: Work, device: GPUDevice): Promise<Figures> {
  const executor = await webgpuExecutor({ allowSoftware: true, device });
  const programs = new ProgramCache(executor);
  const trainer = await Trainer.create(await work.request(executor, programs), null);
  await takeSteps(trainer, work.burnIn);
  const times: number[] = [];
  for (let block = 0; block < work.blocks; block++) {
    const started = performance.now();
    await takeSteps(trainer, work.blockSteps);
    times.push((performance.now() - started) / work.blockSteps);
  }
  // Timestamps cost time themselves, so the passes are timed in steps that are not.
  let loss = NaN;
  const counts = await watchGpu(device, async () => {
    loss = await takeSteps(trainer, watchedSteps);
  });
  trainer.dispose();
  await programs.clear();
  const each = (total: number) => total / watchedSteps;
  return {
    stepMillis: median(times),
    passMillis: counts.passMillis === null ? null : each(counts.passMillis),
    dispatches: each(counts.dispatches),
    submits: each(counts.submits),
    copies: each(counts.copies),
    loss,
  };
}

function rowOf(figures: Figures): readonly string[] {
  const { stepMillis, passMillis, dispatches, submits, copies, loss } = figures;
  const millis = (value: number | null) => value === null ? "no timestamps" : value.toFixed(2);
  return [
    "ranklab",
    millis(stepMillis),
    millis(passMillis),
    millis(passMillis === null ? null : stepMillis - passMillis),
    dispatches.toFixed(0),
    submits.toFixed(1),
    copies.toFixed(1),
    loss.toPrecision(8),
  ];
}

/** Milliseconds of the peer's step on its card, or why there are none. */
async function peerStep(): Promise<
  { readonly device: string; readonly stepMillis: number } | string
> {
  const peer = await Peer.start();
  if (peer === null) return `PyTorch on the same card: not installed (${installPeer})`;
  try {
    const engine = await startEngine();
    const folder = await modelFolder(null);
    const request = await requestOf({ engine, folder, method: "lora" });
    await loadPeer(peer, { folder, method: "lora", request, device: "cuda" });
    await feedBatch(peer, randomBatch({ batchSize: 32, length: 128 }));
    await peer.ask("train", { steps: minilm.burnIn });
    const { millis } = await peer.ask("train", { steps: minilm.blocks * minilm.blockSteps });
    return { device: "PyTorch eager with peft", stepMillis: median(millis) };
  } catch (error) {
    return `PyTorch on the same card: ${(error as Error).message}`;
  } finally {
    await peer.stop();
  }
}

async function main(): Promise<number> {
  const allowSoftware = readArguments(Deno.args, { flags: ["allow-software"] })
    .flag("allow-software");
  const adapter = await findAdapter();
  if (adapter === null) {
    await say("no GPU here: this machine offers no WebGPU adapter");
    return 1;
  }
  const name = adapterName(adapter.info);
  const isSoftware = isSoftwareAdapter(adapter.info);
  if (isSoftware && !allowSoftware) {
    await say(`no GPU here: "${name}" computes on the CPU, and its times are no GPU's`);
    return 1;
  }
  const work = isSoftware ? small : minilm;
  await say(isSoftware ? `SOFTWARE GPU "${name}": a trial of this bench, no GPU figures` : name);
  await say(work.what);
  const device = await requestDevice(adapter, ["timestamp-query"]);
  const rows: (readonly string[])[] = [rowOf(await measure(work, device))];
  const header = [
    isSoftware ? "on the software GPU" : "a step",
    "ms",
    "in passes",
    "outside",
    "dispatches",
    "submits",
    "copies",
    "last loss",
  ];
  if (!isSoftware) {
    const found = await peerStep();
    if (typeof found === "string") await say(found);
    else rows.push([found.device, found.stepMillis.toFixed(2), ...header.slice(2).map(() => "-")]);
  }
  await say(textTable(header, rows).trimEnd());
  return 0;
}
Deno.exit(await main());
