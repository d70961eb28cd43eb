/** Full fine-tuning on texts that hold the token of padding: its row of the word embedding stays as it is. */
import { assertEquals, assertNotEquals } from "@std/assert";
import { ReferenceExecutor } from "../../src/exec/reference.ts";
import type { EncoderConfig } from "../../src/models/architectures.ts";
import type { Batch } from "../../src/tasks/types.ts";
import { withBatches } from "../../src/train/stages.ts";
import { goldenModel } from "../models/fixture.ts";
import { started, trainingRequest, trainTo } from "./fixture.ts";
import { sliceOf } from "../../src/train/slots.ts";

/** Two texts; the second token of the first and the last of the second are that of padding. */
const batch: Batch = {
  rows: [0, 1],
  size: 2,
  length: 5,
  ids: Int32Array.of(2, 0, 7, 8, 3, 2, 9, 0, 0, 0),
  types: new Int32Array(10),
  mask: Float32Array.of(1, 1, 1, 1, 1, 1, 1, 1, 0, 0),
  targets: Float32Array.of(0, 1),
  tokens: 8,
};

/** Rows of the word embedding before and after two steps. */
async function trainedRows(paddingId: number | null) {
  const model = goldenModel();
  const encoder = { ...model, config: { ...model.config, paddingId } as EncoderConfig };
  const request = trainingRequest(new ReferenceExecutor(), {
    method: "full",
    encoder,
    train: { steps: 2, weightDecay: 0 },
  });
  using trainer = await started(
    {
      ...withBatches(request, { batchesPerEpoch: 1, next: (cursor) => ({ batch, cursor }) }),
      splits: [],
    },
  );
  await trainTo(trainer);
  const { vectors } = await trainer.checkpoint();
  const name = "embeddings.word_embeddings.weight";
  const { offset } = sliceOf(trainer.assembly.layout, name);
  const { hidden } = model.config;
  const rowAt = (numbers: ArrayLike<number>, start: number) =>
    Array.from({ length: hidden }, (_, i) => numbers[start + i]);
  return (row: number) => ({
    before: rowAt(model.tensors.get(name)!.data as Float32Array, row * hidden),
    after: rowAt(vectors.theta!, offset + row * hidden),
  });
}

Deno.test("full fine-tuning leaves the row of padding as it is, and trains the other words of a text", async () => {
  const rows = await trainedRows(0);
  assertEquals(rows(0).after, rows(0).before);
  for (const word of [2, 7, 8, 9, 3]) assertNotEquals(rows(word).after, rows(word).before);
});

Deno.test("full fine-tuning trains every row where the config has no pad_token_id", async () => {
  const rows = await trainedRows(null);
  assertNotEquals(rows(0).after, rows(0).before);
});
