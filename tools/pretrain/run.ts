/**
 * The pretraining run: settings, the loop, and the points at which it can be continued.
 *
 * @module
 */
import { RandomStream } from "../../src/base/random.ts";
import type { Executor } from "../../src/exec/executor.ts";
import type { BertConfig } from "../../src/models/bert.ts";
import { learningRateAt } from "../../src/study/total_steps.ts";
import { makeMaskedBatch, pretrainingOrder, type SpecialIds } from "./masked_batches.ts";
import { initialVectors, MaskedModelTrainer, type PretrainingVectors } from "./masked_model.ts";
import type { PretrainingSequence } from "./sequence_file.ts";

/** How the encoder is pretrained. */
export interface PretrainingSettings {
  readonly seed: number;
  readonly steps: number;
  /** Sequences a step. */
  readonly batchSize: number;
  readonly learningRate: number;
  /** Share of the steps with rising rate. */
  readonly warmup: number;
  readonly weightDecay: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly clipNorm: number;
  /** Sequences kept out of training, on which the loss is measured at the end. */
  readonly heldOut: number;
}

/** The settings of the committed encoder. */
export const pretrainingSettings: PretrainingSettings = {
  seed: 1,
  steps: 7500,
  batchSize: 64,
  learningRate: 1e-3,
  warmup: 0.06,
  weightDecay: 0.01,
  beta1: 0.9,
  beta2: 0.98,
  epsilon: 1e-6,
  clipNorm: 1,
  heldOut: 1024,
};

/** The shape of the embedded encoder for a vocabulary. */
export function embeddedEncoderConfig(vocabulary: number): BertConfig {
  return {
    architecture: "bert",
    layers: 4,
    hidden: 128,
    heads: 4,
    intermediate: 512,
    vocabulary,
    maxPositions: 128,
    paddingPosition: null,
    paddingId: 0,
    tokenizerClass: "BertTokenizer",
    tokenTypes: 2,
    activation: "gelu",
    layerNormEpsilon: 1e-12,
    pooling: "mean",
    pooler: false,
    initializerRange: 0.02,
  };
}

/** Where a run stands. */
export interface PretrainingProgress {
  readonly step: number;
  readonly loss: number;
  readonly gradientNorm: number;
  readonly learningRate: number;
  readonly tokens: number;
  readonly stepMillis: number;
}

/** What a run is made of. */
export interface PretrainingRun {
  readonly config: BertConfig;
  readonly settings: PretrainingSettings;
  readonly sequences: readonly PretrainingSequence[];
  readonly special: SpecialIds;
}

/** Sequences for training and those held out, chosen by the seed. */
export function divideSequences(
  { sequences, settings }: Pick<PretrainingRun, "sequences" | "settings">,
): {
  readonly training: readonly PretrainingSequence[];
  readonly heldOut: readonly PretrainingSequence[];
} {
  const order = RandomStream.fromSeed(settings.seed).fork("held-out").permutation(sequences.length);
  const pick = (numbers: readonly number[]) => numbers.map((i) => sequences[i]!);
  return {
    training: pick(order.slice(settings.heldOut)),
    heldOut: pick(order.slice(0, settings.heldOut)),
  };
}

/** A run that is under way. */
export interface Pretraining {
  /** Steps done. */
  readonly step: number;
  next(): Promise<PretrainingProgress>;
  vectors(): Promise<PretrainingVectors>;
  /** Mean loss over the held-out sequences, hidden by a stream of their own. */
  heldOutLoss(): Promise<number>;
}

/**
 * Starts a run, or continues it after `from.step` steps with the vectors that it had then.
 *
 * Batches and hidden tokens follow from the seed and the step's number, so a continued run sees what an
 * uninterrupted one would.
 */
export async function startPretraining(
  executor: Executor,
  run: PretrainingRun,
  from: { readonly step: number; readonly vectors: PretrainingVectors } | null,
): Promise<Pretraining> {
  const { config, settings, special } = run;
  const root = RandomStream.fromSeed(settings.seed);
  const { training, heldOut } = divideSequences(run);
  const vectors = from?.vectors ?? initialVectors(config, root.fork("init"));
  const trainer = await MaskedModelTrainer.create(executor, config, settings, vectors);
  const batchesPerEpoch = pretrainingOrder(training, settings.batchSize, root).length;
  let done = from?.step ?? 0;
  let epoch = -1;
  let order: readonly (readonly number[])[] = [];

  const next = async (): Promise<PretrainingProgress> => {
    const ownEpoch = Math.floor(done / batchesPerEpoch);
    if (ownEpoch !== epoch) {
      epoch = ownEpoch;
      order = pretrainingOrder(training, settings.batchSize, root.fork("order").fork(epoch));
    }
    const rows = order[done % batchesPerEpoch]!;
    const hiding = root.fork("hidden").fork(done);
    const batch = makeMaskedBatch(training, rows, special, config.vocabulary, hiding);
    const learningRate = learningRateAt(done, settings.steps, { ...settings, schedule: "linear" });
    const started = performance.now();
    const { loss, gradientNorm } = await trainer.step(batch, learningRate);
    if (!Number.isFinite(loss)) {
      throw new RangeError(
        `Pretraining diverged at step ${
          done + 1
        }: found loss ${loss}, want a finite one (lower learningRate)`,
      );
    }
    done += 1;
    const stepMillis = performance.now() - started;
    return { step: done, loss, gradientNorm, learningRate, tokens: batch.tokens, stepMillis };
  };

  const heldOutLoss = async () => {
    let sum = 0;
    let count = 0;
    const stream = root.fork("held-out-hidden");
    const sorted = heldOut.map((_, i) => i).sort((a, b) =>
      heldOut[a]!.ids.length - heldOut[b]!.ids.length
    );
    for (let at = 0; at < sorted.length; at += settings.batchSize) {
      const rows = sorted.slice(at, at + settings.batchSize);
      const batch = makeMaskedBatch(heldOut, rows, special, config.vocabulary, stream.fork(at));
      sum += await trainer.loss(batch) * batch.chosen.length;
      count += batch.chosen.length;
    }
    return sum / count;
  };

  return {
    get step() {
      return done;
    },
    next,
    vectors: () => trainer.vectors(),
    heldOutLoss,
  };
}
