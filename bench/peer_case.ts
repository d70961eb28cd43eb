/**
 * Making the peer do what our side does: the same encoder, method, settings, batch.
 *
 * @module
 */
import type { Batch } from "../src/tasks/types.ts";
import { outputCount } from "../src/train/assembly_request.ts";
import type { TrainingRequest } from "../src/train/run_types.ts";
import type { Trainer } from "../src/train/trainer.ts";
import {
  alpha,
  rank,
  regulariserWeight,
  rowsOf,
  schedule,
  seed,
  threads,
  totalSteps,
} from "./minilm.ts";
import type { Peer, PeerCase } from "./peer.ts";

/** What the peer is to load. */
export interface PeerLoad {
  /** The encoder's folder. */
  readonly folder: string;
  readonly method: PeerCase["method"];
  /** Our side's request, whose settings the peer takes. */
  readonly request: TrainingRequest;
  /** An adapter file of ranklab to start from. Default: fresh values. */
  readonly trained?: string;
  /** Default `cpu`. */
  readonly device?: PeerCase["device"];
}

/**
 * Loads on the peer what a request of our side asks for.
 *
 * @returns Numbers that the peer trains.
 *
 * @throws {RangeError} If the request has settings that the peer does not follow.
 */
export async function loadPeer(
  peer: Peer,
  { folder, method, request, trained, device = "cpu" }: PeerLoad,
): Promise<number> {
  const { dropout, learningRate, clipNorm, weightDecay } = request.settings.train;
  const isEven = dropout.hidden === dropout.attention && dropout.hidden === dropout.head;
  if (!isEven || clipNorm === null || weightDecay !== 0) {
    throw new RangeError(
      `Cannot load the peer: found dropout ${
        JSON.stringify(dropout)
      }, clipNorm ${clipNorm}, weightDecay ` +
        `${weightDecay}, want one dropout rate for hidden, attention and head, a norm and no decay`,
    );
  }
  const { trained: count } = await peer.ask("load", {
    folder,
    method,
    rank,
    initialRank: request.assembly.ranks[0]?.rank ?? rank,
    alpha,
    dropout: dropout.hidden,
    adapterDropout: dropout.adapter,
    labels: outputCount(request.task.output),
    learningRate,
    clipNorm,
    regulariserWeight,
    schedule: { ...schedule, totalSteps },
    threads,
    device,
    seed,
    trained: trained ?? null,
  });
  return count;
}

/**
 * Checks that both sides train the same number of parameters.
 *
 * @param count What {@linkcode loadPeer} returned.
 *
 * @throws {RangeError} If they do not.
 */
export function checkSameSize(count: number, trainer: Trainer): void {
  const { size } = trainer.assembly.layout;
  if (size === count) return;
  throw new RangeError(
    `Cannot compare the sides: ranklab trains ${size} numbers, the peer ${count}`,
  );
}

/** Gives the peer the batch that it takes from then on. */
export async function feedBatch(peer: Peer, batch: Batch): Promise<void> {
  await peer.ask("batch", { ids: rowsOf(batch, "ids"), labels: [...batch.targets] });
}
