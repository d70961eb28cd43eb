/**
 * A whole epoch of a GLUE task against PyTorch's: each side with its own usual batches of the same tokenised texts.
 *
 * @module
 */
import type { TrainingRequest } from "../src/train/run_types.ts";
import { withBatches } from "../src/train/stages.ts";
import { Trainer } from "../src/train/trainer.ts";
import type { BatchStream } from "../src/tasks/batches.ts";
import type { Batch } from "../src/tasks/types.ts";
import { type Engine, requestOf, rowsOf } from "./minilm.ts";
import { pause, ratioMeasurement, takeTurns } from "./pairs.ts";
import type { Peer, PeerExample } from "./peer.ts";
import { checkSameSize, loadPeer } from "./peer_case.ts";
import type { Measurement } from "./setup.ts";

/** Steps of another epoch before anything counts. */
const burnIn = 4;

/** The batches of an epoch. */
function batchesOf(batches: BatchStream, epoch: number): readonly Batch[] {
  return Array.from(
    { length: batches.batchesPerEpoch },
    (_, batch) => batches.next({ epoch, batch }).batch,
  );
}

/** The tokenised training examples, in the order of their file. */
function examplesOf(batches: BatchStream): readonly PeerExample[] {
  const examples: PeerExample[] = [];
  for (const batch of batchesOf(batches, 0)) {
    const [ids, types] = [rowsOf(batch, "ids"), rowsOf(batch, "types")];
    batch.rows.forEach((row, i) => {
      examples[row] = { ids: ids[i]!, types: types[i]!, label: batch.targets[i]! };
    });
  }
  return examples;
}

/** The request over the batches of the next epoch: other batches of the same lengths, and the same programs. */
function nextEpoch(request: TrainingRequest): TrainingRequest {
  const { batches } = request.stages[0]!;
  return withBatches(request, {
    batchesPerEpoch: batches.batchesPerEpoch,
    next: ({ epoch, batch }) => {
      const next = batches.next({ epoch: epoch + 1, batch });
      return { ...next, cursor: { ...next.cursor, epoch: next.cursor.epoch - 1 } };
    },
  });
}

/** What an epoch's bench needs. */
export interface EpochOptions {
  readonly engine: Engine;
  readonly folder: string;
  readonly peer: Peer;
  /** The GLUE folder. */
  readonly data: string;
  readonly task: string;
  /** Turns of each side, into which its epoch is cut. */
  readonly pairs: number;
}

/**
 * An epoch of LoRA over the peer's epoch.
 *
 * Both epochs are cut into as many pieces as there are turns, so that noise falls on both; the ratio is that of the sums. Texts
 * are tokenised before; making batches counts on both sides.
 */
export async function epochBench(
  { engine, folder, peer, data, task, pairs }: EpochOptions,
): Promise<Measurement> {
  const request = await requestOf({ engine, folder, method: "lora", glue: { data, task } });
  const warm = await Trainer.create(nextEpoch(request), null);
  for (let i = 0; i < burnIn; i++) await warm.next();
  warm.dispose();
  const trainer = await Trainer.create(request, null);
  checkSameSize(await loadPeer(peer, { folder, method: "lora", request }), trainer);
  const epoch = {
    examples: examplesOf(request.stages[0]!.batches),
    batchSize: request.settings.train.batchSize,
  };
  await pause();
  await peer.ask("epoch", epoch);
  await peer.ask("advance", { steps: burnIn });
  const { batches } = await peer.ask("epoch", epoch);
  if (batches !== request.stages[0]!.batches.batchesPerEpoch) {
    throw new RangeError(
      `Cannot compare epochs of ${task}: the peer has ${batches} batches, ranklab ${
        request.stages[0]!.batches.batchesPerEpoch
      }`,
    );
  }
  const pieces = Array.from(
    { length: pairs },
    (_, i) => Math.floor((i + 1) * batches / pairs) - Math.floor(i * batches / pairs),
  );
  const left = { ours: [...pieces], other: [...pieces] };
  const times = await takeTurns({
    ours: async () => {
      const started = performance.now();
      for (let i = left.ours.shift()!; i > 0; i--) await trainer.next();
      return performance.now() - started;
    },
    other: async () => (await peer.ask("advance", { steps: left.other.shift()! })).millis,
  }, pairs);
  trainer.dispose();
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  return ratioMeasurement(
    `epoch of ${task} over PyTorch's, LoRA, ${batches} batches of 32, at most 128 tokens`,
    0.5,
    { ours: sum(times.ours), other: sum(times.other) },
    (millis) => `${(millis / 1000).toFixed(1)} s`,
  );
}
