/**
 * The pretraining run: settings, the loop, and the points at which it can be continued.
 *
 * @module
 */
import { RandomStream } from "../../src/base/random.ts";
import type { Executor } from "../../src/exec/executor.ts";
import type { BertConfig } from "../../src/models/bert.ts";
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
  /** Steps at the beginning with rising rate. */
  readonly warmup: number;
  /** Steps at the end with falling rate; the rate is constant between. */
  readonly decay: number;
  readonly weightDecay: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly clipNorm: number;
  /** Standard deviation of fresh weights: BERT's 0.02 at a width of 768, times the root of 768 over the width. */
  readonly initializerRange: number;
  /** Sequences kept out of training, on which the loss is measured at the end. */
  readonly heldOut: number;
}

/** The settings of the committed encoder. */
export const pretrainingSettings: PretrainingSettings = {
  seed: 1,
  steps: 11200,
  batchSize: 16,
  learningRate: 1e-3,
  warmup: 400,
  decay: 2400,
  weightDecay: 0.01,
  beta1: 0.9,
  beta2: 0.98,
  epsilon: 1e-6,
  clipNorm: 1,
  initializerRange: 0.05,
  heldOut: 1024,
};

/**
 * The learning rate of a step, counted from 0: it rises over `warmup` steps, stays, and falls to 0 over the last `decay`
 * steps. Since only the end depends on the number of steps, a checkpoint from before serves runs of any length.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { pretrainingRate } from "./run.ts";
 * const settings = { steps: 10, learningRate: 1, warmup: 2, decay: 4 };
 * assertEquals([0, 1, 2, 6, 7, 9].map((step) => pretrainingRate(step, settings)), [0.5, 1, 1, 1, 0.75, 0.25]);
 * ```
 */
export function pretrainingRate(
  step: number,
  { steps, learningRate, warmup, decay }: Pick<
    PretrainingSettings,
    "steps" | "learningRate" | "warmup" | "decay"
  >,
): number {
  return learningRate * Math.min(1, (step + 1) / warmup, (steps - step) / decay);
}

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
  const { initializerRange } = settings;
  const vectors = from?.vectors ??
    initialVectors({ ...config, initializerRange }, root.fork("init"));
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
    const learningRate = pretrainingRate(done, settings);
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
