/**
 * ranklab against PyTorch with transformers and peft, side by side: steps, evaluation, epochs, memory, and the same losses.
 *
 * The peer is a process of its own that sleeps while our side computes, and the other way round. Both take turns in
 * blocks; who goes first alternates, so that whatever else the machine does falls on both.
 *
 * @module
 */
import { say } from "../src/cli/terminal.ts";
import { writeSafetensors } from "../src/models/safetensors.ts";
import type { Batch } from "../src/tasks/types.ts";
import { evaluateSplit } from "../src/train/evaluate.ts";
import { ProgramCache } from "../src/train/programs.ts";
import type { TrainingRequest } from "../src/train/run_types.ts";
import { Trainer } from "../src/train/trainer.ts";
import { exportTensors } from "../src/train/stored_tensors.ts";
import { epochBench } from "./epoch_bench.ts";
import { memoryBench } from "./memory_bench.ts";
import {
  type BatchShape,
  type Engine,
  modelFolder,
  randomBatch,
  rank,
  repeating,
  requestOf,
  startEngine,
} from "./minilm.ts";
import { mean, medianRatio, pause, takeTurns, type Turn } from "./pairs.ts";
import { installPeer, Peer } from "./peer.ts";
import { checkSameSize, feedBatch, loadPeer } from "./peer_case.ts";
import { benchResults, type Measurement } from "./setup.ts";

/** The parts of this bench, by name; all but `elalora` need the peer. */
export const peerParts = [
  "parity",
  "step",
  "adalora",
  "elalora",
  "evaluation",
  "epoch",
  "memory",
] as const;

/** A part of this bench. */
export type PeerPart = (typeof peerParts)[number];

/** What is measured, on what. */
export interface PeerBenchOptions {
  readonly parts: readonly PeerPart[];
  /** The GLUE folder, or null: then there are no epochs. */
  readonly data: string | null;
  /** A folder with an encoder of MiniLM's size, or null for random weights (then there are no epochs). */
  readonly model: string | null;
  /** Turns of each side. */
  readonly pairs: number;
  /** Called with the figures of a part as soon as they are there. */
  readonly onMeasured: (measurements: readonly Measurement[]) => Promise<void>;
}

/** What every part is given. */
interface Context {
  readonly engine: Engine;
  readonly folder: string;
  readonly pairs: number;
}

const long: BatchShape = { batchSize: 32, length: 128 };
const short: BatchShape = { batchSize: 32, length: 64 };

/** Steps before anything counts, and at the start of each turn. */
const burnIn = 3;
const turnBurnIn = 1;
/** Steps of a turn that count; with rank events, which come every ten steps, one of them. */
const turnSteps = 5;
const turnStepsWithEvent = 9;

function shapeText({ batchSize, length }: BatchShape): string {
  return `${batchSize} x ${length}`;
}

async function advance(trainer: Trainer, steps: number): Promise<readonly number[]> {
  const millis: number[] = [];
  for (let i = 0; i < steps; i++) {
    const started = performance.now();
    await trainer.next();
    millis.push(performance.now() - started);
  }
  return millis;
}

function trainerTurn(trainer: Trainer, steps: number): Turn {
  return async () => mean((await advance(trainer, turnBurnIn + steps)).slice(turnBurnIn));
}

function peerTurn(peer: Peer, steps: number): Turn {
  return async () => {
    const { millis } = await peer.ask("train", { steps: turnBurnIn + steps });
    return mean(millis.slice(turnBurnIn));
  };
}

async function trainerOf(
  { engine, folder }: Context,
  method: string,
  batch: Batch,
): Promise<{ readonly trainer: Trainer; readonly request: TrainingRequest }> {
  const request = repeating(await requestOf({ engine, folder, method }), batch);
  return { trainer: await Trainer.create(request, null), request };
}

