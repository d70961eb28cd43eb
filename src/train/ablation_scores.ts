/**
 * Scores of ranks by ablation: how the loss on held-out examples moves when a rank is alone, and when it is missing.
 *
 * ALoRA, arXiv 2403.16187: IS(i) = S(M) − S(M without i) + S(M with only i) with S the negative loss; S(M) is the same for all
 * ranks and left out. "With only i" keeps the encoder and head and, of all adapters, that one rank.
 *
 * @module
 */
import type { DeviceTensor, Executor } from "../exec/executor.ts";
import type { DimBindings, HostTensor } from "../graph/mod.ts";
import type { SlotScores } from "../methods/rank_policy.ts";
import type { ClassRange, Task } from "../tasks/types.ts";
import type { Assembly } from "./assemble.ts";
import { type EvaluationSplit, exampleLoss } from "./evaluate.ts";
import { batchDims, inputFeeds } from "./feeds.ts";
import type { LoadedPrograms } from "./programs.ts";
import type { SlotOrder } from "./slots.ts";
import { slotRanges } from "./places.ts";

/** What scoring needs. */
export interface AblationRequest {
  readonly executor: Executor;
  readonly programs: LoadedPrograms;
  readonly theta: Float32Array;
  readonly order: SlotOrder;
  readonly task: Task;
  readonly examples: EvaluationSplit;
  /** The classes that the loss is over, or null for all. */
  readonly classes: ClassRange | null;
}

/** A batch that stays on the device while all ranks are scored. */
interface HeldBatch {
  readonly feeds: Readonly<Record<string, DeviceTensor>>;
  readonly dims: DimBindings;
  readonly targets: readonly number[];
}

/** Each slot's score, module by module in logical order: two forward passes a slot over the examples. */
export async function ablationScores(request: AblationRequest): Promise<SlotScores> {
  const { executor, programs: { assembly }, theta, order } = request;
  const held = heldBatches(request);
  try {
    // One vector of each kind; a slot's own numbers are put in and taken out of it.
    const without = theta.slice();
    const alone = theta.slice().fill(0, 0, assembly.adapterSize);
    const scores: { module: string; scores: number[] }[] = [];
    for (const { module: { name } } of assembly.modules) {
      const own: number[] = [];
      for (const ranges of slotRanges(assembly, name, order[name]!)) {
        for (const [start, end] of ranges.slot) without.fill(0, start, end);
        for (const [start, end] of ranges.all) alone.set(theta.subarray(start, end), start);
        own.push(await loss(request, held, without) - await loss(request, held, alone));
        for (const [start, end] of ranges.slot) without.set(theta.subarray(start, end), start);
        for (const [start, end] of ranges.all) alone.fill(0, start, end);
      }
      scores.push({ module: name, scores: own });
    }
    return scores;
  } finally {
    for (const { feeds } of held) {
      for (const tensor of Object.values(feeds)) executor.dispose(tensor);
    }
  }
}

function heldBatches(
  { executor, programs: { assembly }, examples }: AblationRequest,
): readonly HeldBatch[] {
  return examples.batches.map((batch) => ({
    feeds: Object.fromEntries(
      Object.entries(evaluationFeeds(assembly, batch))
        .map(([name, host]) => [name, executor.upload(host)]),
    ),
    dims: batchDims(batch),
    targets: batch.rows.map((row) => examples.targets[row]!),
  }));
}

function evaluationFeeds(
  assembly: Assembly,
  batch: EvaluationSplit["batches"][number],
): Readonly<Record<string, HostTensor>> {
  return inputFeeds(assembly, batch, "packed", assembly.evaluationProgram.inputs.keys());
}

/** The mean loss on the examples under some parameters. */
async function loss(
  { programs: { assembly, evaluate }, task, classes }: AblationRequest,
  held: readonly HeldBatch[],
  theta: Float32Array,
): Promise<number> {
  const host: HostTensor = { type: "f32", shape: [theta.length], data: theta };
  let sum = 0;
  let count = 0;
  for (const { feeds, dims, targets } of held) {
    const { read } = await evaluate.run({
      feeds: { theta: host, ...feeds },
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
