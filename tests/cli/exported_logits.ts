/** The logits of the golden batch: by ranklab's own evaluation program, and by an exported ONNX model. */
import { assertAlmostEquals, assertEquals } from "@std/assert";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { keptWeightsFile } from "../../src/runs/after/layer_ablation.ts";
import { nativeExecutor } from "../../src/exec/native.ts";
import { findMethod } from "../../src/methods/table.ts";
import { targetModules } from "../../src/models/config.ts";
import { readSafetensors } from "../../src/models/safetensors.ts";
import type { RunRecord } from "../../src/record/types.ts";
import { defaultSettings } from "../../src/study/schema/settings.ts";
import type { Batch, TaskOutput } from "../../src/tasks/types.ts";
import { assemble } from "../../src/train/assemble.ts";
import type { AssemblyRequest, EncoderWeights } from "../../src/train/assembly_request.ts";
import { placeOutputs } from "../../src/train/evaluate.ts";
import { batchDims, inputFeeds } from "../../src/train/feeds.ts";
import { importTensors } from "../../src/train/stored_tensors.ts";
import { expected, goldenModel } from "../models/fixture.ts";

const batch: Batch = {
  rows: Array.from({ length: expected.size }, (_, i) => i),
  size: expected.size,
  length: expected.length,
  ids: Int32Array.from(expected.ids),
  types: Int32Array.from(expected.types),
  mask: Float32Array.from(expected.mask),
  targets: new Float32Array(expected.size),
  tokens: expected.mask.reduce((sum, value) => sum + value, 0),
};

/** What logits are computed of, and by which encoder. */
export interface LogitsOf {
  readonly model: EncoderWeights;
  readonly output: TaskOutput;
  readonly batches: readonly Batch[];
}

const goldenBatch: LogitsOf = {
  model: goldenModel(),
  output: { type: "classification", labels: ["calm", "lively"] },
  batches: [batch],
};

/**
 * The logits of a run's stored weights by its own evaluation program, adapters in the graph, row by row.
 *
 * @param more What the assembly needs besides the run's ranks.
 * @param of Default: the golden batch, by the golden encoder with two classes.
 */
export async function ownLogits(
  folder: string,
  record: RunRecord,
  more: Partial<AssemblyRequest> = {},
  { model, output, batches }: LogitsOf = goldenBatch,
): Promise<Float32Array> {
  const path = `${folder}/${keptWeightsFile(record)}`;
  const { tensors } = readSafetensors(await Deno.readFile(path), path);
  const method = findMethod(record.asked.method);
  const parts = method.moduleParts(record.asked.options);
  const assembly = assemble({
    encoder: model,
    output,
    method: method.bind(record.asked.options),
    ranks: record.happened.initialRanks === null
      ? []
      : targetModules(model.config, parts ?? undefined).map((module) => ({
        module,
        // A booster's layer may have none at the start.
        rank: record.happened.initialRanks![module.name]! || 2,
      })),
    train: defaultSettings.train,
    ...more,
  });
  const data = importTensors(assembly, tensors).theta;
  const theta = { type: "f32", shape: [data.length], data } as const;
  const executor = await nativeExecutor(1);
  const evaluate = await executor.load(assembly.evaluationProgram);
  const placed: Float32Array[] = [];
  for (const batch of batches) {
    const { read } = await evaluate.run({
      feeds: { theta, ...inputFeeds(assembly, batch) },
      dims: batchDims(batch),
      read: ["logits"],
    });
    placeOutputs(placed, batch, read["logits"]!);
  }
  await evaluate.release();
  return Float32Array.from(placed.flatMap((row) => [...row]));
}

/** The logits of an exported ONNX model, by the native runtime alone. */
export async function onnxLogits(path: string): Promise<Float32Array> {
  const session = await InferenceSession.create(path, { intraOpNumThreads: 1 });
  const feed = (values: ArrayLike<number>) =>
    new Tensor("int64", BigInt64Array.from(Array.from(values), BigInt), [batch.size, batch.length]);
  const { logits } = await session.run({
    input_ids: feed(batch.ids),
    attention_mask: feed(batch.mask),
    token_type_ids: feed(batch.types),
  });
  await session.release();
  return logits!.data as Float32Array;
}

/** Fails where logits differ by more than 10⁻⁵. */
export function assertClose(found: ArrayLike<number>, wanted: ArrayLike<number>): void {
  assertEquals(found.length, wanted.length);
  for (let i = 0; i < wanted.length; i++) assertAlmostEquals(found[i]!, wanted[i]!, 1e-5);
}