/** Steps of a method, ours over the peer's. */
async function methodBench(
  context: Context,
  peer: Peer,
  { method, shape, steps, goal }: {
    readonly method: "lora" | "adalora";
    readonly shape: BatchShape;
    readonly steps: number;
    readonly goal: number | null;
  },
): Promise<Measurement> {
  const batch = randomBatch(shape);
  const { trainer, request } = await trainerOf(context, method, batch);
  checkSameSize(await loadPeer(peer, { folder: context.folder, method, request }), trainer);
  await feedBatch(peer, batch);
  await advance(trainer, burnIn);
  await pause();
  await peer.ask("train", { steps: burnIn });
  const times = await takeTurns({
    ours: trainerTurn(trainer, steps),
    other: peerTurn(peer, steps),
  }, context.pairs);
  trainer.dispose();
  const title = method === "lora" ? "LoRA" : "AdaLoRA";
  return medianRatio(`${title} step over peft's, rank ${rank}, ${shapeText(shape)}`, goal, times);
}

/**
 * An ElaLoRA step over a LoRA step, both ours, rank events included.
 *
 * Each turn builds its programs anew: where a session's memory happens to lie changes its pace by a few percent.
 */
async function elaloraBench(
  { engine: { executor }, folder, pairs }: Context,
): Promise<Measurement> {
  const batch = randomBatch(long);
  const turnOf = (method: string): Turn => async () => {
    const engine = { executor, programs: new ProgramCache(executor, 1) };
    const { trainer } = await trainerOf({ engine, folder, pairs }, method, batch);
    await advance(trainer, burnIn);
    const millis = await trainerTurn(trainer, turnStepsWithEvent)();
    trainer.dispose();
    await engine.programs.clear();
    return millis;
  };
  const times = await takeTurns({ ours: turnOf("elalora"), other: turnOf("lora") }, pairs);
  return medianRatio(
    `ElaLoRA step over LoRA step, rank ${rank}, ${shapeText(long)}, events included`,
    1.03,
    times,
  );
}

/** Forward passes of an evaluation, ours over the peer's. */
async function evaluationBench(
  context: Context,
  peer: Peer,
  { method, title, goal }: {
    readonly method: "lora" | "head";
    readonly title: string;
    readonly goal: number | null;
  },
): Promise<Measurement> {
  const batch = randomBatch(long);
  const { trainer, request } = await trainerOf(context, method, batch);
  const peerMethod = method === "head" ? "none" : method;
  const load = { folder: context.folder, method: peerMethod, request } as const;
  checkSameSize(await loadPeer(peer, load), trainer);
  await feedBatch(peer, batch);
  const { executor } = context.engine;
  const data = (await trainer.checkpoint()).vectors.theta!;
  const theta = executor.upload({ type: "f32", shape: [data.length], data });
  const split = { name: "bench", batches: [batch], targets: [...batch.targets], ids: batch.rows };
  const pass = async () => {
    const started = performance.now();
    await evaluateSplit(trainer.programs, theta, request.task, split);
    return performance.now() - started;
  };
  const ours: Turn = async () => {
    const millis: number[] = [];
    for (let i = 0; i < turnBurnIn + turnSteps; i++) millis.push(await pass());
    return mean(millis.slice(turnBurnIn));
  };
  const other: Turn = async () => {
    const { millis } = await peer.ask("evaluate", { passes: turnBurnIn + turnSteps });
    return mean(millis.slice(turnBurnIn));
  };
  await ours();
  await pause();
  await other();
  const times = await takeTurns({ ours, other }, context.pairs);
  executor.dispose(theta);
  trainer.dispose();
  return medianRatio(`evaluation pass over PyTorch's, ${title}, ${shapeText(long)}`, goal, times);
}

const parityTolerance = 1e-4;
const paritySteps = 4;

