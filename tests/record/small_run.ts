/** A run of a few steps that takes no time: journals, checkpoints, weights, and a record, through any disk. */
import type { Disk } from "../../src/record/disk.ts";
import { newToken } from "../../src/record/durable.ts";
import { RunFolder } from "../../src/record/run_folder.ts";
import { parseRunRecord } from "../../src/record/schema.ts";
import type { RunRecord } from "../../src/record/types.ts";
import type { Checkpoint } from "../../src/train/run_types.ts";

/** A checkpoint at a step. */
export function checkpointAt(step: number): Checkpoint {
  return {
    step,
    cursor: { epoch: 0, batch: step },
    vectors: { theta: Float32Array.of(step, 2) },
    order: {},
    openingRanks: {},
    lastScores: null,
    capacities: {},
    policyState: null,
    cache: null,
    history: [],
    off: [],
    isMaskPermanent: false,
    isRatePinned: false,
    rankEvents: 0,
    ranksMoved: 0,
    peakParameters: 0,
    trainedSum: 0,
    countedSteps: 0,
    best: null,
    last: null,
  };
}

export const timings = {
  trainMillis: 0,
  evaluateMillis: 0,
  wallMillis: 0,
  startedAt: "2001-02-03T04:05:06.000Z",
};

/** The record of a run that has no numbers. */
export function recordOf(
  id: string,
  outcome: RunRecord["happened"]["outcome"] = { state: "finished" },
): RunRecord {
  return parseRunRecord({
    schema: 1,
    id,
    asked: {
      study: "small",
      task: "none",
      method: "none",
      label: "none",
      methodVersion: 1,
      options: {},
      budget: null,
      seed: 1,
      run: {},
    },
    happened: {
      outcome,
      steps: 8,
      epochs: 1,
      primaryMetric: "accuracy",
      keep: "last",
      best: null,
      last: null,
      others: [],
      finalTrainLoss: null,
      parameters: { total: 0, trainable: 0, head: 0 },
      budget: null,
      initialRanks: null,
      finalRanks: null,
      rankEvents: 0,
      ranksMoved: 0,
      time: {
        startedAt: timings.startedAt,
        wallMillis: 0,
        trainMillis: 0,
        evaluateMillis: 0,
        medianStepMillis: 0,
        tokensPerSecond: 0,
      },
    },
    where: {
      ranklab: "0",
      gitCommit: null,
      deno: "0",
      packages: {},
      device: { executor: "reference", name: "none", threads: 1 },
      platform: "none",
      hashes: { data: {}, weights: "", tokenizer: "", lock: null },
    },
  }, "small");
}

/** Steps of the run, and steps from one checkpoint to the next. */
const steps = 8, pause = 3;

/** A line of its journal of steps. */
export function stepLine(step: number) {
  return {
    step,
    epoch: 0,
    loss: 1 / step,
    regulariser: 0,
    gradientNorm: 1,
    learningRate: 0.1,
    stepMillis: 1,
    tokens: 4,
  };
}

/** Where the run is made. */
export interface SmallRun {
  readonly disk: Disk;
  readonly results: string;
  readonly id?: string;
  /** Default: a new one. */
  readonly attempt?: string;
  /** Steps after which it stops without a record. Default: never. */
  readonly stopAt?: number;
}

/** How it went. */
export interface SmallResult {
  /** Steps that were made now. */
  readonly made: number;
  readonly anew: string | null;
  readonly finished: Awaited<ReturnType<RunFolder["finish"]>> | null;
}

/** Makes the run, or goes on with it, as `execute` does. */
export async function makeSmallRun(asked: SmallRun): Promise<SmallResult> {
  const { disk, results, id = "0123456789abcdef", attempt = newToken(), stopAt = Infinity } = asked;
  const place = { results, folder: "run-seed1-01234567", id, attempt, disk };
  const { folder, stored, anew, complete } = await RunFolder.open(place);
  if (complete !== null) return { made: 0, anew, finished: await folder.putInPlace(complete) };
  const start = stored?.checkpoint.step ?? 0;
  for (let step = start + 1; step <= steps; step++) {
    folder.append("steps", stepLine(step));
    if (step % 2 === 0) folder.append("importance", { step, scores: {} });
    if (step % pause === 0) {
      await folder.saveCheckpoint({ checkpoint: checkpointAt(step), timings });
    }
    if (step === stopAt) return { made: step - start, anew, finished: null };
  }
  await folder.write("adapter.safetensors", Uint8Array.of(1, 2, 3));
  await folder.write("predictions.jsonl", '{"split":"dev","id":0,"target":1,"prediction":1}\n');
  return { made: steps - start, anew, finished: await folder.finish(recordOf(id)) };
}

/** Where its folder is when it is done. */
export const smallFolder = "run-seed1-01234567";
