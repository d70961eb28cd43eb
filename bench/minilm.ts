/**
 * Our side of the comparison with the peer: trainers of MiniLM's size on batches of a fixed shape.
 *
 * @module
 */
import { RandomStream } from "../src/base/random.ts";
import { trainingRequest } from "../src/runs/training_request.ts";
import { expand, planRuns } from "../src/runs/plan/planning.ts";
import type { Executor } from "../src/exec/executor.ts";
import { nativeExecutor } from "../src/exec/native.ts";
import { methods } from "../src/methods/table.ts";
import { bert, type BertConfig, configJson } from "../src/models/bert.ts";
import { drawParameters } from "../src/models/parameters.ts";
import { type StoredTensor, writeSafetensors } from "../src/models/safetensors.ts";
import type { PartialTrainSettings } from "../src/study/schema/settings.ts";
import type { MethodOptions } from "../src/study/schema/study.ts";
import type { BatchStream } from "../src/tasks/batches.ts";
import type { Batch } from "../src/tasks/types.ts";
import { ProgramCache } from "../src/train/programs.ts";
import type { TrainingRequest } from "../src/train/run_types.ts";
import { withBatches } from "../src/train/stages.ts";
import { benchResults } from "./setup.ts";

/** Threads of either side. */
export const threads = 2;

/** Rank of the adapters, the average at the end where ranks change. */
export const rank = 8;

/** Seed of the runs, and of weights and batches that are drawn. */
export const seed = 1;

/** Numerator of the adapters' scale. */
export const alpha = 16;

/** Weight of the regulariser of the rank methods. */
export const regulariserWeight = 0.1;

/** The schedule of the rank methods: events every ten steps from the start of a long run on. */
export const schedule: MethodOptions = { initWarmup: 2, finalWarmup: 100, maskInterval: 10 };

/** Steps that a run is told to have; far more than are taken, so that its end never comes. */
export const totalSteps = 1000;

/** Rows and tokens of a batch. */
export interface BatchShape {
  readonly batchSize: number;
  readonly length: number;
}

/** The size of the all-MiniLM-L6 encoders. */
const config: BertConfig = {
  architecture: "bert",
  layers: 6,
  hidden: 384,
  heads: 12,
  intermediate: 1536,
  vocabulary: 30522,
  maxPositions: 512,
  paddingPosition: null,
  paddingId: 0,
  tokenizerClass: "BertTokenizer",
  tokenTypes: 2,
  activation: "gelu",
  layerNormEpsilon: 1e-12,
  pooling: "first",
  pooler: true,
  initializerRange: 0.02,
};

/** The given folder, or one that is written with random weights and a vocabulary of made-up words. */
export async function modelFolder(given: string | null): Promise<string> {
  if (given !== null) return given;
  const folder = `${benchResults}/minilm-random`;
  await Deno.mkdir(folder, { recursive: true });
  const specs = [...bert.encoderParameters(config), ...bert.pretrainedHead(config)];
  const tensors = drawParameters(specs, RandomStream.fromSeed(seed).fork("weights"));
  const special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];
  const words = Array.from({ length: config.vocabulary }, (_, i) => special[i] ?? `word${i}`);
  await Deno.writeTextFile(`${folder}/config.json`, configJson(config));
  await Deno.writeTextFile(`${folder}/vocab.txt`, `${words.join("\n")}\n`);
  await Deno.writeFile(
    `${folder}/model.safetensors`,
    writeSafetensors(tensors as ReadonlyMap<string, StoredTensor>),
  );
  return folder;
}

/** The executor of our side with its programs. */
export interface Engine {
  readonly executor: Executor;
  readonly programs: ProgramCache;
}

/** Starts the native executor. */
export async function startEngine(): Promise<Engine> {
  const executor = await nativeExecutor(threads);
  return { executor, programs: new ProgramCache(executor, 2) };
}

const svdOptions: MethodOptions = { alpha, regulariserWeight, ...schedule };

/** Options of the methods that are measured. */
const methodOptions: Readonly<Record<string, MethodOptions>> = {
  lora: { alpha },
  adalora: svdOptions,
  elalora: svdOptions,
  head: {},
};

/** What a training request is made from. */
export interface RequestOptions {
  readonly engine: Engine;
  /** The encoder's folder. */
  readonly folder: string;
  /** `lora`, `adalora`, `elalora` or `head`. */
  readonly method: string;
  readonly train?: PartialTrainSettings;
  /** A task of the GLUE folder `data`. Default: an embedded task with two labels. */
  readonly glue?: { readonly data: string; readonly task: string };
}

/** A training request as a sweep makes it, with a constant learning rate and no evaluation. */
export async function requestOf(
  { engine, folder, method, train = {}, glue }: RequestOptions,
): Promise<TrainingRequest> {
  const study = {
    name: "bench-peer",
    base: {
      model: "folder",
      train: {
        steps: totalSteps,
        warmup: 0,
        schedule: "constant",
        evaluateEpochs: false,
        ...train,
      },
    },
    axes: {
      tasks: [glue?.task ?? "Acceptability"],
      methods: [{ method, options: methodOptions[method] ?? {} }],
      budgets: [rank],
      seeds: [seed],
    },
  } as const;
  const plan = await planRuns(study, expand(study, methods), {
    data: glue?.data ?? null,
    model: folder,
    study: "experiments",
  }, methods);
  return await trainingRequest(plan.runs[0]!, { ...engine, inputs: plan.inputs });
}

/** A batch without padding: random ids that are no special tokens, random labels of two. */
export function randomBatch({ batchSize: size, length }: BatchShape): Batch {
  const stream = RandomStream.fromSeed(seed).fork("batch");
  const firstWord = 1000;
  const ids = Int32Array.from(
    { length: size * length },
    () => firstWord + stream.int(config.vocabulary - firstWord),
  );
  return {
    rows: Array.from({ length: size }, (_, i) => i),
    size,
    length,
    ids,
    types: new Int32Array(size * length),
    mask: new Float32Array(size * length).fill(1),
    targets: Float32Array.from({ length: size }, () => stream.int(2)),
    tokens: size * length,
  };
}

/** The request with the same batch at every step. */
export function repeating(request: TrainingRequest, batch: Batch): TrainingRequest {
  const batches: BatchStream = { batchesPerEpoch: 1, next: (cursor) => ({ batch, cursor }) };
  return { ...withBatches(request, batches), splits: [] };
}

/** Rows of a batch as lists, without what is padded. */
export function rowsOf(batch: Batch, of: "ids" | "types"): readonly (readonly number[])[] {
  return batch.rows.map((_, i) => {
    const [start, end] = [i * batch.length, (i + 1) * batch.length];
    const tokens = batch.mask.subarray(start, end).reduce((sum, on) => sum + on, 0);
    return [...batch[of].subarray(start, start + tokens)];
  });
}