/** The losses of the first steps from the same numbers and without dropout: how far the two sides are apart at most. */
async function parityBench(
  context: Context,
  peer: Peer,
  method: "lora" | "adalora",
): Promise<Measurement> {
  const { engine, folder } = context;
  const batch = randomBatch(long);
  const dropout = { hidden: 0, attention: 0, head: 0, adapter: 0 };
  const request = repeating(
    await requestOf({ engine, folder, method, train: { dropout } }),
    batch,
  );
  const trainer = await Trainer.create(request, null);
  const { vectors, order } = await trainer.checkpoint();
  const trained = `${benchResults}/peer-${method}.safetensors`;
  const tensors = exportTensors(trainer.assembly, vectors.theta!, order)
    .map(({ name, shape, data }) => [name, { shape, data }] as const);
  await Deno.mkdir(benchResults, { recursive: true });
  await Deno.writeFile(trained, writeSafetensors(new Map(tensors)));
  checkSameSize(await loadPeer(peer, { folder, method, request, trained }), trainer);
  await feedBatch(peer, batch);
  const ours: number[] = [];
  for (let i = 0; i < paritySteps; i++) {
    const [first] = await trainer.next();
    if (first?.kind === "step") ours.push(first.loss + first.regulariser);
  }
  trainer.dispose();
  await pause();
  const { losses } = await peer.ask("train", { steps: paritySteps });
  const apart = ours.map((loss, i) => Math.abs(loss - losses[i]!));
  return {
    what: `largest difference of ${paritySteps} losses to peft's, ${method}, no dropout`,
    goal: `at most ${parityTolerance}`,
    measured: `${Math.max(...apart).toExponential(1)} (first ${apart[0]!.toExponential(1)} of ${
      ours[0]!.toFixed(4)
    })`,
    isMet: Math.max(...apart) <= parityTolerance,
  };
}

async function measurePart(
  part: Exclude<PeerPart, "elalora">,
  context: Context,
  peer: Peer,
  { data, model }: PeerBenchOptions,
): Promise<readonly Measurement[]> {
  const { engine, folder, pairs } = context;
  switch (part) {
    case "parity":
      return [
        await parityBench(context, peer, "lora"),
        await parityBench(context, peer, "adalora"),
      ];
    case "step": {
      const lora = { method: "lora", steps: turnSteps } as const;
      return [
        await methodBench(context, peer, { ...lora, shape: long, goal: 0.7 }),
        await methodBench(context, peer, { ...lora, shape: short, goal: null }),
      ];
    }
    case "adalora": {
      const steps = turnStepsWithEvent;
      return [
        await methodBench(context, peer, { method: "adalora", shape: long, steps, goal: 0.6 }),
      ];
    }
    case "evaluation":
      return [
        await evaluationBench(context, peer, { method: "lora", title: "LoRA", goal: 0.6 }),
        await evaluationBench(context, peer, { method: "head", title: "no adapters", goal: null }),
      ];
    case "epoch":
      if (data === null || model === null) {
        await say("The epochs of RTE and MRPC are left out: give --data DIR and --model DIR");
        return [];
      }
      return [
        await epochBench({ engine, folder, peer, data, task: "RTE", pairs }),
        await epochBench({ engine, folder, peer, data, task: "MRPC", pairs }),
      ];
    case "memory":
      return await memoryBench(context);
  }
}

/** Measures the parts in their order; those that need the peer are left out where it is not installed. */
export async function peerBench(options: PeerBenchOptions): Promise<readonly Measurement[]> {
  if (options.parts.length === 0) return [];
  const { pairs, model } = options;
  const context = { engine: await startEngine(), folder: await modelFolder(model), pairs };
  const peer = options.parts.some((part) => part !== "elalora") ? await Peer.start() : null;
  const measurements: Measurement[] = [];
  const leftOut: string[] = [];
  for (const part of options.parts) {
    if (part !== "elalora" && peer === null) {
      leftOut.push(part);
      continue;
    }
    const found = part === "elalora"
      ? [await elaloraBench(context)]
      : await measurePart(part, context, peer!, options);
    measurements.push(...found);
    await options.onMeasured(found);
  }
  await peer?.stop();
  await context.engine.programs.clear();
  if (leftOut.length > 0) {
    await say(
      `Left out for want of the peer: ${leftOut.join(", ")}. Install it by: ${installPeer}`,
    );
  }
  return measurements;
}
