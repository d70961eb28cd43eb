/**
 * Scores of ranks by removal: how the loss on held-out examples moves when a rank is alone, and when it is missing.
 *
 * ALoRA, arXiv 2403.16187: IS(i) = S(M) − S(M without i) + S(M with only i) with S the negative loss; S(M) is the same for all
 * ranks and left out. "With only i" keeps the encoder and head and, of all adapters, that one rank.
 *
 * What enters the layer of a rank depends on neither, so that both passes begin there: the first where the whole model's has
 * come to, the second where that of the encoder without any adapter has.
 *
 * @module
 */
import type { DeviceTensor, Executor } from "../exec/executor.ts";
import type { DimBindings, HostTensor } from "../graph/mod.ts";
import type { SlotScores } from "../methods/rank_actions.ts";
import type { ClassRange, Task } from "../tasks/types.ts";
import { type EvaluationSplit, exampleLoss } from "./evaluate.ts";
import { batchDims, inputFeeds } from "./feeds.ts";
import type { LoadedPrograms } from "./programs.ts";
import { enteringName } from "./resumed.ts";
import type { SlotOrder } from "./slots.ts";
import { slotRanges } from "./places.ts";

/** What scoring needs. */
export interface RemovalRequest {
  readonly executor: Executor;
  readonly programs: LoadedPrograms;
  readonly theta: Float32Array;
  readonly order: SlotOrder;
  readonly task: Task;
  readonly examples: EvaluationSplit;
  /** The classes that the loss is over, or null for all. */
  readonly classes: ClassRange | null;
}

type DeviceTensors = Readonly<Record<string, DeviceTensor>>;

/** A batch that stays on the device while all ranks are scored. */
interface HeldBatch {
  readonly feeds: DeviceTensors;
  readonly dims: DimBindings;
  readonly targets: readonly number[];
  /** What enters each layer with all adapters, and without any. */
  readonly states: Readonly<Record<"whole" | "bare", DeviceTensors>>;
}

/** Each slot's score, module by module in logical order: two forward passes a slot over the examples, from its layer on. */
export async function removalScores(request: RemovalRequest): Promise<SlotScores> {
  const { executor, programs: { assembly }, theta, order } = request;
  // One vector of each kind; a slot's own numbers are put in and taken out of it.
  const without = theta.slice();
  const alone = theta.slice().fill(0, 0, assembly.adapterSize);
  const held: HeldBatch[] = [];
  try {
    for await (const batch of heldBatches(request, { whole: theta, bare: alone })) held.push(batch);
    const scores: { module: string; scores: number[] }[] = [];
    for (const { module: { name, layer } } of assembly.modules) {
      const own: number[] = [];
      for (const ranges of slotRanges(assembly, name, order[name]!)) {
        for (const [start, end] of ranges.slot) without.fill(0, start, end);
        for (const [start, end] of ranges.all) alone.set(theta.subarray(start, end), start);
        own.push(
          await loss(request, held, { theta: without, layer, from: "whole" }) -
            await loss(request, held, { theta: alone, layer, from: "bare" }),
        );
        for (const [start, end] of ranges.slot) without.set(theta.subarray(start, end), start);
        for (const [start, end] of ranges.all) alone.fill(0, start, end);
      }
      scores.push({ module: name, scores: own });
    }
    return scores;
  } finally {
    for (const { feeds, states: { whole, bare } } of held) {
      for (const own of [feeds, whole, bare]) {
        for (const tensor of Object.values(own)) executor.dispose(tensor);
      }
    }
  }
}

async function* heldBatches(
  { executor, programs: { assembly, resumed }, examples }: RemovalRequest,
  parameters: Readonly<Record<"whole" | "bare", Float32Array>>,
): AsyncGenerator<HeldBatch> {
  const layers = [...new Set(assembly.modules.map(({ module }) => module.layer))];
  const session = await resumed.withStates(layers);
  for (const batch of examples.batches) {
    const dims = batchDims(batch);
    const names = assembly.evaluationProgram.inputs.keys();
    const feeds = Object.fromEntries(
      Object.entries(inputFeeds(assembly, batch, names))
        .map(([name, host]) => [name, executor.upload(host)]),
    );
    const statesOf = async (theta: Float32Array) => {
      const { kept } = await session.run({
        feeds: { theta: vector(theta), ...feeds },
        dims,
        keep: layers.map(enteringName),
      });
      return kept;
    };
    yield {
      feeds,
      dims,
      targets: batch.rows.map((row) => examples.targets[row]!),
      states: { whole: await statesOf(parameters.whole), bare: await statesOf(parameters.bare) },
    };
  }
}

function vector(data: Float32Array): HostTensor {
  return { type: "f32", shape: [data.length], data };
}

/** The mean loss on the examples under some parameters, which are those of `from` below a layer. */
async function loss(
  { programs: { assembly, resumed }, task, classes }: RemovalRequest,
  held: readonly HeldBatch[],
  { theta, layer, from }: {
    readonly theta: Float32Array;
    readonly layer: number;
    readonly from: "whole" | "bare";
  },
): Promise<number> {
  const session = await resumed.from(layer);
  let sum = 0;
  let count = 0;
  for (const { feeds, dims, targets, states } of held) {
    const { read } = await session.run({
      feeds: { theta: vector(theta), ...feeds, ...states[from] },
      dims,
      read: ["logits"],
    });
    const logits = read["logits"]!.data as Float32Array;
    targets.forEach((target, i) => {
      const own = logits.subarray(i * assembly.outputs, (i + 1) * assembly.outputs);
      sum += exampleLoss(task, own, target, classes);
    });
    count += targets.length;
  }
  return sum / count;
}
