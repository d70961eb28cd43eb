import { assert, assertAlmostEquals, assertEquals, assertNotEquals } from "@std/assert";
import { RandomStream } from "../../../src/base/random.ts";
import { nativeExecutor } from "../../../src/exec/native.ts";
import { makeMaskedBatch, pretrainingOrder } from "../../../tools/pretrain/masked_batches.ts";
import {
  divideSequences,
  embeddedEncoderConfig,
  type Pretraining,
  pretrainingRate,
  pretrainingSettings,
  startPretraining,
} from "../../../tools/pretrain/run.ts";
import type { PretrainingSequence } from "../../../tools/pretrain/sequence_file.ts";

const special = { pad: 0, mask: 4, firstOrdinary: 5 };
const vocabulary = 50;

/** Sequences of few words, every word twice in a row. */
function makeSequences(count: number): readonly PretrainingSequence[] {
  const stream = RandomStream.fromSeed(3);
  return Array.from({ length: count }, () => {
    const words = Array.from(
      { length: 3 + stream.int(5) },
      () => 5 + stream.int(1 + stream.int(8)),
    );
    const ids = Uint16Array.from([2, ...words.flatMap((id) => [id, id]), 3]);
    return { ids, boundary: ids.length };
  });
}

const config = {
  ...embeddedEncoderConfig(vocabulary),
  layers: 1,
  hidden: 16,
  heads: 2,
  intermediate: 32,
  maxPositions: 32,
};
const settings = {
  ...pretrainingSettings,
  steps: 40,
  batchSize: 16,
  heldOut: 32,
  learningRate: 0.01,
  warmup: 2,
  decay: 38,
};
const run = { config, settings, sequences: makeSequences(400), special };
const executor = await nativeExecutor(1);

async function advance(pretraining: Pretraining, steps: number): Promise<number[]> {
  const losses: number[] = [];
  for (let i = 0; i < steps; i++) losses.push((await pretraining.next()).loss);
  return losses;
}

Deno.test("pretrainingRate() rises, stays and falls, and ends alone depend on the number of steps", () => {
  const rates = (steps: number) =>
    Array.from(
      { length: steps },
      (_, step) => pretrainingRate(step, { steps, learningRate: 1, warmup: 4, decay: 2 }),
    );
  assertEquals(rates(8), [0.25, 0.5, 0.75, 1, 1, 1, 1, 0.5]);
  assertEquals(rates(10).slice(0, 7), rates(8).slice(0, 7));
  assertEquals(rates(3), [0.25, 0.5, 0.5]);
});

Deno.test("pretraining that goes on from a checkpoint ends bit-equal", async () => {
  const whole = await startPretraining(executor, run, null);
  const losses = await advance(whole, 9);
  const first = await startPretraining(executor, run, null);
  await advance(first, 5);
  const rest = await startPretraining(executor, run, {
    step: first.step,
    vectors: await first.vectors(),
  });
  assertEquals(await advance(rest, 4), losses.slice(5));
  assertEquals((await rest.vectors()).theta, (await whole.vectors()).theta);
});

Deno.test("pretraining lowers the loss on sequences that it has not seen", async () => {
  const pretraining = await startPretraining(executor, run, null);
  const before = await pretraining.heldOutLoss();
  assertAlmostEquals(before, Math.log(vocabulary), 0.2);
  await advance(pretraining, settings.steps);
  const after = await pretraining.heldOutLoss();
  assert(after < before - 0.1, `held-out loss went from ${before} to ${after}`);
});

Deno.test("divideSequences holds out the asked number and loses none", () => {
  const { training, heldOut } = divideSequences(run);
  assertEquals([training.length, heldOut.length], [368, 32]);
  assertEquals(new Set([...training, ...heldOut]).size, 400);
});

Deno.test("pretrainingOrder gives each sequence at most once an epoch, with similar lengths together", () => {
  const order = pretrainingOrder(run.sequences, 16, RandomStream.fromSeed(1));
  const all = order.flat();
  assertEquals(new Set(all).size, all.length);
  assertEquals(all.length, 400);
  const spread = (rows: readonly number[]) => {
    const lengths = rows.map((row) => run.sequences[row]!.ids.length);
    return Math.max(...lengths) - Math.min(...lengths);
  };
  assert(order.reduce((sum, rows) => sum + spread(rows), 0) / order.length < 3);
  assertNotEquals(order, pretrainingOrder(run.sequences, 16, RandomStream.fromSeed(2)));
});

Deno.test("makeMaskedBatch hides 15 % of the tokens: 80 % as [MASK], 10 % at random, 10 % as they are", () => {
  const counts = { tokens: 0, chosen: 0, masked: 0, kept: 0 };
  for (let i = 0; i < 200; i++) {
    const rows = Array.from({ length: 16 }, (_, k) => (16 * i + k) % 400);
    const batch = makeMaskedBatch(
      run.sequences,
      rows,
      special,
      vocabulary,
      RandomStream.fromSeed(i),
    );
    counts.tokens += rows.reduce((sum, row) => sum + run.sequences[row]!.ids.length - 2, 0);
    counts.chosen += batch.chosen.length;
    batch.chosen.forEach((at, k) => {
      const row = Math.floor(at / batch.length);
      assertEquals(batch.labels[k], run.sequences[rows[row]!]!.ids[at % batch.length]);
      assert(batch.labels[k]! >= special.firstOrdinary, "a special token was hidden");
      if (batch.ids[at] === special.mask) counts.masked++;
      if (batch.ids[at] === batch.labels[k]) counts.kept++;
    });
  }
  assertAlmostEquals(counts.chosen / counts.tokens, 0.15, 0.005);
  assertAlmostEquals(counts.masked / counts.chosen, 0.8, 0.02);
  // A random token is the true one once in 45 times.
  assertAlmostEquals(counts.kept / counts.chosen, 0.1 + 0.1 / 45, 0.02);
});
