/** Logits of a run's development texts, with adapters in the graph or of plain weights. */
import type { Executor } from "../../src/exec/executor.ts";
import type { StoredTensor } from "../../src/models/safetensors.ts";
import type { EncoderWeights } from "../../src/train/assemble.ts";
import { batchDims, inputFeeds } from "../../src/train/feeds.ts";
import { flatten } from "../../src/train/layout.ts";
import { Trainer } from "../../src/train/trainer.ts";
import { type TinyRun, trainingRequest } from "../train/fixture.ts";

/**
 * Logits of all development texts, batch after batch.
 *
 * @param theta Parameters; default the trainer's own.
 */
export async function logitsOf(
  executor: Executor,
  trainer: Trainer,
  run: TinyRun,
  theta?: Float32Array,
): Promise<readonly number[]> {
  const data = theta ?? (await trainer.checkpoint()).vectors.theta!;
  const { assembly, evaluate } = trainer.programs;
  const logits: number[] = [];
  for (const batch of trainingRequest(executor, run).splits[0]!.batches) {
    const { read } = await evaluate.run({
      feeds: {
        theta: { type: "f32", shape: [data.length], data },
        ...trainer.fedWeights,
        ...inputFeeds(assembly, batch),
      },
      dims: batchDims(batch),
      read: ["logits"],
    });
    logits.push(...Array.from(read["logits"]!.data, Number));
  }
  return logits;
}

/** Logits of an encoder as it is, under a head that was trained elsewhere. */
export async function logitsOfWeights(
  executor: Executor,
  encoder: EncoderWeights,
  head: ReadonlyMap<string, StoredTensor>,
): Promise<readonly number[]> {
  const run: TinyRun = { method: "head", encoder };
  const trainer = await Trainer.create(trainingRequest(executor, run), null);
  const theta = flatten(trainer.assembly.layout, ({ name }) => head.get(name)!.data);
  const logits = await logitsOf(executor, trainer, run, theta);
  trainer.dispose();
  return logits;
}
